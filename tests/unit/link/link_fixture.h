/* SPDX-License-Identifier: MIT */
/* One event loop for a test, streams' owners that write down what they are told, and raw descriptors as their
 * peers. Every test ends with a loop that holds no handle and a process that holds no more descriptors than
 * before. */
#ifndef HOSPES_LINK_FIXTURE_H
#define HOSPES_LINK_FIXTURE_H

#include <stdbool.h>

#include "protocol/link/link_loop.h"
#include "protocol/link/stream.h"
#include "tests/unit/base/testing.h"

extern uv_loop_t uv;
extern struct link_loop loop;
extern char directory[64]; /* an empty one for sockets, made anew for each test */

int link_fixture_setup(void **state);
int link_fixture_teardown(void **state);

/* Runs the loop until the condition holds; a test that waits longer than the deadline fails. */
#define RUN_UNTIL(condition) RUN_UNTIL_WITHIN(5000, condition)
#define RUN_UNTIL_WITHIN(ms, condition)                                                                      \
    for (wait_begin(ms); !(condition) || wait_is_over(); wait_step(#condition))                              \
    continue
void wait_begin(uint64_t deadline_ms);
void wait_step(const char *condition);
bool wait_is_over(void); /* false */
/* Runs the loop for a while and returns how often it woke up: a loop that waits properly wakes a few times,
 * one that spins thousands of times. */
size_t wakeups_within(uint64_t ms);
size_t descriptors_open(void);
void make_path(char *out, size_t size, const char *name); /* in `directory` */

/* ---- an owner of a stream ---- */

enum probe_moment { AT_FRAME = 1, AT_DATA = 2, AT_WRITABLE = 4, AT_END = 8 };

struct probe {
    struct stream *stream; /* NULL once closed */
    struct buffer data;    /* DATA taken */
    struct buffer payload; /* of the last frame */
    enum frame_type types[256];
    size_t frames;
    size_t take;       /* bytes it still takes; SIZE_MAX: all */
    unsigned close_at; /* enum probe_moment */
    size_t writable, ends;
    int end_status;
    char end_text[TEXT_REASON_MAX + 1];
};

void probe_init(struct probe *probe, struct stream *stream); /* takes it over */
void probe_finish(struct probe *probe);                      /* closes it, too */
void probe_close(struct probe *probe);
/* Sends messages of `piece` bytes, each filled with its number, until the queue is full; returns how many
 * bytes of payload were accepted. */
size_t probe_send_until_full(struct probe *probe, size_t piece);
extern const struct stream_handler PROBE_HANDLER, PROBE_HANDLER_WITHOUT_DATA;

/* ---- the other end of a connection, without a loop ---- */

struct peer {
    int fd;
    struct buffer in;
    bool eof;
    int error; /* errno of a failed read */
};

void peer_init(struct peer *peer, int fd); /* takes it; non-blocking from now on */
void peer_finish(struct peer *peer);
void peer_hang_up(struct peer *peer);
size_t peer_read(struct peer *peer); /* what is there; returns the size of `in` */
void peer_write(struct peer *peer, const void *bytes, size_t size);
void peer_write_frame(struct peer *peer, enum frame_type type, const void *payload, size_t size);
/* Writes a frame out; returns its size. */
size_t frame_put(uint8_t *out, enum frame_type type, const void *payload, size_t size);
/* Takes a whole frame from the front of bytes; false when there is none yet. */
bool frame_take(struct buffer *bytes, struct frame_header *ret_header, struct buffer *ret_payload);
/* The same, of what was read. */
bool peer_take_frame(struct peer *peer, struct frame_header *ret_header, struct buffer *ret_payload);

void socket_pair(int ret[2]); /* Unix, non-blocking */
int listen_unix(const char *path);
int connect_unix(const char *path);
void fill_pattern(uint8_t *out, size_t size, uint32_t seed);

#endif
