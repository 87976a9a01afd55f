/* SPDX-License-Identifier: MIT */
/* A mux channel with the face of a stream: holds back what its handler does not take, and all that comes
 * behind it, in order (bounded by the channel's credit), and queues what is sent before the mux is
 * synchronised. */
#include "protocol/link/mux_stream.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"

/* A frame in `held` and `early`: its type, then its size, then its payload. */
#define RECORD_HEAD 5
/* What holding costs beyond the bytes that there is credit for: frames may be small. */
#define HELD_MAX (2 * MUX_WINDOW)

struct mux_stream {
    struct stream base;
    struct mux_stream_list *list;
    struct mux_stream *previous, *next;
    uint32_t channel; /* 0: waiting for the sync */
    bool closed;      /* by the owner; freed by mux_stream_list_free_closed */
    bool ended;       /* on_end was called, or the channel is gone */
    bool paused;      /* held is not empty */
    bool resuming;    /* the handler is being given what was held */
    struct buffer held;
    size_t held_last;    /* payload of the last frame in held */
    struct buffer early; /* frames sent while waiting */
};

static void mark_ended(struct mux_stream *s, int status, const char *text)
{
    if (s->ended)
        return;
    s->ended = true;
    if (s->base.handler != NULL)
        s->base.handler->on_end(s->base.ctx, status, text);
}

/* ---- sending ---- */

static void put_head(uint8_t head[static RECORD_HEAD], enum frame_type type, size_t payload_size)
{
    uint32_t size = (uint32_t)payload_size;
    head[0] = (uint8_t)type;
    memcpy(head + 1, &size, sizeof(size));
}

static size_t size_in_head(const uint8_t head[static RECORD_HEAD])
{
    uint32_t size;
    memcpy(&size, head + 1, sizeof(size));
    return size;
}

static int append_record(struct buffer *records, enum frame_type type, struct span payload)
{
    uint8_t head[RECORD_HEAD];
    put_head(head, type, payload.size);
    if (buffer_room(records) < sizeof(head) + payload.size)
        return UV_ENOBUFS;
    int status = buffer_append(records, head, sizeof(head));
    return status < 0 || payload.size == 0 ? status : buffer_append(records, payload.data, payload.size);
}

static int mux_stream_send(struct stream *stream, enum frame_type type, struct span payload)
{
    struct mux_stream *s = (struct mux_stream *)stream;
    if (s->ended)
        return 0; /* on_end has been or will be told */
    if (s->channel == 0)
        return append_record(&s->early, type, payload);
    struct mux_stream_list *list = s->list;
    list->enter(list->carrier);
    int status;
    if (type == FRAME_RST) {
        int code = STATUS_GONE;
        char text[TEXT_REASON_MAX + 1] = "";
        status = frame_rst_decode(payload, &code, text);
        mux_close_channel(list->mux, s->channel, code, text);
        s->ended = true;
    } else {
        status = mux_send(list->mux, s->channel, type, payload, NULL);
    }
    list->leave(list->carrier);
    return status == UV_EAGAIN ? UV_ENOBUFS : status;
}

static size_t mux_stream_write_room(struct stream *stream)
{
    struct mux_stream *s = (struct mux_stream *)stream;
    if (s->ended)
        return MUX_WINDOW; /* swallowed; on_end tells */
    return s->channel == 0 ? 0 : mux_send_room(s->list->mux, s->channel);
}

static int mux_stream_write(struct stream *stream, uint8_t *head_room, size_t size)
{
    struct mux_stream *s = (struct mux_stream *)stream;
    if (s->ended)
        return 0;
    struct mux_stream_list *list = s->list;
    list->enter(list->carrier);
    size_t taken = 0;
    int status =
        mux_send(list->mux, s->channel, FRAME_DATA, span_of(head_room + FRAME_HEADER_SIZE, size), &taken);
    list->leave(list->carrier);
    return status < 0 ? status : taken < size ? UV_ENOBUFS : 0;
}

