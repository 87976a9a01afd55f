/* SPDX-License-Identifier: MIT */
/* The fake half of forwards_io. Aborting a flow is asynchronous as in the relay: it stays a member until the
 * test lets it end. */
#include "tests/unit/forwards/forwards_fixture.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t now_ms = 1000000;

static uint64_t fixture_now(void)
{
    return now_ms;
}

static void abort_flow(struct flow_member *member, int status)
{
    struct fixture_flow *flow = (struct fixture_flow *)(void *)member;
    flow->aborted = true;
}

static void carry_tcp(void *ctx, int fd, const struct dial_target *target, struct flow_set *flows)
{
    struct fixture *fixture = ctx;
    assert_true(fixture->flow_count < FIXTURE_FLOWS_MAX);
    struct fixture_flow *flow = &fixture->flows[fixture->flow_count++];
    *flow = (struct fixture_flow){.fd = fd, .target = *target, .member.abort = abort_flow};
    flow_set_add(flows, &flow->member);
}

static void *serve_udp(void *ctx, int fd, const struct dial_target *target, struct flow_set *flows)
{
    struct fixture *fixture = ctx;
    int *server = malloc(sizeof(*server));
    *server = fd;
    fixture->udp_count++;
    fixture->udp_target = target;
    return server;
}

static void stop_udp(void *ctx, void *server)
{
    struct fixture *fixture = ctx;
    fixture->udp_count--;
    close(*(int *)server);
    free(server);
}

static const char *holder(void *ctx, uint8_t protocol, uint16_t port)
{
    const struct fixture *fixture = ctx;
    return fixture->holder;
}

static void add_news(struct fixture *fixture, const char *line)
{
    size_t used = strlen(fixture->news);
    if (used + strlen(line) + 2 > sizeof(fixture->news))
        fixture->news_cut++;
    else
        snprintf(fixture->news + used, sizeof(fixture->news) - used, "%s\n", line);
}

static void on_port(void *ctx, const struct known_port *port, const char *what)
{
    char line[64];
    const struct port_key *key = &port->fact.key;
    snprintf(line, sizeof(line), "port %s %s %u", what, key->protocol == PORT_TCP ? "tcp" : "udp", key->port);
    add_news(ctx, line);
}

static void on_forward(void *ctx, const struct forward *forward, const char *what)
{
    char line[64];
    snprintf(line, sizeof(line), "forward %s %s", what, forward->id);
    add_news(ctx, line);
}

static void on_dirty(void *ctx)
{
    struct fixture *fixture = ctx;
    fixture->dirty++;
}

static void create(struct fixture *fixture, uv_loop_t *loop, const struct policy_set *config_rules)
{
    struct forwards_io io = {
        .carry_tcp = carry_tcp,
        .serve_udp = serve_udp,
        .stop_udp = stop_udp,
        .holder = holder,
        .on_port = on_port,
        .on_forward = on_forward,
        .on_dirty = on_dirty,
        .ctx = fixture,
    };
    assert_int_equal(forwards_create(loop, config_rules, &io, &fixture->forwards), 0);
    fixture->forwards->timing.now_ms = fixture_now;
    fixture->forwards->suspend_at_ms = now_ms + FORWARD_LINK_GRACE_MS;
}

void fixture_start(struct fixture *fixture, const struct policy_set *config_rules)
{
    *fixture = (struct fixture){0};
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    create(fixture, &fixture->loop, config_rules);
}

void fixture_start_beside(struct fixture *fixture, struct fixture *first)
{
    *fixture = (struct fixture){0};
    create(fixture, &first->loop, NULL);
}

static void handle_closed(void *ctx)
{
    struct fixture *fixture = ctx;
    fixture->closed = true;
}

static void stop(struct fixture *fixture, uv_loop_t *loop)
{
    forwards_close(fixture->forwards, handle_closed, fixture);
    assert_false(fixture->closed);
    fixture_end_aborted(fixture);
    while (!fixture->closed)
        assert_true(uv_run(loop, UV_RUN_ONCE) != 0 || fixture->closed);
    assert_int_equal(fixture->udp_count, 0);
}

void fixture_stop(struct fixture *fixture)
{
    stop(fixture, &fixture->loop);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
}

