/* SPDX-License-Identifier: MIT */
/* What people configure of one guest's identity and encryption: the keys "key", "pskFile", "ephemeral" and
 * "encryption" of the configuration file, of POST /vms and of the state file. Plain data and its JSON. */
#ifndef HOSPES_GUEST_IDENTITY_H
#define HOSPES_GUEST_IDENTITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire/limits.h"
#include "protocol/wire/message.h"
#include "protocol/wire/noise.h"

struct guest_identity_options {
    bool has_key;
    uint8_t key[NOISE_KEY_SIZE]; /* the guest's public key, provisioned */
    bool ephemeral;              /* a new key at each connection is normal */
    enum sealing sealing;
    const char *psk_file; /* absolute; borrowed; NULL = none */
};

const char *sealing_name(enum sealing sealing); /* "auto", "always", "never" */
bool sealing_parse(const char *text, enum sealing *ret);

/* Whether the parts go together, and with the link (its specification): STATUS_INVALID with a sentence, and
 * the key that is at fault ("encryption"; static). */
int guest_identity_check(const struct guest_identity_options *options, const char *link,
                         const char **ret_field, char ret_problem[static TEXT_REASON_MAX + 1]);
/* Takes the four keys of `object` that are there; others are not looked at. psk_file is borrowed from it.
 * STATUS_INVALID with a sentence and the key at fault; *ret is untouched then. */
int guest_identity_load(struct guest_identity_options *ret, const json_t *object, const char **ret_field,
                        char ret_problem[static TEXT_REASON_MAX + 1]);
/* The same keys, those only that differ from the default. NULL when there are none. */
json_t *guest_identity_save(const struct guest_identity_options *options);

#endif
