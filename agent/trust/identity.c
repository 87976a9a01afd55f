/* SPDX-License-Identifier: MIT */
/* What the key is bound to, and when that counts as another machine. The file is services/identity's; what
 * follows from a new key for the hosts that are known is hosts_store.c's. */
#include "agent/trust/identity.h"

#include <stdio.h>
#include <string.h>

#define MACHINE_WORD    "machine-id "
#define GENERATION_WORD ", generation "

void agent_identity_binding(const struct machine *machine, char ret[static KEY_FILE_BINDING_MAX + 1])
{
    if (machine->id[0] == '\0')
        ret[0] = '\0';
    else if (machine->generation[0] == '\0')
        snprintf(ret, KEY_FILE_BINDING_MAX + 1, MACHINE_WORD "%s", machine->id);
    else
        snprintf(ret, KEY_FILE_BINDING_MAX + 1, MACHINE_WORD "%s" GENERATION_WORD "%s", machine->id,
                 machine->generation);
}

bool agent_identity_fits(const char *stored, const struct machine *machine)
{
    char whole[KEY_FILE_BINDING_MAX + 1], short_form[KEY_FILE_BINDING_MAX + 1];
    struct machine without = *machine;
    without.generation[0] = '\0';
    agent_identity_binding(machine, whole);
    agent_identity_binding(&without, short_form);
    if (strcmp(stored, whole) == 0 || strcmp(stored, short_form) == 0)
        return true;
    size_t size = strlen(short_form);
    bool stored_knows_more = size > 0 && strncmp(stored, short_form, size) == 0 &&
                             strncmp(stored + size, GENERATION_WORD, strlen(GENERATION_WORD)) == 0;
    return stored_knows_more && machine->generation[0] == '\0';
}

int agent_identity_load(const char *state_dir, const struct machine *machine, struct noise_key_pair *ret,
                        enum key_file_origin *ret_origin, char ret_problem[static TEXT_REASON_MAX + 1])
{
    char binding[KEY_FILE_BINDING_MAX + 1], stored[KEY_FILE_BINDING_MAX + 1];
    agent_identity_binding(machine, binding);
    bool fits =
        key_file_binding(state_dir, AGENT_IDENTITY_FILE, stored) && agent_identity_fits(stored, machine);
    bool learned_more = fits && strlen(binding) > strlen(stored);
    if (fits && !(learned_more && key_file_rebind(state_dir, AGENT_IDENTITY_FILE, binding) == 0))
        return key_file_load(state_dir, AGENT_IDENTITY_FILE, stored, ret, ret_origin, ret_problem);
    return key_file_load(state_dir, AGENT_IDENTITY_FILE, binding, ret, ret_origin, ret_problem);
}
