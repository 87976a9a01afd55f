/* SPDX-License-Identifier: MIT */
/* The table's life: for bridge.c, its owner. */
#ifndef HOSPES_GUESTS_PRIVATE_H
#define HOSPES_GUESTS_PRIVATE_H

#include "host-bridge/guest_private.h"
#include "host-bridge/guests.h"

/* `guest` is the news of every guest; added and removed are told when one enters or leaves. */
struct guests_news {
    struct guest_news guest;
    void (*on_added)(void *ctx, struct guest *guest); /* before it dials: load what is remembered of it */
    void (*on_removed)(void *ctx,
                       struct guest *guest); /* before it closes: forget what is remembered of it */
};

/* `config_rules` and `own`, the bridge's key pair, are borrowed. NULL when out of memory. */
struct guests *guests_create(struct relay *relay, const struct policy_set *config_rules,
                             const struct noise_key_pair *own, const struct guests_news *news);
/* As guests_add, but the secret's file is not looked at; configured: listed in the configuration file. */
int guests_put(struct guests *guests, const char *name, const char *link,
               const struct guest_identity_options *identity, bool configured, struct guest **ret,
               char ret_problem[static TEXT_REASON_MAX + 1]);
/* Who of the other guests listens on a host port: "guest other" (valid until the next call), or NULL. */
const char *guests_holder(struct guests *guests, const struct guest *asking, uint8_t protocol, uint16_t port);
/* Closes all; on_closed (never before return) when the last one is gone and the table is freed. */
void guests_close(struct guests *guests, void (*on_closed)(void *ctx), void *ctx);

#endif
