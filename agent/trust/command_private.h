/* SPDX-License-Identifier: MIT */
/* What the commands share. */
#ifndef HOSPES_AGENT_COMMAND_PRIVATE_H
#define HOSPES_AGENT_COMMAND_PRIVATE_H

#include "agent/config.h"
#include "agent/trust/admin_client.h"
#include "protocol/wire/noise.h"

struct command_line {
    struct agent_config config;
    const char *key_text; /* NULL */
    uint8_t key[NOISE_KEY_SIZE];
    const char *name;   /* NULL */
    const char *yes_if; /* NULL */
    bool json, all;
};

/* Each returns the exit status. */
int command_pair(const struct command_line *line);
int command_hosts(const struct command_line *line);
int command_trust(const struct command_line *line);
int command_forget(const struct command_line *line);
int command_identity(const struct command_line *line);

/* "hospes-agent: …" on stderr, made fit for a terminal; returns 1. */
int command_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Prints text of the other side's choice: no control characters. */
void command_print_escaped(const char *text);

#endif
