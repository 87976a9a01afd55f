/* SPDX-License-Identifier: MIT */
/* Starts and ends the sessions and fake agents of the session tests. */
#include "tests/unit/link/session_fixture.h"

#include <stdio.h>

struct session_log told;
struct fake_agent agent;
char control_path[96], events_path[96];

static void on_closed(void *ctx)
{
    told.closed = true;
}

static void close_now(void)
{
    struct session *session = told.session;
    told.session = NULL;
    session_close(session, on_closed, NULL);
    assert_false(told.closed);
}

static void on_up(void *ctx, const struct welcome_message *welcome, bool resumed)
{
    assert_non_null(told.session);
    assert_true(session_is_up(told.session));
    told.ups++;
    told.resumed = resumed;
    if (told.close_at_up)
        close_now();
}

static void note(int status, const char *text)
{
    assert_non_null(told.session);
    assert_false(session_is_up(told.session));
    told.status = status;
    snprintf(told.text, sizeof(told.text), "%s", text);
}

static void on_down(void *ctx, int status, const char *text)
{
    note(status, text);
    told.downs++;
    if (told.close_at_down)
        close_now();
}

static void on_try_failed(void *ctx, int status, const char *text)
{
    note(status, text);
    told.failures++;
    if (told.close_at_failure)
        close_now();
}

static void on_event(void *ctx, const struct message *event)
{
    assert_non_null(told.session);
    told.event_ids[told.events++ % 64] = event->id;
    if (told.close_at_event)
        close_now();
}

static const struct session_handler HANDLER = {
    .on_up = on_up, .on_down = on_down, .on_try_failed = on_try_failed, .on_event = on_event};

int session_fixture_setup(void **state)
{
    link_fixture_setup(state);
    told = (struct session_log){0};
    agent = (struct fake_agent){.listeners = {-1, -1}};
    for (size_t i = 0; i < sizeof(agent.connections) / sizeof(agent.connections[0]); i++)
        agent.connections[i].peer.fd = -1;
    make_path(control_path, sizeof(control_path), "control");
    make_path(events_path, sizeof(events_path), "events");
    return 0;
}

void close_session(void)
{
    if (told.session != NULL)
        close_now();
    RUN_UNTIL(told.closed);
}

int session_fixture_teardown(void **state)
{
    close_session();
    fake_agent_finish(&agent);
    return link_fixture_teardown(state);
}

void start_agent(bool with_events)
{
    fake_agent_init(&agent, control_path, with_events ? events_path : NULL);
}

void start_session(const char *link)
{
    struct link_spec spec;
    char problem[TEXT_REASON_MAX + 1];
    assert_int_equal(link_spec_parse_dial(link, &spec, problem), 0);
    assert_int_equal(session_create(&loop, &spec, "test", &HANDLER, NULL, &told.session), 0);
    session_start(told.session);
    assert_int_equal(told.ups + told.failures, 0);
}

void start_unix_session(bool with_events)
{
    char link[256];
    snprintf(link, sizeof(link), "unix:%s%s%s", control_path, with_events ? "," : "",
             with_events ? events_path : "");
    start_session(link);
}
