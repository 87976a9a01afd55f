/* SPDX-License-Identifier: MIT */
/* The agent's door with an owner that does what a test tells it to, and hosts that knock: raw sockets with
 * the real handshake in the bridge's role, step by step. */
#ifndef HOSPES_ADMISSION_FIXTURE_H
#define HOSPES_ADMISSION_FIXTURE_H

#include "protocol/link/admission.h"
#include "tests/unit/link/sealed_peer.h"

struct host {
    struct peer peer;
    struct handshake *handshake;
    struct hello_message hello;
    struct handshake_choice choice;    /* of AUTH 2 */
    uint8_t agent_key[NOISE_KEY_SIZE]; /* of AUTH 2 */
    struct session_keys keys;          /* once AUTH 3 was said */
    struct sealed_peer sealed;
    int refusal;
    char refusal_text[TEXT_REASON_MAX + 1];
};

/* What the owner was told. */
struct door {
    struct admissions admissions;
    struct admission_options options;
    struct noise_key_pair key;      /* the agent's */
    struct noise_key_pair host_key; /* every host's */
    struct listener_peer peer;
    int verdict;      /* judge gives this */
    int code_verdict; /* on_code gives this */
    size_t judged, codes, codes_over, admitted, refused;
    uint8_t claimed_key[NOISE_KEY_SIZE];
    bool psk_proved, first, compare;
    struct admission *comparing;
    char code[HANDSHAKE_CODE_DIGITS + 1];
    bool agreed;
    struct probe probe; /* of the last one admitted */
    struct session_keys keys;
    uint16_t version;
    int refusal;
    char who[TEXT_REASON_MAX + 1];
    bool closed;
};

extern struct door door;

int admission_fixture_setup(void **state); /* the door is not open yet: options may be changed */
int admission_fixture_teardown(void **state);
void open_door(void);
void close_door(void);

/* A host of this pattern, which knows what it has to; HELLO may be changed before host_knock. */
void host_init(struct host *host, enum handshake_pattern pattern, const uint8_t *psk);
void host_finish(struct host *host);
void host_knock(struct host *host); /* HELLO is there */
void host_knock_as_made(
    struct host *host); /* the same, and HELLO and what the host knows are those of host_init */
void host_say(struct host *host, const struct message *message);
void host_say_auth_1(struct host *host);
void host_hear_auth_2(struct host *host); /* waits for it */
void host_say_auth_3(struct host *host, bool compare);
/* All of it; then the owner decides. */
void host_prove(struct host *host, bool compare);
/* Waits for a message of this kind. */
void host_expect(struct host *host, enum message_kind kind);
/* Waits for REFUSE with this status, for the end behind it, and for the owner to have heard of it. */
void host_expect_refusal(struct host *host, int status);
bool host_hears_end(struct host *host);

#endif