int mux_stream_start(struct mux_stream *s)
{
    int status = mux_open(s->list->mux, s, &s->channel);
    struct span early = buffer_span(&s->early);
    while (status == 0 && early.size > 0) {
        size_t size = size_in_head(early.data);
        status = mux_send(s->list->mux, s->channel, (enum frame_type)early.data[0],
                          span_of(early.data + RECORD_HEAD, size), NULL);
        early = span_of(early.data + RECORD_HEAD + size, early.size - RECORD_HEAD - size);
    }
    buffer_finish(&s->early);
    if (status < 0 && s->channel != 0) { /* or the mux would keep an owner that says it has ended */
        mux_close_channel(s->list->mux, s->channel, status, "");
        s->channel = 0;
    }
    return status;
}

void mux_stream_list_start_waiting(struct mux_stream_list *list)
{
    for (struct mux_stream *s = list->first; s != NULL; s = s->next) {
        if (s->channel != 0 || s->ended || s->closed)
            continue;
        int status = mux_stream_start(s);
        if (status < 0)
            mark_ended(s, status, "");
        else if (s->base.handler != NULL && s->base.handler->on_writable != NULL)
            s->base.handler->on_writable(s->base.ctx);
    }
}

/* ---- receiving ---- */

static bool is_over(const struct mux_stream *s)
{
    return s->base.handler == NULL || s->ended;
}

/* Hands bytes to the handler and returns the taken ones to the sender's credit. */
static size_t hand_on(struct mux_stream *s, struct span bytes)
{
    if (s->base.handler->on_data == NULL) {
        mux_close_channel(s->list->mux, s->channel, STATUS_UNEXPECTED, "data on a stream without data");
        mark_ended(s, STATUS_UNEXPECTED, "data on a stream without data");
        return bytes.size;
    }
    size_t taken = s->base.handler->on_data(s->base.ctx, bytes);
    if (is_over(s))
        return bytes.size;
    mux_taken(s->list->mux, s->channel, taken);
    return taken;
}

static void hand_on_frame(struct mux_stream *s, enum frame_type type, struct span payload)
{
    s->base.handler->on_frame(s->base.ctx, type, payload);
    if (!is_over(s) && payload.size > 0)
        mux_taken(s->list->mux, s->channel, payload.size);
}

/* Until mux_stream_resume. DATA behind DATA becomes one frame, so that many small ones cost no more. */
static void hold(struct mux_stream *s, enum frame_type type, struct span payload)
{
    struct span held = buffer_span(&s->held);
    uint8_t *last = held.size == 0 ? NULL : s->held.storage + s->held.end - s->held_last - RECORD_HEAD;
    bool goes_on = last != NULL && type == FRAME_DATA && last[0] == FRAME_DATA;
    int status = goes_on ? buffer_append(&s->held, payload.data, payload.size)
                         : append_record(&s->held, type, payload);
    if (status < 0) {
        mux_close_channel(s->list->mux, s->channel, status, "");
        mark_ended(s, status, "");
        return;
    }
    s->held_last = goes_on ? s->held_last + payload.size : payload.size;
    if (goes_on)
        put_head(s->held.storage + s->held.end - s->held_last - RECORD_HEAD, FRAME_DATA, s->held_last);
    s->paused = true;
}

void mux_stream_on_data(void *ctx, void *owner, struct span bytes)
{
    struct mux_stream *s = owner;
    if (is_over(s))
        return;
    if (!s->paused) {
        size_t taken = hand_on(s, bytes);
        bytes = span_of(bytes.data + taken, bytes.size - taken);
    }
    if (bytes.size > 0)
        hold(s, FRAME_DATA, bytes);
}

void mux_stream_on_frame(void *ctx, void *owner, const struct frame_header *header, struct span payload)
{
    struct mux_stream *s = owner;
    if (is_over(s))
        return;
    if (s->paused)
        hold(s, (enum frame_type)header->type, payload);
    else
        hand_on_frame(s, (enum frame_type)header->type, payload);
}

void mux_stream_on_reset(void *ctx, void *owner, int status, const char *text)
{
    struct mux_stream *s = owner;
    if (s->base.handler == NULL || s->ended)
        return;
    uint8_t payload[FRAME_RST_MAX];
    size_t size = frame_rst_encode(status, text, payload);
    s->ended = true; /* the channel is gone: nothing may be sent to it */
    s->base.handler->on_frame(s->base.ctx, FRAME_RST, span_of(payload, size));
    if (s->base.handler != NULL)
        s->base.handler->on_end(s->base.ctx, UV_EOF, "");
}

