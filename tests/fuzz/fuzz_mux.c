/* SPDX-License-Identifier: MIT */
/* A synced mux against a hostile peer. Input: a byte that says which side the mux is, then operations of one
 * byte and its arguments: bytes from the peer, output to it, and what owners may do. No owner is ever told
 * something out of order or more than the window, and no marker leaves but in a SYNC or its answer. */
#include "protocol/base/status.h"
#include "protocol/wire/mux.h"
#include "protocol/wire/mux_marker.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OWNERS_MAX 32

struct owner {
    bool used, fin;
    uint32_t channel;
    size_t untaken;
};

struct peer {
    struct mux *mux;
    enum mux_side side;
    struct owner owners[OWNERS_MAX];
    struct marker_scan scan; /* for the marker that this side may never send */
};

static void require(bool condition)
{
    if (!condition)
        abort();
}

static struct owner *free_owner(struct peer *peer)
{
    for (size_t i = 0; i < OWNERS_MAX; i++) {
        if (!peer->owners[i].used)
            return &peer->owners[i];
    }
    return NULL;
}

static void on_synced(void *ctx)
{
    struct peer *peer = ctx;
    require(mux_channel_count(peer->mux) == 0);
}

static void *on_channel(void *ctx, uint32_t channel)
{
    struct peer *peer = ctx;
    struct owner *owner = free_owner(peer);
    require(channel != 0 && peer->side == MUX_LISTENER);
    if (owner != NULL)
        *owner = (struct owner){.used = true, .channel = channel};
    return owner;
}

static void receive(struct owner *owner, size_t size)
{
    require(owner->used && !owner->fin);
    owner->untaken += size;
    require(owner->untaken <= MUX_WINDOW);
}

static void on_frame(void *ctx, void *owner_ctx, const struct frame_header *header, struct span payload)
{
    struct peer *peer = ctx;
    struct owner *owner = owner_ctx;
    require(header->channel == owner->channel && header->length == payload.size);
    receive(owner, payload.size);
    owner->fin = header->type == FRAME_FIN;
    if (payload.size % 3 == 1) { /* close from within the callback */
        mux_close_channel(peer->mux, owner->channel, STATUS_GONE, "enough");
        owner->used = false;
    } else if (payload.size % 3 == 2) {
        mux_send(peer->mux, owner->channel, FRAME_MESSAGE, payload, NULL);
    }
}

static void on_data(void *ctx, void *owner, struct span bytes)
{
    require(bytes.size > 0);
    receive(owner, bytes.size);
}

static void on_reset(void *ctx, void *owner_ctx, int status, const char *text)
{
    struct owner *owner = owner_ctx;
    require(owner->used && status < 0 && strlen(text) <= TEXT_REASON_MAX);
    owner->used = false;
}

static void on_writable(void *ctx, void *owner_ctx)
{
    struct owner *owner = owner_ctx;
    require(owner->used);
}

static void produce(struct peer *peer, size_t size)
{
    uint8_t out[4096];
    size = size < sizeof(out) ? size : sizeof(out);
    size_t count = mux_produce(peer->mux, out, size), end;
    require(count <= size && (count == size || !mux_has_output(peer->mux)));
    require(!marker_scan_feed(&peer->scan, span_of(out, count), &end));
}

static void feed(struct peer *peer, struct span bytes)
{
    if (mux_feed(peer->mux, bytes) < 0)
        mux_reset(peer->mux);
}

static void sync_with(struct peer *peer)
{
    uint8_t bytes[MUX_MARKER_SIZE + SESSION_ID_SIZE] = {0};
    if (peer->side == MUX_DIALER)
        mux_sync(peer->mux);
    if (peer->side == MUX_DIALER) { /* copy the nonce that it sends */
        for (size_t count = 1; count > 0 && memcmp(bytes, MUX_MARKER, MUX_MARKER_SIZE) != 0;)
            count = mux_produce(peer->mux, bytes, sizeof(bytes));
        memcpy(bytes, MUX_MARKER_ANSWER, MUX_MARKER_SIZE);
    } else {
        memcpy(bytes, MUX_MARKER, MUX_MARKER_SIZE);
    }
    feed(peer, span_of(bytes, sizeof(bytes)));
}

static void open_channel(struct peer *peer)
{
    struct owner *owner = free_owner(peer);
    uint32_t channel;
    if (peer->side == MUX_DIALER && owner != NULL && mux_open(peer->mux, owner, &channel) == 0)
        *owner = (struct owner){.used = true, .channel = channel};
}

static void use_owner(struct peer *peer, struct owner *owner, uint8_t what, struct span payload)
{
    size_t taken = 0;
    if (!owner->used)
        return;
    if (what < 4) {
        mux_send(peer->mux, owner->channel, (enum frame_type)(FRAME_MESSAGE + what), payload, &taken);
        require(taken <= payload.size);
    } else if (what == 4) {
        mux_taken(peer->mux, owner->channel, owner->untaken);
        owner->untaken = 0;
    } else {
        mux_close_channel(peer->mux, owner->channel, STATUS_GONE, "closed");
        owner->used = false;
    }
}

/* Operation: kind, argument, a count of bytes, the bytes. */
static void run(struct peer *peer, const uint8_t *data, size_t size)
{
    while (size >= 3) {
        uint8_t kind = data[0] % 8, argument = data[1];
        size_t count = data[2];
        data += 3;
        size -= 3;
        if (count > size)
            count = size;
        struct span bytes = span_of(data, count);
        if (kind < 3)
            feed(peer, bytes);
        else if (kind == 3)
            produce(peer, argument * 16u);
        else if (kind == 4)
            open_channel(peer);
        else if (kind == 5 && argument % 16 == 0)
            sync_with(peer);
        else
            use_owner(peer, &peer->owners[argument % OWNERS_MAX], argument / OWNERS_MAX, bytes);
        data += count;
        size -= count;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct mux_callbacks CALLBACKS = {.on_synced = on_synced,
                                                   .on_channel = on_channel,
                                                   .on_frame = on_frame,
                                                   .on_data = on_data,
                                                   .on_reset = on_reset,
                                                   .on_writable = on_writable};
    static const struct session_id NONCE = {{'n', 'o', 'n', 'c', 'e'}};
    if (size == 0)
        return 0;
    struct peer peer = {.side = data[0] % 2 == 0 ? MUX_LISTENER : MUX_DIALER};
    peer.scan.marker = peer.side == MUX_DIALER ? MUX_MARKER_ANSWER : MUX_MARKER;
    peer.mux = mux_create(peer.side, &NONCE, &CALLBACKS, &peer);
    require(peer.mux != NULL);
    sync_with(&peer);
    run(&peer, data + 1, size - 1);
    mux_destroy(peer.mux);
    return 0;
}
