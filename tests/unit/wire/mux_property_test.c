/* SPDX-License-Identifier: MIT */
/* Two muxes under a random but repeatable load: whatever the splits and the order of calls, every byte
 * arrives once and in order. Credit is checked by the owners in mux_pair.c. */
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/mux_pair.h"

#include <string.h>

#define ACTORS 24
#define STEPS  30000

/* One direction of one channel. */
struct flow {
    struct owner *from;
    struct mux_end *to;
    uint64_t sent;    /* bytes of the flow's endless pattern */
    uint64_t checked; /* bytes found right at the other end */
    bool fin;
};

static struct mux_pair pair;

/* The pattern is rich in 0xff and whole markers. */
static uint8_t pattern(uint32_t channel, uint64_t at)
{
    uint64_t place = at % 97;
    if (place < MUX_MARKER_SIZE)
        return (channel % 2 == 0 ? MUX_MARKER : MUX_MARKER_ANSWER)[place];
    return place < 40 ? 0xff : (uint8_t)(at * 31 + channel);
}

static void send_some(struct flow *flow)
{
    uint8_t bytes[70000];
    size_t size = 1 + mux_pair_random(&pair, mux_pair_random(&pair, 3) == 0 ? sizeof(bytes) : 200);
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(flow->from->channel, flow->sent + i);
    size_t taken;
    if (mux_send(flow->from->end->mux, flow->from->channel, FRAME_DATA, span_of(bytes, size), &taken) == 0)
        flow->sent += taken;
}

static void check_arrived(struct flow *flow)
{
    struct owner *owner = mux_end_owner(flow->to, flow->from->channel);
    if (owner == NULL)
        return;
    struct span span = buffer_span(&owner->received);
    for (size_t i = 0; i < span.size; i++)
        assert_int_equal(span.data[i], pattern(owner->channel, flow->checked + i));
    flow->checked += span.size;
    assert_true(flow->checked <= flow->sent);
    buffer_consume(&owner->received, span.size);
    if (mux_pair_random(&pair, 3) == 0)
        owner_take(owner);
}

static void move_some(void)
{
    size_t size = 1 + mux_pair_random(&pair, mux_pair_random(&pair, 2) == 0 ? 60 : 60000);
    switch (mux_pair_random(&pair, 4)) {
    case 0:
        mux_end_produce(&pair.dialer, size);
        break;
    case 1:
        mux_end_deliver(&pair.dialer, &pair.listener, size);
        break;
    case 2:
        mux_end_produce(&pair.listener, size);
        break;
    default:
        mux_end_deliver(&pair.listener, &pair.dialer, size);
        break;
    }
}

static void drain(struct flow *flows, size_t count)
{
    for (int round = 0; round < 2000; round++) {
        mux_pair_pump(&pair);
        bool done = true;
        for (size_t i = 0; i < count; i++) {
            check_arrived(&flows[i]);
            done = done && flows[i].checked == flows[i].sent;
        }
        if (done)
            return;
    }
    fail_msg("bytes are stuck");
}

static void every_byte_arrives_once_and_in_order(void **state)
{
    mux_pair_init(&pair);
    pair.listener.slow = pair.dialer.slow = true;
    mux_pair_sync(&pair);
    static struct flow flows[2 * ACTORS];
    for (size_t i = 0; i < ACTORS; i++) {
        struct owner *here = mux_end_open(&pair.dialer);
        flows[2 * i] = (struct flow){.from = here, .to = &pair.listener};
        send_some(&flows[2 * i]);
        mux_pair_pump(&pair);
        struct owner *there = mux_end_owner(&pair.listener, here->channel);
        assert_non_null(there);
        flows[2 * i + 1] = (struct flow){.from = there, .to = &pair.dialer};
    }
    for (int step = 0; step < STEPS; step++) {
        struct flow *flow = &flows[mux_pair_random(&pair, 2 * ACTORS)];
        switch (mux_pair_random(&pair, 4)) {
        case 0:
            send_some(flow);
            break;
        case 1:
            check_arrived(flow);
            break;
        default:
            move_some();
            break;
        }
    }
    drain(flows, 2 * ACTORS);
    uint64_t total = 0;
    for (size_t i = 0; i < 2 * ACTORS; i++) {
        owner_send(flows[i].from, FRAME_FIN, NULL, 0);
        total += flows[i].checked;
    }
    mux_pair_pump(&pair);
    for (size_t i = 0; i < 2 * ACTORS; i++) {
        assert_true(flows[i].from->fin);
        assert_false(flows[i].from->reset);
        owner_close(flows[i].from, 0, NULL);
    }
    assert_false(mux_has_output(pair.dialer.mux) || mux_has_output(pair.listener.mux));
    assert_true(total > 10 * MUX_WINDOW);
    assert_int_equal(pair.listener.synced, 1);
    assert_int_equal(pair.dialer.markers[0] + pair.dialer.markers[1], 1);
    assert_int_equal(pair.listener.markers[0] + pair.listener.markers[1], 1);
    mux_pair_finish(&pair);
}

/* Channels come and go at random; every end is told, and nothing is left. */
static void channels_that_come_and_go_leave_nothing(void **state)
{
    mux_pair_init(&pair);
    mux_pair_sync(&pair);
    for (int step = 0; step < STEPS / 4; step++) {
        struct mux_end *end = mux_pair_random(&pair, 2) == 0 ? &pair.dialer : &pair.listener;
        struct owner *owner = end->owners;
        for (uint64_t skip = mux_pair_random(&pair, 6); skip > 0 && owner != NULL; skip--)
            owner = owner->next;
        switch (mux_pair_random(&pair, 8)) {
        case 0:
            owner_send(mux_end_open(&pair.dialer), FRAME_MESSAGE, "open", 4);
            break;
        case 1:
            if (owner != NULL)
                mux_send(end->mux, owner->channel, FRAME_FIN, span_of(NULL, 0), NULL);
            break;
        case 2:
            if (owner != NULL && (owner->fin || mux_pair_random(&pair, 4) == 0))
                owner_close(owner, STATUS_GONE, "enough");
            break;
        case 3:
            if (owner != NULL) {
                size_t taken;
                mux_send(end->mux, owner->channel, FRAME_DATA, span_of_text("some bytes"), &taken);
            }
            break;
        default:
            move_some();
            break;
        }
    }
    mux_pair_pump(&pair);
    for (struct owner *owner = pair.dialer.owners; owner != NULL; owner = owner->next)
        owner_close(owner, STATUS_GONE, "the end");
    for (struct owner *owner = pair.listener.owners; owner != NULL; owner = owner->next)
        owner_close(owner, STATUS_GONE, "the end");
    mux_pair_pump(&pair);
    assert_int_equal(mux_channel_count(pair.dialer.mux), 0);
    assert_int_equal(mux_channel_count(pair.listener.mux), 0);
    assert_true(pair.listener.owners->channel > 200);
    mux_pair_finish(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_arrives_once_and_in_order),
        cmocka_unit_test(channels_that_come_and_go_leave_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
