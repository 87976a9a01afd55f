/* SPDX-License-Identifier: MIT */
/* Field by field: present, of the right type, in range. What the fields mean is the caller's. */
#include "services/config/json_fields.h"

#include "protocol/base/status.h"
#include "services/config/reason.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

int json_reader_expected(const struct json_reader *reader, const char *key, const char *expected)
{
    reason_format(reader->problem, "%s%s%s: expected %s", reader->place, key != NULL ? "." : "",
                  key != NULL ? key : "", expected);
    return STATUS_MALFORMED;
}

int json_read_optional_integer(const struct json_reader *reader, const char *key, long long low,
                               long long high, long long *ret)
{
    const json_t *value = json_object_get(reader->object, key);
    if (value == NULL)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < low || json_integer_value(value) > high) {
        char expected[80];
        snprintf(expected, sizeof(expected), "a whole number from %lld to %lld", low, high);
        return json_reader_expected(reader, key, expected);
    }
    *ret = json_integer_value(value);
    return 0;
}

int json_read_integer(const struct json_reader *reader, const char *key, long long low, long long high,
                      long long *ret)
{
    if (json_object_get(reader->object, key) == NULL) {
        reason_format(reader->problem, "%s.%s is missing", reader->place, key);
        return STATUS_MALFORMED;
    }
    return json_read_optional_integer(reader, key, low, high, ret);
}

int json_read_optional_bool(const struct json_reader *reader, const char *key, bool *ret)
{
    const json_t *value = json_object_get(reader->object, key);
    if (value == NULL)
        return 0;
    if (!json_is_boolean(value))
        return json_reader_expected(reader, key, "true or false");
    *ret = json_is_true(value);
    return 0;
}

int json_read_optional_text(const struct json_reader *reader, const char *key, char *out, size_t size)
{
    const json_t *value = json_object_get(reader->object, key);
    if (value == NULL)
        return 0;
    size_t length = json_is_string(value) ? json_string_length(value) : size;
    if (length >= size || strlen(json_string_value(value)) != length) {
        char expected[80];
        snprintf(expected, sizeof(expected), "a text of at most %zu bytes", size - 1);
        return json_reader_expected(reader, key, expected);
    }
    memcpy(out, json_string_value(value), length + 1);
    return 0;
}

int json_read_optional_array(const struct json_reader *reader, const char *key, const json_t **ret)
{
    const json_t *value = json_object_get(reader->object, key);
    if (value != NULL && !json_is_array(value))
        return json_reader_expected(reader, key, "a list");
    *ret = value;
    return 0;
}

int json_read_only_keys(const struct json_reader *reader, const char *const *keys)
{
    if (!json_is_object(reader->object))
        return json_reader_expected(reader, NULL, "an object");
    /* jansson's iteration takes the object without const, and changes nothing */
    json_t *object = (json_t *)(uintptr_t)reader->object;
    for (void *iter = json_object_iter(object); iter != NULL; iter = json_object_iter_next(object, iter)) {
        const char *found = json_object_iter_key(iter);
        size_t i = 0;
        while (keys[i] != NULL && strcmp(keys[i], found) != 0)
            i++;
        if (keys[i] == NULL) {
            reason_format(reader->problem, "%s: unknown key \"%.64s\"", reader->place, found);
            return STATUS_MALFORMED;
        }
    }
    return 0;
}
