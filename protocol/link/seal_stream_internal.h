/* SPDX-License-Identifier: MIT */
/* The sealed stream as seal_stream.c (life, reading) and seal_stream_write.c see it. */
#ifndef HOSPES_SEAL_STREAM_INTERNAL_H
#define HOSPES_SEAL_STREAM_INTERNAL_H

#include "protocol/link/seal_stream.h"
#include "protocol/wire/record_seal.h"

struct seal_stream {
    struct stream base;
    struct link_loop *loop;
    struct stream *inner; /* NULL once closed */
    struct record_key *send_key, *receive_key;
    struct record_opener opener;
    struct frame_reader reader;
    struct buffer held; /* opened bytes that the handler did not take: of one record */
    struct buffer out;  /* sealed bytes that the inner stream did not take */
    bool bridge;
    int busy;    /* calls of ours on the stack: freed when none is left */
    bool paused; /* `held` is not empty */
    bool feeding;
    bool notify;   /* the handler waits for on_writable */
    bool fin_seen; /* in a record: the end that follows is no cut */
    bool inner_fin;
    bool fin_waits; /* the inner FIN is to be sent behind `out` */
    bool fin_sent;
    bool rst_sent; /* in a record, the last one */
    bool lingers;  /* closed, but the inner stream has yet to carry away that record */
    bool inner_over;
    bool ended;      /* on_end was called */
    bool write_dead; /* what was queued will never be sent */
    bool end_waits;  /* the inner stream ended while bytes are held */
    int end_status;
};

void seal_stream_enter(struct seal_stream *s);
/* May free the stream. */
void seal_stream_leave(struct seal_stream *s);
/* on_end, once. */
void seal_stream_end(struct seal_stream *s, int status, const char *text);

/* seal_stream_write.c */
int seal_stream_send(struct stream *stream, enum frame_type type, struct span payload);
size_t seal_stream_write_room(struct stream *stream);
int seal_stream_write(struct stream *stream, uint8_t *head_room, size_t size);
/* The inner stream has room again. */
void seal_stream_flush(struct seal_stream *s);

#endif
