/* SPDX-License-Identifier: MIT */
/* AUTH messages of the input's choice against either role of each pattern. Randomness is fixed, so that one
 * run of a pattern is known in advance: only its own messages may lead to the end, since nobody here computes
 * others that fit.
 *
 * Input: a byte (bits 0-1 pattern, 2 role under attack is the bridge, 3 the known messages are the start),
 * then either messages, each a u16 of its size and its bytes, or changes of four bytes: message, u16 place,
 * value. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/wire/fixed_random.h"
#include "tests/unit/wire/handshake_pair.h"

#define PATTERNS 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct handshake_pair known[PATTERNS];

/* Each step has bytes of its own, whatever went before it. */
static int begin(struct handshake *bridge, struct auth_bytes *ret)
{
    fixed_random_seed(1);
    return handshake_begin(bridge, ret);
}

static int reply(struct handshake_pair *pair, struct handshake *agent, struct auth_bytes *ret)
{
    fixed_random_seed(2);
    return handshake_reply(agent, &pair->choice, ret);
}

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void play_known_run(struct handshake_pair *pair, enum handshake_pattern pattern)
{
    fixed_random_seed(100 + (uint64_t)pattern);
    handshake_pair_init(pair, pattern);
    must(begin(pair->bridge, &pair->messages[0]) == 0);
    must(handshake_pair_deliver(pair, 1, &pair->messages[0]) == 0);
    must(reply(pair, pair->agent, &pair->messages[1]) == 0);
    must(handshake_pair_deliver(pair, 2, &pair->messages[1]) == 0);
    must(handshake_pair_deliver(pair, 3, &pair->messages[2]) == 0);
}

static void initialise(void)
{
    static bool done;
    if (done)
        return;
    fixed_random_install();
    for (unsigned i = 0; i < PATTERNS; i++)
        play_known_run(&known[i], (enum handshake_pattern)(PATTERN_XX + i));
    done = true;
}

static bool is_same(const struct auth_bytes *a, const struct auth_bytes *b)
{
    return a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0;
}

static void check_keys(const struct handshake *handshake, const struct handshake *expected)
{
    struct session_keys keys, expected_keys;
    handshake_keys(handshake, &keys);
    handshake_keys(expected, &expected_keys);
    must(memcmp(keys.master, expected_keys.master, sizeof(keys.master)) == 0);
}

static void attack_bridge(struct handshake_pair *pair, const struct auth_bytes messages[3])
{
    struct handshake *bridge = handshake_pair_side(pair, true);
    struct auth_bytes made;
    struct handshake_choice choice;
    uint8_t key[NOISE_KEY_SIZE];
    must(begin(bridge, &made) == 0 && is_same(&made, &pair->messages[0]));
    bool passes = handshake_read(bridge, &messages[1], &choice, key) == 0;
    must(passes == is_same(&messages[1], &pair->messages[1]));
    if (passes) {
        must(handshake_answer(bridge, pair->compare, &made) == 0 && is_same(&made, &pair->messages[2]));
        check_keys(bridge, pair->bridge);
    }
    handshake_destroy(bridge);
}

static void attack_agent(struct handshake_pair *pair, const struct auth_bytes messages[3])
{
    struct handshake *agent = handshake_pair_side(pair, false);
    struct auth_bytes made;
    bool compare;
    bool passes = handshake_meet(agent, &messages[0]) == 0 && reply(pair, agent, &made) == 0 &&
                  handshake_conclude(agent, &messages[2], &compare) == 0;
    must(passes == (is_same(&messages[0], &pair->messages[0]) && is_same(&messages[2], &pair->messages[2])));
    if (passes)
        check_keys(agent, pair->agent);
    handshake_destroy(agent);
}

static void read_messages(struct span input, struct auth_bytes messages[3])
{
    for (size_t i = 0; i < 3 && input.size >= 2; i++) {
        size_t size = (size_t)(input.data[0] << 8 | input.data[1]) % (AUTH_MESSAGE_MAX + 1);
        input = span_of(input.data + 2, input.size - 2);
        size_t part = size < input.size ? size : input.size;
        messages[i].size = (uint16_t)size;
        memcpy(messages[i].bytes, input.data, part);
        input = span_of(input.data + part, input.size - part);
    }
}

/* Message 0 … 2: the byte at this place is changed; from 128 on: the message gets this size. */
static void change_messages(struct span input, struct auth_bytes messages[3])
{
    for (; input.size >= 4; input = span_of(input.data + 4, input.size - 4)) {
        struct auth_bytes *message = &messages[input.data[0] % 128 % 3];
        unsigned place = (unsigned)(input.data[1] << 8 | input.data[2]);
        if (input.data[0] >= 128)
            message->size = (uint16_t)(place % (AUTH_MESSAGE_MAX + 1));
        else
            message->bytes[place % AUTH_MESSAGE_MAX] ^= input.data[3];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    initialise();
    if (size == 0)
        return 0;
    struct handshake_pair *pair = &known[data[0] % PATTERNS];
    struct auth_bytes messages[3] = {{0}};
    if ((data[0] & 8) != 0) {
        memcpy(messages, pair->messages, sizeof(messages));
        change_messages(span_of(data + 1, size - 1), messages);
    } else {
        read_messages(span_of(data + 1, size - 1), messages);
    }
    if ((data[0] & 4) != 0)
        attack_bridge(pair, messages);
    else
        attack_agent(pair, messages);
    return 0;
}
