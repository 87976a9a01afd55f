/* SPDX-License-Identifier: MIT */
/* What the bridge knows of one guest's identity, and what people decided about it. Plain data and rules:
 * dialling is the session's, telling is the guest's. */
#ifndef HOSPES_PAIRING_H
#define HOSPES_PAIRING_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "protocol/wire/handshake.h"
#include "protocol/wire/limits.h"
#include "services/identity/key_text.h"

enum pairing_state {
    PAIRING_NONE =
        1, /* no key is pinned: the first one is taken where the link allows it, else a code is needed */
    PAIRING_PAIRED,      /* a key is pinned */
    PAIRING_KEY_CHANGED, /* a key is pinned, and the guest showed another one: refused */
    PAIRING_COMPARING,   /* people compare the code */
    PAIRING_UNPAIRED,    /* somebody said unpair: nothing is taken until somebody says pair */
};
const char *
pairing_state_name(enum pairing_state state); /* "none", "paired", "keyChanged", "comparing", "unpaired" */

enum pairing_way {
    PAIRED_FIRST_CONTACT = 1,
    PAIRED_CODE,
    PAIRED_SECRET,
    PAIRED_ACCEPTED,
    PAIRED_PROVISIONED
};
const char *
pairing_way_name(enum pairing_way way); /* "firstContact", "code", "secret", "accepted", "provisioned" */

struct guest_pairing {
    bool ephemeral; /* a new key at each connection is normal: nothing is pinned, private links only (or a
                       provisioned secret); the configuration's word, not written to the state file with the
                       rest */
    bool pinned;
    uint8_t key[NOISE_KEY_SIZE];
    enum pairing_way way;
    uint64_t since_ms; /* real time */
    bool unpaired;
    bool has_offered;                     /* not written to the state file */
    uint8_t offered[NOISE_KEY_SIZE];      /* the key that was refused, or is being compared */
    char code[HANDSHAKE_CODE_DIGITS + 1]; /* while people compare; "" else */
};

enum pairing_state guest_pairing_state(const struct guest_pairing *pairing);

/* The guest has proved to hold `key`. `private_link`: only the hypervisor or the same user reaches it. 0: go
 * on (a first one is pinned: *ret_changed, write the state); STATUS_KEY_CHANGED (`offered` is set),
 * STATUS_CODE_NEEDED, STATUS_NOT_PAIRED (it was unpaired). */
int guest_pairing_judge(struct guest_pairing *pairing, const uint8_t key[static NOISE_KEY_SIZE],
                        bool private_link, bool psk_proved, uint64_t now_ms, bool *ret_changed);
/* Also ends "unpaired" and a comparison. Of an ephemeral guest nothing but that. */
void guest_pairing_pin(struct guest_pairing *pairing, const uint8_t key[static NOISE_KEY_SIZE],
                       enum pairing_way way, uint64_t now_ms);
void guest_pairing_forget(struct guest_pairing *pairing, bool unpaired);
/* The configuration names the guest's key: after load it goes before what was remembered, unless somebody
 * said unpair. */
void guest_pairing_provision(struct guest_pairing *pairing, const uint8_t key[static NOISE_KEY_SIZE],
                             uint64_t now_ms);

/* For the state file: {"key","way","since"} or {"unpaired":true}. NULL from save when there is nothing to
 * keep. load: STATUS_MALFORMED with a sentence for what is unknown or makes no sense; nothing changed, and
 * the caller MUST then treat the guest as unpaired (guest_pairing_forget(pairing, true)): a damaged file
 * never leads to a new first contact. */
json_t *guest_pairing_save(const struct guest_pairing *pairing);
int guest_pairing_load(struct guest_pairing *pairing, const json_t *json,
                       char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
