/* SPDX-License-Identifier: MIT */
/* Bytes for the wire: whose turn it is. A frame that does not fit is continued by the next call. */
#include "protocol/wire/mux_internal.h"

#include <string.h>

/* Prepares a frame of a header and a short payload. */
static void put_small(struct mux *mux, uint32_t channel, enum frame_type type, const uint8_t *payload,
                      size_t size)
{
    struct frame_header header = {.length = (uint32_t)size, .channel = channel, .type = (uint8_t)type};
    frame_header_encode(&header, mux->small);
    if (size > 0)
        memcpy(mux->small + FRAME_HEADER_SIZE, payload, size);
    mux->small_size = FRAME_HEADER_SIZE + size;
    mux->small_sent = 0;
}

static void put_sync(struct mux *mux)
{
    const uint8_t *marker = mux->side == MUX_DIALER ? MUX_MARKER : MUX_MARKER_ANSWER;
    memcpy(mux->small, marker, MUX_MARKER_SIZE);
    if (mux->side == MUX_LISTENER && !mux->synced)
        memset(mux->small + MUX_MARKER_SIZE, 0, SESSION_ID_SIZE); /* asks for a sync */
    else
        memcpy(mux->small + MUX_MARKER_SIZE, mux->nonce.bytes, SESSION_ID_SIZE);
    mux->small_size = MUX_SYNC_SIZE;
    mux->small_sent = 0;
    mux->sync_due = false;
}

static void put_reset(struct mux *mux, struct mux_channel *channel)
{
    uint8_t payload[FRAME_RST_MAX];
    size_t size = frame_rst_encode(channel->reset_status, channel->reset_text, payload);
    put_small(mux, channel->number, FRAME_RST, payload, size);
    mux_channel_discard(mux, channel);
}

static void put_credit(struct mux *mux, struct mux_channel *channel)
{
    uint32_t amount = channel->taken;
    const uint8_t payload[4] = {(uint8_t)(amount >> 24), (uint8_t)(amount >> 16), (uint8_t)(amount >> 8),
                                (uint8_t)amount};
    put_small(mux, channel->number, FRAME_CREDIT, payload, sizeof(payload));
    channel->received -= amount;
    channel->taken = 0;
}

static void put_fin(struct mux *mux, struct mux_channel *channel)
{
    put_small(mux, channel->number, FRAME_FIN, NULL, 0);
    channel->announced = true;
    channel->fin_sent = true;
    if (channel->state == MUX_CHANNEL_DRAINING)
        mux_channel_discard(mux, channel);
}

static void start_frame(struct mux *mux, struct mux_channel *channel)
{
    struct frame_header header;
    frame_header_decode(buffer_span(&channel->queue).data, &header); /* our own: never refused */
    channel->announced = true;
    channel->send_credit -= header.length;
    mux->current = channel;
    mux->current_left = FRAME_HEADER_SIZE + header.length;
}

/* Chooses what is sent next; false when there is nothing. */
static bool pick_next(struct mux *mux)
{
    if (mux->sync_due) {
        put_sync(mux);
        return true;
    }
    if (mux->urgent.first != NULL) {
        struct mux_channel *channel = mux->urgent.first->channel;
        mux_list_remove(&mux->urgent, &channel->urgent);
        if (channel->state == MUX_CHANNEL_RESETTING)
            put_reset(mux, channel);
        else
            put_credit(mux, channel);
        return true;
    }
    if (mux->ready.first == NULL)
        return false;
    struct mux_channel *channel = mux->ready.first->channel;
    mux_list_remove(&mux->ready, &channel->ready);
    if (buffer_size(&channel->queue) == 0)
        put_fin(mux, channel);
    else
        start_frame(mux, channel);
    return true;
}

static size_t copy_small(struct mux *mux, uint8_t *out, size_t size)
{
    size_t left = mux->small_size - mux->small_sent;
    size_t count = left < size ? left : size;
    memcpy(out, mux->small + mux->small_sent, count);
    mux->small_sent += count;
    if (mux->small_sent == mux->small_size)
        mux->small_size = mux->small_sent = 0;
    return count;
}

static size_t copy_queue(struct buffer *queue, size_t left, uint8_t *out, size_t size)
{
    size_t count = left < size ? left : size;
    memcpy(out, buffer_span(queue).data, count);
    buffer_consume(queue, count);
    return count;
}

/* The callback may close the channel: nothing of it is touched afterwards. */
static void frame_is_out(struct mux *mux)
{
    struct mux_channel *channel = mux->current;
    mux->current = NULL;
    mux_channel_update_ready(mux, channel);
    if (channel->state != MUX_CHANNEL_OPEN || !channel->wants_writable)
        return;
    if (buffer_size(&channel->queue) <= MUX_QUEUE_MAX / 2) {
        channel->wants_writable = false;
        mux->callbacks.on_writable(mux->ctx, channel->owner);
    }
}

size_t mux_produce(struct mux *mux, uint8_t *out, size_t size)
{
    size_t filled = 0;
    while (filled < size) {
        uint8_t *at = out + filled;
        size_t room = size - filled;
        if (mux->small_size > 0) {
            filled += copy_small(mux, at, room);
        } else if (buffer_size(&mux->orphan) > 0) {
            filled += copy_queue(&mux->orphan, buffer_size(&mux->orphan), at, room);
        } else if (mux->current != NULL) {
            size_t count = copy_queue(&mux->current->queue, mux->current_left, at, room);
            filled += count;
            mux->current_left -= count;
            if (mux->current_left == 0)
                frame_is_out(mux);
        } else if (!pick_next(mux)) {
            break;
        }
    }
    return filled;
}

bool mux_has_output(const struct mux *mux)
{
    return mux->small_size > 0 || buffer_size(&mux->orphan) > 0 || mux->current != NULL || mux->sync_due ||
           mux->urgent.first != NULL || mux->ready.first != NULL;
}