void fixture_stop_beside(struct fixture *fixture, struct fixture *first)
{
    stop(fixture, &first->loop);
}

void fixture_pass(struct fixture *fixture, uint64_t ms)
{
    now_ms += ms;
    forwards_tick(fixture->forwards);
}

void fixture_clear_news(struct fixture *fixture)
{
    fixture->news[0] = '\0';
    fixture->news_cut = 0;
}

size_t fixture_count_news(const struct fixture *fixture, const char *line)
{
    size_t count = 0, size = strlen(line);
    for (const char *at = fixture->news; *at != '\0'; at = strchr(at, '\n') + 1)
        count += strncmp(at, line, size) == 0 && at[size] == '\n';
    return count;
}

static void handle_patience_over(uv_timer_t *timer)
{
    fail_msg("waited for five seconds");
}

static void handle_patience_closed(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

void fixture_await_flows(struct fixture *fixture, size_t count)
{
    uv_timer_t patience;
    bool closed = false;
    uv_timer_init(&fixture->loop, &patience);
    patience.data = &closed;
    uv_timer_start(&patience, handle_patience_over, 5000, 0);
    while (fixture->flow_count < count)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&patience, handle_patience_closed);
    while (!closed)
        uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

void fixture_turn(struct fixture *fixture)
{
    uv_run(&fixture->loop, UV_RUN_NOWAIT);
}

size_t fixture_aborted(const struct fixture *fixture)
{
    size_t count = 0;
    for (size_t i = 0; i < fixture->flow_count; i++)
        count += fixture->flows[i].aborted;
    return count;
}

void fixture_end_flow(struct fixture *fixture, size_t index)
{
    struct fixture_flow *flow = &fixture->flows[index];
    if (flow->fd < 0)
        return;
    close(flow->fd);
    flow->fd = -1;
    flow_set_remove(&flow->member);
}

void fixture_end_aborted(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->flow_count; i++) {
        if (fixture->flows[i].aborted)
            fixture_end_flow(fixture, i);
    }
}

struct port_fact fact_of(uint8_t protocol, const char *address, uint16_t port)
{
    struct port_fact fact = {.key = {.protocol = protocol, .port = port}, .uid = 1000, .pid = 77};
    assert_true(ip_address_parse(address, &fact.key.address));
    snprintf(fact.name, sizeof(fact.name), "server");
    return fact;
}

void fixture_snapshot(struct fixture *fixture, size_t count, struct port_fact *facts)
{
    struct ports_message message = {.sequence = 1, .snapshot = true, .opened_count = count, .opened = facts};
    forwards_apply(fixture->forwards, &message);
}

void fixture_open(struct fixture *fixture, struct port_fact fact)
{
    struct ports_message message = {.sequence = 2, .opened_count = 1, .opened = &fact};
    forwards_apply(fixture->forwards, &message);
}

void fixture_close(struct fixture *fixture, uint8_t protocol, const char *address, uint16_t port)
{
    struct port_key key = fact_of(protocol, address, port).key;
    struct ports_message message = {.sequence = 3, .closed_count = 1, .closed = &key};
    forwards_apply(fixture->forwards, &message);
}

const struct forward *fixture_forward(const struct fixture *fixture, const char *id)
{
    const struct forward *forward = forwards_find(fixture->forwards, id);
    assert_non_null(forward);
    return forward;
}

const struct forward *fixture_add(struct fixture *fixture, uint16_t guest_port, uint16_t host_port,
                                  bool allow_fallback)
{
    char problem[TEXT_REASON_MAX + 1];
    const struct forward *forward;
    struct forward_request request = {.protocol = PORT_TCP,
                                      .guest_port = guest_port,
                                      .host_port = host_port,
                                      .allow_fallback = allow_fallback,
                                      .enabled = true};
    assert_int_equal(forwards_add(fixture->forwards, &request, &forward, problem), 0);
    return forward;
}

struct policy_rule rule_of(const char *selector, enum policy_action action)
{
    char problem[TEXT_REASON_MAX + 1];
    struct policy_rule rule;
    assert_int_equal(policy_selector_parse(selector, &rule, problem), 0);
    rule.action = action;
    return rule;
}
