/* SPDX-License-Identifier: MIT */
/* Keys as people and files see them: 32 bytes in base64 with padding, 44 characters, as WireGuard's. */
#ifndef HOSPES_KEY_TEXT_H
#define HOSPES_KEY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KEY_TEXT_SIZE 45 /* with the terminator */

void key_text_format(const uint8_t key[static 32], char out[static KEY_TEXT_SIZE]);
/* Spaces and line ends around it are allowed. False: no key. Never leaves half a key in `ret`. */
bool key_text_parse(const char *text, size_t size, uint8_t ret[static 32]);

#endif
