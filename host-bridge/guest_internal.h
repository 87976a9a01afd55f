/* SPDX-License-Identifier: MIT */
/* The guest as its parts see it: guest.c (life, news, channels), guest_trust.c (identity) and guest_state.c
 * (what others see). */
#ifndef HOSPES_GUEST_INTERNAL_H
#define HOSPES_GUEST_INTERNAL_H

#include "host-bridge/guest_private.h"
#include "protocol/base/log_limit.h"
#include "protocol/link/session.h"
#include "services/limit/allowance.h"

#define ERROR_TEXT_MAX 400

struct guest {
    char *name, *link;
    bool is_configured, closing;
    struct relay *relay;
    struct guest_news news;
    struct session *session;
    struct forwards *forwards;
    enum guest_state state;
    uint64_t since_ms;
    int error_status;
    char error[ERROR_TEXT_MAX];
    bool fell_silent;                 /* it was lost without a word, and nothing was heard since */
    struct welcome_message *agent;    /* NULL: never connected */
    const struct noise_key_pair *own; /* the bridge's, borrowed */
    struct guest_identity_options identity;
    char *psk_file; /* what identity points to */
    uint8_t *psk;   /* locked memory; NULL: none was read */
    struct guest_pairing pairing;
    bool link_is_private;                                       /* as seen last, or by the kind of link */
    struct allowance port_changes, offer_changes, refusal_news; /* that the guest may send by itself */
    struct log_limit refusals;
    uint64_t last_seen_ms, connects;
    int parts_open; /* until on_closed */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* guest.c */
void guest_set_error(struct guest *guest, int status, const char *text);

/* guest_trust.c */
int guest_trust_init(struct guest *guest, const struct guest_options *options, enum link_kind kind);
void guest_trust_finish(struct guest *guest);
/* For struct session_handler; ctx is the guest. */
int guest_trust_on_credentials(void *ctx, struct session_credentials *ret);
int guest_trust_on_key(void *ctx, const uint8_t *key, bool link_is_private, bool psk_proved);
void guest_trust_on_let_in(void *ctx, const uint8_t *key, bool link_is_private, bool psk_proved,
                           bool compared);
void guest_trust_on_code(void *ctx, const char *code);
/* A try failed or the link was lost: no code is compared any more. */
void guest_trust_link_lost(struct guest *guest);

#endif
