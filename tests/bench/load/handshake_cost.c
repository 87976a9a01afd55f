/* SPDX-License-Identifier: MIT */
/* handshake_cost SAMPLES: the CPU time of whole handshakes, both sides in this process: from the two sides'
 * creation over the three messages to the keys and the code that come of them. Prints
 * {"xx":{…},"ik":{…},"ikpsk2":{…}}, each as samples_print has it. The road between the sides is not in it. */
#include <err.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "protocol/wire/handshake.h"
#include "tests/bench/load/loopback.h"
#include "tests/bench/load/samples.h"

#define WARM_UP 50

struct meeting {
    struct secret_pool *secrets;
    struct noise_key_pair bridge_key, agent_key;
    uint8_t psk[NOISE_KEY_SIZE];
    enum handshake_pattern pattern;
    enum aead_cipher cipher;
};

/* Of all threads, user and system. */
static uint64_t cpu_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void check(int status, const char *what)
{
    if (status < 0)
        errx(1, "%s: %d", what, status);
}

static struct handshake *create_side(const struct meeting *meeting, bool bridge)
{
    static const uint8_t hello[160]; /* about as long as a real one */
    struct handshake *side;
    struct handshake_setup setup = {
        .bridge = bridge,
        .pattern = meeting->pattern,
        .hello = {hello, sizeof hello},
        .own = bridge ? &meeting->bridge_key : &meeting->agent_key,
        .peer =
            bridge && !handshake_pattern_is_first(meeting->pattern) ? meeting->agent_key.public_key : NULL,
        .psk = handshake_pattern_has_psk(meeting->pattern) ? meeting->psk : NULL,
    };

    check(handshake_create(meeting->secrets, &setup, &side), "handshake_create");
    return side;
}

static void exchange(const struct meeting *meeting, struct handshake *bridge, struct handshake *agent)
{
    struct handshake_choice choice = {.version = 1, .cipher = meeting->cipher};
    struct auth_bytes message;
    uint8_t key[NOISE_KEY_SIZE];
    bool compare;

    check(handshake_begin(bridge, &message), "handshake_begin");
    check(handshake_meet(agent, &message), "handshake_meet");
    check(handshake_reply(agent, &choice, &message), "handshake_reply");
    check(handshake_read(bridge, &message, &choice, key), "handshake_read");
    check(handshake_answer(bridge, false, &message), "handshake_answer");
    check(handshake_conclude(agent, &message, &compare), "handshake_conclude");
}

/* What both sides take from a finished handshake before the first record can go. */
static void derive(const struct meeting *meeting, const struct handshake *bridge,
                   const struct handshake *agent)
{
    const struct handshake *sides[2] = {bridge, agent};
    struct connection_keys connection[2];
    char codes[2][HANDSHAKE_CODE_DIGITS + 1] = {"", ""};

    for (int i = 0; i < 2; i++) {
        struct session_keys keys;
        handshake_keys(sides[i], &keys);
        session_keys_of_connection(&keys, 0, &connection[i]);
        if (handshake_code(sides[i], codes[i]) != handshake_pattern_is_first(meeting->pattern))
            errx(1, "a code where none belongs, or none");
        session_keys_wipe(&keys);
    }
    if (sodium_memcmp(&connection[0], &connection[1], sizeof connection[0]) != 0 ||
        strcmp(codes[0], codes[1]) != 0)
        errx(1, "the two sides disagree");
    connection_keys_wipe(&connection[0]);
    connection_keys_wipe(&connection[1]);
}

static void measure(struct meeting *meeting, enum handshake_pattern pattern, long count)
{
    struct samples samples;

    meeting->pattern = pattern;
    samples_init(&samples, (size_t)count);
    for (long i = -WARM_UP; i < count; i++) {
        uint64_t start_ns = cpu_now_ns();
        struct handshake *bridge = create_side(meeting, true), *agent = create_side(meeting, false);
        exchange(meeting, bridge, agent);
        derive(meeting, bridge, agent);
        handshake_destroy(bridge);
        handshake_destroy(agent);
        if (i >= 0)
            samples_add(&samples, cpu_now_ns() - start_ns);
    }
    samples_print(&samples);
    samples_finish(&samples);
}

int main(int argc, char **argv)
{
    struct meeting meeting = {.secrets = secret_pool_create()};

    if (argc != 2)
        errx(2, "usage: handshake_cost SAMPLES");
    long count = loopback_number(argv[1], 1, 1000000, "SAMPLES");
    if (meeting.secrets == NULL)
        errx(1, "libsodium or memory");
    noise_key_pair_make(&meeting.bridge_key);
    noise_key_pair_make(&meeting.agent_key);
    randombytes_buf(meeting.psk, sizeof meeting.psk);
    meeting.cipher = aead_choose(aead_ciphers(), aead_ciphers());
    printf("{\"xx\":");
    measure(&meeting, PATTERN_XX, count);
    printf(",\"ik\":");
    measure(&meeting, PATTERN_IK, count);
    printf(",\"ikpsk2\":");
    measure(&meeting, PATTERN_IKPSK2, count);
    printf("}\n");
    secret_pool_destroy(meeting.secrets);
    return 0;
}
