/* SPDX-License-Identifier: MIT */
/* Whole authentications, their keys, proofs, codes and records never change:
 * tests/vectors/handshake/auth.json. */
#include "protocol/wire/aead.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/fixed_random.h"
#include "tests/unit/wire/handshake_vectors.h"

static void authentication_gives_the_bytes_of_the_vectors(void **state)
{
    json_error_t error;
    json_t *file = json_load_file(VECTORS_DIR "/auth.json", 0, &error), *vector;
    size_t i;
    if (file == NULL)
        fail_msg("%s", error.text);
    json_array_foreach(json_object_get(file, "vectors"), i, vector)
    {
        json_t *played = auth_vector_play(vector, aead_ciphers());
        if (!json_equal(played, vector)) {
            char *text = json_dumps(played, JSON_INDENT(1));
            fail_msg("vector %zu gives %s", i, text);
        }
        json_decref(played);
    }
    assert_int_equal(i, 4);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authentication_gives_the_bytes_of_the_vectors),
    };
    fixed_random_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
