/* SPDX-License-Identifier: MIT */
/* What was announced and is not settled yet: a ring of FILES_WINDOW entries by their numbers, and the order
 * in which files are to be sent. Every number comes from the other side, so everything is asked for by
 * number and refused when it is not so. */
#ifndef HOSPES_SEND_WINDOW_H
#define HOSPES_SEND_WINDOW_H

#include "protocol/base/buffer.h"
#include "services/transfer/send/tree_walk.h"

enum entry_state {
    ENTRY_ANNOUNCED = 1, /* a file: NEED is awaited; else: SETTLED */
    ENTRY_WAITING,       /* to be compared: DIGESTS are awaited */
    ENTRY_READY,         /* in the queue */
    ENTRY_SENDING,       /* taken from the queue */
    ENTRY_SENT,          /* SETTLED is awaited */
    ENTRY_SETTLED,       /* its place is free as soon as all before it are settled */
};

/* What the receiver has of a file, as far as it has said and we have not yet looked at it. */
struct held_digests {
    struct buffer bytes;
    uint64_t first; /* chunk that the first of `bytes` is about */
    uint64_t next;  /* chunk that the next message must begin with */
    bool last;      /* no further ones come */
};

struct window_entry {
    uint64_t number;
    uint8_t type;  /* enum entry_type */
    uint8_t state; /* enum entry_state */
    bool follow;
    bool large;                   /* goes by chunks: for its size, or since it is compared */
    bool failed;                  /* the other side was told FILE_FAILED */
    struct source_folder *folder; /* referenced, and used until it was sent; NULL: a root */
    struct source_folder *self;   /* of a folder: referenced */
    char *name;                   /* owned; of a root: its path, borrowed */
    struct file_facts facts;
    struct held_digests *digests;         /* owned; NULL: it is not compared */
    struct window_entry *before, *behind; /* in the queue */
};

struct send_window {
    struct source_folder_set *folders; /* borrowed */
    uint64_t base, next; /* numbers of the oldest entry that is not settled, and of the next one */
    struct window_entry *entries;
    struct window_entry *queue_first, *queue_last;
    size_t unsent;       /* files that were announced, and neither sent nor settled */
    size_t digest_bytes; /* held, of all */
};

int send_window_init(struct send_window *window, struct source_folder_set *folders); /* UV_ENOMEM */
void send_window_finish(struct send_window *window);

/* Entries that may be announced. */
size_t send_window_room(const struct send_window *window);
bool send_window_is_settled(const struct send_window *window); /* nothing is under way */
/* There must be room. UV_ENOMEM. *ret is valid until it is settled. */
int send_window_add(struct send_window *window, const struct walk_entry *entry, struct window_entry **ret);
/* NULL: not announced, or settled. */
struct window_entry *send_window_find(struct send_window *window, uint64_t number);
/* All of `count` ≥ 1 entries from `first` on lie within the window. */
bool send_window_covers(const struct send_window *window, uint64_t first, uint64_t count);

/* A file that was announced (or waits) shall be sent; or first be compared. UV_ENOMEM. */
void send_window_make_ready(struct send_window *window, struct window_entry *entry);
int send_window_make_waiting(struct send_window *window, struct window_entry *entry);
struct window_entry *send_window_first_ready(const struct send_window *window); /* can be NULL */
/* The first one, which is being sent from now on. */
struct window_entry *send_window_take_ready(struct send_window *window);
/* Back to the front of the queue: not now. */
void send_window_put_back(struct send_window *window, struct window_entry *entry);
/* Nothing of it is read any more. */
void send_window_mark_sent(struct send_window *window, struct window_entry *entry);
/* In any state but settled. */
void send_window_settle(struct send_window *window, struct window_entry *entry);

/* At most DIGESTS_HELD_MAX are held of all entries together. UV_EAGAIN: that many; STATUS_MALFORMED: not the
 * next ones, or not awaited; UV_ENOMEM. */
#define DIGESTS_HELD_MAX (16 << 20) /* of 512 GiB */
int send_window_hold_digests(struct send_window *window, struct window_entry *entry,
                             const struct digests_message *message);
/* Of chunk `index`, which is the next one: NULL when it was not said (yet). */
const uint8_t *send_window_digest(const struct window_entry *entry, uint64_t index);
void send_window_drop_digest(struct send_window *window, struct window_entry *entry);
void send_window_drop_digests(struct send_window *window, struct window_entry *entry);

#endif
