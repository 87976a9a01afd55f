/* SPDX-License-Identifier: MIT */
/* The owner writes down; hosts speak. What is expected is in the tests. */
#include "tests/unit/link/admission_fixture.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"

struct door door;
static int pairing; /* what belongs to the owner */

static int judge(void *ctx, const struct admission_claim *claim, char ret_text[static TEXT_REASON_MAX + 1])
{
    assert_ptr_equal(ctx, &door);
    door.judged++;
    memcpy(door.claimed_key, claim->key, NOISE_KEY_SIZE);
    assert_string_equal(claim->peer->who, "the test");
    door.psk_proved = claim->psk_proved;
    door.first = claim->first;
    door.compare = claim->compare;
    strcpy(ret_text, "the owner says so");
    return door.verdict;
}

static int on_code(void *ctx, struct admission *admission, const struct admission_claim *claim,
                   const char *code, void **ret_pairing)
{
    if (door.code_verdict < 0)
        return door.code_verdict;
    assert_null(door.comparing);
    assert_memory_equal(claim->key, door.claimed_key, NOISE_KEY_SIZE);
    door.codes++;
    door.comparing = admission;
    snprintf(door.code, sizeof(door.code), "%s", code);
    *ret_pairing = &pairing;
    return 0;
}

static void on_code_over(void *ctx, void *which, bool agreed)
{
    assert_ptr_equal(which, &pairing);
    assert_non_null(door.comparing);
    door.comparing = NULL;
    door.codes_over++;
    door.agreed = agreed;
}

static void on_admitted(void *ctx, struct stream *stream, const struct listener_peer *peer,
                        const struct hello_message *hello, const struct session_keys *keys, uint16_t version)
{
    assert_string_equal(peer->who, "the test");
    assert_string_equal(hello->software, "a host");
    if (door.admitted++ > 0)
        probe_finish(&door.probe);
    probe_init(&door.probe, stream);
    door.keys = *keys;
    door.version = version;
}

static void on_refused(void *ctx, const struct listener_peer *peer, int status, const char *who)
{
    assert_string_equal(peer->who, "the test");
    assert_non_null(strstr(who, "the test"));
    door.refused++;
    door.refusal = status;
    snprintf(door.who, sizeof(door.who), "%s", who);
}

static const struct admission_handler HANDLER = {.judge = judge,
                                                 .on_code = on_code,
                                                 .on_code_over = on_code_over,
                                                 .on_admitted = on_admitted,
                                                 .on_refused = on_refused};

int admission_fixture_setup(void **state)
{
    link_fixture_setup(state);
    door = (struct door){.peer = {.kind = LINK_UNIX, .is_private = true, .who = "the test"}, .closed = true};
    noise_key_pair_make(&door.key);
    noise_key_pair_make(&door.host_key);
    door.options = (struct admission_options){.own = &door.key, .ciphers = AEAD_CHACHA20_POLY1305};
    return 0;
}

void open_door(void)
{
    door.closed = false;
    admissions_init(&door.admissions, &loop, &door.options, &HANDLER, &door);
}

static void handle_closed(void *ctx)
{
    assert_ptr_equal(ctx, &door);
    door.closed = true;
}

void close_door(void)
{
    size_t refused = door.refused;
    if (door.closed)
        return;
    admissions_close(&door.admissions, handle_closed, &door);
    assert_false(door.closed);
    RUN_UNTIL(door.closed);
    assert_int_equal(door.refused, refused);
}

int admission_fixture_teardown(void **state)
{
    close_door();
    if (door.admitted > 0)
        probe_finish(&door.probe);
    assert_int_equal(door.codes, door.codes_over);
    return link_fixture_teardown(state);
}

/* ---- hosts ---- */

void host_init(struct host *host, enum handshake_pattern pattern, const uint8_t *psk)
{
    *host = (struct host){.peer = {.fd = -1}};
    host->hello = (struct hello_message){.version = PROTOCOL_VERSION,
                                         .version_min = PROTOCOL_VERSION_MIN,
                                         .role = ROLE_CONTROL,
                                         .software = "a host",
                                         .link = "unix",
                                         .pattern = (uint8_t)pattern,
                                         .ciphers = AEAD_CHACHA20_POLY1305 | AEAD_AES256_GCM};
    struct message message = {.kind = MESSAGE_HELLO};
    message.body.hello = host->hello;
    struct handshake_setup setup = {
        .bridge = true, .pattern = pattern, .own = &door.host_key, .peer = door.key.public_key, .psk = psk};
    struct buffer hello;
    buffer_init(&hello, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(&message, &hello), 0);
    setup.hello = buffer_span(&hello);
    if (pattern >= PATTERN_XX && pattern <= PATTERN_XXPSK3)
        assert_int_equal(handshake_create(loop.secrets, &setup, &host->handshake), 0);
    buffer_finish(&hello);
}

