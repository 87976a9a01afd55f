/* SPDX-License-Identifier: MIT */
/* The encoded bytes of every kind of message never change: tests/vectors/wire. */
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/sample_messages.h"

#include <stdio.h>

static size_t read_vector(const char *name, uint8_t *out, size_t capacity)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/%s.bin", VECTORS_DIR, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        fail_msg("no vector %s", path);
    size_t size = fread(out, 1, capacity, file);
    fclose(file);
    return size;
}

static void encode_gives_the_bytes_of_the_vectors(void **state)
{
    struct message message;
    const char *name;
    size_t count = 0;
    for (; sample_message(count, &message, &name); count++) {
        uint8_t expected[4096];
        size_t size = read_vector(name, expected, sizeof(expected));
        struct buffer bytes;
        buffer_init(&bytes, FRAME_MESSAGE_MAX);
        assert_int_equal(message_encode(&message, &bytes), 0);
        assert_int_equal(buffer_size(&bytes), size);
        assert_memory_equal(buffer_span(&bytes).data, expected, size);
        buffer_finish(&bytes);
        message_finish(&message);
    }
    assert_int_equal(count, 44);
}

static void decode_reads_the_vectors(void **state)
{
    struct message message;
    const char *name;
    for (size_t i = 0; sample_message(i, &message, &name); i++) {
        uint8_t bytes[4096];
        size_t size = read_vector(name, bytes, sizeof(bytes));
        struct message decoded;
        assert_int_equal(message_decode(span_of(bytes, size), &decoded, NULL), 0);
        assert_int_equal(decoded.kind, message.kind);
        assert_true(decoded.id == message.id);
        message_finish(&decoded);
        message_finish(&message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode_gives_the_bytes_of_the_vectors),
        cmocka_unit_test(decode_reads_the_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
