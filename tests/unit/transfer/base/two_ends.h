/* SPDX-License-Identifier: MIT */
/* Two transfer links that are joined by a connection, on one loop. */
#ifndef HOSPES_TWO_ENDS_H
#define HOSPES_TWO_ENDS_H

#include "services/transfer/transfer_link.h"
#include "tests/unit/link/link_fixture.h"
#include "tests/unit/transfer/base/fake_engine.h"

enum end_moment { AT_PROGRESS = 1, AT_LINK_END = 2 };

struct one_end {
    struct transfer_link *link; /* NULL once closed */
    struct fake_script script;
    size_t progress, ends, closed;
    uint64_t moved_told; /* bytes, at the last on_progress */
    int status;
    char text[TEXT_REASON_MAX + 1];
    unsigned close_at; /* enum end_moment */
    bool discards;     /* when it closes */
};

extern struct item_pool *pool;
extern struct one_end giver, taker;

int two_ends_setup(void **state);
/* Closes what is open and checks what every end owes: that it was destroyed once, away from the loop. */
int two_ends_teardown(void **state);
void two_ends_renew(void);

void end_create(struct one_end *end, struct stream *stream);
void end_close(struct one_end *end, bool discard);
struct stream *socket_stream(int fd, bool splice); /* takes fd */
/* Both over a socket pair, `chunks` of `chunk_size` bytes to move. */
void two_ends_connect(size_t chunks, size_t chunk_size);

#endif
