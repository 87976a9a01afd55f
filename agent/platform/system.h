/* SPDX-License-Identifier: MIT */
/* What the guest is: one function, another file for each operating system. */
#ifndef HOSPES_SYSTEM_H
#define HOSPES_SYSTEM_H

#include "protocol/wire/message.h"

/* Fills os ("Linux 6.1.0"), arch, hostname, machine_id and boot_id; nothing else is touched. What the system
 * does not tell is left empty. Negative only when uname(2) fails; nothing is touched then. */
int system_describe(struct welcome_message *welcome);

#endif
