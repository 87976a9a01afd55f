/* SPDX-License-Identifier: MIT */
/* This guest's own key, bound to the machine it was made on: a clone makes itself a new one. */
#ifndef HOSPES_AGENT_IDENTITY_H
#define HOSPES_AGENT_IDENTITY_H

#include "agent/platform/machine.h"
#include "services/identity/key_file.h"

#define AGENT_IDENTITY_FILE "identity"

/* The text that the key is bound to: "" without a machine id. */
void agent_identity_binding(const struct machine *machine, char ret[static KEY_FILE_BINDING_MAX + 1]);

/* True when a key bound to `stored` may serve on `machine`: the machine ids are equal, and so are the
 * generations where both are known (the driver that tells it may be late in one boot and early in the next).
 */
bool agent_identity_fits(const char *stored, const struct machine *machine);

/* As key_file_load, in `state_dir`. */
int agent_identity_load(const char *state_dir, const struct machine *machine, struct noise_key_pair *ret,
                        enum key_file_origin *ret_origin, char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
