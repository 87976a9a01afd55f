/* SPDX-License-Identifier: MIT */
/* A link specification's form, looked at only to give good advice: the bridge decides. */
#ifndef HOSPES_CLI_LINK_HINT_H
#define HOSPES_CLI_LINK_HINT_H

#include <stdbool.h>

/* NULL when the form is plausible; else what is wrong, static. */
const char *link_hint_problem(const char *spec);
/* What to do in the guest (and to the VM) so that the agent is there: lines, ended by NULL; static. Never
 * NULL. */
const char *const *link_hint_next_steps(const char *spec);
/* "vsock:3" is of kind "vsock". */
bool link_hint_is(const char *spec, const char *kind);

#endif
