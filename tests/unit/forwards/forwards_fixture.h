/* SPDX-License-Identifier: MIT */
/* A forwards object on a real loop with a clock that the test turns, and an io that records. */
#ifndef HOSPES_TEST_FORWARDS_FIXTURE_H
#define HOSPES_TEST_FORWARDS_FIXTURE_H

#include "host-bridge/features/forwards/forwards_private.h"

#define FIXTURE_FLOWS_MAX 256

struct fixture_flow {
    struct flow_member member;
    struct dial_target target;
    int fd; /* -1 = ended */
    bool aborted;
};

struct fixture {
    uv_loop_t loop;
    struct forwards *forwards;
    char news[16384]; /* one line each: "port opened tcp 8080", "forward opened tcp-8080" … */
    size_t news_cut;  /* lines that did not fit */
    size_t flow_count;
    struct fixture_flow flows[FIXTURE_FLOWS_MAX];
    size_t udp_count; /* running servers */
    const struct dial_target *udp_target;
    unsigned dirty;
    const char *holder;
    bool closed;
};

void fixture_start(struct fixture *fixture, const struct policy_set *config_rules);
/* A second guest of the same bridge: shares the loop of `first`. */
void fixture_start_beside(struct fixture *fixture, struct fixture *first);
void fixture_stop(struct fixture *fixture);
void fixture_stop_beside(struct fixture *fixture, struct fixture *first);

void fixture_pass(struct fixture *fixture, uint64_t ms); /* time passes; what is due is done */
void fixture_clear_news(struct fixture *fixture);
/* Lines that are exactly `line`. */
size_t fixture_count_news(const struct fixture *fixture, const char *line);
/* Runs the loop until `count` flows were carried in all, five seconds at most. */
void fixture_await_flows(struct fixture *fixture, size_t count);
void fixture_turn(struct fixture *fixture); /* the loop once, without waiting */
size_t fixture_aborted(const struct fixture *fixture);
void fixture_end_aborted(struct fixture *fixture);            /* aborted flows leave their sets */
void fixture_end_flow(struct fixture *fixture, size_t index); /* the connection ends by itself */

struct port_fact fact_of(uint8_t protocol, const char *address, uint16_t port);
void fixture_snapshot(struct fixture *fixture, size_t count, struct port_fact *facts);
void fixture_open(struct fixture *fixture, struct port_fact fact);
void fixture_close(struct fixture *fixture, uint8_t protocol, const char *address, uint16_t port);
/* Fails the test when there is none. */
const struct forward *fixture_forward(const struct fixture *fixture, const char *id);
const struct forward *fixture_add(struct fixture *fixture, uint16_t guest_port, uint16_t host_port,
                                  bool allow_fallback);
struct policy_rule rule_of(const char *selector, enum policy_action action);

#endif
