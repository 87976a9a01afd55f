/* SPDX-License-Identifier: MIT */
/* Making and ending a guest: for guests.c, its owner. */
#ifndef HOSPES_GUEST_PRIVATE_H
#define HOSPES_GUEST_PRIVATE_H

#include "host-bridge/guest.h"
#include "host-bridge/guest_identity.h"
#include "services/relay/relay.h"

/* What happens at a guest, for the bridge. */
struct guest_news {
    void (*on_changed)(void *ctx, struct guest *guest); /* connected, disconnected, another reason why not */
    void (*on_port)(void *ctx, struct guest *guest, const struct known_port *port, const char *what);
    void (*on_forward)(void *ctx, struct guest *guest, const struct forward *forward, const char *what);
    void (*on_dirty)(void *ctx, struct guest *guest); /* its state file is out of date */
    /* What is known of its identity, or what people have to do about it, is another. `what`: "paired",
     * "unpaired", "keyChanged", "comparing", "declined". */
    void (*on_pairing)(void *ctx, struct guest *guest, const char *what);
    void (*on_refusals)(void *ctx, struct guest *guest, const struct refusals_message *refusals);
    void (*on_offers)(void *ctx, struct guest *guest, const struct offers_message *offers);
    void (*on_snapshot_end)(void *ctx, struct guest *guest); /* of what the guest has and offers */
    /* Who of the other guests holds a host port: "guest other", or NULL. */
    const char *(*holder)(void *ctx, const struct guest *asking, uint8_t protocol, uint16_t port);
    void *ctx;
};

/* What a guest may send by itself; beyond it the link is let go of for a while. A snapshot has at most
 * PORTS_MAX listeners, and a test suite that opens a thousand a second must not be cut off: at 5,000 they
 * cost the bridge about a tenth of a core. */
#define PORT_CHANGES_A_SECOND  5000
#define PORT_CHANGES_BURST     (16 * PORTS_MAX)
#define OFFER_CHANGES_A_SECOND 100 /* people make them */
#define OFFER_CHANGES_BURST    (16 * OFFERS_MAX)
#define REFUSAL_NEWS_A_SECOND  2    /* the agent sends one */
#define REFUSAL_NEWS_BURST     2048 /* a ring of them after a long absence */

struct guest_options {
    const char *name;
    const char *link;                       /* checked already */
    const struct policy_set *config_rules;  /* borrowed */
    bool is_configured;                     /* the configuration file lists it */
    struct guest_identity_options identity; /* checked already; psk_file is borrowed for the call */
    const struct noise_key_pair *own;       /* the bridge's; borrowed for the whole life */
};

/* Does not dial yet. UV_ENOMEM. */
int guest_create(struct relay *relay, const struct guest_options *options, const struct guest_news *news,
                 struct guest **ret);
void guest_start(struct guest *guest);
/* No news follows; on_closed when it is freed. */
void guest_close(struct guest *guest, void (*on_closed)(void *ctx), void *ctx);

bool guest_is_configured(const struct guest *guest);
/* What was remembered of its identity, before guest_start; NULL: nothing. What makes no sense unpairs it. */
void guest_load_pairing(struct guest *guest, const json_t *pairing);
/* As given to guest_create, for the state file; borrowed from the guest. */
const struct guest_identity_options *guest_identity(const struct guest *guest);

#endif
