/* SPDX-License-Identifier: MIT */
/* The engine of a transfer's end on this host. */
#ifndef HOSPES_HOST_END_H
#define HOSPES_HOST_END_H

#include "host-bridge/features/transfers/transfers_private.h"

/* For struct deferred_options; ctx is the entry. On a worker thread. */
int host_end_make_sender(void *ctx, const struct engine_keys *keys, struct engine **ret,
                         char ret_problem[static TEXT_REASON_MAX + 1]);
int host_end_make_receiver(void *ctx, const struct engine_keys *keys, struct engine **ret,
                           char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
