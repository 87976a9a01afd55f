/* SPDX-License-Identifier: MIT */
#include "services/transfer/chunk_check.h"

#include <sodium.h>
#include <string.h>

#include "protocol/wire/aead.h"
#include "tests/unit/base/testing.h"

static struct engine_keys keys_of(uint8_t check)
{
    struct engine_keys keys = {.check = check};
    memset(keys.check_key, 7, sizeof(keys.check_key));
    memset(keys.digest_key, 9, sizeof(keys.digest_key));
    return keys;
}

static struct chunk_check *create(uint8_t check)
{
    struct engine_keys keys = keys_of(check);
    struct chunk_check *made;
    assert_int_equal(chunk_check_create(&keys, &made), 0);
    return made;
}

static void tags_are_the_aeads_over_nothing_with_the_bytes_as_associated_data(void **state)
{
    struct engine_keys keys = keys_of(AEAD_CHACHA20_POLY1305);
    struct chunk_check *check = create(AEAD_CHACHA20_POLY1305);
    for (uint8_t number = 0; number < 3; number++) {
        struct check_message message;
        uint8_t expected[FILES_CHECK_SIZE], nonce[12] = {0};
        nonce[11] = number;
        chunk_check_make(check, span_of("bytes", 5), &message);
        crypto_aead_chacha20poly1305_ietf_encrypt(expected, NULL, NULL, 0, (const uint8_t *)"bytes", 5, NULL,
                                                  nonce, keys.check_key);
        assert_int_equal(message.tag_size, FILES_CHECK_SIZE);
        assert_memory_equal(message.tag, expected, sizeof(expected));
    }
    chunk_check_destroy(check);
}

static void each_cipher_opens_what_it_made_in_order(void **state)
{
    static uint8_t chunk[FILES_CHUNK_SIZE];
    for (uint32_t cipher = 1; cipher <= AEAD_AES256_GCM; cipher *= 2) {
        if ((aead_ciphers() & cipher) == 0)
            continue;
        struct chunk_check *maker = create((uint8_t)cipher), *opener = create((uint8_t)cipher);
        struct check_message first, second;
        chunk_check_make(maker, span_of(chunk, sizeof(chunk)), &first);
        chunk_check_make(maker, span_of(chunk, 1), &second);
        assert_true(chunk_check_open(opener, span_of(chunk, sizeof(chunk)), &first));
        assert_true(chunk_check_open(opener, span_of(chunk, 1), &second));
        assert_false(chunk_check_open(opener, span_of(chunk, 1), &second)); /* a tag counts once */
        chunk_check_destroy(maker);
        chunk_check_destroy(opener);
    }
}

static void changed_bytes_and_tags_are_not_authentic(void **state)
{
    static uint8_t chunk[4096];
    for (size_t bit = 0; bit < 2; bit++) {
        struct chunk_check *maker = create(AEAD_CHACHA20_POLY1305), *opener = create(AEAD_CHACHA20_POLY1305);
        struct check_message message;
        memset(chunk, 1, sizeof(chunk));
        chunk_check_make(maker, span_of(chunk, sizeof(chunk)), &message);
        if (bit == 0)
            chunk[4095] ^= 1;
        else
            message.tag[15] ^= 0x80;
        assert_false(chunk_check_open(opener, span_of(chunk, sizeof(chunk)), &message));
        chunk_check_destroy(maker);
        chunk_check_destroy(opener);
    }
}

static void tags_of_a_wrong_size_are_refused(void **state)
{
    struct chunk_check *plain = create(AEAD_CHACHA20_POLY1305), *sealed = create(0);
    struct check_message none, made;
    chunk_check_make(sealed, span_of("x", 1), &none);
    chunk_check_make(plain, span_of("x", 1), &made);
    assert_int_equal(none.tag_size, 0);
    assert_true(chunk_check_open(sealed, span_of("x", 1), &none));
    assert_false(chunk_check_open(sealed, span_of("x", 1), &made));
    assert_false(chunk_check_open(plain, span_of("x", 1), &none));
    made.tag_size = FILES_CHECK_SIZE - 1;
    assert_false(chunk_check_open(plain, span_of("x", 1), &made));
    chunk_check_destroy(plain);
    chunk_check_destroy(sealed);
    chunk_check_destroy(NULL);
}

static void digests_are_keyed_blake2b(void **state)
{
    struct engine_keys keys = keys_of(0);
    uint8_t expected[FILES_DIGEST_SIZE], made[FILES_DIGEST_SIZE];
    chunk_digest(&keys, span_of("abc", 3), made);
    crypto_generichash(expected, sizeof(expected), (const uint8_t *)"abc", 3, keys.digest_key, 32);
    assert_memory_equal(made, expected, sizeof(made));
    keys.digest_key[0] ^= 1;
    chunk_digest(&keys, span_of("abc", 3), made);
    assert_memory_not_equal(made, expected, sizeof(made));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tags_are_the_aeads_over_nothing_with_the_bytes_as_associated_data),
        cmocka_unit_test(each_cipher_opens_what_it_made_in_order),
        cmocka_unit_test(changed_bytes_and_tags_are_not_authentic),
        cmocka_unit_test(tags_of_a_wrong_size_are_refused),
        cmocka_unit_test(digests_are_keyed_blake2b),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
