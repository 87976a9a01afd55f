/* SPDX-License-Identifier: MIT */
/* Addresses in text, and what every TCP socket of a link is told. */
#include "protocol/link/tcp_socket.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "tests/unit/link/link_fixture.h"
#include "tests/unit/link/tcp_fixture.h"

static void expect_text(const char *address, uint16_t port, const char *text)
{
    struct tcp_address parsed;
    char out[TCP_ADDRESS_TEXT_SIZE];
    assert_int_equal(tcp_address_parse(address, port, &parsed), 0);
    tcp_address_format(&parsed, out, sizeof(out));
    assert_string_equal(out, text);
}

static void numeric_addresses_are_read_and_written(void **state)
{
    expect_text("192.0.2.7", 5002, "192.0.2.7:5002");
    expect_text("::1", 1, "[::1]:1");
    expect_text("2001:DB8:0::7", 65535, "[2001:db8::7]:65535");
    expect_text("::ffff:192.0.2.7", 9, "192.0.2.7:9");
    expect_text("fe80::1%lo", 9, "[fe80::1%lo]:9");
}

static void text_that_is_no_numeric_address_is_refused(void **state)
{
    static const char *const TEXTS[] = {
        "",     "localhost", "1.2.3",   "1.2.3.4.5",  "256.1.1.1",         "[::1]",
        ":::1", "::1%",      "1::2::3", "1.2.3.4%lo", "fe80::1%no-such-if"};
    struct tcp_address before, address;
    memset(&address, 0x5a, sizeof(address));
    before = address;
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        if (tcp_address_parse(TEXTS[i], 1, &address) != UV_EINVAL)
            fail_msg("\"%s\" was taken", TEXTS[i]);
        assert_memory_equal(&address, &before, sizeof(address));
    }
    char text[400];
    snprintf(text, sizeof(text), "::%0390d", 1);
    assert_int_equal(tcp_address_parse(text, 1, &address), UV_EINVAL);
}

static void text_is_cut_and_not_overrun(void **state)
{
    struct tcp_address address;
    char out[8];
    assert_int_equal(tcp_address_parse("2001:db8::7", 5002, &address), 0);
    tcp_address_format(&address, out, sizeof(out));
    assert_string_equal(out, "[2001:d");
}

static void only_ip_addresses_are_taken_from_the_system(void **state)
{
    struct tcp_address address;
    struct sockaddr other = {.sa_family = AF_UNIX};
    assert_false(tcp_address_take(&other, 1, &address));
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(7)};
    assert_true(tcp_address_take((struct sockaddr *)&v4, 8, &address));
    assert_int_equal(port_of(&address), 8);
}

static int number_of(int fd, int level, int option)
{
    int value = -1;
    socklen_t size = sizeof(value);
    assert_int_equal(getsockopt(fd, level, option, &value, &size), 0);
    return value;
}

static void expect_options(int fd)
{
    assert_int_equal(number_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(number_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(number_of(fd, IPPROTO_TCP, TCP_KEEPIDLE), 20);
    assert_int_equal(number_of(fd, IPPROTO_TCP, TCP_KEEPINTVL), 5);
    assert_int_equal(number_of(fd, IPPROTO_TCP, TCP_KEEPCNT), 3);
}

static void sockets_send_at_once_and_notice_a_lost_peer(void **state)
{
    struct tcp_address address;
    int listener = listen_tcp("127.0.0.1", &address), fd = -1;
    bool connecting;
    assert_int_equal(tcp_socket_connect(&address, &fd, &connecting), 0);
    expect_options(fd);
    int accepted = accept_tcp(listener);
    tcp_socket_set_options(accepted);
    expect_options(accepted);
    assert_int_equal(tcp_socket_connect_result(fd), 0);
    char who[TCP_ADDRESS_TEXT_SIZE], own[TCP_ADDRESS_TEXT_SIZE];
    struct tcp_address own_address;
    socklen_t size = sizeof(own_address);
    assert_int_equal(getsockname(fd, &own_address.any, &size), 0);
    tcp_address_format(&own_address, own, sizeof(own));
    tcp_socket_format_peer(accepted, who, sizeof(who));
    assert_string_equal(who, own);
    tcp_socket_format_peer(listener, who, sizeof(who));
    assert_string_equal(who, "a TCP peer that is gone");
    close(accepted);
    close(fd);
    close(listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, link_fixture_setup, link_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(numeric_addresses_are_read_and_written),
        TEST(text_that_is_no_numeric_address_is_refused),
        TEST(text_is_cut_and_not_overrun),
        TEST(only_ip_addresses_are_taken_from_the_system),
        TEST(sockets_send_at_once_and_notice_a_lost_peer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
