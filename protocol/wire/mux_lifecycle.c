/* SPDX-License-Identifier: MIT */
/* A channel's way through its states, for all parts of the mux: open, draining or resetting, gone. */
#include "protocol/wire/mux_internal.h"

#include <stdlib.h>
#include <string.h>

struct mux_channel *mux_channel_add(struct mux *mux, uint32_t number, void *owner)
{
    struct mux_channel *channel = calloc(1, sizeof(*channel));
    if (channel == NULL)
        return NULL;
    channel->number = number;
    channel->owner = owner;
    channel->send_credit = MUX_WINDOW;
    channel->urgent.channel = channel;
    channel->ready.channel = channel;
    buffer_init(&channel->queue, MUX_QUEUE_MAX);
    mux_table_insert(&mux->channels, channel);
    mux->open_count++;
    return channel;
}

static void leave_state(struct mux *mux, const struct mux_channel *channel)
{
    if (channel->state == MUX_CHANNEL_OPEN)
        mux->open_count--;
    else if (channel->state == MUX_CHANNEL_DRAINING)
        mux->draining_count--;
}

/* Nothing queued is sent any more, except that a frame once begun must be completed. */
static void drop_queue(struct mux *mux, struct mux_channel *channel)
{
    if (mux->current == channel) {
        mux->orphan = channel->queue;
        mux->orphan.end = mux->orphan.start + mux->current_left;
        mux->current = NULL;
        buffer_init(&channel->queue, MUX_QUEUE_MAX);
    }
    buffer_finish(&channel->queue);
    mux_list_remove(&mux->ready, &channel->ready);
}

void mux_channel_discard(struct mux *mux, struct mux_channel *channel)
{
    drop_queue(mux, channel);
    mux_list_remove(&mux->urgent, &channel->urgent);
    mux_table_remove(&mux->channels, channel);
    leave_state(mux, channel);
    free(channel->reset_text);
    free(channel);
}

void mux_channel_drain(struct mux *mux, struct mux_channel *channel)
{
    leave_state(mux, channel);
    mux->draining_count++;
    channel->state = MUX_CHANNEL_DRAINING;
    channel->owner = NULL;
    mux_list_remove(&mux->urgent, &channel->urgent);
}

void mux_channel_reset(struct mux *mux, struct mux_channel *channel, int status, const char *text)
{
    leave_state(mux, channel);
    drop_queue(mux, channel);
    channel->state = MUX_CHANNEL_RESETTING;
    channel->owner = NULL;
    channel->reset_status = status;
    if (text != NULL)
        channel->reset_text = strndup(text, TEXT_REASON_MAX); /* without memory it goes without a text */
    mux_list_add(&mux->urgent, &channel->urgent, false);
}

static bool may_send(const struct mux_channel *channel)
{
    if (channel->state == MUX_CHANNEL_RESETTING)
        return false;
    if (buffer_size(&channel->queue) == 0)
        return channel->fin_wanted && !channel->fin_sent;
    struct frame_header header;
    frame_header_decode(buffer_span(&channel->queue).data, &header); /* our own: never refused */
    return header.length <= channel->send_credit;
}

void mux_channel_update_ready(struct mux *mux, struct mux_channel *channel)
{
    if (channel == mux->current)
        return; /* looked at again when its frame is out */
    if (may_send(channel))
        mux_list_add(&mux->ready, &channel->ready, channel->number == 1);
    else
        mux_list_remove(&mux->ready, &channel->ready);
}
