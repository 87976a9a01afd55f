/* SPDX-License-Identifier: MIT */
/* Removes what a transfer that is cancelled while it waits has left half done: on this host, and in a guest
 * that can be reached (in another one it goes by itself after a day). */
#ifndef HOSPES_TRANSFER_SWEEP_H
#define HOSPES_TRANSFER_SWEEP_H

#include "host-bridge/features/transfers/transfers_private.h"

/* Nobody waits for it, and nobody is told when it fails. */
void transfer_sweep_start(const struct transfer_entry *entry);
/* Ends those that wait for a guest. */
void transfer_sweeps_stop(struct transfers *table);

#endif
