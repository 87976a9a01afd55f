/* SPDX-License-Identifier: MIT */
/* One run of the `hospes` program: what every command works with. */
#ifndef HOSPES_CLI_CLI_H
#define HOSPES_CLI_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "host-bridge/cli/client.h"
#include "host-bridge/cli/terminal.h"

/* The contract's exit status. */
enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_UNREACHABLE = 3,   /* bridge or guest */
    CLI_REFUSED = 4,       /* by policy or permission */
    CLI_INTERRUPTED = 130, /* SIGINT or SIGTERM while waiting for an answer: main ends by that signal */
};

enum socket_origin { SOCKET_FROM_OPTION, SOCKET_FROM_VARIABLE, SOCKET_FROM_RUNTIME_DIR, SOCKET_FROM_DEFAULT };

struct cli {
    FILE *out, *err;          /* borrowed */
    struct terminal terminal; /* of `out` */
    struct client *client;
    char socket_path[CLIENT_SOCKET_PATH_MAX + 1]; /* empty when the one asked for is too long */
    enum socket_origin socket_origin;
    bool json, quiet;
};

/* The whole program but for signals: parses, runs, prints; the exit status. */
int cli_run(int argc, char *const *argv, FILE *out, FILE *err);

/* "hospes: …" on stderr, then the hint line (NULL or "" = none); returns `status`. Everything is escaped. */
int cli_fail(struct cli *cli, int status, const char *hint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* A confirmation or advice: printed unless --quiet or --json. */
void cli_say(struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A line of text with a style, always. */
void cli_line(struct cli *cli, enum style style, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The document of --json, ended by a newline. */
void cli_print_json(struct cli *cli, const json_t *document);
/* One object of a stream, on a line of its own, flushed. */
void cli_print_json_line(struct cli *cli, const json_t *object);

int cli_out_of_memory(struct cli *cli);

#endif
