/* SPDX-License-Identifier: MIT */
/* The writing half of a sealed stream: frames are sealed when they are sent, so that their order is fixed,
 * and go to the inner stream as DATA; what it does not take waits, sealed, in `out`. The inner FIN goes
 * behind the last record, a FIN or a RST. */
#include <assert.h>
#include <string.h>
#include <uv.h>

#include "protocol/link/seal_stream_internal.h"

/* Plain bytes whose records fill the scratch area. */
#define PLAIN_MAX                                                                                            \
    (SCRATCH_SIZE - ((SCRATCH_SIZE + RECORD_SIZE_MAX - 1) / RECORD_SIZE_MAX) * RECORD_OVERHEAD_SIZE)
/* Where a mux channel has little credit left a writer is let write so much all the same: the rest waits in
 * `out`. */
#define WRITE_ROOM_MIN 4096

/* As much of `out` as the inner stream takes: until it says that it has no room, and so will say when it has
 * some again. A mux may do so within its write, so that this is called anew from there: what goes out has
 * left `out` before. */
static void drain(struct seal_stream *s)
{
    uint8_t *scratch = s->loop->seal_out;
    size_t room;
    while (buffer_size(&s->out) > 0 && (room = stream_write_room(s->inner)) > 0) {
        struct span rest = buffer_span(&s->out);
        size_t size = rest.size < room ? rest.size : room;
        if (size > SCRATCH_SIZE)
            size = SCRATCH_SIZE;
        memcpy(scratch + FRAME_HEADER_SIZE, rest.data, size);
        buffer_consume(&s->out, size);
        if (stream_write(s->inner, scratch, size) < 0) {
            s->write_dead = true;
            return;
        }
    }
    if (s->fin_waits && buffer_size(&s->out) == 0 && stream_send(s->inner, FRAME_FIN, span_of(NULL, 0)) == 0)
        s->fin_waits = false;
}

static bool has_backlog(const struct seal_stream *s)
{
    return buffer_size(&s->out) > 0 || s->fin_waits;
}

/* `size` sealed bytes stand in the scratch area, behind its head room. `more`: the frame goes on; what a
 * write calls back must not come between, so all of it waits. */
static int pass_on(struct seal_stream *s, size_t size, bool more)
{
    uint8_t *scratch = s->loop->seal_out;
    size_t room = more || has_backlog(s) ? 0 : stream_write_room(s->inner);
    size_t now = size < room ? size : room;
    int status = 0;
    if (now < size) /* first: writing uses the head room only, but what it calls may use the area */
        status = buffer_append(&s->out, scratch + FRAME_HEADER_SIZE + now, size - now);
    if (status == 0 && now > 0)
        status = stream_write(s->inner, scratch, now);
    if (status < 0)
        s->write_dead = true; /* half a record may be out */
    else if (now < size && !more)
        drain(s);
    return status;
}

/* One record from the front of the plain bytes, behind `filled` bytes in the scratch area. */
static int seal_piece(struct seal_stream *s, const uint8_t **plain, size_t *size, size_t *filled)
{
    size_t piece = SCRATCH_SIZE - *filled - RECORD_OVERHEAD_SIZE, record_size = 0;
    piece = piece < RECORD_PLAIN_MAX ? piece : RECORD_PLAIN_MAX;
    piece = piece < *size ? piece : *size;
    int status = record_seal(s->send_key, *plain, piece, s->loop->seal_out + FRAME_HEADER_SIZE + *filled,
                             &record_size);
    if (status < 0) {
        s->write_dead = true;
        return status;
    }
    *filled += record_size;
    *plain += piece;
    *size -= piece;
    return 0;
}

/* Seals a header and what follows it in records of RECORD_PLAIN_MAX, a scratch area at a time. */
static int seal(struct seal_stream *s, const uint8_t *plain, size_t size)
{
    int status = 0;
    while (size > 0 && status == 0) {
        size_t filled = 0;
        while (size > 0 && status == 0 && filled + RECORD_OVERHEAD_SIZE < SCRATCH_SIZE)
            status = seal_piece(s, &plain, &size, &filled);
        if (status == 0)
            status = pass_on(s, filled, size > 0);
    }
    return status;
}

