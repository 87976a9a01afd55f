/* SPDX-License-Identifier: MIT */
/* What an error code of a guest, or of a file, means and what to do about it. */
#ifndef HOSPES_CLI_REMEDY_H
#define HOSPES_CLI_REMEDY_H

#include <stdbool.h>

#define REMEDY_STEPS_MAX 5

struct remedy {
    const char *code; /* "NO_AGENT" */
    const char *link; /* only for this kind of link: "serial"; NULL = any */
    bool passing;     /* ordinary while a guest boots: a warning, no failure */
    const char *meaning;
    const char *steps[REMEDY_STEPS_MAX]; /* ended by NULL when fewer */
};

/* For the code of a guest with this link specification; never NULL (a general one for unknown codes). */
const struct remedy *remedy_find(const char *code, const char *link);

/* What to do about a file that could not be copied, in half a line; NULL when there is nothing to say. */
const char *remedy_file_step(const char *code);

#endif
