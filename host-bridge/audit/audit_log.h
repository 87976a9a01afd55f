/* SPDX-License-Identifier: MIT */
/* The audit log of a bridge: what was asked, by whom, and how it ended; and what befell guests' trust. Lines
 * of JSON in <folder>/audit.log, each with the hash of the one before.
 *
 * Written at once and by one write(2) a line, so that a crash of the bridge loses nothing (one of the machine
 * may: nothing is synced). A disk that is full never holds up a request. On the loop's thread only. */
#ifndef HOSPES_AUDIT_LOG_H
#define HOSPES_AUDIT_LOG_H

#include "host-bridge/audit/audit_entry.h"
#include "protocol/wire/limits.h"

#define AUDIT_FILE_BYTES_MAX (16 * 1024 * 1024) /* some 40,000 lines */
#define AUDIT_BURST_MAX      200 /* lines a second that guests and strangers can cause; more are counted */

struct audit_log; /* opaque */

struct audit_log_options {
    const char *folder;                                  /* must be there */
    uint64_t file_bytes_max;                             /* 0 = AUDIT_FILE_BYTES_MAX */
    uint64_t burst_max;                                  /* 0 = AUDIT_BURST_MAX */
    uint64_t (*now_ms)(void);                            /* real time; NULL = the clock */
    void (*on_trouble)(void *ctx, const char *sentence); /* once when writing begins to fail, and when it
                                                            works again; NULL = nobody is told */
    void *ctx;
};

/* Goes on where the last line stands. Errors of audit_file_open, with a sentence. */
int audit_log_open(const struct audit_log_options *options, struct audit_log **ret,
                   char ret_problem[static TEXT_REASON_MAX + 1]);
void audit_log_close(struct audit_log *log); /* NULL allowed */

/* Writes an entry. Refusals, and what happened by itself (no client), fall under the burst limit. `log` NULL:
 * nothing. */
void audit_event(struct audit_log *log, const struct audit_entry *entry);
/* Writes down what the burst limit left out so far, if the second is over. For readers, who would else miss
 * it. */
void audit_log_settle(struct audit_log *log);

struct audit_counts {
    uint64_t lines; /* written since the start */
    uint64_t lost;  /* not written: the disk failed, or the burst limit */
};
void audit_log_counts(const struct audit_log *log, struct audit_counts *ret);

const char *audit_log_folder(const struct audit_log *log);
struct audit_hash audit_log_head(const struct audit_log *log); /* the hash of the last line */

#endif