void mux_stream_on_writable(void *ctx, void *owner)
{
    struct mux_stream *s = owner;
    if (s->base.handler != NULL && !s->ended && s->base.handler->on_writable != NULL)
        s->base.handler->on_writable(s->base.ctx);
}

/* The first of the held frames. False when the handler does not take all of it. */
static bool hand_on_held(struct mux_stream *s, struct buffer *held)
{
    uint8_t *head = held->storage + held->start;
    enum frame_type type = (enum frame_type)head[0];
    size_t size = size_in_head(head), taken = size;
    if (type == FRAME_DATA)
        taken = hand_on(s, span_of(head + RECORD_HEAD, size));
    else
        hand_on_frame(s, type, span_of(head + RECORD_HEAD, size));
    bool is_last = buffer_size(held) == RECORD_HEAD + size;
    buffer_consume(held, taken < size ? taken : RECORD_HEAD + size);
    if (taken == size)
        return true;
    put_head(held->storage + held->start, FRAME_DATA, size - taken); /* over bytes that were taken */
    if (is_last)
        s->held_last = size - taken;
    return false;
}

static void mux_stream_resume(struct stream *stream)
{
    struct mux_stream *s = (struct mux_stream *)stream;
    if (!s->paused || s->resuming || s->ended)
        return;
    s->resuming = true;
    struct mux_stream_list *list = s->list;
    list->enter(list->carrier);
    struct buffer held = s->held; /* a handler may close the stream meanwhile */
    buffer_init(&s->held, held.limit);
    bool takes = true;
    while (takes && buffer_size(&held) > 0 && !is_over(s))
        takes = hand_on_held(s, &held);
    s->resuming = false;
    if (is_over(s) || buffer_size(&held) == 0) {
        buffer_finish(&held);
        s->paused = false;
    } else {
        s->held = held;
    }
    list->leave(list->carrier);
}

/* ---- life ---- */

static void mux_stream_close(struct stream *stream)
{
    struct mux_stream *s = (struct mux_stream *)stream;
    struct mux_stream_list *list = s->list;
    list->enter(list->carrier);
    if (!s->ended && s->channel != 0)
        mux_close_channel(list->mux, s->channel, STATUS_GONE, "");
    s->base.handler = NULL;
    s->ended = true;
    s->closed = true;
    list->closed++;
    list->leave(list->carrier);
}

static const struct stream_ops OPS = {
    .send = mux_stream_send,
    .write_room = mux_stream_write_room,
    .write = mux_stream_write,
    .resume = mux_stream_resume,
    .close = mux_stream_close,
    .close_drops_queue = true,
};

struct stream *mux_stream_base(struct mux_stream *stream)
{
    return &stream->base;
}

void mux_stream_list_init(struct mux_stream_list *list, struct mux *mux, void (*enter)(void *carrier),
                          void (*leave)(void *carrier), void *carrier)
{
    *list = (struct mux_stream_list){.mux = mux, .enter = enter, .leave = leave, .carrier = carrier};
}

bool mux_stream_list_is_empty(const struct mux_stream_list *list)
{
    return list->first == NULL;
}

struct mux_stream *mux_stream_list_add(struct mux_stream_list *list, uint32_t channel)
{
    struct mux_stream *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return NULL;
    s->base.ops = &OPS;
    s->list = list;
    s->channel = channel;
    buffer_init(&s->held, HELD_MAX);
    buffer_init(&s->early, STREAM_QUEUE_MAX);
    s->next = list->first;
    if (list->first != NULL)
        list->first->previous = s;
    list->first = s;
    return s;
}

void mux_stream_list_free_closed(struct mux_stream_list *list)
{
    for (struct mux_stream *s = list->first, *next; s != NULL && list->closed > 0; s = next) {
        next = s->next;
        if (!s->closed)
            continue;
        list->closed--;
        if (s->previous != NULL)
            s->previous->next = s->next;
        else
            list->first = s->next;
        if (s->next != NULL)
            s->next->previous = s->previous;
        buffer_finish(&s->held);
        buffer_finish(&s->early);
        free(s);
    }
}

void mux_stream_list_end_all(struct mux_stream_list *list, int status, const char *text)
{
    for (struct mux_stream *s = list->first; s != NULL; s = s->next)
        mark_ended(s, status, text);
}
