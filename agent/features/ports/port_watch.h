/* SPDX-License-Identifier: MIT */
/* Watches the guest's listening ports. Three tiers, the best that works here is taken: T0 a kernel tracepoint
 * wakes it (idle costs nothing), T1 the kernel tells what closed and a short dump is polled, T2 /proc/net is
 * polled. The watch sees the network namespace of the thread that created it and no other. */
#ifndef HOSPES_PORT_WATCH_H
#define HOSPES_PORT_WATCH_H

#include <uv.h>

#include "protocol/wire/message.h"

#define PORT_WATCH_OWN_PORTS_MAX 8

enum port_tier { PORT_TIER_AUTO, PORT_TIER_T0, PORT_TIER_T1, PORT_TIER_T2 };

struct port_watch;

struct port_watch_options {
    enum port_tier force;      /* PORT_TIER_AUTO: the best one */
    bool avoid_sock_diag;      /* read /proc/net instead, as on a kernel without tcp_diag and udp_diag */
    const uint16_t *own_ports; /* TCP ports of the agent itself, not reported; copied; can be NULL */
    size_t own_port_count;     /* at most PORT_WATCH_OWN_PORTS_MAX */
};

/* on_delta gets each change, at most PORTS_A_MESSAGE_MAX keys and facts at once, ages filled, sequence 0; the
 * message is borrowed. It fires from the loop and from port_watch_check, never from create; it may call
 * snapshot and close. What listens already at creation is in the snapshot and never in a delta, but for facts
 * that come later (a process that took long to find). options can be NULL. UV_ENOMEM, or a forced tier
 * that does not work here; the loop still has to run then, so that handles close. */
int port_watch_create(uv_loop_t *loop, const struct port_watch_options *options,
                      void (*on_delta)(void *ctx, const struct ports_message *delta), void *ctx,
                      struct port_watch **ret);

/* Everything that is known now, synchronously: at least one part, `more` set on all but the last, sequence 0.
 * UV_ENOMEM: nothing was emitted. */
int port_watch_snapshot(const struct port_watch *watch,
                        void (*emit)(void *ctx, const struct ports_message *part), void *ctx);

/* Call it at each heartbeat (about every 5 s): looks whether known owners still live, retries unknown ones,
 * and does a full dump when the last one is 30 s old. In T0 the watch has no timer of its own for any of
 * this. */
void port_watch_check(struct port_watch *watch);

enum port_tier port_watch_tier(const struct port_watch *watch);
/* "tracepoint", "polling: tracing needs root or CAP_PERFMON", "polling /proc/net: …". Valid until close. */
const char *port_watch_tier_text(const struct port_watch *watch);
/* Listeners that are not reported because there are more than PORTS_MAX. */
size_t port_watch_left_out(const struct port_watch *watch);

/* No delta is told any more; on_closed (can be NULL) fires from the loop when the watch is freed. Once only.
 * watch can be NULL: on_closed fires before return. */
void port_watch_close(struct port_watch *watch, void (*on_closed)(void *ctx), void *ctx);

#endif
