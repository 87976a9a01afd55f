/* SPDX-License-Identifier: MIT */
/* A receiver that does what a test tells it, and looks at everything that a sender says: the order of
 * messages, numbers, tags, the window. What it gets is kept in memory. */
#ifndef HOSPES_SEND_FIXTURE_H
#define HOSPES_SEND_FIXTURE_H

#include "services/transfer/chunk_check.h"
#include "services/transfer/send/sender.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

enum piece_kind { PIECE_PACKED = 1, PIECE_CHUNK, PIECE_ZERO, PIECE_KEEP };

struct got_piece {
    uint8_t kind;
    uint64_t offset, size;
    uint8_t *bytes; /* of PACKED and CHUNK */
};

struct got_entry {
    struct manifest_entry said;
    uint64_t number, parent; /* UINT64_MAX: a root */
    bool answered;           /* NEED was told, or it needs none */
    bool complete;           /* its data has come, or it failed */
    bool settled;
    int failed; /* of FILE_FAILED */
    unsigned again;
    uint64_t size; /* at the end */
    struct files_time mtime;
    size_t piece_count;
    struct got_piece *pieces;
    size_t attribute_count;
    struct attribute_message *attributes;
};

struct send_fixture {
    struct scratch_folder folder;
    struct item_pool *pool;
    struct engine *engine;
    struct engine_keys keys;
    struct chunk_check *check;
    char problem[TEXT_REASON_MAX + 1];
    /* what came */
    size_t entry_count, entry_capacity;
    struct got_entry *entries;
    uint64_t above[FILES_DEPTH_MAX + 1];
    size_t depth, unsettled, unsettled_max, parts, packs, checks;
    bool last, done, forgets; /* forgets: settled entries are given up, for large trees */
    size_t totals_count;
    unsigned left_out;    /* LEFT_OUT */
    uint64_t done_failed; /* of FILES_DONE */
    struct totals_message totals;
    struct files_done_message files_done;
    /* what is awaited */
    struct message behind; /* PACK or CHUNK whose bytes, then CHECK, come */
    struct pack_file pack[FILES_ENTRIES_A_MESSAGE_MAX];
    bool awaits_bytes, awaits_check;
    struct transfer_item *bytes;
    /* what to do */
    uint8_t action; /* enum need_action for all files */
    size_t budget;
};

/* The folder is there afterwards; begin makes the sender: 0 or its error. */
void send_fixture_init(struct send_fixture *fixture);
int send_fixture_begin(struct send_fixture *fixture, uint32_t flags, uint8_t links, size_t path_count,
                       const char *const *paths);
/* "FOLDER/NAME" alone. */
int send_fixture_begin_one(struct send_fixture *fixture, uint32_t flags, uint8_t links, const char *name);
int send_fixture_begin_list(struct send_fixture *fixture, const char *path);
void send_fixture_finish(struct send_fixture *fixture);

/* One call of produce, and all that it said is looked at. Returns how many items, or the error. */
int send_fixture_produce(struct send_fixture *fixture);
/* Hands over a message; returns what the sender made of it. */
int send_fixture_tell(struct send_fixture *fixture, const struct message *message);
int send_fixture_need(struct send_fixture *fixture, uint64_t first, uint64_t count, uint8_t action);
int send_fixture_settle(struct send_fixture *fixture, uint64_t first, uint64_t count);
int send_fixture_settle_failed(struct send_fixture *fixture, uint64_t entry, int status);
int send_fixture_digests(struct send_fixture *fixture, uint64_t entry, uint64_t first, const void *bytes,
                         size_t size, bool last);
int send_fixture_tell_done(struct send_fixture *fixture);
/* NEED for all files that are not answered, SETTLED for all that is complete. True: there was something. */
bool send_fixture_answer(struct send_fixture *fixture);
/* All of it, to the end: every error fails the test. */
void send_fixture_run(struct send_fixture *fixture);
/* Up to the whole manifest, nothing answered but folders. */
void send_fixture_scan(struct send_fixture *fixture);

/* By its path "src/a/b"; NULL: no such entry. */
struct got_entry *send_fixture_entry(struct send_fixture *fixture, const char *path);
/* The same, and it must be there and be of this type. */
struct got_entry *send_fixture_find(struct send_fixture *fixture, const char *path, uint8_t type);
/* That the pieces make the file at `path` in the folder, byte by byte. */
void send_fixture_compare(struct send_fixture *fixture, const struct got_entry *entry, const char *path);
/* The failure that the sender noted for this path; 0: none. */
int send_fixture_failure(const struct send_fixture *fixture, const char *path);

#endif
