/* SPDX-License-Identifier: MIT */
/* The table of commands and options: parsing, help, man page and completions all follow it (a test compares
 * them). */
#ifndef HOSPES_CLI_COMMAND_H
#define HOSPES_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum option_id {
    OPTION_SOCKET,
    OPTION_JSON,
    OPTION_QUIET,
    OPTION_NO_PROGRESS,
    OPTION_VERSION,
    OPTION_HELP,
    OPTION_WATCH,
    OPTION_UDP,
    OPTION_BIND,
    OPTION_NO_FALLBACK,
    OPTION_REMOVE,
    OPTION_SINCE,
    OPTION_FOLLOW,
    OPTION_KEY,
    OPTION_PSK_FILE,
    OPTION_EPHEMERAL,
    OPTION_ENCRYPTION,
    OPTION_YES,
    OPTION_ACCEPT,
    OPTION_CODE,
    OPTION_LAST,
    OPTION_RECURSIVE,
    OPTION_RESUME,
    OPTION_UPDATE,
    OPTION_CHECKSUM,
    OPTION_LINKS,
    OPTION_OWNER,
    OPTION_ATTRIBUTES,
    OPTION_NO_CLOBBER,
    OPTION_RENAME,
    OPTION_USER,
    OPTION_VERBOSE,
    OPTION_NO_WAIT,
    OPTION_TO,
    OPTION_PARENTS,
    OPTION_COUNT
};

#define OPTION_GLOBAL_COUNT 6 /* the first of the enum are accepted by every command */

struct option {
    const char *name;    /* "--bind" */
    const char *value;   /* "ADDR"; NULL = a flag */
    const char *summary; /* one line */
};

struct cli;
struct arguments;

struct command {
    const char *name;
    const char *operands; /* "NAME SPEC" */
    size_t operands_min, operands_max;
    uint64_t options;    /* bits 1 << enum option_id beyond the global ones */
    bool offline;        /* needs no bridge: help */
    const char *summary; /* one line */
    const char *details; /* paragraphs for `hospes help COMMAND`; can be NULL */
    /* Prints the answer or the error; the exit status. */
    int (*run)(struct cli *cli, const struct arguments *arguments);
};

extern const struct option COMMAND_OPTIONS[OPTION_COUNT];
extern const char COMMAND_OPTION_LETTERS[OPTION_COUNT]; /* 'r' of -r; 0 = none. Flags only */
extern const struct command COMMANDS[];
extern const size_t COMMANDS_COUNT;

const struct command *command_find(const char *name); /* NULL */
/* The most similar command to a mistyped one; NULL when none is near. */
const struct command *command_nearest(const char *name);
bool command_takes(const struct command *command, enum option_id option);

#endif
