/* SPDX-License-Identifier: MIT */
/* The ciphers of records, against fixed values that another library (OpenSSL) gave for the same input. */
#include "protocol/wire/aead.h"

#include <string.h>

#include "protocol/wire/secret.h"
#include "tests/unit/base/testing.h"

#define COUNTER 0x0102030405060708u
static const uint8_t AD[4] = {0, 0, 0, 0x20};
static const char PLAIN[] = "sixteen and more";

struct known_answer {
    enum aead_cipher cipher;
    uint8_t sealed[32];
};

static const struct known_answer ANSWERS[] = {
    {AEAD_AES256_GCM,
     {0x77, 0x38, 0x1d, 0x7a, 0xb8, 0x84, 0x67, 0xbe, 0x62, 0xf1, 0x99, 0xcf, 0x73, 0x08, 0x4b, 0x95,
      0xff, 0xd4, 0x61, 0xd7, 0x01, 0x1c, 0xb1, 0x96, 0xa3, 0x17, 0x8a, 0x58, 0x0e, 0x25, 0x27, 0x90}},
    {AEAD_CHACHA20_POLY1305,
     {0x9c, 0x8f, 0xdd, 0x8c, 0xc0, 0xe9, 0xc6, 0xbc, 0x71, 0xd1, 0x8c, 0xf6, 0xe7, 0x83, 0x55, 0x3b,
      0x85, 0x6c, 0x0f, 0x51, 0x49, 0x2a, 0x41, 0x52, 0x87, 0xfa, 0xc3, 0x14, 0x73, 0x62, 0x46, 0x3c}},
};

/* For each cipher that this machine has. */
static void each_cipher(void (*test)(struct aead *aead, const struct known_answer *answer))
{
    struct secret_pool *secrets = secret_pool_create();
    size_t tested = 0;
    for (size_t i = 0; i < sizeof(ANSWERS) / sizeof(ANSWERS[0]); i++) {
        if ((aead_ciphers() & ANSWERS[i].cipher) == 0)
            continue;
        uint8_t key[AEAD_KEY_SIZE];
        for (size_t k = 0; k < sizeof(key); k++)
            key[k] = (uint8_t)k;
        struct aead *aead = secret_take(secrets, aead_size());
        assert_int_equal(aead_init(aead, ANSWERS[i].cipher, key), 0);
        test(aead, &ANSWERS[i]);
        aead_wipe(aead);
        secret_release(secrets, aead, aead_size());
        tested++;
    }
    assert_true(tested >= 1);
    secret_pool_destroy(secrets);
}

static void check_known_answer(struct aead *aead, const struct known_answer *answer)
{
    uint8_t sealed[32], plain[16];
    aead_seal(aead, COUNTER, AD, sizeof(AD), (const uint8_t *)PLAIN, 16, sealed);
    assert_memory_equal(sealed, answer->sealed, 32);
    assert_true(aead_open(aead, COUNTER, AD, sizeof(AD), sealed, 32, plain));
    assert_memory_equal(plain, PLAIN, 16);
}

static void check_in_place(struct aead *aead, const struct known_answer *answer)
{
    static uint8_t bytes[70000 + AEAD_TAG_SIZE], plain[70000];
    static const size_t SIZES[] = {0, 1, 15, 16, 17, 127, 128, 129, 4095, 65536, 70000};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        for (size_t k = 0; k < SIZES[i]; k++)
            plain[k] = bytes[k] = (uint8_t)(k * 7 + i);
        aead_seal(aead, i, AD, sizeof(AD), bytes, SIZES[i], bytes);
        assert_true(aead_open(aead, i, AD, sizeof(AD), bytes, SIZES[i] + AEAD_TAG_SIZE, bytes));
        if (SIZES[i] > 0)
            assert_memory_equal(bytes, plain, SIZES[i]);
    }
}

static void check_forgeries(struct aead *aead, const struct known_answer *answer)
{
    uint8_t sealed[32], plain[32], ad[4];
    memcpy(ad, AD, sizeof(AD));
    for (size_t bit = 0; bit < 32 * 8; bit++) {
        memcpy(sealed, answer->sealed, sizeof(sealed));
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(aead_open(aead, COUNTER, AD, sizeof(AD), sealed, sizeof(sealed), plain));
    }
    for (size_t bit = 0; bit < sizeof(ad) * 8; bit++) {
        memcpy(ad, AD, sizeof(AD));
        ad[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(aead_open(aead, COUNTER, ad, sizeof(ad), answer->sealed, 32, plain));
    }
    for (unsigned bit = 0; bit < 64; bit++)
        assert_false(
            aead_open(aead, COUNTER ^ (uint64_t)1 << bit, AD, sizeof(AD), answer->sealed, 32, plain));
    for (size_t size = 0; size < 32; size++)
        assert_false(aead_open(aead, COUNTER, AD, sizeof(AD), answer->sealed, size, plain));
}

static void seal_gives_the_bytes_of_another_implementation(void **state)
{
    each_cipher(check_known_answer);
}

static void seal_and_open_work_in_place_at_any_size(void **state)
{
    each_cipher(check_in_place);
}

static void open_refuses_every_changed_bit_and_length(void **state)
{
    each_cipher(check_forgeries);
}

static void choose_takes_the_fastest_of_both(void **state)
{
    assert_int_equal(aead_choose(3, 3), AEAD_AES256_GCM);
    assert_int_equal(aead_choose(3, 2), AEAD_AES256_GCM);
    assert_int_equal(aead_choose(1, 3), AEAD_CHACHA20_POLY1305);
    assert_int_equal(aead_choose(UINT32_MAX, 1), AEAD_CHACHA20_POLY1305);
    assert_int_equal(aead_choose(1, 2), 0);
    assert_int_equal(aead_choose(0xfffffffc, 0xfffffffc), 0);
    assert_int_equal(aead_ciphers() & AEAD_CHACHA20_POLY1305, AEAD_CHACHA20_POLY1305);
    assert_int_equal(aead_ciphers() & ~(uint32_t)(AEAD_CHACHA20_POLY1305 | AEAD_AES256_GCM), 0);
}

static void every_cipher_has_a_name(void **state)
{
    assert_string_equal(aead_name(AEAD_AES256_GCM), "aes256-gcm");
    assert_string_equal(aead_name(AEAD_CHACHA20_POLY1305), "chacha20-poly1305");
    assert_string_equal(aead_name((enum aead_cipher)0), "plain");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seal_gives_the_bytes_of_another_implementation),
        cmocka_unit_test(seal_and_open_work_in_place_at_any_size),
        cmocka_unit_test(open_refuses_every_changed_bit_and_length),
        cmocka_unit_test(choose_takes_the_fastest_of_both),
        cmocka_unit_test(every_cipher_has_a_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
