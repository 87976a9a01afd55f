/* SPDX-License-Identifier: MIT */
/* A JSON configuration file, read strictly: every complaint names file, line, column and what was expected.
 */
#ifndef HOSPES_CONFIG_FILE_H
#define HOSPES_CONFIG_FILE_H

#include <jansson.h>
#include <stdbool.h>

#define CONFIG_FILE_MAX_BYTES (1024 * 1024)
#define CONFIG_PROBLEM_MAX    512

struct config_file {
    const char *path; /* borrowed */
    char *text;
    json_t *root; /* an object */
};

/* 0; UV_ENOENT when there is no such file; STATUS_MALFORMED otherwise, with a line of text in ret_problem. */
int config_file_load(const char *path, struct config_file *ret, char ret_problem[static CONFIG_PROBLEM_MAX]);
void config_file_finish(struct config_file *file);

/* STATUS_MALFORMED, and "FILE:LINE:COLUMN: text" in ret_problem. `place` is a path such as "vms[1].link". */
int config_file_complain(const struct config_file *file, const char *place,
                         char ret_problem[static CONFIG_PROBLEM_MAX], const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* What a key may hold. */
struct config_key {
    const char *name; /* NULL ends the list */
    json_type type;   /* JSON_TRUE stands for both booleans */
    bool required;
};
/* Every key of `object` (at `place`, "" for the root) is listed and of its type, and the required ones are
 * there. */
int config_file_check_keys(const struct config_file *file, const json_t *object, const char *place,
                           const struct config_key *keys, char ret_problem[static CONFIG_PROBLEM_MAX]);

#endif
