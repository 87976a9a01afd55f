/* SPDX-License-Identifier: MIT */
/* The owner writes down; the agent says what it is told to, with the real handshake in its role. */
#include "tests/unit/link/introduction_fixture.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"

/* The agent, by hand. */
struct peer peer;
struct noise_key_pair agent_key, bridge_key;
static struct handshake *handshake;
struct hello_message hello;
struct session_keys agent_keys;
struct sealed_peer sealed;
static bool bridge_compares;

/* The owner. */
struct introduction *introduction;
struct introduction_options options;
int judgement;
bool asks_for_code;
size_t shown, codes, welcomes, failures;
bool psk_proved;
static char code[HANDSHAKE_CODE_DIGITS + 1];
struct probe probe;
struct session_keys bridge_keys;
int failure;
char failure_text[TEXT_REASON_MAX + 1];

static int on_key(void *ctx, const uint8_t *key, bool proved, bool *ret_compare)
{
    shown++;
    psk_proved = proved;
    assert_memory_equal(key, agent_key.public_key, NOISE_KEY_SIZE);
    *ret_compare = asks_for_code;
    return judgement;
}

static void on_code(void *ctx, const char *digits)
{
    codes++;
    snprintf(code, sizeof(code), "%s", digits);
}

static void on_welcome(void *ctx, struct stream *stream, const struct session_keys *keys,
                       const struct welcome_message *welcome)
{
    welcomes++;
    introduction = NULL;
    bridge_keys = *keys;
    assert_string_equal(welcome->software, "an agent");
    probe_init(&probe, stream);
}

static void on_failed(void *ctx, int status, const char *text)
{
    failures++;
    introduction = NULL;
    failure = status;
    snprintf(failure_text, sizeof(failure_text), "%s", text);
}

static const struct introduction_handler HANDLER = {
    .on_key = on_key, .on_code = on_code, .on_welcome = on_welcome, .on_failed = on_failed};

int introduction_fixture_setup(void **state)
{
    link_fixture_setup(state);
    noise_key_pair_make(&agent_key);
    noise_key_pair_make(&bridge_key);
    options = (struct introduction_options){.software = "a bridge", .kind = LINK_UNIX, .own = &bridge_key};
    judgement = 0;
    asks_for_code = bridge_compares = psk_proved = false;
    shown = codes = welcomes = failures = 0;
    introduction = NULL;
    handshake = NULL;
    peer = (struct peer){.fd = -1};
    sealed = (struct sealed_peer){0};
    return 0;
}

int introduction_fixture_teardown(void **state)
{
    introduction_cancel(introduction);
    if (welcomes > 0)
        probe_finish(&probe);
    handshake_destroy(handshake);
    sealed_peer_finish(&sealed);
    peer_finish(&peer);
    return link_fixture_teardown(state);
}

void introduction_fixture_renew(void)
{
    void *state = NULL;
    introduction_fixture_teardown(&state);
    introduction_fixture_setup(&state);
}

/* ---- the agent's part ---- */

void say(const struct message *message)
{
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(message, &payload), 0);
    struct span bytes = buffer_span(&payload);
    if (sealed.send_key != NULL)
        sealed_peer_write_frame(&sealed, FRAME_MESSAGE, bytes.data, bytes.size);
    else
        peer_write_frame(&peer, FRAME_MESSAGE, bytes.data, bytes.size);
    buffer_finish(&payload);
}

void say_kind(enum message_kind kind)
{
    struct message message = {.kind = kind};
    say(&message);
}

void refuse(int status, const char *text)
{
    struct message message = {.kind = MESSAGE_REFUSE};
    message.body.failure.status = status;
    strcpy(message.body.failure.text, text);
    say(&message);
}

void welcome(uint16_t version)
{
    struct message message = {.kind = MESSAGE_WELCOME};
    message.body.welcome.version = version;
    strcpy(message.body.welcome.software, "an agent");
    say(&message);
}

static bool take_payload(struct buffer *ret)
{
    struct frame_header header;
    if (!(sealed.send_key != NULL ? sealed_peer_take_frame(&sealed, &header, ret)
                                  : peer_take_frame(&peer, &header, ret)))
        return false;
    assert_int_equal(header.type, FRAME_MESSAGE);
    return true;
}

void hear(enum message_kind kind, struct message *ret)
{
    struct buffer payload;
    RUN_UNTIL(take_payload(&payload));
    assert_int_equal(message_decode(buffer_span(&payload), ret, NULL), 0);
    assert_int_equal(ret->kind, kind);
    buffer_finish(&payload);
}

/* The bridge begins; HELLO and AUTH 1 are heard. */
void meet(void)
{
    int fds[2];
    struct stream_fd_options fd_options = {0};
    struct stream *stream;
    struct buffer payload;
    struct message message;
    socket_pair(fds);
    peer_init(&peer, fds[0]);
    assert_int_equal(stream_fd_create(&loop, fds[1], &fd_options, &stream), 0);
    assert_int_equal(introduction_start(&loop, stream, &options, &HANDLER, NULL, &introduction), 0);
    RUN_UNTIL(take_payload(&payload));
    assert_int_equal(message_decode(buffer_span(&payload), &message, NULL), 0);
    assert_int_equal(message.kind, MESSAGE_HELLO);
    hello = message.body.hello;
    struct handshake_setup setup_of = {.pattern = (enum handshake_pattern)hello.pattern,
                                       .hello = buffer_span(&payload),
                                       .own = &agent_key,
                                       .psk = options.psk};
    assert_int_equal(handshake_create(loop.secrets, &setup_of, &handshake), 0);
    buffer_finish(&payload);
    hear(MESSAGE_AUTH, &message);
    assert_int_equal(handshake_meet(handshake, &message.body.auth.message), 0);
}

void reply(uint16_t version, enum aead_cipher cipher)
{
    struct handshake_choice choice = {.version = version, .cipher = cipher};
    struct message answer = {.kind = MESSAGE_AUTH};
    assert_int_equal(handshake_reply(handshake, &choice, &answer.body.auth.message), 0);
    say(&answer);
}

/* AUTH 3 is heard, too. */
void prove(enum aead_cipher cipher)
{
    struct message message;
    meet();
    reply(PROTOCOL_VERSION, cipher);
    hear(MESSAGE_AUTH, &message);
    assert_int_equal(handshake_conclude(handshake, &message.body.auth.message, &bridge_compares), 0);
    handshake_keys(handshake, &agent_keys);
    assert_memory_equal(agent_keys.peer, bridge_key.public_key, NOISE_KEY_SIZE);
    if (cipher != 0)
        sealed_peer_init(&sealed, &peer, &agent_keys, 0, false);
    assert_int_equal(shown, 1);
}

void compare(enum aead_cipher cipher)
{
    char digits[HANDSHAKE_CODE_DIGITS + 1];
    asks_for_code = true;
    prove(cipher);
    assert_true(bridge_compares);
    say_kind(MESSAGE_PAIR);
    RUN_UNTIL(codes == 1);
    assert_true(handshake_code(handshake, digits));
    assert_string_equal(code, digits);
}

void expect_failure(int status)
{
    RUN_UNTIL(failures == 1);
    assert_int_equal(failure, status);
    assert_int_equal(welcomes, 0);
    RUN_UNTIL((peer_read(&peer), peer.eof || peer.error != 0));
}
