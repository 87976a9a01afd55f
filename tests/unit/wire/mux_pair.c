/* SPDX-License-Identifier: MIT */
/* The harness of the mux tests: pipes and note-taking owners. */
#include "tests/unit/wire/mux_pair.h"

#include "tests/unit/base/testing.h"

#include <stdlib.h>
#include <string.h>

#define WIRE_MAX (64u << 20)

static struct owner *add_owner(struct mux_end *end, uint32_t channel)
{
    struct owner *owner = calloc(1, sizeof(*owner));
    assert_non_null(owner);
    owner->end = end;
    owner->channel = channel;
    owner->slow = end->slow;
    buffer_init(&owner->received, WIRE_MAX);
    owner->next = end->owners;
    end->owners = owner;
    return owner;
}

static void receive(struct owner *owner, struct span bytes)
{
    assert_false(owner->reset);
    assert_false(owner->fin);
    assert_int_equal(buffer_append(&owner->received, bytes.data, bytes.size), 0);
    owner->untaken += bytes.size;
    assert_true(owner->untaken <= MUX_WINDOW);
    if (!owner->slow)
        owner_take(owner);
}

static void on_synced(void *ctx)
{
    struct mux_end *end = ctx;
    end->synced++;
    assert_true(mux_is_synced(end->mux));
    assert_int_equal(mux_channel_count(end->mux), 0);
}

static void *on_channel(void *ctx, uint32_t channel)
{
    struct mux_end *end = ctx;
    return end->refuses ? NULL : add_owner(end, channel);
}

static void on_frame(void *ctx, void *owner_ctx, const struct frame_header *header, struct span payload)
{
    struct owner *owner = owner_ctx;
    assert_int_equal(header->channel, owner->channel);
    assert_int_equal(header->length, payload.size);
    receive(owner, payload);
    owner->messages += header->type == FRAME_MESSAGE ? 1 : 0;
    owner->datagrams += header->type == FRAME_DATAGRAM ? 1 : 0;
    owner->fin = header->type == FRAME_FIN;
}

static void on_data(void *ctx, void *owner, struct span bytes)
{
    assert_true(bytes.size > 0);
    receive(owner, bytes);
}

static void on_reset(void *ctx, void *owner_ctx, int status, const char *text)
{
    struct owner *owner = owner_ctx;
    assert_false(owner->reset);
    owner->reset = true;
    owner->reset_status = status;
    strncpy(owner->reset_text, text, TEXT_REASON_MAX);
}

static void on_writable(void *ctx, void *owner_ctx)
{
    struct owner *owner = owner_ctx;
    owner->writable++;
}

static void end_init(struct mux_end *end, enum mux_side side)
{
    static const struct mux_callbacks CALLBACKS = {.on_synced = on_synced,
                                                   .on_channel = on_channel,
                                                   .on_frame = on_frame,
                                                   .on_data = on_data,
                                                   .on_reset = on_reset,
                                                   .on_writable = on_writable};
    static const struct session_id NONCE = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    *end = (struct mux_end){.scans = {{.marker = MUX_MARKER}, {.marker = MUX_MARKER_ANSWER}}};
    buffer_init(&end->wire, WIRE_MAX);
    end->mux = mux_create(side, &NONCE, &CALLBACKS, end);
    assert_non_null(end->mux);
}

static void end_finish(struct mux_end *end)
{
    mux_destroy(end->mux);
    buffer_finish(&end->wire);
    while (end->owners != NULL) {
        struct owner *owner = end->owners;
        end->owners = owner->next;
        buffer_finish(&owner->received);
        free(owner);
    }
}

void mux_pair_init(struct mux_pair *pair)
{
    pair->random = 88172645463325252u;
    end_init(&pair->dialer, MUX_DIALER);
    end_init(&pair->listener, MUX_LISTENER);
}

void mux_pair_finish(struct mux_pair *pair)
{
    end_finish(&pair->dialer);
    end_finish(&pair->listener);
}

void mux_pair_sync(struct mux_pair *pair)
{
    mux_sync(pair->dialer.mux);
    mux_pair_pump(pair);
    assert_true(mux_is_synced(pair->dialer.mux));
    assert_true(mux_is_synced(pair->listener.mux));
}

/* xorshift64 */
uint64_t mux_pair_random(struct mux_pair *pair, uint64_t below)
{
    pair->random ^= pair->random << 13;
    pair->random ^= pair->random >> 7;
    pair->random ^= pair->random << 17;
    return pair->random % below;
}

static void count_markers(struct mux_end *end, struct span bytes)
{
    for (size_t i = 0; i < 2; i++) {
        struct span rest = bytes;
        size_t used;
        while (marker_scan_feed(&end->scans[i], rest, &used)) {
            end->markers[i]++;
            rest = span_of(rest.data + used, rest.size - used);
        }
    }
}

size_t mux_end_produce(struct mux_end *end, size_t size)
{
    uint8_t *tail;
    assert_int_equal(buffer_reserve(&end->wire, size, &tail), 0);
    size_t count = mux_produce(end->mux, tail, size);
    assert_true(count <= size);
    assert_true(count == size || !mux_has_output(end->mux));
    count_markers(end, span_of(tail, count));
    buffer_commit(&end->wire, count);
    return count;
}

size_t mux_end_deliver(struct mux_end *end, struct mux_end *other, size_t size)
{
    struct span bytes = buffer_span(&end->wire);
    if (size < bytes.size)
        bytes.size = size;
    assert_int_equal(mux_feed(other->mux, bytes), 0);
    buffer_consume(&end->wire, bytes.size);
    return bytes.size;
}

static size_t random_size(struct mux_pair *pair)
{
    switch (mux_pair_random(pair, 4)) {
    case 0:
        return 1 + mux_pair_random(pair, 3);
    case 1:
        return 1 + mux_pair_random(pair, 40);
    case 2:
        return 1 + mux_pair_random(pair, 5000);
    default:
        return 1 + mux_pair_random(pair, 200000);
    }
}

void mux_pair_pump(struct mux_pair *pair)
{
    size_t moved;
    do {
        moved = mux_end_produce(&pair->dialer, random_size(pair));
        moved += mux_end_deliver(&pair->dialer, &pair->listener, random_size(pair));
        moved += mux_end_produce(&pair->listener, random_size(pair));
        moved += mux_end_deliver(&pair->listener, &pair->dialer, random_size(pair));
    } while (moved > 0);
}

struct owner *mux_end_open(struct mux_end *end)
{
    struct owner *owner = add_owner(end, 0);
    assert_int_equal(mux_open(end->mux, owner, &owner->channel), 0);
    return owner;
}

struct owner *mux_end_owner(struct mux_end *end, uint32_t channel)
{
    struct owner *owner = end->owners;
    while (owner != NULL && owner->channel != channel)
        owner = owner->next;
    return owner;
}

void owner_send(struct owner *owner, enum frame_type type, const void *data, size_t size)
{
    size_t taken;
    assert_int_equal(mux_send(owner->end->mux, owner->channel, type, span_of(data, size), &taken), 0);
    assert_int_equal(taken, size);
}

void owner_take(struct owner *owner)
{
    size_t size = owner->untaken;
    owner->untaken = 0;
    mux_taken(owner->end->mux, owner->channel, size);
}

void owner_close(struct owner *owner, int status, const char *text)
{
    mux_close_channel(owner->end->mux, owner->channel, status, text);
}

bool owner_received(const struct owner *owner, struct span bytes)
{
    return span_equals(buffer_span(&owner->received), bytes);
}
