/* SPDX-License-Identifier: MIT */
/* The beginning of a stream: connects that fail, and the greeting of hybrid vsock. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "tests/unit/link/link_fixture.h"

static struct peer proxy;
static struct probe probe;

static int setup(void **state)
{
    link_fixture_setup(state);
    int fds[2];
    socket_pair(fds);
    peer_init(&proxy, fds[0]);
    struct stream_fd_options options = {.greeting_port = 5002};
    struct stream *stream;
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &stream), 0);
    probe_init(&probe, stream);
    return 0;
}

static int teardown(void **state)
{
    probe_finish(&probe);
    peer_finish(&proxy);
    return link_fixture_teardown(state);
}

static void await_request(void)
{
    RUN_UNTIL(peer_read(&proxy) >= strlen("CONNECT 5002\n"));
    assert_true(span_equals(buffer_span(&proxy.in), span_of_text("CONNECT 5002\n")));
    buffer_finish(&proxy.in);
}

static void frames_wait_for_the_greeting_and_follow_it(void **state)
{
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("hello")), 0);
    assert_int_equal(stream_write_room(probe.stream), 0);
    await_request();
    peer_write(&proxy, "OK 1073741824\n", 14);
    struct frame_header header;
    struct buffer payload;
    RUN_UNTIL(peer_take_frame(&proxy, &header, &payload));
    assert_true(span_equals(buffer_span(&payload), span_of_text("hello")));
    buffer_finish(&payload);
    RUN_UNTIL(probe.writable == 1);
}

static void a_frame_right_behind_the_answer_is_not_lost(void **state)
{
    await_request();
    uint8_t bytes[64] = "OK 7\n";
    frame_header_encode(&(struct frame_header){.length = 2, .type = FRAME_MESSAGE}, bytes + 5);
    memcpy(bytes + 5 + FRAME_HEADER_SIZE, "hi", 2);
    peer_write(&proxy, bytes, 5 + FRAME_HEADER_SIZE + 2);
    RUN_UNTIL(probe.frames == 1);
    assert_true(span_equals(buffer_span(&probe.payload), span_of_text("hi")));
}

static void an_answer_that_comes_byte_by_byte_is_good(void **state)
{
    await_request();
    static const char ANSWER[] = "OK 1234\n";
    for (size_t i = 0; i < sizeof(ANSWER) - 1; i++) {
        peer_write(&proxy, ANSWER + i, 1);
        assert_true(wakeups_within(2) < 10);
    }
    peer_write_frame(&proxy, FRAME_MESSAGE, "hi", 2);
    RUN_UNTIL(probe.frames == 1);
}

static void a_proxy_that_closes_has_refused(void **state)
{
    await_request();
    peer_write(&proxy, "OK 12", 5);
    peer_hang_up(&proxy);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, STATUS_GREETING_REFUSED);
}

static void a_proxy_that_closed_before_the_request_has_refused(void **state)
{
    peer_hang_up(&proxy);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, STATUS_GREETING_REFUSED);
}

static void junk_instead_of_an_answer_is_told_as_such(void **state)
{
    await_request();
    peer_write(&proxy, "HTTP/1.1 400\r\n", 14);
    RUN_UNTIL(probe.ends == 1);
    assert_int_equal(probe.end_status, STATUS_MALFORMED);
    assert_non_null(strstr(probe.end_text, "something else than OK"));
}

static void a_silent_proxy_does_not_keep_the_loop_busy(void **state)
{
    await_request();
    assert_true(wakeups_within(100) < 10);
    assert_int_equal(stream_send(probe.stream, FRAME_MESSAGE, span_of_text("hello")), 0);
    assert_int_equal(stream_write_room(probe.stream), 0);
    assert_true(wakeups_within(100) < 10);
    assert_int_equal(probe.ends, 0);
}

static void closing_while_the_greeting_is_under_way_tells_nothing(void **state)
{
    await_request();
    peer_write(&proxy, "OK 1\n", 5);
    probe_close(&probe);
    RUN_UNTIL((peer_read(&proxy), proxy.eof || proxy.error != 0));
    assert_int_equal(probe.ends, 0);
}

static int map_error(int error)
{
    return error == UV_ECONNREFUSED ? STATUS_NO_AGENT : STATUS_INVALID;
}

/* A TCP port of this machine that was free a moment ago. */
static int start_connect_to_nobody(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int reserved = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); /* bound, and listens to nobody */
    assert_int_equal(bind(reserved, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(reserved, (struct sockaddr *)&address, &size), 0);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, size), -1);
    assert_int_equal(errno, EINPROGRESS);
    close(reserved);
    return fd;
}

static void a_failed_connect_is_told_once_and_in_the_links_words(void **state)
{
    for (int mapped = 0; mapped < 2; mapped++) {
        struct stream_fd_options options = {.connecting = true, .connect_error = mapped ? map_error : NULL};
        struct stream *stream;
        struct probe refused;
        assert_int_equal(stream_fd_create(&loop, start_connect_to_nobody(), &options, &stream), 0);
        probe_init(&refused, stream);
        assert_int_equal(stream_send(stream, FRAME_MESSAGE, span_of_text("early")), 0);
        RUN_UNTIL(refused.ends == 1);
        assert_int_equal(refused.end_status, mapped ? STATUS_NO_AGENT : UV_ECONNREFUSED);
        assert_true(wakeups_within(20) < 10);
        assert_int_equal(refused.ends, 1);
        probe_finish(&refused);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_wait_for_the_greeting_and_follow_it),
        TEST(a_frame_right_behind_the_answer_is_not_lost),
        TEST(an_answer_that_comes_byte_by_byte_is_good),
        TEST(a_proxy_that_closes_has_refused),
        TEST(a_proxy_that_closed_before_the_request_has_refused),
        TEST(junk_instead_of_an_answer_is_told_as_such),
        TEST(a_silent_proxy_does_not_keep_the_loop_busy),
        TEST(closing_while_the_greeting_is_under_way_tells_nothing),
        TEST(a_failed_connect_is_told_once_and_in_the_links_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
