/* SPDX-License-Identifier: MIT */
/* A session with an owner that counts what it is told. */
#ifndef HOSPES_SESSION_FIXTURE_H
#define HOSPES_SESSION_FIXTURE_H

#include "protocol/link/session.h"
#include "tests/unit/link/fake_agent.h"

struct session_log {
    struct session *session; /* NULL once closed */
    size_t ups, downs, failures, events;
    bool resumed;
    int status; /* of the last loss or failure */
    char text[TEXT_REASON_MAX + 1];
    uint64_t event_ids[64];
    bool close_at_up, close_at_down, close_at_event, close_at_failure, close_at_let_in, close_at_code;
    bool started, closed;
    /* trust */
    size_t asked;          /* for credentials */
    size_t keys_shown;     /* by on_key */
    int no_credentials;    /* on_credentials gives this */
    int judgement;         /* on_key gives this */
    const uint8_t *pinned; /* NULL: none */
    const uint8_t *psk;
    enum sealing sealing;
    uint8_t key[NOISE_KEY_SIZE]; /* as last shown */
    bool link_is_private, psk_proved, compared;
    size_t let_in, codes;
    char code[HANDSHAKE_CODE_DIGITS + 1];
};

extern struct session_log told;
extern struct fake_agent agent;
extern struct noise_key_pair bridge_key;
extern char control_path[96], events_path[96];
extern enum sealing fixture_sealing; /* of every session that is started */

int session_fixture_setup(void **state);        /* with paths, and no agent or session yet */
int session_fixture_setup_sealed(void **state); /* the same, and everything in records */
int session_fixture_teardown(void **state);
void session_fixture_renew(void); /* both, within a test */
void start_agent(bool with_events);
void start_session(const char *link);
void start_unix_session(bool with_events);
void close_session(void);

#define RUN_AGENT_UNTIL(condition) RUN_UNTIL(fake_agent_step(&agent) && (condition))

#define SESSION_TEST(name)                                                                                   \
    cmocka_unit_test_setup_teardown(name, session_fixture_setup, session_fixture_teardown)
#define SESSION_TEST_SEALED(name)                                                                            \
    {                                                                                                        \
#name " when it is sealed", name, session_fixture_setup_sealed, session_fixture_teardown, NULL       \
    }

#endif
