/* SPDX-License-Identifier: MIT */
/* guests.h, guest.h, forwards.h and policy.h as the API's tests need them: plain data that a test sets. */
#ifndef HOSPES_TEST_FAKE_GUESTS_H
#define HOSPES_TEST_FAKE_GUESTS_H

#include "host-bridge/guests.h"

#define FAKE_GUESTS_MAX   8
#define FAKE_PORTS_MAX    8
#define FAKE_FORWARDS_MAX 8
#define FAKE_ASKS_MAX     256
#define FAKE_CODE         "042917"
#define FAKE_KEY          "aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg=" /* the bridge's */

struct forwards {
    size_t port_count, forward_count;
    struct known_port ports[FAKE_PORTS_MAX];
    struct forward forwards[FAKE_FORWARDS_MAX];
    struct policy_set rules;
    struct policy_rule rule_space[FAKE_PORTS_MAX];
    uint64_t dropped;
};

struct guest {
    char name[TEXT_NAME_MAX + 1];
    char link[TEXT_COMMAND_MAX + 1];
    enum guest_state state;
    char error[TEXT_REASON_MAX + 1];
    char error_code[TEXT_NAME_MAX + 1];
    struct welcome_message welcome;
    bool has_agent;
    struct guest_liveness liveness;
    uint64_t rtt_us, last_seen_ms;
    struct forwards forwards;
    bool lacks_files; /* its agent has not the capability */
    int ask_status;   /* what guest_ask_health returns; 0 = it was asked */
    struct guest_pairing pairing;
    struct guest_identity_options identity; /* as guests_add got it, without psk_file */
    char psk_file[TEXT_COMMAND_MAX + 1];
    bool link_is_private;
};

struct fake_ask {
    guest_health_done on_health;
    void *ctx;
};

struct guests {
    size_t count;
    struct guest *guests[FAKE_GUESTS_MAX];
    /* questions that fake_answer has not answered yet */
    size_t ask_count;
    struct fake_ask asks[FAKE_ASKS_MAX];
    /* what the bridge would do with the news; can be NULL */
    void (*on_added)(void *ctx, struct guest *guest);
    void (*on_removed)(void *ctx, struct guest *guest);
    void *ctx;
};

/* "db" (never connected), "off" (disabled), "web" (connected, with ports and forwards, paired). */
void fake_guests_init(struct guests *guests);
void fake_guests_finish(struct guests *guests);
/* Answers every open question; `status` 0 with a full health message. */
void fake_answer(struct guests *guests, int status);

#endif
