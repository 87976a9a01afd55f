/* SPDX-License-Identifier: MIT */
/* One try of a transfer: opens the connections, makes the engine, lets the links work. */
#ifndef HOSPES_TRANSFER_RUN_H
#define HOSPES_TRANSFER_RUN_H

#include "host-bridge/features/transfers/transfers_private.h"

/* Begins entry->transfer; news come by transfers_run_progressed, transfers_run_ended. None before return.
 * Errors of io->open; UV_ENOMEM. */
int transfer_run_start(struct transfer_entry *entry, struct transfer_run **ret);
/* transfers_run_gone follows, never before return, and nothing else. `discard`: what it did is undone, the
 * guests are told. True: it had begun so far that this takes place. */
bool transfer_run_close(struct transfer_run *run, bool discard);
/* Where the roots are, within transfers_run_ended of a success: the caller's, all of it. NULL: out of memory.
 */
char **transfer_run_take_names(const struct transfer_run *run, size_t *ret_count);

#endif
