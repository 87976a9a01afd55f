/* SPDX-License-Identifier: MIT */
/* Bytes from the wire: finds the sync in them, then reads frames and checks them against what the channel
 * allows. Everything here was chosen by the other side. */
#include "protocol/base/status.h"
#include "protocol/wire/mux_internal.h"

#include <string.h>
#include <uv.h>

static uint64_t *seen_word(struct mux *mux, uint32_t number)
{
    return &mux->seen[number % MUX_SEEN_NUMBERS / 64];
}

/* Listener: true the first time that a number appears. Numbers far below the highest count as seen. */
static bool is_first_sight(struct mux *mux, uint32_t number)
{
    uint64_t bit = UINT64_C(1) << (number % 64);
    if (number > mux->highest) {
        if (number - mux->highest >= MUX_SEEN_NUMBERS)
            memset(mux->seen, 0, sizeof(mux->seen));
        else
            for (uint32_t skipped = mux->highest + 1; skipped < number; skipped++)
                *seen_word(mux, skipped) &= ~(UINT64_C(1) << (skipped % 64));
        mux->highest = number;
    } else if (mux->highest - number >= MUX_SEEN_NUMBERS || (*seen_word(mux, number) & bit) != 0) {
        return false;
    }
    *seen_word(mux, number) |= bit;
    return true;
}

static int accept_channel(struct mux *mux, uint32_t number, struct mux_channel **ret_channel)
{
    /* Refused channels wait for their RST to go; an honest dialer has no more of them than channels. */
    if (mux->channels.count >= 2 * MUX_CHANNELS_MAX)
        return STATUS_TOO_LARGE;
    bool full = mux->open_count + mux->draining_count >= MUX_CHANNELS_MAX;
    struct mux_channel *channel = mux_channel_add(mux, number, NULL);
    if (channel == NULL)
        return UV_ENOMEM;
    channel->announced = true;
    void *owner = full ? NULL : mux->callbacks.on_channel(mux->ctx, number);
    channel = mux_table_find(&mux->channels, number); /* the callback may have closed it */
    if (channel == NULL || channel->state != MUX_CHANNEL_OPEN)
        return 0;
    if (owner == NULL) {
        mux_channel_reset(mux, channel, STATUS_LIMIT, status_text(STATUS_LIMIT));
        return 0;
    }
    channel->owner = owner;
    *ret_channel = channel;
    return 0;
}

/* The channel that a frame is for; NULL when the frame is to be dropped. */
static int channel_of(struct mux *mux, const struct frame_header *header, struct mux_channel **ret_channel)
{
    *ret_channel = NULL;
    if (header->channel == 0)
        return STATUS_MALFORMED;
    struct mux_channel *channel = mux_table_find(&mux->channels, header->channel);
    if (channel != NULL) {
        if (!channel->announced)
            return STATUS_MALFORMED; /* the peer can't know it */
        *ret_channel = channel->state == MUX_CHANNEL_RESETTING && header->type != FRAME_RST ? NULL : channel;
        return 0;
    }
    if (mux->side == MUX_DIALER)
        return header->channel >= mux->next_number ? STATUS_MALFORMED : 0;
    if (!is_first_sight(mux, header->channel) || header->type == FRAME_RST)
        return 0;
    if (header->type == FRAME_CREDIT)
        return STATUS_MALFORMED; /* for bytes that were never sent */
    return accept_channel(mux, header->channel, ret_channel);
}

static int count_received(struct mux_channel *channel, size_t size)
{
    if (channel->fin_received || size > MUX_WINDOW - channel->received)
        return STATUS_MALFORMED;
    channel->received += (uint32_t)size;
    return 0;
}

static int receive_credit(struct mux *mux, struct mux_channel *channel, struct span payload)
{
    uint32_t amount = 0;
    for (size_t i = 0; i < payload.size; i++)
        amount = amount << 8 | payload.data[i];
    if (amount == 0 || amount > MUX_WINDOW - channel->send_credit)
        return STATUS_MALFORMED;
    channel->send_credit += amount;
    mux_channel_update_ready(mux, channel);
    return 0;
}

static int receive_reset(struct mux *mux, struct mux_channel *channel, struct span payload)
{
    int reason;
    char text[TEXT_REASON_MAX + 1];
    int status = frame_rst_decode(payload, &reason, text);
    if (status < 0)
        return status;
    void *owner = channel->owner;
    bool tell = channel->state == MUX_CHANNEL_OPEN;
    mux_channel_discard(mux, channel);
    if (tell)
        mux->callbacks.on_reset(mux->ctx, owner, reason, text);
    return 0;
}

static int handle_frame(void *ctx, const struct frame_header *header, struct span payload)
{
    struct mux *mux = ctx;
    mux->frame_received = true;
    struct mux_channel *channel;
    int status = channel_of(mux, header, &channel);
    if (status < 0 || channel == NULL)
        return status;
    if (header->type == FRAME_CREDIT)
        return receive_credit(mux, channel, payload);
    if (header->type == FRAME_RST)
        return receive_reset(mux, channel, payload);
    if (header->type == FRAME_MESSAGE && payload.size > MUX_MESSAGE_MAX)
        return STATUS_TOO_LARGE;
    status = count_received(channel, payload.size);
    if (status < 0)
        return status;
    if (header->type == FRAME_FIN)
        channel->fin_received = true;
    mux->callbacks.on_frame(mux->ctx, channel->owner, header, payload);
    return 0;
}

