/* SPDX-License-Identifier: MIT */
/* What hospes-send does. Blocking; each gives the exit status. */
#ifndef HOSPES_SENDING_H
#define HOSPES_SENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/trust/admin_client.h"

#define SEND_SOCKET "/run/hospes-agent/session.sock"

enum send_exit { SEND_TAKEN = 0, SEND_FAILED = 1, SEND_USAGE = 2, SEND_NO_AGENT = 3 };

struct send_options {
    const char *socket;
    bool wait, json, list;
    uint64_t withdraw; /* 0: nothing */
};

int offer_files(const struct send_options *options, char *const *files, int count);
int list_own_offers(const struct send_options *options);
int withdraw_own_offer(const struct send_options *options);

/* Shared steps. Each says on stderr what failed. */
int open_agent(const struct send_options *options,
               struct admin_connection *connection); /* 0 or enum send_exit */
/* Sends `request` (taken), and hears one answer. NULL: it was said, *ret_exit is set; failures of the agent,
 * too. */
json_t *ask_agent(struct admin_connection *connection, json_t *request, int other_fd, int *ret_exit);
json_t *hear_agent(struct admin_connection *connection, int timeout_ms, int other_fd, int *ret_exit);
void print_json(const json_t *value);

/* "12 MB" */
void size_text(uint64_t bytes, char *out, size_t size);
/* Text of others for a terminal: control characters become '?'. `out` has room for all of it. */
void plain_text(const char *text, char *out, size_t size);

#endif
