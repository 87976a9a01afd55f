/* SPDX-License-Identifier: MIT */
/* SIGINT and SIGTERM as a flag, so that a wait ends cleanly. */
#ifndef HOSPES_CLI_INTERRUPT_H
#define HOSPES_CLI_INTERRUPT_H

#include <stdbool.h>

/* From now on both set the flag (once: a second one ends the program at once), and SIGPIPE is ignored. */
void interrupt_install(void);
bool interrupt_seen(void);
/* Ends the process by the signal that was seen, as the shell expects. Returns when none was. */
void interrupt_end_process(void);

#endif
