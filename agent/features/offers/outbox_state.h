/* SPDX-License-Identifier: MIT */
/* What lies in the outbox, and what is to be done with it. Pure: looks and the clock are given. */
#ifndef HOSPES_OUTBOX_STATE_H
#define HOSPES_OUTBOX_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OUTBOX_ENTRIES_MAX 256
#define OUTBOX_SETTLE_MS   500
#define OUTBOX_SENT        "Sent" /* what was taken is moved there */

/* Tells one state of a file, or of a folder with all in it, from another. */
struct outbox_signature {
    uint64_t inode, entries, bytes, mix;
    int64_t mtime_ns;
};

enum outbox_stage {
    OUTBOX_NEW = 1, /* somebody may still be writing */
    OUTBOX_OFFERED, /* or about to be */
    OUTBOX_KEPT,    /* declined, or it could not be offered: until it changes */
};

struct outbox_entry {
    char *name;
    struct outbox_signature signature;
    enum outbox_stage stage;
    uint64_t since_ms; /* of the first look at this signature */
    uint64_t offer;    /* 0: not yet */
    bool seen;
};

struct outbox_state {
    struct outbox_entry entries[OUTBOX_ENTRIES_MAX];
    size_t count;
};

/* Hidden, temporary or half loaded; or OUTBOX_SENT. */
bool outbox_name_is_ignored(const char *name);

/* It was offered before this agent's time. The next look takes it as it is; where it is gone, the offer is
 * withdrawn. Nothing happens when the name is known. */
void outbox_state_adopt(struct outbox_state *state, const char *name, uint64_t offer);

/* A look: begin, see each entry, end. */
void outbox_state_begin(struct outbox_state *state);
void outbox_state_see(struct outbox_state *state, const char *name, const struct outbox_signature *signature,
                      uint64_t now_ms);
struct outbox_handler {
    void (*on_settled)(void *ctx, struct outbox_entry *entry); /* is OUTBOX_OFFERED from now on */
    void (*on_withdrawn)(void *ctx, uint64_t offer);           /* it changed, or is not there any more */
};
/* True: look again after OUTBOX_SETTLE_MS. */
bool outbox_state_end(struct outbox_state *state, uint64_t now_ms, const struct outbox_handler *handler,
                      void *ctx);

struct outbox_entry *outbox_state_find(struct outbox_state *state, const char *name); /* NULL: none */
struct outbox_entry *outbox_state_find_offer(struct outbox_state *state, uint64_t offer);
void outbox_state_remove(struct outbox_state *state, struct outbox_entry *entry);
void outbox_state_finish(struct outbox_state *state);

#endif
