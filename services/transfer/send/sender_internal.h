/* SPDX-License-Identifier: MIT */
/* The sender's parts, and what they share. Private to this folder. */
#ifndef HOSPES_SENDER_INTERNAL_H
#define HOSPES_SENDER_INTERNAL_H

#include "services/transfer/chunk_check.h"
#include "services/transfer/platform/holes.h"
#include "services/transfer/send/send_window.h"
#include "services/transfer/send/sender.h"
#include "services/transfer/send/tree_count.h"

#define SMALL_FILE_MAX       (256 * 1024) /* larger ones go by chunks */
#define CHANGED_TRIES        3            /* a file that changes while it is read is begun again so often */
#define AHEAD_MIN            1024         /* entries that the receiver can answer while data is on its way */
#define ANNOUNCE_MIN         128          /* no part for a few entries, unless nothing else is under way */
#define PRODUCE_MS           20           /* a call says what it has by then, so that what comes is heard */
#define COUNT_AFTER_MS       300          /* a transfer of that length gets its totals counted */
#define COUNT_SLICE_MS       5            /* of counting … */
#define COUNT_PERIOD_MS      50 /* … in each of these, so that it takes a tenth of the time at most */
#define COUNT_PERIOD_IDLE_MS 15 /* and a third of it where there is nothing else to do */

/* The file that goes by chunks now. */
struct large_file {
    struct window_entry *entry; /* NULL: none */
    int fd;
    struct file_facts facts; /* when it was opened */
    uint64_t offset;         /* of the next chunk */
    bool has_holes;
    struct data_extent data; /* the first that ends behind `offset`, as far as it was looked for */
    bool compares;           /* digests count */
    bool names_zeros;        /* the receiver may have other bytes there: holes are said */
    unsigned tries;
    uint8_t run; /* enum large_run: what was found and not yet said */
    uint64_t run_offset, run_size;
};

struct sender {
    struct engine engine; /* first: the engine is the sender */
    struct engine_keys keys;
    struct chunk_check *check;
    bool list, keeps_owner, keeps_attributes;
    size_t path_count;
    char **paths;
    struct tree_walk_options walk_options;
    struct source_folder_set folders;
    struct tree_walk *walk;
    struct tree_count *count; /* can be NULL */
    struct send_window window;
    struct manifest_entry *part; /* FILES_ENTRIES_A_MESSAGE_MAX: of the message that is made */
    struct pack_file *pack;      /* FILES_ENTRIES_A_MESSAGE_MAX */
    uint64_t listed;             /* entries, of a listing */
    bool announced_all;          /* the walk is over, `last` was said */
    bool done_heard;             /* FILES_DONE */
    bool fin_heard;
    struct totals_message announced; /* sums of what was announced */
    struct totals_message said;      /* in TOTALS */
    uint64_t started_ms, counted_ms;
    struct large_file large;
    struct item_queue notices; /* LEFT_OUT, to go out with the next part */
    /* Files that were asked for and then failed by the receiver: each is ended all the same, so that it knows
     * when nothing more comes of it. At most FILES_WINDOW, since none is announced before they were said. */
    uint64_t *given_up;
    size_t given_up_count;
    uint8_t zero_digest[FILES_DIGEST_SIZE]; /* of a whole chunk */
    bool zero_digest_known;
};

bool sender_stops(const struct sender *sender);

/* sender_say.c: all return 0 or fatal errors (UV_ENOMEM) */
int sender_say(struct item_queue *out, const struct message *message);
/* The bytes behind PACK or CHUNK, and their CHECK. Takes the item. */
int sender_say_bytes(struct sender *sender, struct item_queue *out, struct transfer_item *item);
int sender_say_failed(struct item_queue *out, uint64_t number, int status, const char *text);
/* For the other side's people. What can't be said for want of memory is only counted. */
void sender_say_left_out(struct item_queue *out, int status, const char *text, const char *path);
/* We can't give it: says so, notes it, and marks it sent. */
int sender_fail_entry(struct sender *sender, struct item_queue *out, struct window_entry *entry, int status);
/* counts.current is this one. */
void sender_show(struct sender *sender, const struct window_entry *entry);
void sender_note(struct sender *sender, const struct window_entry *entry, int status, const char *text);

/* announce.c: the next part of the manifest, and the attributes of the folders in it. `last` is said on its
 * own, behind everything that a receiver can't miss: when it has come and nothing is needed, all is over. */
int announce_part(struct sender *sender, struct item_queue *out);
int announce_last(struct sender *sender, struct item_queue *out);
int announce_list_part(struct sender *sender, struct item_queue *out);

/* entry_attributes.c: ATTRIBUTE for each that the open file has */
int say_attributes(struct sender *sender, struct item_queue *out, const struct window_entry *entry, int fd);

/* pack.c: the small files at the front of the queue */
int send_pack(struct sender *sender, struct item_queue *out);

/* large_file.c. `entry` was taken from the queue. */
int large_file_begin(struct sender *sender, struct item_queue *out, struct window_entry *entry);
/* 1: went on; 0: waits for digests; else fatal. */
int large_file_go_on(struct sender *sender, struct item_queue *out);
void large_file_drop(struct sender *sender); /* forgets it; nothing is said */

/* sender_take.c */
int sender_take(struct engine *engine, struct transfer_item *item);

#endif
