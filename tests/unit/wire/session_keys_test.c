/* SPDX-License-Identifier: MIT */
/* Keys and proofs differ wherever they must; their values are in handshake_vectors_test. */
#include "protocol/wire/session_keys.h"

#include <sodium.h>
#include <string.h>

#include "tests/unit/base/testing.h"

static const struct session_id SESSION = {{1, 2, 3}};
static const uint64_t NUMBERS[] = {0, 1, 2, 255, 256, 0xffffffffu, 0x100000000u, UINT64_MAX};
#define NUMBER_COUNT (sizeof(NUMBERS) / sizeof(NUMBERS[0]))

static struct session_keys make_keys(uint8_t first)
{
    return (struct session_keys){.master = {first, 7, 7, 7}, .cipher = AEAD_CHACHA20_POLY1305};
}

static void connections_share_no_key(void **state)
{
    struct session_keys keys[2] = {make_keys(1), make_keys(2)};
    uint8_t all[2 * NUMBER_COUNT * 2][AEAD_KEY_SIZE];
    size_t count = 0;
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < NUMBER_COUNT; i++) {
            struct connection_keys made;
            session_keys_of_connection(&keys[k], NUMBERS[i], &made);
            memcpy(all[count++], made.to_agent, AEAD_KEY_SIZE);
            memcpy(all[count++], made.to_bridge, AEAD_KEY_SIZE);
        }
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(all[i], all[k], AEAD_KEY_SIZE);
}

static void a_proof_fits_its_session_its_number_and_its_keys_only(void **state)
{
    struct session_keys keys = make_keys(1), other_keys = make_keys(2);
    struct session_id other_session = SESSION;
    other_session.bytes[SESSION_ID_SIZE - 1] ^= 1;
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        uint8_t proof[PROOF_SIZE];
        session_keys_prove(&keys, &SESSION, NUMBERS[i], proof);
        for (size_t k = 0; k < NUMBER_COUNT; k++)
            assert_int_equal(session_keys_check(&keys, &SESSION, NUMBERS[k], proof), i == k);
        assert_false(session_keys_check(&other_keys, &SESSION, NUMBERS[i], proof));
        assert_false(session_keys_check(&keys, &other_session, NUMBERS[i], proof));
    }
}

static void check_refuses_every_changed_bit(void **state)
{
    struct session_keys keys = make_keys(1);
    uint8_t proof[PROOF_SIZE];
    session_keys_prove(&keys, &SESSION, 5, proof);
    for (size_t bit = 0; bit < PROOF_SIZE * 8; bit++) {
        proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(session_keys_check(&keys, &SESSION, 5, proof));
        proof[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(session_keys_check(&keys, &SESSION, 5, proof));
}

/* Computed apart, with another library's BLAKE2b, from the table in docs/protocol.md. */
static void keys_of_files_have_their_fixed_values(void **state)
{
    static const struct {
        uint64_t number;
        const char *check, *digest; /* in hex */
    } EXPECTED[] = {
        {1, "c05f411cbe830968f2a05b5e5e4becff9bba7e1cc767f0ff2bc944b532ca59d0",
         "83a3566929915673c19ead66ddc39a4b790bfae7f0b9a447cf172193824dd31c"},
        {0x0102030405060708, "8ef6ed4a88f5c1f79a5e1f3adcd3aa4e68f622cfe3b3f9dc6872bf6af81a56b6",
         "42106ba6f5825152a6815b632a278148227738ca1314c06493ac1fb74a0a77e1"},
    };
    struct session_keys keys = make_keys(1);
    for (size_t i = 0; i < sizeof(EXPECTED) / sizeof(EXPECTED[0]); i++) {
        struct files_keys made;
        char hex[2 * AEAD_KEY_SIZE + 1];
        session_keys_of_files(&keys, EXPECTED[i].number, &made);
        sodium_bin2hex(hex, sizeof(hex), made.check, sizeof(made.check));
        assert_string_equal(hex, EXPECTED[i].check);
        sodium_bin2hex(hex, sizeof(hex), made.digest, sizeof(made.digest));
        assert_string_equal(hex, EXPECTED[i].digest);
    }
}

static void keys_of_files_differ_from_those_of_records(void **state)
{
    struct session_keys keys = make_keys(1);
    struct connection_keys records;
    struct files_keys files;
    session_keys_of_connection(&keys, 5, &records);
    session_keys_of_files(&keys, 5, &files);
    assert_memory_not_equal(files.check, records.to_agent, AEAD_KEY_SIZE);
    assert_memory_not_equal(files.check, files.digest, AEAD_KEY_SIZE);
    static const struct files_keys ZERO;
    files_keys_wipe(&files);
    assert_memory_equal(&files, &ZERO, sizeof(files));
}

static void wipe_leaves_nothing(void **state)
{
    struct session_keys keys = make_keys(1);
    static const struct session_keys ZERO;
    session_keys_wipe(&keys);
    assert_memory_equal(&keys, &ZERO, sizeof(keys));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_share_no_key),
        cmocka_unit_test(a_proof_fits_its_session_its_number_and_its_keys_only),
        cmocka_unit_test(check_refuses_every_changed_bit),
        cmocka_unit_test(keys_of_files_have_their_fixed_values),
        cmocka_unit_test(keys_of_files_differ_from_those_of_records),
        cmocka_unit_test(wipe_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
