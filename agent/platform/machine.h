/* SPDX-License-Identifier: MIT */
/* What tells this machine from a copy of it. */
#ifndef HOSPES_MACHINE_H
#define HOSPES_MACHINE_H

#define MACHINE_ID_SIZE         33 /* 32 hex digits and the terminator */
#define MACHINE_GENERATION_SIZE 37 /* a GUID as text */

struct machine {
    char id[MACHINE_ID_SIZE];                 /* "" when the system has none (yet) */
    char generation[MACHINE_GENERATION_SIZE]; /* the VM generation id, which a VM manager changes when it
                                                 copies a VM or goes back to a snapshot; "" when none can be
                                                 seen */
};

/* `root` is put before the paths: "" but in tests. */
void machine_read(const char *root, struct machine *ret);

#endif
