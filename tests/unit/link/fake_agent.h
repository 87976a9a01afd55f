/* SPDX-License-Identifier: MIT */
/* An agent made of raw sockets, which does what a test tells it to: the right thing, or any wrong one. Looked
 * at by fake_agent_step between the turns of the loop. */
#ifndef HOSPES_FAKE_AGENT_H
#define HOSPES_FAKE_AGENT_H

#include "tests/unit/link/link_fixture.h"

struct fake_connection {
    struct peer peer; /* fd < 0: unused */
    uint8_t role;     /* of its HELLO; 0: none yet, 3: a channel */
    struct hello_message hello;
};

struct fake_agent {
    int listeners[2]; /* control, events (-1: none) */
    struct fake_connection connections[16];
    size_t accepted, hellos, pings, requests;
    /* behaviour */
    bool mute;        /* says nothing at all */
    bool deaf;        /* answers HELLO and nothing after it */
    uint16_t version; /* in WELCOME */
    int refuse;       /* REFUSE instead of WELCOME */
    bool resumes;
    bool no_snapshot;
    struct event_cursor cursor; /* of its event log */
    int health_error;           /* ERROR instead of HEALTH; 1: no answer */
};

void fake_agent_init(struct fake_agent *agent, const char *control, const char *events /* can be NULL */);
void fake_agent_finish(struct fake_agent *agent);
void fake_agent_hang_up(struct fake_agent *agent); /* all connections; goes on listening */
void fake_agent_stop_listening(struct fake_agent *agent);
bool fake_agent_step(struct fake_agent *agent); /* returns true, for use in conditions */

/* The newest connection of the role; NULL when there is none. */
struct fake_connection *fake_agent_connection(struct fake_agent *agent, uint8_t role);
void fake_connection_send(struct fake_connection *connection, const struct message *message);
/* PORTS with one listener of TCP port `port` (0: none). */
void fake_connection_send_ports(struct fake_connection *connection, uint64_t id, bool snapshot, bool more,
                                uint16_t port);

#endif