/* HELLO was changed: the handshake is about the new one. */
static void renew_handshake(struct host *host, struct span hello)
{
    if (host->handshake == NULL || host->hello.pattern == PATTERN_IKPSK2 ||
        host->hello.pattern == PATTERN_XXPSK3)
        return;
    handshake_destroy(host->handshake);
    struct handshake_setup setup = {.bridge = true,
                                    .pattern = (enum handshake_pattern)host->hello.pattern,
                                    .hello = hello,
                                    .own = &door.host_key,
                                    .peer = door.key.public_key};
    assert_int_equal(handshake_create(loop.secrets, &setup, &host->handshake), 0);
}

void host_finish(struct host *host)
{
    handshake_destroy(host->handshake);
    sealed_peer_finish(&host->sealed);
    peer_finish(&host->peer);
    *host = (struct host){.peer = {.fd = -1}};
}

static void knock(struct host *host, bool as_made)
{
    int fds[2];
    struct stream_fd_options options = {0};
    struct stream *stream;
    struct message message = {.kind = MESSAGE_HELLO};
    message.body.hello = host->hello;
    struct buffer hello;
    buffer_init(&hello, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(&message, &hello), 0);
    if (!as_made)
        renew_handshake(host, buffer_span(&hello));
    socket_pair(fds);
    peer_init(&host->peer, fds[0]);
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &stream), 0);
    admissions_add(&door.admissions, stream, &door.peer, &host->hello, buffer_span(&hello));
    buffer_finish(&hello);
}

void host_knock(struct host *host)
{
    knock(host, false);
}

void host_knock_as_made(struct host *host)
{
    knock(host, true);
}

void host_say(struct host *host, const struct message *message)
{
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(message, &payload), 0);
    struct span bytes = buffer_span(&payload);
    if (host->sealed.send_key != NULL)
        sealed_peer_write_frame(&host->sealed, FRAME_MESSAGE, bytes.data, bytes.size);
    else
        peer_write_frame(&host->peer, FRAME_MESSAGE, bytes.data, bytes.size);
    buffer_finish(&payload);
}

static bool take_message(struct host *host, struct message *ret)
{
    struct frame_header header;
    struct buffer payload;
    bool is_sealed = host->sealed.send_key != NULL;
    if (!(is_sealed ? sealed_peer_take_frame(&host->sealed, &header, &payload)
                    : peer_take_frame(&host->peer, &header, &payload)))
        return false;
    assert_int_equal(header.type, FRAME_MESSAGE);
    assert_int_equal(message_decode(buffer_span(&payload), ret, NULL), 0);
    buffer_finish(&payload);
    return true;
}

void host_expect(struct host *host, enum message_kind kind)
{
    struct message message;
    RUN_UNTIL(take_message(host, &message));
    assert_int_equal(message.kind, kind);
    if (kind == MESSAGE_REFUSE) {
        host->refusal = message.body.failure.status;
        snprintf(host->refusal_text, sizeof(host->refusal_text), "%s", message.body.failure.text);
    } else if (kind == MESSAGE_AUTH) {
        assert_int_equal(
            handshake_read(host->handshake, &message.body.auth.message, &host->choice, host->agent_key), 0);
    }
    message_finish(&message);
}

void host_say_auth_1(struct host *host)
{
    struct message auth = {.kind = MESSAGE_AUTH};
    assert_int_equal(handshake_begin(host->handshake, &auth.body.auth.message), 0);
    host_say(host, &auth);
}

void host_hear_auth_2(struct host *host)
{
    host_expect(host, MESSAGE_AUTH);
    assert_memory_equal(host->agent_key, door.key.public_key, NOISE_KEY_SIZE);
    assert_int_equal(door.judged, 0); /* nothing is proved yet */
}

void host_say_auth_3(struct host *host, bool compare)
{
    struct message auth = {.kind = MESSAGE_AUTH};
    assert_int_equal(handshake_answer(host->handshake, compare, &auth.body.auth.message), 0);
    host_say(host, &auth);
    handshake_keys(host->handshake, &host->keys);
    if (host->keys.cipher != 0)
        sealed_peer_init(&host->sealed, &host->peer, &host->keys, 0, true);
}

void host_prove(struct host *host, bool compare)
{
    host_say_auth_1(host);
    host_hear_auth_2(host);
    host_say_auth_3(host, compare);
}

bool host_hears_end(struct host *host)
{
    peer_read(&host->peer);
    return host->peer.eof || host->peer.error != 0;
}

void host_expect_refusal(struct host *host, int status)
{
    size_t admitted = door.admitted;
    host_expect(host, MESSAGE_REFUSE);
    assert_int_equal(host->refusal, status);
    RUN_UNTIL(host_hears_end(host));
    assert_int_equal(door.refused, 1);
    assert_int_equal(door.refusal, status);
    assert_int_equal(door.admitted, admitted);
    assert_int_equal(door.admissions.count, 0);
}
