/* SPDX-License-Identifier: MIT */
/* What the files of struct trust share. */
#ifndef HOSPES_TRUST_PRIVATE_H
#define HOSPES_TRUST_PRIVATE_H

#include "agent/trust/hosts_store.h"
#include "agent/trust/pairing_window.h"
#include "agent/trust/provision.h"
#include "agent/trust/trust.h"

struct admin_server;

struct trust {
    uv_loop_t *uv;
    struct secret_pool *secrets;
    char *state_dir;
    struct noise_key_pair *key; /* locked memory */
    uint8_t *psk;               /* locked memory; NULL: none */
    struct provisioned_keys provisioned;
    struct hosts_store hosts;
    struct pairing_window window;
    struct admin_server *admin; /* NULL: none */
    void (*on_forgotten)(void *ctx, const uint8_t *key);
    void *ctx;
    int open_parts; /* while closing */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* What the owner's commands do. 0; STATUS_LIMIT, STATUS_NOT_FOUND, STATUS_NOT_ALLOWED (provisioned: it is to
 * be removed where it came from). *ret_saved is false when it holds only until the program ends. */
int trust_accept(struct trust *trust, const uint8_t key[static NOISE_KEY_SIZE], const char *name,
                 bool *ret_saved);
int trust_forget(struct trust *trust, const uint8_t key[static NOISE_KEY_SIZE], bool *ret_saved);
int trust_forget_all(struct trust *trust, bool *ret_saved);

#endif
