/* SPDX-License-Identifier: MIT */
/* A process in the guest's network namespace that opens and closes listeners when told and says when it did.
 * It accepts every connection, sends it one byte and closes it. What fails ends the program with 1. */
#ifndef BENCH_GUEST_LISTENER_H
#define BENCH_GUEST_LISTENER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct guest_listener {
    pid_t pid;
    int fd; /* packets of struct guest_order there, struct guest_news back */
};

enum guest_news_kind { GUEST_LISTENS = 1, GUEST_ACCEPTED, GUEST_CLOSED };

struct guest_news {
    uint32_t kind; /* enum guest_news_kind */
    uint32_t port;
    uint64_t at_ns; /* CLOCK_MONOTONIC: right before listen(2), right after accept(2), right after close(2) */
};

/* `namespace_path` is what ip-netns(8) makes: /run/netns/NAME. */
void guest_listener_start(struct guest_listener *guest, const char *namespace_path);
void guest_listener_stop(struct guest_listener *guest);

/* Bind now, wait so long, listen: the news GUEST_LISTENS follows. */
void guest_listener_open(struct guest_listener *guest, uint16_t port, uint32_t delay_us);
/* The news GUEST_CLOSED follows. */
void guest_listener_close(struct guest_listener *guest, uint16_t port);
/* The next news, waiting so long for it at most: false when there is none. */
bool guest_listener_next(struct guest_listener *guest, int timeout_ms, struct guest_news *ret);

#endif
