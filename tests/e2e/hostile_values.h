/* SPDX-License-Identifier: MIT */
/* Writes the values of hostile messages, byte by byte. For hostile_message.c. */
#ifndef E2E_HOSTILE_VALUES_H
#define E2E_HOSTILE_VALUES_H

#include <stddef.h>
#include <stdint.h>

#include "tests/e2e/hostile_message.h"

#define PAYLOAD_MAX 65536

struct writer {
    struct hostile_random *random;
    size_t size;
    int values_left; /* until the value that is at fault; negative: none is */
    uint8_t bytes[PAYLOAD_MAX];
};

/* Not all of it is set: it is large, and there are a million of them. */
void writer_start(struct writer *writer, struct hostile_random *random);
void writer_put(struct writer *writer, const void *data, size_t size);
/* A msgpack byte and a number of `size` bytes behind it. */
void writer_put_head(struct writer *writer, uint8_t form, uint64_t value, size_t size);
void writer_put_number(struct writer *writer, uint64_t value);
void writer_put_text(struct writer *writer, const char *text);
void writer_put_random_bytes(struct writer *writer, size_t size);
/* Escape sequences, paths, markup; at most `max` bytes, which are at most 255. */
void writer_put_nasty_text(struct writer *writer, size_t max);
void writer_put_address(struct writer *writer);
/* Something that no field takes, or hardly any. */
void writer_put_wrong_value(struct writer *writer);

#endif
