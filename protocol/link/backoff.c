/* SPDX-License-Identifier: MIT */
/* Doubling with jitter, so that 500 guests of a restarted host do not redial in step. */
#include "protocol/link/backoff.h"

#include "protocol/wire/limits.h"

void backoff_reset(struct backoff *backoff)
{
    backoff->next_ms = 0;
}

uint32_t backoff_next(struct backoff *backoff, uint32_t random)
{
    uint32_t delay = backoff->next_ms < REDIAL_MIN_MS ? REDIAL_MIN_MS : backoff->next_ms;
    backoff->next_ms = delay * 2 > REDIAL_MAX_MS ? REDIAL_MAX_MS : delay * 2;
    return delay - random % (delay / 4 + 1);
}
