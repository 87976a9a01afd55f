/* SPDX-License-Identifier: MIT */
/* A bounded ring of numbered, encoded events. Pure: the caller says what the bytes are. Used by the agent's
 * feed (events to the bridge) and by the bridge's Host API (server-sent events). */
#ifndef HOSPES_EVENT_LOG_H
#define HOSPES_EVENT_LOG_H

#include "protocol/base/buffer.h"
#include "protocol/wire/message.h"

struct event_log; /* opaque */

/* `first_sequence` is the number that the next appended event gets. The oldest go when either maximum is
 * exceeded (one event is always kept, however large). NULL when out of memory. */
struct event_log *event_log_create(uint64_t epoch, uint64_t first_sequence, size_t count_max,
                                   size_t bytes_max);
void event_log_destroy(struct event_log *log); /* NULL allowed */

uint64_t event_log_epoch(const struct event_log *log);
uint64_t event_log_last(
    const struct event_log *log); /* number of the newest event ever appended; first_sequence - 1 before */
uint64_t event_log_next(const struct event_log *log);   /* number that the next event will get */
uint64_t event_log_oldest(const struct event_log *log); /* oldest kept; event_log_next() when empty */

/* Copies the bytes in. Returns 0 or UV_ENOMEM; *ret_sequence (can be NULL) is its number. */
int event_log_append(struct event_log *log, struct span bytes, uint64_t *ret_sequence);

/* True when everything after `cursor` is still here (so nothing was missed): same epoch and the ring reaches.
 */
bool event_log_reaches(const struct event_log *log, struct event_cursor cursor);

/* The event numbered `sequence`; false when it is no longer or not yet here. The span is valid until the next
 * append. */
bool event_log_get(const struct event_log *log, uint64_t sequence, struct span *ret_bytes);

#endif
