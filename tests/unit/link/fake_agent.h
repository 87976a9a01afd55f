/* SPDX-License-Identifier: MIT */
/* An agent made of raw sockets, which does what a test tells it to: the right thing, or any wrong one. Looked
 * at by fake_agent_step between the turns of the loop. */
#ifndef HOSPES_FAKE_AGENT_H
#define HOSPES_FAKE_AGENT_H

#include "protocol/wire/handshake.h"
#include "tests/unit/link/sealed_peer.h"

#define FAKE_CONNECTIONS 16
#define FAKE_CHANNEL     3 /* a role as good as HELLO's */

struct fake_connection {
    struct peer peer;          /* fd < 0: unused */
    struct sealed_peer sealed; /* of a sealed session, once it begins */
    uint8_t role;              /* of its HELLO; 0: none yet; FAKE_CHANNEL */
    struct hello_message hello;
    struct handshake *handshake; /* a control session's */
    unsigned auths;              /* that came */
    uint64_t number;             /* said by JOIN; 0: none */
    bool host_agreed;            /* PAIR came */
};

struct fake_agent {
    int listeners[2]; /* control, events (-1: none) */
    struct fake_connection connections[FAKE_CONNECTIONS];
    size_t accepted, hellos, pings, requests, declined;
    struct noise_key_pair key;
    const uint8_t *psk;       /* can be NULL */
    struct session_keys keys; /* of the last handshake */
    uint64_t last_number;     /* that a JOIN of this session said */
    bool compare;             /* the bridge wanted the code compared */
    char code[HANDSHAKE_CODE_DIGITS + 1];
    /* behaviour */
    bool mute;                      /* says nothing at all */
    bool deaf;                      /* answers HELLO and nothing after it */
    uint16_t version;               /* in WELCOME */
    struct handshake_choice choice; /* cipher 0: as the bridge wants it */
    int refuse;                     /* REFUSE instead of WELCOME */
    int refuse_hello;               /* REFUSE at once, before anything is proved */
    bool pairs;                     /* PAIR instead of WELCOME, and WELCOME when both have agreed */
    bool guest_agreed;
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
/* In a record where the session is sealed. What does not fit any more is lost, as is what is said to a bridge
 * that left. */
void fake_connection_send(struct fake_connection *connection, const struct message *message);
void fake_connection_send_frame(struct fake_connection *connection, enum frame_type type, const void *payload,
                                size_t size);
void fake_connection_send_bytes(struct fake_connection *connection, const void *bytes, size_t size);
void fake_connection_refuse(struct fake_connection *connection, int status, const char *text);
void fake_connection_hang_up(struct fake_connection *connection);
/* PORTS with one listener of TCP port `port` (0: none). */
void fake_connection_send_ports(struct fake_connection *connection, uint64_t id, bool snapshot, bool more,
                                uint16_t port);

#endif
