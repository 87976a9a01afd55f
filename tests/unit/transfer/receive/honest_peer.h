/* SPDX-License-Identifier: MIT */
/* A sender that keeps to the rules and goes one item at a time, so that a test can cut it off anywhere. */
#ifndef HOSPES_HONEST_PEER_H
#define HOSPES_HONEST_PEER_H

#include "tests/unit/transfer/receive/receive_fixture.h"

#define PEER_ENTRIES_MAX 64
#define PEER_CHUNKS_MAX  8

struct peer_entry { /* of the tree that it gives */
    uint8_t type;   /* enum entry_type */
    const char *name;
    uint64_t size;
    uint16_t mode;
    int64_t mtime;
    uint8_t seed; /* what its bytes are made of; 0: zero bytes */
    const char *target;
};

struct honest_peer {
    struct receive_fixture *fixture;
    const struct peer_entry *entries;
    size_t count, announced;
    bool last_said, sent[PEER_ENTRIES_MAX];
    uint8_t digests[PEER_ENTRIES_MAX][PEER_CHUNKS_MAX * FILES_DIGEST_SIZE];
    size_t digest_count[PEER_ENTRIES_MAX];
    bool digests_complete[PEER_ENTRIES_MAX];
    /* the file under way */
    size_t at;
    uint64_t offset;
    int stage;
    uint64_t chunks_sent, kept; /* in all */
};

/* Of a receiver that is open. */
void peer_init(struct honest_peer *peer, struct receive_fixture *fixture, const struct peer_entry *entries,
               size_t count);
/* One item; false: there is nothing more to say (FIN was said). Fails the test when it is refused. */
bool peer_step(struct honest_peer *peer);
void peer_run(struct honest_peer *peer);
/* What the file's bytes are. */
void peer_fill(const struct peer_entry *entry, uint64_t offset, uint8_t *bytes, size_t size);
/* The target holds exactly the peer's tree: contents, modes, times, and nothing else. */
void assert_tree_is(struct receive_fixture *fixture, const struct peer_entry *entries, size_t count);

#endif
