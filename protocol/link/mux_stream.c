/* SPDX-License-Identifier: MIT */
/* A mux channel with the face of a stream: holds back what its handler does not take (bounded by the
 * channel's credit), and queues what is sent before the mux is synchronised. */
#include "protocol/link/mux_stream.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"

struct mux_stream {
    struct stream base;
    struct mux_stream_list *list;
    struct mux_stream *previous, *next;
    uint32_t channel; /* 0: waiting for the sync */
    bool closed;      /* by the owner; freed by mux_stream_list_free_closed */
    bool ended;       /* on_end was called, or the channel is gone */
    bool paused;      /* held is not empty */
    bool resuming;    /* the handler is being given what was held */
    bool fin_held;    /* FIN came behind what is held */
    struct buffer held;
    struct buffer early; /* frames sent while waiting: type, u32 length, payload */
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

static int queue_early(struct mux_stream *s, enum frame_type type, struct span payload)
{
    uint8_t head[5] = {(uint8_t)type};
    uint32_t size = (uint32_t)payload.size;
    memcpy(head + 1, &size, sizeof(size));
    if (buffer_room(&s->early) < sizeof(head) + payload.size)
        return UV_ENOBUFS;
    int status = buffer_append(&s->early, head, sizeof(head));
    return status < 0 ? status : buffer_append(&s->early, payload.data, payload.size);
}

static int mux_stream_send(struct stream *stream, enum frame_type type, struct span payload)
{
    struct mux_stream *s = (struct mux_stream *)stream;
    if (s->ended)
        return 0; /* on_end has been or will be told */
    if (s->channel == 0)
        return queue_early(s, type, payload);
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
        uint32_t size;
        memcpy(&size, early.data + 1, sizeof(size));
        status = mux_send(s->list->mux, s->channel, (enum frame_type)early.data[0],
                          span_of(early.data + 5, size), NULL);
        early = span_of(early.data + 5 + size, early.size - 5 - size);
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

/* Hands bytes to the handler and returns the taken ones to the sender's credit. */
static size_t hand_on(struct mux_stream *s, struct span bytes)
{
    if (s->base.handler->on_data == NULL) {
        mux_close_channel(s->list->mux, s->channel, STATUS_UNEXPECTED, "data on a stream without data");
        mark_ended(s, STATUS_UNEXPECTED, "data on a stream without data");
        return bytes.size;
    }
    size_t taken = s->base.handler->on_data(s->base.ctx, bytes);
    if (s->base.handler == NULL || s->ended)
        return bytes.size;
    mux_taken(s->list->mux, s->channel, taken);
    return taken;
}

void mux_stream_on_data(void *ctx, void *owner, struct span bytes)
{
    struct mux_stream *s = owner;
    if (s->base.handler == NULL || s->ended)
        return;
    if (!s->paused) {
        size_t taken = hand_on(s, bytes);
        bytes = span_of(bytes.data + taken, bytes.size - taken);
    }
    if (bytes.size == 0)
        return;
    s->paused = true;
    if (buffer_append(&s->held, bytes.data, bytes.size) < 0) {
        mux_close_channel(s->list->mux, s->channel, UV_ENOMEM, "");
        mark_ended(s, UV_ENOMEM, "");
    }
}

void mux_stream_on_frame(void *ctx, void *owner, const struct frame_header *header, struct span payload)
{
    struct mux_stream *s = owner;
    if (s->base.handler == NULL || s->ended)
        return;
    if (s->paused && header->type == FRAME_FIN) {
        s->fin_held = true;
        return;
    }
    uint32_t size = (uint32_t)payload.size;
    s->base.handler->on_frame(s->base.ctx, (enum frame_type)header->type, payload);
    if (s->base.handler != NULL && !s->ended && size > 0)
        mux_taken(s->list->mux, s->channel, size);
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

static void mux_stream_resume(struct stream *stream)
{
    struct mux_stream *s = (struct mux_stream *)stream;
    if (!s->paused || s->resuming || s->ended)
        return;
    s->resuming = true;
    struct mux_stream_list *list = s->list;
    list->enter(list->carrier);
    struct buffer held = s->held;
    buffer_init(&s->held, held.limit);
    size_t taken = hand_on(s, buffer_span(&held));
    s->resuming = false;
    if (s->base.handler != NULL && !s->ended && taken < buffer_size(&held)) {
        buffer_consume(&held, taken);
        s->held = held;
    } else {
        buffer_finish(&held);
        s->paused = false;
        if (s->fin_held && s->base.handler != NULL && !s->ended) {
            s->fin_held = false;
            s->base.handler->on_frame(s->base.ctx, FRAME_FIN, span_of(NULL, 0));
        }
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
    buffer_init(&s->held, MUX_WINDOW);
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
