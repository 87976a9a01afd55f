/* SPDX-License-Identifier: MIT */
/* Whom this guest trusts: its own key, the hosts it has paired with, what was provisioned, and pairing by
 * code. */
#ifndef HOSPES_TRUST_H
#define HOSPES_TRUST_H

#include <uv.h>

#include "protocol/wire/handshake.h"

struct trust; /* opaque */

struct trust_options {
    const char *state_dir;     /* identity and hosts.json */
    const char *host_key_file; /* configured: public keys of hosts, one a line; NULL or "": none */
    const char *psk_file;      /* configured: the secret; NULL or "": none */
    const char *admin_socket;  /* for `hospes-agent pair` and the like; NULL: none */
    /* The owner forgot a host that was known: what it has open should end. NULL allowed. */
    void (*on_forgotten)(void *ctx, const uint8_t *key);
    void *ctx;
    const char *system_root; /* put before /etc and /sys in tests; NULL: nothing */
};

/* Loads or makes the identity, reads hosts and what is provisioned: configured files, systemd credentials
 * ($CREDENTIALS_DIRECTORY/hospes.host-key, hospes.psk), QEMU's fw_cfg (opt/org.hospes/host-key, psk). A
 * provisioned file that makes no sense is an error, never "none". A state folder that can't be written to is
 * a warning: the identity lives as long as the program. On failure a sentence. */
int trust_create(uv_loop_t *uv, struct secret_pool *secrets, const struct trust_options *options,
                 struct trust **ret, char ret_problem[static TEXT_REASON_MAX + 1]);
/* Closes the admin socket; pairings under way are declined (on_answer, before return). on_closed never before
 * return. */
void trust_close(struct trust *trust, void (*on_closed)(void *ctx), void *ctx);
void trust_destroy(struct trust *trust); /* after on_closed */

const struct noise_key_pair *trust_key(const struct trust *trust);
const uint8_t *trust_psk(const struct trust *trust); /* NULL: none was provisioned */

/* A host that has proved to hold `key`. */
struct trust_claim {
    const uint8_t *key;   /* NOISE_KEY_SIZE */
    const char *link;     /* kind of the listener: "vsock" … */
    bool link_is_private; /* only the hypervisor or the same user reaches it */
    bool psk_proved;
    bool compare; /* the host wants the code compared, or the keys exchanged anew */
};
/* 0: let in (a first contact has been pinned and written). STATUS_NOT_PAIRED: others are known, and not this
 * one; `ret_text` says which command in the guest accepts it. STATUS_CODE_NEEDED: nobody may be taken unseen
 * on this link. */
int trust_judge(struct trust *trust, const struct trust_claim *claim,
                char ret_text[static TEXT_REASON_MAX + 1]);

/* Pairing by code, where judge said no. Possible only while `hospes-agent pair` waits, for PAIRING_WINDOW_MS
 * and PAIRING_ATTEMPTS_MAX codes, one at a time: else STATUS_CODE_NEEDED, STATUS_LIMIT, UV_EBUSY. on_answer
 * fires once, never before return, unless pairing_end came first; after a yes call pairing_pin when the host
 * has agreed, too. */
struct pairing; /* opaque */
int trust_begin_pairing(struct trust *trust, const struct trust_claim *claim, const char *code,
                        void (*on_answer)(void *ctx, bool same), void *ctx, struct pairing **ret);
void pairing_pin(struct pairing *pairing); /* remembers the host's key; then pairing_end */
/* The connection is over, or pinned. NULL allowed. */
void pairing_end(struct pairing *pairing);

#endif
