/* SPDX-License-Identifier: MIT */
/* Strict reading of JSON objects, with a sentence for people about what is wrong. */
#ifndef HOSPES_JSON_FIELDS_H
#define HOSPES_JSON_FIELDS_H

#include <jansson.h>
#include <stdbool.h>

#include "protocol/wire/limits.h"

/* Where the reader stands: `place` ("forwards[3]") begins each sentence. Functions return 0, or
 * STATUS_MALFORMED with the sentence in `problem`; then their outputs are untouched. */
struct json_reader {
    const char *place;
    const json_t *object;
    char *problem; /* TEXT_REASON_MAX + 1 bytes */
};

/* Says that `key` (NULL: the object itself) should have been `expected`. */
int json_reader_expected(const struct json_reader *reader, const char *key, const char *expected);

int json_read_integer(const struct json_reader *reader, const char *key, long long low, long long high,
                      long long *ret);
/* As above; an absent key leaves *ret at its default. */
int json_read_optional_integer(const struct json_reader *reader, const char *key, long long low,
                               long long high, long long *ret);
int json_read_optional_bool(const struct json_reader *reader, const char *key, bool *ret);
/* At most size - 1 bytes and no NUL inside; an absent key leaves `out`. */
int json_read_optional_text(const struct json_reader *reader, const char *key, char *out, size_t size);
/* An absent key gives NULL, which json_array_size() counts as empty. */
int json_read_optional_array(const struct json_reader *reader, const char *key, const json_t **ret);
/* The object has no other keys than these; the list ends with NULL. Also: it is an object. */
int json_read_only_keys(const struct json_reader *reader, const char *const *keys);

#endif
