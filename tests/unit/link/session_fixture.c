/* SPDX-License-Identifier: MIT */
/* Starts and ends the sessions and fake agents of the session tests. */
#include "tests/unit/link/session_fixture.h"

#include <stdio.h>
#include <string.h>

struct session_log told;
struct fake_agent agent;
struct noise_key_pair bridge_key;
char control_path[96], events_path[96];
enum sealing fixture_sealing;

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

static int on_credentials(void *ctx, struct session_credentials *ret)
{
    assert_non_null(told.session);
    told.asked++;
    *ret = (struct session_credentials){
        .own = &bridge_key, .peer = told.pinned, .psk = told.psk, .sealing = told.sealing};
    return told.no_credentials;
}

static int on_key(void *ctx, const uint8_t *key, bool link_is_private, bool psk_proved)
{
    assert_non_null(told.session);
    told.keys_shown++;
    told.link_is_private = link_is_private;
    told.psk_proved = psk_proved;
    memcpy(told.key, key, NOISE_KEY_SIZE);
    return told.judgement;
}

static void on_let_in(void *ctx, const uint8_t *key, bool link_is_private, bool psk_proved, bool compared)
{
    assert_non_null(told.session);
    assert_memory_equal(key, told.key, NOISE_KEY_SIZE);
    assert_int_equal(link_is_private, told.link_is_private);
    assert_int_equal(psk_proved, told.psk_proved);
    told.compared = compared;
    told.let_in++;
    if (told.close_at_let_in)
        close_now();
}

static void on_code(void *ctx, const char *code)
{
    assert_non_null(told.session);
    told.codes++;
    snprintf(told.code, sizeof(told.code), "%s", code);
    if (told.close_at_code)
        close_now();
}

static const struct session_handler HANDLER = {.on_credentials = on_credentials,
                                               .on_key = on_key,
                                               .on_let_in = on_let_in,
                                               .on_code = on_code,
                                               .on_up = on_up,
                                               .on_down = on_down,
                                               .on_try_failed = on_try_failed,
                                               .on_event = on_event};

int session_fixture_setup(void **state)
{
    link_fixture_setup(state);
    told = (struct session_log){0};
    agent = (struct fake_agent){.listeners = {-1, -1}};
    for (size_t i = 0; i < FAKE_CONNECTIONS; i++)
        agent.connections[i].peer.fd = -1;
    noise_key_pair_make(&bridge_key);
    fixture_sealing = SEALING_AUTO;
    make_path(control_path, sizeof(control_path), "control");
    make_path(events_path, sizeof(events_path), "events");
    return 0;
}

int session_fixture_setup_sealed(void **state)
{
    session_fixture_setup(state);
    fixture_sealing = SEALING_ALWAYS;
    return 0;
}

void close_session(void)
{
    if (told.session != NULL)
        close_now();
    RUN_UNTIL(told.closed || !told.started);
}

int session_fixture_teardown(void **state)
{
    close_session();
    fake_agent_finish(&agent);
    return link_fixture_teardown(state);
}

void session_fixture_renew(void)
{
    void *state = NULL;
    enum sealing sealing = fixture_sealing;
    session_fixture_teardown(&state);
    session_fixture_setup(&state);
    fixture_sealing = sealing;
}

void start_agent(bool with_events)
{
    fake_agent_init(&agent, control_path, with_events ? events_path : NULL);
}

void start_session(const char *link)
{
    struct link_spec spec;
    char problem[TEXT_REASON_MAX + 1];
    told.sealing = fixture_sealing;
    assert_int_equal(link_spec_parse_dial(link, &spec, problem), 0);
    assert_int_equal(session_create(&loop, &spec, "test", &HANDLER, NULL, &told.session), 0);
    told.started = true;
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
