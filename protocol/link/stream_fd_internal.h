/* SPDX-License-Identifier: MIT */
/* The stream as its parts see it: stream_fd.c (life, connect, poll), stream_fd_read.c and stream_fd_write.c.
 */
#ifndef HOSPES_STREAM_FD_INTERNAL_H
#define HOSPES_STREAM_FD_INTERNAL_H

#include "protocol/link/greeting.h"
#include "protocol/link/stream_fd.h"

#define STREAM_FD_READ_SIZE_MIN (16 * 1024)

enum stream_fd_state { STATE_CONNECTING, STATE_GREETING, STATE_OPEN, STATE_ENDED };

struct stream_fd {
    struct stream base;
    struct link_loop *loop;
    uv_poll_t poll;
    int fd;
    uint8_t state; /* enum stream_fd_state */
    bool can_splice;
    bool paused;     /* the handler took less than it was given */
    bool feeding;    /* inside frame_reader_feed */
    bool write_dead; /* the socket takes nothing more */
    bool notify;     /* the handler waits for on_writable */
    bool bulk;       /* the last frame was large and went by splice */
    bool greeting_sent;
    uint8_t poll_events; /* as last given to libuv; 0 = stopped */
    uint32_t read_size;
    uint32_t splice_left; /* of the DATA frame whose header was sent by splice_from */
    int (*connect_error)(int error);
    struct greeting greeting;
    struct frame_reader reader;
    struct buffer out;
    struct buffer held;
};

/* stream_fd.c */
void stream_fd_update_poll(struct stream_fd *s);
/* on_end, once. */
void stream_fd_end(struct stream_fd *s, int status, const char *text);

/* stream_fd_read.c */
/* One read. Returns false when the socket has no more for now (or the stream is over). */
bool stream_fd_read_once(struct stream_fd *s);
void stream_fd_resume(struct stream *stream);

/* stream_fd_write.c */
int stream_fd_send(struct stream *stream, enum frame_type type, struct span payload);
size_t stream_fd_write_room(struct stream *stream);
int stream_fd_write(struct stream *stream, uint8_t *head_room, size_t size);
ssize_t stream_fd_splice_from(struct stream *stream, int pipe_fd, size_t size);
/* The socket is writable: sends what waits, then tells the handler if it waits. */
void stream_fd_flush(struct stream_fd *s);
/* What can go at once of what waits, at close. */
void stream_fd_send_rest(struct stream_fd *s);

#endif