static size_t sealed_size(size_t plain_size)
{
    return plain_size + (plain_size / RECORD_PLAIN_MAX + 2) * RECORD_OVERHEAD_SIZE;
}

/* A frame that is not DATA. Header and payload go into one record where they fit. */
static int seal_frame(struct seal_stream *s, enum frame_type type, struct span payload)
{
    struct buffer frame;
    uint8_t small[1024];
    uint8_t head[FRAME_HEADER_SIZE];
    frame_header_encode(&(struct frame_header){.length = (uint32_t)payload.size, .type = (uint8_t)type},
                        head);
    if (FRAME_HEADER_SIZE + payload.size <= sizeof(small)) {
        memcpy(small, head, sizeof(head));
        if (payload.size > 0)
            memcpy(small + sizeof(head), payload.data, payload.size);
        return seal(s, small, sizeof(head) + payload.size);
    }
    buffer_init(&frame, FRAME_HEADER_SIZE + payload.size);
    int status = buffer_append(&frame, head, sizeof(head));
    if (status == 0)
        status = buffer_append(&frame, payload.data, payload.size);
    if (status == 0)
        status = seal(s, buffer_span(&frame).data, buffer_size(&frame));
    buffer_finish(&frame);
    return status;
}

int seal_stream_send(struct stream *stream, enum frame_type type, struct span payload)
{
    struct seal_stream *s = (struct seal_stream *)stream;
    if (s->ended || s->write_dead || s->fin_sent)
        return 0; /* reading will find the end; a RST behind FIN is said by closing */
    if (buffer_room(&s->out) < sealed_size(FRAME_HEADER_SIZE + payload.size)) {
        s->notify = true;
        return UV_ENOBUFS;
    }
    seal_stream_enter(s);
    int status = seal_frame(s, type, payload);
    if (status == 0 &&
        (type == FRAME_FIN || type == FRAME_RST)) { /* the last record: the inner FIN behind it */
        s->rst_sent = type == FRAME_RST;
        s->fin_sent = s->fin_waits = true;
        drain(s);
    }
    seal_stream_leave(s);
    return status;
}

size_t seal_stream_write_room(struct stream *stream)
{
    struct seal_stream *s = (struct seal_stream *)stream;
    if (s->write_dead)
        return s->ended ? 0 : PLAIN_MAX - FRAME_HEADER_SIZE; /* swallowed; reading finds the end */
    if (has_backlog(s)) {
        s->notify = true;
        return 0;
    }
    size_t room = stream_write_room(s->inner);
    if (room == 0) {
        s->notify = true;
        return 0;
    }
    size_t overhead = (room / RECORD_SIZE_MAX + 1) * RECORD_OVERHEAD_SIZE + FRAME_HEADER_SIZE;
    size_t plain = room > overhead ? room - overhead : 0;
    if (plain < WRITE_ROOM_MIN)
        return WRITE_ROOM_MIN;
    return plain < PLAIN_MAX - FRAME_HEADER_SIZE ? plain : PLAIN_MAX - FRAME_HEADER_SIZE;
}

int seal_stream_write(struct stream *stream, uint8_t *head_room, size_t size)
{
    struct seal_stream *s = (struct seal_stream *)stream;
    if (s->ended || s->write_dead)
        return 0;
    assert(!s->fin_sent && size > 0 && size <= SCRATCH_SIZE);
    frame_header_encode(&(struct frame_header){.length = (uint32_t)size, .type = FRAME_DATA}, head_room);
    seal_stream_enter(s);
    int status = seal(s, head_room, FRAME_HEADER_SIZE + size);
    seal_stream_leave(s);
    return status;
}

void seal_stream_flush(struct seal_stream *s)
{
    drain(s);
    if (!s->notify || s->base.handler == NULL || s->ended || (has_backlog(s) && !s->write_dead))
        return;
    s->notify = false;
    if (s->base.handler->on_writable != NULL)
        s->base.handler->on_writable(s->base.ctx);
}
