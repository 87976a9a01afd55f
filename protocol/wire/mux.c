/* SPDX-License-Identifier: MIT */
/* The mux as its owners see it: channels are opened, written to and closed here. mux_receive.c reads the
 * wire, mux_produce.c writes it; mux.h has the theory. */
#include "protocol/base/status.h"
#include "protocol/wire/mux_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static_assert(sizeof(struct mux) <= 1024, "every serial guest has one, idle as a rule");

#define DATA_ROOM_MIN 1024 /* less room than this is no room: frames would be mostly headers */

struct mux *mux_create(enum mux_side side, const struct session_id *nonce,
                       const struct mux_callbacks *callbacks, void *ctx)
{
    struct mux *mux = calloc(1, sizeof(*mux));
    if (mux == NULL)
        return NULL;
    mux->side = side;
    mux->callbacks = *callbacks;
    mux->ctx = ctx;
    if (side == MUX_DIALER)
        mux->nonce = *nonce;
    mux->scan.marker = side == MUX_DIALER ? MUX_MARKER_ANSWER : MUX_MARKER;
    mux->next_number = 1;
    frame_reader_init(&mux->reader);
    mux_table_init(&mux->channels);
    return mux;
}

void mux_destroy(struct mux *mux)
{
    if (mux == NULL)
        return;
    struct mux_channel *channel;
    while ((channel = mux_table_any(&mux->channels)) != NULL)
        mux_channel_discard(mux, channel);
    mux_table_finish(&mux->channels);
    buffer_finish(&mux->orphan);
    frame_reader_finish(&mux->reader);
    free(mux);
}

bool mux_is_synced(const struct mux *mux)
{
    return mux->synced;
}

size_t mux_channel_count(const struct mux *mux)
{
    return mux->open_count;
}

void mux_drop_everything(struct mux *mux)
{
    mux->synced = false; /* so that owners can't open or send from on_reset */
    mux->sync_due = false;
    mux->small_size = mux->small_sent = 0;
    struct mux_channel *channel;
    while ((channel = mux_table_any(&mux->channels)) != NULL) {
        void *owner = channel->owner;
        bool tell = channel->state == MUX_CHANNEL_OPEN;
        mux_channel_discard(mux, channel);
        if (tell)
            mux->callbacks.on_reset(mux->ctx, owner, STATUS_GONE, status_text(STATUS_GONE));
    }
    buffer_finish(&mux->orphan);
    frame_reader_finish(&mux->reader);
    mux->frame_received = false;
    mux->failure = 0;
    mux->receive_error = 0;
    mux->answer_repeated = 0;
    mux->next_number = 1;
    mux->highest = 0;
    memset(mux->seen, 0, sizeof(mux->seen));
}

/* A new sync needs a new nonce: an answer to the last one may still be in the stream. */
static void advance_nonce(struct session_id *nonce)
{
    for (size_t i = SESSION_ID_SIZE; i-- > 0;) {
        if (++nonce->bytes[i] != 0)
            break;
    }
}

void mux_reset(struct mux *mux)
{
    mux_drop_everything(mux);
    mux->scan.matched = 0;
    mux->nonce_missing = 0;
    if (mux->side == MUX_DIALER)
        advance_nonce(&mux->nonce);
}

void mux_sync(struct mux *mux)
{
    assert(mux->side == MUX_DIALER);
    if (mux->synced)
        mux_reset(mux);
    mux->sync_due = true;
}

void mux_ask_for_sync(struct mux *mux)
{
    assert(mux->side == MUX_LISTENER);
    if (!mux->synced)
        mux->sync_due = true;
}

int mux_open(struct mux *mux, void *owner, uint32_t *ret_channel)
{
    assert(mux->side == MUX_DIALER);
    if (!mux->synced)
        return STATUS_NOT_CONNECTED;
    if (mux->open_count + mux->draining_count >= MUX_CHANNELS_MAX ||
        mux->channels.count >= 2 * MUX_CHANNELS_MAX || mux->next_number > UINT32_MAX)
        return STATUS_LIMIT;
    struct mux_channel *channel = mux_channel_add(mux, (uint32_t)mux->next_number, owner);
    if (channel == NULL)
        return UV_ENOMEM;
    mux->next_number++;
    *ret_channel = channel->number;
    return 0;
}

static int put_frame(struct mux *mux, struct mux_channel *channel, enum frame_type type, struct span payload)
{
    uint8_t *tail;
    int status = buffer_reserve(&channel->queue, FRAME_HEADER_SIZE + payload.size, &tail);
    if (status < 0)
        return status;
    struct frame_header header = {
        .length = (uint32_t)payload.size, .channel = channel->number, .type = (uint8_t)type};
    frame_header_encode(&header, tail);
    if (payload.size > 0)
        memcpy(tail + FRAME_HEADER_SIZE, payload.data, payload.size);
    buffer_commit(&channel->queue, FRAME_HEADER_SIZE + payload.size);
    mux_channel_update_ready(mux, channel);
    return 0;
}

