/* SPDX-License-Identifier: MIT */
/* Making and ending a guest: for guests.c, its owner. */
#ifndef HOSPES_GUEST_PRIVATE_H
#define HOSPES_GUEST_PRIVATE_H

#include "host-bridge/guest.h"
#include "services/relay/relay.h"

/* What happens at a guest, for the bridge. */
struct guest_news {
    void (*on_changed)(void *ctx, struct guest *guest); /* connected, disconnected, another reason why not */
    void (*on_port)(void *ctx, struct guest *guest, const struct known_port *port, const char *what);
    void (*on_forward)(void *ctx, struct guest *guest, const struct forward *forward, const char *what);
    void (*on_dirty)(void *ctx, struct guest *guest); /* its state file is out of date */
    /* Who of the other guests holds a host port: "guest other", or NULL. */
    const char *(*holder)(void *ctx, const struct guest *asking, uint8_t protocol, uint16_t port);
    void *ctx;
};

struct guest_options {
    const char *name;
    const char *link;                      /* checked already */
    const struct policy_set *config_rules; /* borrowed */
    bool is_configured;                    /* the configuration file lists it */
};

/* Does not dial yet. UV_ENOMEM. */
int guest_create(struct relay *relay, const struct guest_options *options, const struct guest_news *news,
                 struct guest **ret);
void guest_start(struct guest *guest);
/* No news follows; on_closed when it is freed. */
void guest_close(struct guest *guest, void (*on_closed)(void *ctx), void *ctx);

bool guest_is_configured(const struct guest *guest);

#endif
