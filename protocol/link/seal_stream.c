/* SPDX-License-Identifier: MIT */
/* A stream of frames in records over the DATA of an inner stream.
 *
 * Theory of operation
 *   Reading: DATA → record opener → frame reader → handler. What the handler does not take of a record waits
 * in `held`, and until it is taken nothing further is taken from the inner stream, whose own backpressure
 * does the rest. An end of the inner stream that comes in between waits, too. Whatever the inner stream
 * carries outside of records is not authentic: its FIN is believed only behind a FIN in a record, a RST or an
 * end without one is a cut, and what a RST says is only a hint. Life: the handler may close the stream from
 * within any callback; it is freed when the last call of ours has returned. Closed behind a RST, it lingers
 * where closing the inner stream would take the RST's record back (a mux): until the other side closes or the
 * link ends, so at most as long as a channel can be held open anyway. It leaves to others: keys
 * (session_keys), which connection is sealed (session, reception). */
#include "protocol/link/seal_stream_internal.h"

#include <stdlib.h>
#include <uv.h>

#include "protocol/base/status.h"

#define OUT_MAX                                                                                              \
    (STREAM_QUEUE_MAX + SCRATCH_SIZE) /* messages, and one write of which a mux took only a part */

static void free_stream(struct seal_stream *s)
{
    record_opener_finish(&s->opener);
    record_key_destroy(s->send_key);
    record_key_destroy(s->receive_key);
    frame_reader_finish(&s->reader);
    buffer_finish(&s->held);
    buffer_finish(&s->out);
    free(s);
}

void seal_stream_enter(struct seal_stream *s)
{
    s->busy++;
}

/* The other side has closed, or nothing more will get there. */
static bool has_lingered(const struct seal_stream *s)
{
    return s->inner_over || s->write_dead || (s->inner_fin && !s->fin_waits);
}

void seal_stream_leave(struct seal_stream *s)
{
    if (--s->busy > 0)
        return;
    if (s->lingers && has_lingered(s)) {
        s->lingers = false;
        stream_close(s->inner);
        s->inner = NULL;
    }
    if (s->inner == NULL)
        free_stream(s);
}

void seal_stream_end(struct seal_stream *s, int status, const char *text)
{
    if (s->ended || s->base.handler == NULL)
        return;
    s->ended = true;
    s->base.handler->on_end(s->base.ctx, status, text);
}

static bool is_over(const struct seal_stream *s)
{
    return s->ended || s->base.handler == NULL;
}

/* ---- frames in records ---- */

static int handle_inner_frame(void *ctx, const struct frame_header *header, struct span payload)
{
    struct seal_stream *s = ctx;
    if (is_over(s))
        return UV_ECANCELED;
    if (header->channel != 0 || header->type == FRAME_CREDIT)
        return STATUS_MALFORMED;
    if (header->type == FRAME_FIN)
        s->fin_seen = true;
    s->base.handler->on_frame(s->base.ctx, (enum frame_type)header->type, payload);
    return is_over(s) ? UV_ECANCELED : 0;
}

static size_t handle_inner_data(void *ctx, const struct frame_header *header, struct span piece)
{
    struct seal_stream *s = ctx;
    if (is_over(s))
        return 0;
    if (s->base.handler->on_data == NULL || header->channel != 0) {
        seal_stream_end(s, STATUS_UNEXPECTED, "data on a stream without data");
        return 0;
    }
    return s->base.handler->on_data(s->base.ctx, piece);
}

static const struct frame_reader_callbacks READER_CALLBACKS = {.on_frame = handle_inner_frame,
                                                               .on_data = handle_inner_data};

/* Hands opened bytes on; returns how many were taken (all of them once it is over). */
static size_t feed(struct seal_stream *s, struct span plain)
{
    size_t taken = 0;
    s->feeding = true;
    int status = frame_reader_feed(&s->reader, plain, &READER_CALLBACKS, s, &taken);
    s->feeding = false;
    if (is_over(s))
        return plain.size;
    if (status < 0) {
        seal_stream_end(s, status, "");
        return plain.size;
    }
    return taken;
}

static void hold(struct seal_stream *s, struct span rest)
{
    if (buffer_append(&s->held, rest.data, rest.size) < 0)
        seal_stream_end(s, UV_ENOMEM, "");
    else
        s->paused = true;
}

/* ---- the inner stream ---- */

static size_t take_records(struct seal_stream *s, struct span bytes)
{
    size_t done = 0;
    while (done < bytes.size && !s->paused && !is_over(s)) {
        uint8_t *plain = s->loop->seal_in;
        size_t size = 0, taken = 0;
        int status =
            record_open(&s->opener, span_of(bytes.data + done, bytes.size - done), plain, &size, &taken);
        if (status < 0) {
            seal_stream_end(s, status, "");
            break;
        }
        done += taken;
        if (size == 0)
            continue;
        size_t fed = feed(s, span_of(plain, size));
        if (fed < size)
            hold(s, span_of(plain + fed, size - fed));
    }
    return is_over(s) ? bytes.size : done;
}

static size_t handle_data(void *ctx, struct span bytes)
{
    struct seal_stream *s = ctx;
    seal_stream_enter(s);
    size_t taken = take_records(s, bytes);
    seal_stream_leave(s);
    return taken;
}

