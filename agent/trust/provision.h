/* SPDX-License-Identifier: MIT */
/* What the guest was given beforehand: hosts' public keys and the secret. Files that were configured, systemd
 * credentials, and QEMU's fw_cfg. */
#ifndef HOSPES_PROVISION_H
#define HOSPES_PROVISION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire/limits.h"
#include "protocol/wire/noise.h"

#define PROVISION_KEY_CREDENTIAL "hospes.host-key"
#define PROVISION_PSK_CREDENTIAL "hospes.psk"
#define PROVISION_KEY_FIRMWARE   "opt/org.hospes/host-key"
#define PROVISION_PSK_FIRMWARE   "opt/org.hospes/psk"

struct provision_sources {
    const char *host_key_file;      /* configured; NULL: none */
    const char *psk_file;           /* configured; NULL: none */
    const char *credentials_folder; /* $CREDENTIALS_DIRECTORY; NULL: none */
    const char *system_root;        /* put before the paths of the system: "" but in tests */
};

struct provisioned_keys {
    size_t count;
    uint8_t keys[PAIRINGS_MAX][NOISE_KEY_SIZE]; /* each once, of all sources */
};

/* A source that is not there is none, except for a configured one; one that makes no sense, holds nothing, or
 * may not be read is an error: STATUS_MALFORMED, STATUS_NOT_ALLOWED, STATUS_TOO_LARGE, STATUS_NOT_FOUND,
 * UV_…, with a sentence.
 */
int provision_host_keys(const struct provision_sources *sources, struct provisioned_keys *ret,
                        char ret_problem[static TEXT_REASON_MAX + 1]);
/* The first source that is there: file, credential, fw_cfg. False in *ret_found, and `ret` untouched: no
 * source. `ret` is locked memory of the caller. */
int provision_psk(const struct provision_sources *sources, uint8_t ret[static NOISE_KEY_SIZE],
                  bool *ret_found, char ret_problem[static TEXT_REASON_MAX + 1]);

bool provisioned_keys_has(const struct provisioned_keys *keys, const uint8_t key[static NOISE_KEY_SIZE]);

/* Pure. One base64 key a line; empty lines and # comments between them. Adds to *keys. STATUS_MALFORMED
 * (also: no key at all) and the line in *ret_line, STATUS_TOO_LARGE above PAIRINGS_MAX. */
int provision_parse_keys(const char *text, size_t size, struct provisioned_keys *keys, size_t *ret_line);
/* Pure. 44 characters of base64 with blanks around, or exactly 32 bytes. */
bool provision_parse_psk(const char *text, size_t size, uint8_t ret[static NOISE_KEY_SIZE]);

#endif
