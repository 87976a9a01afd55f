/* SPDX-License-Identifier: MIT */
/* Sessions over one transport for everything (serial, exec). The agent's
 * side is the real one: listener, reception, served session and feed. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/admission.h"
#include "protocol/link/mux_link.h"
#include "protocol/link/reception.h"
#include "protocol/link/served_session.h"
#include "tests/unit/link/session_fixture.h"

static struct {
    struct mux_link *mux;
    struct reception reception;
    struct admissions admissions;
    struct noise_key_pair key;
    struct feed *feed;
    struct served_session *served;
    int refuse;
    size_t sessions, ended;
} mux_agent;

static void on_request(void *ctx, struct stream *control, const struct message *request) {}

static void on_heartbeat(void *ctx, struct served_session *session) {}

static void on_session_end(void *ctx, struct served_session *session, int status, const char *text)
{
    mux_agent.ended++;
    served_session_close(session);
    mux_agent.served = NULL;
}

static const struct served_session_handler SERVED_HANDLER = {
    .on_request = on_request, .on_heartbeat = on_heartbeat, .on_end = on_session_end};

static int judge(void *ctx, const struct admission_claim *claim, char ret_text[static TEXT_REASON_MAX + 1])
{
    assert_memory_equal(claim->key, bridge_key.public_key, NOISE_KEY_SIZE);
    assert_true(claim->peer->is_private);
    strcpy(ret_text, "not today");
    return mux_agent.refuse;
}

static void on_admitted(void *ctx, struct stream *stream, const struct listener_peer *peer,
                        const struct hello_message *hello, const struct session_keys *keys, uint16_t version)
{
    struct welcome_message welcome = {.version = version};
    mux_agent.sessions++;
    assert_int_equal(
        served_session_create(&loop, stream, keys, &welcome, &SERVED_HANDLER, NULL, &mux_agent.served), 0);
}

static void on_not_admitted(void *ctx, const struct listener_peer *peer, int status, const char *who) {}

static const struct admission_handler ADMISSION_HANDLER = {
    .judge = judge, .on_admitted = on_admitted, .on_refused = on_not_admitted};

static void on_hello(void *ctx, struct stream *stream, const struct listener_peer *peer,
                     const struct hello_message *hello, struct span payload)
{
    admissions_add(&mux_agent.admissions, stream, peer, hello, payload);
}

static int on_join(void *ctx, struct stream *stream, const struct join_message *join, struct stream **ret)
{
    return mux_agent.served == NULL ? STATUS_UNKNOWN_SESSION
                                    : served_session_join(mux_agent.served, join, stream, ret);
}

static void on_events(void *ctx, struct stream *stream, const struct hello_message *hello)
{
    struct welcome_message welcome = {.version = 1};
    assert_int_equal(
        served_session_subscribe(mux_agent.served, mux_agent.feed, stream, hello->cursor, &welcome), 0);
}

static void on_channel(void *ctx, struct stream *stream, const struct channel_open_message *open)
{
    stream_abort(stream, STATUS_NOT_ALLOWED, "no channels here");
}

static void on_refused(void *ctx, const struct listener_peer *peer, int status) {}

static const struct reception_handler RECEPTION_HANDLER = {.on_hello = on_hello,
                                                           .on_join = on_join,
                                                           .on_events = on_events,
                                                           .on_channel = on_channel,
                                                           .on_refused = on_refused};

static void on_stream(void *ctx, struct stream *stream)
{
    struct listener_peer peer = {.kind = LINK_SERIAL, .is_private = true, .who = "the serial port"};
    reception_add(&mux_agent.reception, stream, &peer);
}

static void stop_mux(void)
{
    struct mux_link *mux = mux_agent.mux;
    mux_agent.mux = NULL;
    mux_link_close(mux);
}

static void on_mux_end(void *ctx, int status, const char *text)
{
    stop_mux();
}

static const struct mux_link_handler MUX_HANDLER = {.on_stream = on_stream, .on_end = on_mux_end};

static void snapshot(void *ctx, void (*emit)(void *emit_ctx, const struct ports_message *part),
                     void *emit_ctx)
{
    struct ports_message part = {.snapshot = true};
    emit(emit_ctx, &part);
}

static void start_mux_agent(int fd)
{
    struct mux_link_options options = {.side = MUX_LISTENER};
    assert_int_equal(mux_link_create(&loop, fd, fd, &options, &MUX_HANDLER, NULL, &mux_agent.mux), 0);
}

static int setup(void **state)
{
    session_fixture_setup(state);
    memset(&mux_agent, 0, sizeof(mux_agent));
    reception_init(&mux_agent.reception, &uv, &RECEPTION_HANDLER, NULL);
    noise_key_pair_make(&mux_agent.key);
    struct admission_options options = {.own = &mux_agent.key, .ciphers = aead_ciphers()};
    admissions_init(&mux_agent.admissions, &loop, &options, &ADMISSION_HANDLER, NULL);
    mux_agent.feed = feed_create(snapshot, NULL);
    assert_non_null(mux_agent.feed);
    return 0;
}

static int setup_sealed(void **state)
{
    setup(state);
    fixture_sealing = SEALING_ALWAYS;
    return 0;
}

static int teardown(void **state)
{
    close_session();
    if (mux_agent.served != NULL)
        served_session_close(mux_agent.served);
    stop_mux();
    reception_close(&mux_agent.reception, NULL, NULL);
    admissions_close(&mux_agent.admissions, NULL, NULL);
    feed_destroy(mux_agent.feed);
    return session_fixture_teardown(state);
}

static int accept_one(int listener)
{
    int fd = -1;
    RUN_UNTIL((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
    return fd;
}

static int start_serial_session(void)
{
    char link[128];
    int listener = listen_unix(control_path);
    snprintf(link, sizeof(link), "serial:%s", control_path);
    start_session(link);
    return listener;
}

static void a_serial_link_carries_everything_and_comes_back(void **state)
{
    int listener = start_serial_session();
    start_mux_agent(accept_one(listener));
    RUN_UNTIL(told.events == 1 && session_rtt_us(told.session) > 0);
    assert_true(wakeups_within(100) < 5);
    stop_mux();
    RUN_UNTIL(told.downs == 1);
    assert_int_equal(told.status, UV_EOF);
    assert_int_equal(mux_agent.ended, 1);
    start_mux_agent(accept_one(listener));
    RUN_UNTIL(told.ups == 2);
    assert_true(told.resumed);
    close(listener);
}

/* The host's socket stays connected while the agent behind it is killed and started again. */
static void an_agent_started_anew_behind_a_serial_port_is_noticed_at_the_next_heartbeat(void **state)
{
    int listener = start_serial_session();
    int fd = accept_one(listener), kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    start_mux_agent(fd);
    RUN_UNTIL(told.events == 1 && session_rtt_us(told.session) > 0);
    served_session_close(mux_agent.served);
    mux_agent.served = NULL;
    stop_mux();
    uint64_t started = uv_hrtime();
    start_mux_agent(kept);
    RUN_UNTIL_WITHIN(HEARTBEAT_INTERVAL_MS + 3000, told.downs == 1);
    assert_true((uv_hrtime() - started) / 1000000 < HEARTBEAT_INTERVAL_MS + 2 * SYNC_INTERVAL_MS);
    stop_mux();
    start_mux_agent(accept_one(listener));
    RUN_UNTIL(told.ups == 2);
    close(listener);
}