static size_t handle_data(void *ctx, const struct frame_header *header, struct span piece)
{
    struct mux *mux = ctx;
    mux->frame_received = true;
    struct mux_channel *channel = NULL;
    int status = STATUS_TOO_LARGE;
    if (header->length <= FRAME_MUX_PAYLOAD_MAX)
        status = channel_of(mux, header, &channel);
    if (status == 0 && channel != NULL)
        status = count_received(channel, piece.size);
    if (status < 0) {
        mux->receive_error = status;
        return 0;
    }
    if (channel != NULL)
        mux->callbacks.on_data(mux->ctx, channel->owner, piece);
    return piece.size;
}

static int feed_frames(struct mux *mux, struct span bytes)
{
    static const struct frame_reader_callbacks CALLBACKS = {.on_frame = handle_frame, .on_data = handle_data};
    size_t taken;
    int status = frame_reader_feed(&mux->reader, bytes, &CALLBACKS, mux, &taken);
    return status < 0 ? status : mux->receive_error;
}

static void consume(struct span *bytes, size_t size)
{
    bytes->data += size;
    bytes->size -= size;
}

static void accept_sync(struct mux *mux)
{
    bool same = memcmp(&mux->peer_nonce, &mux->nonce, sizeof(mux->nonce)) == 0;
    if (mux->side == MUX_DIALER) {
        if (!same)
            return; /* the answer to an earlier life's SYNC */
        mux->sync_due = false;
        mux->scan.matched = 0;
    } else {
        if (same && mux->synced && !mux->frame_received) {
            mux->sync_due = true; /* a repeat: answer it too */
            return;
        }
        mux_drop_everything(mux);
        mux->nonce = mux->peer_nonce;
        mux->sync_due = true;
    }
    mux->synced = true;
    mux->callbacks.on_synced(mux->ctx);
}

/* The bytes after a marker. A new marker among them means that the first SYNC was cut off. */
static void feed_nonce(struct mux *mux, struct span *bytes)
{
    size_t size = bytes->size < mux->nonce_missing ? bytes->size : mux->nonce_missing;
    size_t end = size;
    bool restarted = marker_scan_feed(&mux->scan, span_of(bytes->data, size), &end);
    memcpy(mux->peer_nonce.bytes + SESSION_ID_SIZE - mux->nonce_missing, bytes->data, end);
    consume(bytes, end);
    mux->nonce_missing = restarted ? SESSION_ID_SIZE : mux->nonce_missing - end;
    if (mux->nonce_missing == 0)
        accept_sync(mux);
}

/* All bytes are searched for a SYNC. What precedes one belongs to the session that it ends. An error whose
 * bytes may be the start of a marker that came in pieces waits until that is known. */
static int feed_listener(struct mux *mux, struct span *bytes)
{
    size_t end = bytes->size;
    bool found = marker_scan_feed(&mux->scan, *bytes, &end);
    size_t before = end;
    if (found)
        before = end > MUX_MARKER_SIZE ? end - MUX_MARKER_SIZE : 0;
    if (mux->synced && mux->failure == 0 && before > 0)
        mux->failure = feed_frames(mux, span_of(bytes->data, before));
    consume(bytes, end);
    if (found) {
        mux->failure = 0;
        mux->receive_error = 0;
        mux->nonce_missing = SESSION_ID_SIZE;
        frame_reader_finish(&mux->reader);
        return 0;
    }
    return mux->scan.matched == 0 ? mux->failure : 0;
}

/* The listener answers repeats of a SYNC too; those answers come before its first frame. */
static int feed_repeated_answer(struct mux *mux, struct span *bytes)
{
    while (bytes->size > 0 && mux->answer_repeated < MUX_SYNC_SIZE) {
        size_t at = mux->answer_repeated;
        uint8_t expected =
            at < MUX_MARKER_SIZE ? MUX_MARKER_ANSWER[at] : mux->nonce.bytes[at - MUX_MARKER_SIZE];
        if (bytes->data[0] != expected) {
            mux->failure = at < MUX_MARKER_SIZE ? STATUS_MALFORMED : UV_ECONNRESET; /* another's answer */
            return mux->failure;
        }
        consume(bytes, 1);
        mux->answer_repeated++;
    }
    if (mux->answer_repeated == MUX_SYNC_SIZE)
        mux->answer_repeated = 0;
    return 0;
}

/* An answer among the frames comes from a listener that knows nothing of them. As above, an error waits until
 * it is known to be none. */
static int feed_dialer_frames(struct mux *mux, struct span *bytes)
{
    size_t end = bytes->size;
    bool found = marker_scan_feed(&mux->scan, *bytes, &end);
    size_t before = end;
    if (found)
        before = end > MUX_MARKER_SIZE ? end - MUX_MARKER_SIZE : 0;
    if (mux->failure == 0 && before > 0)
        mux->failure = feed_frames(mux, span_of(bytes->data, before));
    consume(bytes, end);
    if (found)
        mux->failure = UV_ECONNRESET;
    return mux->scan.matched == 0 ? mux->failure : 0;
}

static int feed_dialer(struct mux *mux, struct span *bytes)
{
    if (!mux->synced) {
        size_t end = bytes->size;
        if (marker_scan_feed(&mux->scan, *bytes, &end))
            mux->nonce_missing = SESSION_ID_SIZE;
        consume(bytes, end);
        return 0;
    }
    bool may_be_answer = !mux->frame_received && frame_reader_at_boundary(&mux->reader);
    if (may_be_answer && (mux->answer_repeated > 0 || bytes->data[0] == 0xff))
        return feed_repeated_answer(mux, bytes);
    return feed_dialer_frames(mux, bytes);
}

int mux_feed(struct mux *mux, struct span bytes)
{
    int status = 0;
    while (bytes.size > 0 && status == 0) {
        if (mux->nonce_missing > 0)
            feed_nonce(mux, &bytes);
        else if (mux->side == MUX_LISTENER)
            status = feed_listener(mux, &bytes);
        else
            status = feed_dialer(mux, &bytes);
    }
    return status;
}
