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
    bool close_at_up, close_at_down, close_at_event, close_at_failure;
    bool closed;
};

extern struct session_log told;
extern struct fake_agent agent;
extern char control_path[96], events_path[96];

int session_fixture_setup(void **state); /* with paths, and no agent or session yet */
int session_fixture_teardown(void **state);
void start_agent(bool with_events);
void start_session(const char *link);
void start_unix_session(bool with_events);
void close_session(void);

#define RUN_AGENT_UNTIL(condition) RUN_UNTIL(fake_agent_step(&agent) && (condition))

#endif
