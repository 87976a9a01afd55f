/* SPDX-License-Identifier: MIT */
/* Noise against vectors, byte for byte and in both directions: those that others published
 * (HOSPES_NOISE_VECTORS, or the place beside the sources; where there are none it says so), and our own fixed
 * ones. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/base/testing.h"
#include "tests/unit/wire/handshake_vectors.h"

static const char *published_path(void)
{
    const char *path = getenv("HOSPES_NOISE_VECTORS");
    return path != NULL && path[0] != '\0' ? path : PUBLISHED_VECTORS;
}

static void check_vector(const json_t *vector, size_t index)
{
    json_t *played = noise_vector_play(vector), *entry;
    const json_t *messages = json_object_get(played, "messages");
    const json_t *hash = json_object_get(vector, "handshake_hash");
    size_t i;
    json_array_foreach(json_object_get(vector, "messages"), i, entry)
    {
        const json_t *made = json_object_get(json_array_get(messages, i), "ciphertext");
        const json_t *expected = json_object_get(entry, "ciphertext");
        if (!json_is_string(expected) || !json_equal(made, expected))
            fail_msg("vector %zu (%s), message %zu differs", index,
                     json_string_value(json_object_get(vector, "protocol_name")), i);
    }
    assert_true(i > 0);
    if (hash != NULL && !json_equal(hash, json_object_get(played, "handshake_hash")))
        fail_msg("vector %zu: handshake_hash differs", index);
    json_decref(played);
}

static size_t check_file(const char *path)
{
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error), *vector;
    size_t i;
    if (file == NULL)
        fail_msg("%s: %s", path, error.text);
    json_array_foreach(json_object_get(file, "vectors"), i, vector)
    {
        check_vector(vector, i);
    }
    json_decref(file);
    return i;
}

static void published_vectors_are_reproduced_byte_for_byte(void **state)
{
    const char *path = published_path();
    if (access(path, F_OK) != 0) {
        print_message("the published Noise vectors were skipped: no %s\n", path);
        return;
    }
    size_t count = check_file(path);
    print_message("%zu published Noise vectors\n", count);
    assert_true(count > 0);
}

static void own_vectors_are_reproduced_byte_for_byte(void **state)
{
    assert_int_equal(check_file(VECTORS_DIR "/noise.json"), 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors_are_reproduced_byte_for_byte),
        cmocka_unit_test(own_vectors_are_reproduced_byte_for_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
