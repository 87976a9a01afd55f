/* SPDX-License-Identifier: MIT */
/* Keys to and from base64, in constant time as libsodium does it, since some of them are secret. */
#include "services/identity/key_text.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#define KEY_SIZE 32
static_assert(sodium_base64_ENCODED_LEN(KEY_SIZE, sodium_base64_VARIANT_ORIGINAL) == KEY_TEXT_SIZE,
              "44 characters and a terminator");

void key_text_format(const uint8_t key[static 32], char out[static KEY_TEXT_SIZE])
{
    sodium_bin2base64(out, KEY_TEXT_SIZE, key, KEY_SIZE, sodium_base64_VARIANT_ORIGINAL);
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* libsodium 1.0.18 takes some bytes above 127 for digits. */
static bool is_ascii(const char *text, size_t size)
{
    unsigned char all = 0;
    for (size_t i = 0; i < size; i++)
        all |= (unsigned char)text[i];
    return all < 128;
}

bool key_text_parse(const char *text, size_t size, uint8_t ret[static 32])
{
    while (size > 0 && is_blank(text[0])) {
        text++;
        size--;
    }
    while (size > 0 && is_blank(text[size - 1]))
        size--;
    uint8_t key[KEY_SIZE];
    size_t key_size = 0;
    bool good = size == KEY_TEXT_SIZE - 1 && is_ascii(text, size) &&
                sodium_base642bin(key, sizeof(key), text, size, NULL, &key_size, NULL,
                                  sodium_base64_VARIANT_ORIGINAL) == 0 &&
                key_size == KEY_SIZE;
    if (good)
        memcpy(ret, key, KEY_SIZE);
    sodium_memzero(key, sizeof(key));
    return good;
}