/* MESSAGE and DATAGRAM can't be cut, so one that contains a marker can't go. Datagrams may get lost. */
static int send_whole(struct mux *mux, struct mux_channel *channel, enum frame_type type, struct span payload,
                      size_t *ret_taken)
{
    size_t size_max = type == FRAME_MESSAGE ? MUX_MESSAGE_MAX : FRAME_DATAGRAM_MAX;
    if (payload.size > size_max)
        return STATUS_TOO_LARGE;
    int status = 0;
    if (marker_free_prefix(payload) == payload.size) {
        status = put_frame(mux, channel, type, payload);
    } else if (type == FRAME_MESSAGE) {
        status = STATUS_INVALID;
    }
    if (status == UV_ENOBUFS) {
        channel->wants_writable = true;
        return UV_EAGAIN;
    }
    if (status == 0 && ret_taken != NULL)
        *ret_taken = payload.size;
    return status;
}

/* The size of the next DATA frame; 0 when there is no room. */
static size_t next_data_size(const struct mux_channel *channel, struct span payload)
{
    size_t size = payload.size < FRAME_MUX_PAYLOAD_MAX ? payload.size : FRAME_MUX_PAYLOAD_MAX;
    size = marker_free_prefix(span_of(payload.data, size));
    size_t room = buffer_room(&channel->queue);
    room = room < FRAME_HEADER_SIZE ? 0 : room - FRAME_HEADER_SIZE;
    if (size <= room)
        return size;
    return room < DATA_ROOM_MIN ? 0 : room;
}

static int send_data(struct mux *mux, struct mux_channel *channel, struct span payload, size_t *ret_taken)
{
    size_t taken = 0;
    int status = 0;
    while (status == 0 && taken < payload.size) {
        struct span rest = span_of(payload.data + taken, payload.size - taken);
        size_t size = next_data_size(channel, rest);
        if (size == 0) {
            channel->wants_writable = true;
            status = UV_EAGAIN;
        } else {
            status = put_frame(mux, channel, FRAME_DATA, span_of(rest.data, size));
            if (status == 0)
                taken += size;
        }
    }
    if (taken == 0 && payload.size > 0)
        return status;
    *ret_taken = taken;
    return 0;
}

/* Half of the queue's room: a payload full of markers is cut so often that headers take most of the other
 * half. */
size_t mux_send_room(struct mux *mux, uint32_t number)
{
    struct mux_channel *channel = mux_table_find(&mux->channels, number);
    if (channel == NULL || channel->state != MUX_CHANNEL_OPEN)
        return 0;
    size_t room = buffer_room(&channel->queue) / 2;
    if (room >= DATA_ROOM_MIN)
        return room;
    channel->wants_writable = true;
    return 0;
}

int mux_send(struct mux *mux, uint32_t number, enum frame_type type, struct span payload, size_t *ret_taken)
{
    struct mux_channel *channel = mux_table_find(&mux->channels, number);
    if (channel == NULL || channel->state != MUX_CHANNEL_OPEN)
        return STATUS_NOT_FOUND;
    if (type == FRAME_FIN) {
        channel->fin_wanted = true;
        mux_channel_update_ready(mux, channel);
        if (ret_taken != NULL)
            *ret_taken = 0;
        return 0;
    }
    if (channel->fin_wanted)
        return STATUS_INVALID;
    if (type == FRAME_DATA)
        return send_data(mux, channel, payload, ret_taken);
    assert(type == FRAME_MESSAGE || type == FRAME_DATAGRAM);
    return send_whole(mux, channel, type, payload, ret_taken);
}

void mux_taken(struct mux *mux, uint32_t number, size_t size)
{
    struct mux_channel *channel = mux_table_find(&mux->channels, number);
    if (channel == NULL || channel->state != MUX_CHANNEL_OPEN)
        return;
    assert(size <= channel->received - channel->taken);
    channel->taken += (uint32_t)size;
    if (channel->taken >= MUX_WINDOW / 2 && !channel->fin_received)
        mux_list_add(&mux->urgent, &channel->urgent, false);
}

void mux_close_channel(struct mux *mux, uint32_t number, int status, const char *text)
{
    struct mux_channel *channel = mux_table_find(&mux->channels, number);
    if (channel == NULL || channel->state != MUX_CHANNEL_OPEN)
        return;
    if (channel->fin_wanted && channel->fin_received) {
        if (channel->fin_sent) {
            mux_channel_discard(mux, channel);
            return;
        }
        mux_channel_drain(mux, channel);
        return;
    }
    if (mux->side == MUX_DIALER && !channel->announced) {
        mux_channel_discard(mux, channel); /* the peer never heard of it */
        return;
    }
    mux_channel_reset(mux, channel, status, text);
}