static void end_now(struct seal_stream *s, int status)
{
    bool clean = s->fin_seen && record_opener_at_boundary(&s->opener) && frame_reader_at_boundary(&s->reader);
    if (clean && status == UV_EOF)
        seal_stream_end(s, UV_EOF, "");
    else if (status == UV_EOF)
        seal_stream_end(s, UV_ECONNRESET, "the connection was cut off");
    else
        seal_stream_end(s, status, "");
}

static void inner_ended(struct seal_stream *s, int status)
{
    s->inner_over = true;
    s->write_dead = s->write_dead || buffer_size(&s->out) > 0 || s->fin_waits;
    if (s->paused) {
        if (!s->end_waits)
            s->end_status = status;
        s->end_waits = true;
    } else {
        end_now(s, status);
    }
}

/* The inner FIN must come behind one in a record, which may still be held. */
static void check_cut(struct seal_stream *s)
{
    if (s->inner_fin && !s->fin_seen && !s->paused)
        end_now(s, UV_EOF);
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct seal_stream *s = ctx;
    int status = UV_ECONNRESET;
    char text[TEXT_REASON_MAX + 1];
    seal_stream_enter(s);
    if (type == FRAME_RST) {
        if (frame_rst_decode(payload, &status, text) < 0 || status == UV_EOF || status >= 0)
            status = UV_ECONNRESET;
        inner_ended(s, status);
    } else if (type == FRAME_FIN) {
        s->inner_fin = true;
        check_cut(s);
    } else if (type != FRAME_MESSAGE || !s->bridge) {
        inner_ended(s, STATUS_AUTHENTICATION_FAILED);
    } /* to a bridge it may be REFUSE, of an agent that has no keys for us; the RST behind it says as much */
    seal_stream_leave(s);
}

static void handle_writable(void *ctx)
{
    struct seal_stream *s = ctx;
    seal_stream_enter(s);
    seal_stream_flush(s);
    seal_stream_leave(s);
}

static void handle_end(void *ctx, int status, const char *text)
{
    struct seal_stream *s = ctx;
    seal_stream_enter(s);
    inner_ended(s, status);
    seal_stream_leave(s);
}

static bool handle_takes_turns(void *ctx)
{
    const struct seal_stream *s = ctx;
    return stream_takes_turns(&s->base);
}

static const struct stream_handler INNER_HANDLER = {.on_frame = handle_frame,
                                                    .on_data = handle_data,
                                                    .on_writable = handle_writable,
                                                    .on_end = handle_end,
                                                    .takes_turns = handle_takes_turns};

/* ---- use ---- */

static void resume_held(struct seal_stream *s)
{
    struct buffer held = s->held;
    buffer_init(&s->held, held.limit);
    size_t taken = feed(s, buffer_span(&held));
    if (!is_over(s) && taken < buffer_size(&held)) {
        buffer_consume(&held, taken);
        s->held = held;
        return;
    }
    buffer_finish(&held);
    s->paused = false;
}

static void seal_stream_resume(struct stream *stream)
{
    struct seal_stream *s = (struct seal_stream *)stream;
    if (s->feeding || is_over(s))
        return;
    seal_stream_enter(s);
    if (s->paused)
        resume_held(s);
    if (!s->paused && !is_over(s)) {
        check_cut(s);
        if (s->end_waits)
            end_now(s, s->end_status);
        else if (!is_over(s))
            stream_resume(s->inner);
    }
    seal_stream_leave(s);
}

static void seal_stream_close(struct stream *stream)
{
    struct seal_stream *s = (struct seal_stream *)stream;
    seal_stream_enter(s);
    s->base.handler = NULL;
    s->lingers = s->rst_sent && !s->ended && s->inner->ops->close_drops_queue;
    if (!s->lingers) {
        struct stream *inner = s->inner;
        s->inner = NULL;
        stream_close(inner);
    }
    seal_stream_leave(s);
}

static const struct stream_ops OPS = {
    .send = seal_stream_send,
    .write_room = seal_stream_write_room,
    .write = seal_stream_write,
    .resume = seal_stream_resume,
    .close = seal_stream_close,
};

static int make_keys(struct seal_stream *s, const struct session_keys *keys, uint64_t connection, bool bridge)
{
    struct connection_keys of;
    session_keys_of_connection(keys, connection, &of);
    struct secret_pool *secrets = s->loop->secrets;
    int status = record_key_create(secrets, keys->cipher, bridge ? of.to_agent : of.to_bridge, &s->send_key);
    if (status == 0)
        status =
            record_key_create(secrets, keys->cipher, bridge ? of.to_bridge : of.to_agent, &s->receive_key);
    connection_keys_wipe(&of);
    return status;
}

int seal_stream_create(struct link_loop *loop, struct stream *inner, const struct session_keys *keys,
                       uint64_t connection, bool bridge, struct stream **ret)
{
    struct seal_stream *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return UV_ENOMEM;
    s->base.ops = &OPS;
    s->loop = loop;
    s->bridge = bridge;
    frame_reader_init(&s->reader);
    buffer_init(&s->held, RECORD_PLAIN_MAX);
    buffer_init(&s->out, OUT_MAX);
    int status = make_keys(s, keys, connection, bridge);
    record_opener_init(&s->opener, s->receive_key);
    if (status < 0) {
        free_stream(s);
        return status;
    }
    s->inner = inner;
    stream_set_handler(inner, &INNER_HANDLER, s);
    *ret = &s->base;
    return 0;
}