static void a_refusal_over_a_mux_keeps_its_reason(void **state)
{
    mux_agent.refuse = STATUS_VERSION;
    int listener = start_serial_session();
    start_mux_agent(accept_one(listener));
    RUN_UNTIL(told.failures == 1);
    assert_int_equal(told.status, STATUS_VERSION);
    assert_string_equal(told.text, "not today");
    close(listener);
}

static void a_channel_refused_over_a_mux_is_told_why(void **state)
{
    int listener = start_serial_session();
    start_mux_agent(accept_one(listener));
    RUN_UNTIL(told.events == 1);
    struct dial_target target = {.protocol = PORT_TCP, .port = 80, .address_count = 1};
    target.addresses[0].family = 4;
    struct stream *stream;
    struct probe probe;
    assert_int_equal(session_open_channel(told.session, &target, &stream), 0);
    probe_init(&probe, stream);
    RUN_UNTIL(probe.ends == 1);
    int status;
    char text[TEXT_REASON_MAX + 1];
    assert_int_equal(frame_rst_decode(buffer_span(&probe.payload), &status, text), 0);
    assert_int_equal(status, STATUS_NOT_ALLOWED);
    probe_finish(&probe);
    close(listener);
}

static void garbage_on_a_serial_link_never_syncs(void **state)
{
    int listener = start_serial_session();
    struct peer peer;
    peer_init(&peer, accept_one(listener));
    peer_write(&peer, "Debian GNU/Linux 12 ttyS0\r\n\r\nlogin: ", 37);
    RUN_UNTIL_WITHIN(HELLO_TIMEOUT_MS + 2000, told.failures == 1);
    assert_int_equal(told.status, STATUS_NO_GREETING);
    peer_finish(&peer);
    close(listener);
}

