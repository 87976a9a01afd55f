/* SPDX-License-Identifier: MIT */
/* What a guest's error code means and what to do about it. */
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

#endif
