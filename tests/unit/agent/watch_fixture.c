/* SPDX-License-Identifier: MIT */
/* Carries the live tests of the port watch: loop, deadline, sockets, network namespace. */
#include "tests/unit/agent/watch_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEADLINE_MS 15000

bool fixture_enter_private_network(void)
{
    if (unshare(CLONE_NEWNET) < 0)
        return false;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
    memcpy(request.ifr_name, "lo", 3);
    bool up = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    if (fd >= 0)
        close(fd);
    return up;
}

static size_t find_key(const struct watch_fixture *fixture, const struct port_key *key)
{
    size_t at = 0;
    while (at < fixture->count && !port_key_equals(&fixture->facts[at].key, key))
        at++;
    return at;
}

static void apply(void *ctx, const struct ports_message *message)
{
    struct watch_fixture *fixture = ctx;
    assert_true(message->opened_count + message->closed_count <= PORTS_A_MESSAGE_MAX);
    assert_true(message->ephemeral_low > 0 && message->ephemeral_low <= message->ephemeral_high);
    for (size_t i = 0; i < message->closed_count; i++) {
        size_t at = find_key(fixture, &message->closed[i]);
        assert_true(at < fixture->count);
        fixture->facts[at] = fixture->facts[--fixture->count];
    }
    for (size_t i = 0; i < message->opened_count; i++) {
        size_t at = find_key(fixture, &message->opened[i].key);
        if (at == fixture->count)
            assert_true(fixture->count++ < FIXTURE_FACTS_MAX);
        fixture->facts[at] = message->opened[i];
    }
}

static void handle_closed(void *ctx)
{
    struct watch_fixture *fixture = ctx;
    fixture->closed = true;
}

static void close_watch(struct watch_fixture *fixture)
{
    struct port_watch *watch = fixture->watch;
    fixture->watch = NULL;
    if (watch != NULL)
        port_watch_close(watch, handle_closed, fixture);
}

static void handle_delta(void *ctx, const struct ports_message *delta)
{
    struct watch_fixture *fixture = ctx;
    assert_non_null(fixture->watch); /* nothing is told after close */
    assert_false(delta->snapshot);
    fixture->deltas++;
    apply(fixture, delta);
    if (fixture->close_on_delta)
        close_watch(fixture);
}

void fixture_take_snapshot(struct watch_fixture *fixture)
{
    fixture->count = 0;
    assert_int_equal(port_watch_snapshot(fixture->watch, apply, fixture), 0);
}

struct watch_fixture *fixture_create(struct watch_mode mode, const uint16_t *own_ports, size_t own_port_count)
{
    struct watch_fixture *fixture = calloc(1, sizeof(*fixture));
    struct port_watch_options options = {.force = mode.tier,
                                         .avoid_sock_diag = mode.avoid_sock_diag,
                                         .own_ports = own_ports,
                                         .own_port_count = own_port_count};
    assert_non_null(fixture);
    fixture->facts = calloc(FIXTURE_FACTS_MAX, sizeof(*fixture->facts));
    assert_non_null(fixture->facts);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(uv_timer_init(&fixture->loop, &fixture->deadline), 0);
    fixture->deadline.data = fixture;
    int status = port_watch_create(&fixture->loop, &options, handle_delta, fixture, &fixture->watch);
    if (status < 0)
        fail_msg("tier %d does not work here: %s (HOSPES_TEST_WITHOUT_PERF=1 tests without tracing)",
                 (int)mode.tier - PORT_TIER_T0, uv_strerror(status));
    if (mode.tier != PORT_TIER_AUTO)
        assert_int_equal(port_watch_tier(fixture->watch), mode.tier);
    fixture_take_snapshot(fixture);
    return fixture;
}

static void handle_deadline(uv_timer_t *timer)
{
    struct watch_fixture *fixture = timer->data;
    fixture->expired = true;
}

void fixture_wait(struct watch_fixture *fixture, fixture_condition condition, const void *argument)
{
    fixture->expired = false;
    uv_update_time(&fixture->loop);
    assert_int_equal(uv_timer_start(&fixture->deadline, handle_deadline, DEADLINE_MS, 0), 0);
    while (!condition(fixture, argument)) {
        assert_false(fixture->expired);
        uv_run(&fixture->loop, UV_RUN_ONCE);
    }
    uv_timer_stop(&fixture->deadline);
}

static bool is_closed(const struct watch_fixture *fixture, const void *argument)
{
    return fixture->closed;
}

void fixture_destroy(struct watch_fixture *fixture)
{
    close_watch(fixture);
    fixture_wait(fixture, is_closed, NULL);
    uv_close((uv_handle_t *)&fixture->deadline, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0); /* no handle is left */
    free(fixture->facts);
    free(fixture);
}

const struct port_fact *fixture_find(const struct watch_fixture *fixture, uint8_t protocol,
                                     const char *address, uint16_t port)
{
    struct port_key key = {.protocol = protocol, .port = port};
    assert_true(ip_address_parse(address, &key.address));
    size_t at = find_key(fixture, &key);
    return at < fixture->count ? &fixture->facts[at] : NULL;
}

int fixture_listen(uint8_t protocol, const char *address, uint16_t port, bool v6only, uint16_t *ret_port)
{
    struct sockaddr_storage storage = {.ss_family = AF_INET};
    struct sockaddr_in *in = (struct sockaddr_in *)&storage;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&storage;
    socklen_t size = sizeof(*in);
    if (inet_pton(AF_INET, address, &in->sin_addr) == 1) {
        in->sin_port = htons(port);
    } else {
        assert_int_equal(inet_pton(AF_INET6, address, &in6->sin6_addr), 1);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(port);
        size = sizeof(*in6);
    }
    int fd = socket(storage.ss_family, (protocol == PORT_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int value = v6only;
    if (storage.ss_family == AF_INET6)
        assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, sizeof(value)), 0);
    value = 1;
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, sizeof(value)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&storage, size), 0);
    if (protocol == PORT_TCP)
        assert_int_equal(listen(fd, 16), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&storage, &size), 0);
    if (ret_port != NULL)
        *ret_port = ntohs(storage.ss_family == AF_INET ? in->sin_port : in6->sin6_port);
    return fd;
}
