/* SPDX-License-Identifier: MIT */
/* An introduction, its owner, and the agent that it meets, which is played by hand, step by step. */
#ifndef HOSPES_INTRODUCTION_FIXTURE_H
#define HOSPES_INTRODUCTION_FIXTURE_H

#include "protocol/link/introduction.h"
#include "tests/unit/link/sealed_peer.h"

/* The agent. */
extern struct peer peer;
extern struct noise_key_pair agent_key, bridge_key;
extern struct hello_message hello; /* that it heard */
extern struct session_keys agent_keys;
extern struct sealed_peer sealed; /* from AUTH 3 on, where it is to be */

/* The owner: what it says, and what it was told. */
extern struct introduction *introduction; /* NULL when it is over */
extern struct introduction_options options;
extern int judgement;
extern bool asks_for_code;
extern size_t shown, codes, welcomes, failures;
extern bool psk_proved;
extern struct probe probe; /* has the stream after WELCOME */
extern struct session_keys bridge_keys;
extern int failure;
extern char failure_text[TEXT_REASON_MAX + 1];

int introduction_fixture_setup(void **state);
int introduction_fixture_teardown(void **state);
void introduction_fixture_renew(void); /* both, within a test */

/* The agent says it, in a record where the session is sealed. */
void say(const struct message *message);
void say_kind(enum message_kind kind);
void refuse(int status, const char *text);
void welcome(uint16_t version);
/* Waits for the next message, which is of this kind. */
void hear(enum message_kind kind, struct message *ret);

void meet(void); /* the bridge begins; HELLO and AUTH 1 are heard */
void reply(uint16_t version, enum aead_cipher cipher);
void prove(enum aead_cipher cipher);   /* all up to AUTH 3 */
void compare(enum aead_cipher cipher); /* and then PAIR */
void expect_failure(int status);       /* and the end of the connection */

#endif
