/* SPDX-License-Identifier: MIT */
/* A port watch on a loop, and the other side's knowledge as its messages make it. */
#ifndef HOSPES_WATCH_FIXTURE_H
#define HOSPES_WATCH_FIXTURE_H

#include <uv.h>

#include "agent/features/ports/port_watch.h"

#define FIXTURE_FACTS_MAX 4096

struct watch_mode {
    enum port_tier tier;
    bool avoid_sock_diag;
};

struct watch_fixture {
    uv_loop_t loop;
    uv_timer_t deadline;
    bool expired;
    bool closed;
    bool close_on_delta;
    struct port_watch *watch; /* NULL once closed */
    struct port_fact *facts;
    size_t count;
    size_t deltas;
};

/* A network namespace of its own with loopback up, where this process may have one. True when it has. */
bool fixture_enter_private_network(void);

/* Fails the test when the tier does not work here. */
struct watch_fixture *fixture_create(struct watch_mode mode, const uint16_t *own_ports,
                                     size_t own_port_count);
void fixture_destroy(struct watch_fixture *fixture);

/* Forgets all and takes a snapshot. */
void fixture_take_snapshot(struct watch_fixture *fixture);

typedef bool (*fixture_condition)(const struct watch_fixture *fixture, const void *argument);
/* Runs the loop until the condition holds; fails the test after 15 s. */
void fixture_wait(struct watch_fixture *fixture, fixture_condition condition, const void *argument);

/* NULL when the port is not known. */
const struct port_fact *fixture_find(const struct watch_fixture *fixture, uint8_t protocol,
                                     const char *address, uint16_t port);

/* A bound socket (TCP: listening). port 0: any. Gives the descriptor, *ret_port the port. */
int fixture_listen(uint8_t protocol, const char *address, uint16_t port, bool v6only, uint16_t *ret_port);

#endif