static void a_serial_link_to_nothing_is_told_as_such(void **state)
{
    char link[128];
    snprintf(link, sizeof(link), "serial:%s/none", directory);
    start_session(link);
    RUN_UNTIL(told.failures == 1);
    assert_int_equal(told.status, UV_ENOENT);
    close_session();
    told = (struct session_log){0};
    int listener = listen_unix(control_path);
    close(listener); /* a socket nobody answers */
    snprintf(link, sizeof(link), "serial:%s", control_path);
    start_session(link);
    RUN_UNTIL(told.failures == 1);
    assert_int_equal(told.status, UV_ECONNREFUSED);
    close_session();
    told = (struct session_log){0};
    start_session("serial:/etc/passwd");
    RUN_UNTIL(told.failures == 1);
    assert_int_equal(told.status, UV_ENOTSOCK);
}

static void a_command_that_ends_is_told_with_its_exit_status(void **state)
{
    start_session("exec:exit 42");
    RUN_UNTIL(told.failures == 2);
    assert_int_equal(told.status, STATUS_COMMAND_ENDED);
    assert_string_equal(told.text, "the command ended with exit status 42");
    close_session();
    told = (struct session_log){0};
    start_session("exec:kill -9 $$");
    RUN_UNTIL(told.failures == 1);
    assert_string_equal(told.text, "the command was ended by signal 9");
}

static void a_command_that_talks_nonsense_is_ended(void **state)
{
    start_session("exec:echo nonsense; exec sleep 1000");
    RUN_UNTIL_WITHIN(HELLO_TIMEOUT_MS + 2000, told.failures == 1);
    assert_int_equal(told.status, STATUS_NO_GREETING);
}

static void a_command_that_ignores_its_end_is_killed(void **state)
{
    start_session("exec:trap '' TERM; while :; do sleep 0.1; done");
    assert_true(wakeups_within(300) < 20);
    uint64_t started = uv_hrtime();
    close_session();
    assert_true((uv_hrtime() - started) / 1000000 < 3000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_SEALED(name)                                                                                    \
    {                                                                                                        \
#name " when it is sealed", name, setup_sealed, teardown, NULL                                       \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_serial_link_carries_everything_and_comes_back),
        TEST_SEALED(a_serial_link_carries_everything_and_comes_back),
        TEST(an_agent_started_anew_behind_a_serial_port_is_noticed_at_the_next_heartbeat),
        TEST_SEALED(an_agent_started_anew_behind_a_serial_port_is_noticed_at_the_next_heartbeat),
        TEST(a_refusal_over_a_mux_keeps_its_reason),
        TEST_SEALED(a_refusal_over_a_mux_keeps_its_reason),
        TEST(a_channel_refused_over_a_mux_is_told_why),
        TEST_SEALED(a_channel_refused_over_a_mux_is_told_why),
        TEST(garbage_on_a_serial_link_never_syncs),
        TEST(a_serial_link_to_nothing_is_told_as_such),
        TEST(a_command_that_ends_is_told_with_its_exit_status),
        TEST(a_command_that_talks_nonsense_is_ended),
        TEST(a_command_that_ignores_its_end_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
