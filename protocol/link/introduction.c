/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *
 *   HELLO, AUTH 1 ──▶ meeting ──AUTH 2──▶ judge the key ──AUTH 3──▶ proved ──WELCOME──▶ done
 *                                                                     │
 *                                                                     └─PAIR──▶ comparing ──PAIR──▶ agreed
 * ──WELCOME──▶ done
 *
 * What is said before AUTH 2 opened is not authentic: a REFUSE then is a hint and ends the try. A WELCOME
 * that comes while people have not yet agreed to a code that this side asked for is refused. Deadlines are
 * the session's. */
#include "protocol/link/introduction.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/link/seal_stream.h"

enum phase { PHASE_MEETING, PHASE_PROVED, PHASE_COMPARING, PHASE_AGREED };

struct introduction {
    struct link_loop *loop;
    struct stream *stream;
    struct introduction_options options;
    const struct introduction_handler *handler;
    void *ctx;
    struct handshake *handshake;
    enum handshake_pattern pattern;
    enum sealing sealing; /* as it was said */
    uint32_t ciphers;
    uint16_t version; /* in force */
    struct session_keys *keys;
    enum phase phase;
    bool compare; /* without a code that people agreed to nothing goes on */
};

static void destroy(struct introduction *introduction)
{
    handshake_destroy(introduction->handshake);
    secret_release(introduction->loop->secrets, introduction->keys, sizeof(*introduction->keys));
    free(introduction);
}

static void fail(struct introduction *introduction, int status, const char *text)
{
    const struct introduction_handler *handler = introduction->handler;
    void *ctx = introduction->ctx;
    struct stream *stream = introduction->stream;
    char reason[TEXT_REASON_MAX + 1]; /* may belong to what goes now */
    snprintf(reason, sizeof(reason), "%s", text);
    stream_close(stream); /* first: the owner may end the mux that carries it, which would tell a stream that
                             is open */
    destroy(introduction);
    handler->on_failed(ctx, status, reason);
}

/* ---- AUTH 2 ---- */

static bool choice_was_offered(const struct introduction *introduction, const struct handshake_choice *choice)
{
    if (choice->version < PROTOCOL_VERSION_MIN || choice->version > PROTOCOL_VERSION)
        return false;
    if (choice->cipher == 0)
        return introduction->sealing != SEALING_ALWAYS;
    return introduction->sealing != SEALING_NEVER && (introduction->ciphers & choice->cipher) != 0 &&
           (choice->cipher & (choice->cipher - 1)) == 0;
}

/* The owner's judgement comes before AUTH 3: an agent that is not trusted does not learn who asked. */
static int judge(struct introduction *introduction, const uint8_t *key)
{
    bool psk = handshake_pattern_has_psk(introduction->pattern);
    return introduction->handler->on_key(introduction->ctx, key, psk, &introduction->compare);
}

static int answer(struct introduction *introduction, const struct auth_bytes *message,
                  struct auth_bytes *ret_answer)
{
    struct handshake_choice choice = {0};
    uint8_t key[NOISE_KEY_SIZE];
    int status = handshake_read(introduction->handshake, message, &choice, key);
    if (status == 0 && !choice_was_offered(introduction, &choice))
        status = STATUS_AUTHENTICATION_FAILED;
    if (status == 0)
        status = judge(introduction, key);
    if (status == 0)
        status = handshake_answer(introduction->handshake, introduction->compare, ret_answer);
    introduction->version = choice.version;
    return status;
}

static const struct stream_handler HANDLER;

static int take_keys(struct introduction *introduction)
{
    introduction->keys = secret_take(introduction->loop->secrets, sizeof(*introduction->keys));
    if (introduction->keys == NULL)
        return UV_ENOMEM;
    handshake_keys(introduction->handshake, introduction->keys);
    if (introduction->keys->cipher == 0)
        return 0;
    struct stream *sealed;
    int status =
        seal_stream_create(introduction->loop, introduction->stream, introduction->keys, 0, true, &sealed);
    if (status < 0)
        return status;
    introduction->stream = sealed;
    stream_set_handler(sealed, &HANDLER, introduction);
    return 0;
}

static void handle_auth(struct introduction *introduction, const struct auth_bytes *message)
{
    struct message proof = {.kind = MESSAGE_AUTH};
    int status = answer(introduction, message, &proof.body.auth.message);
    if (status == 0)
        status = stream_send_message(introduction->stream, &proof);
    if (status == 0)
        status = take_keys(introduction);
    if (status < 0)
        fail(introduction, status, "");
    else
        introduction->phase = PHASE_PROVED;
}

/* ---- after AUTH 3 ---- */

static void handle_pair(struct introduction *introduction)
{
    char code[HANDSHAKE_CODE_DIGITS + 1];
    if (!introduction->compare || !handshake_code(introduction->handshake, code)) {
        fail(introduction, STATUS_CODE_NEEDED, "the guest wants a code to be compared");
        return;
    }
    introduction->phase = PHASE_COMPARING;
    introduction->handler->on_code(introduction->ctx, code);
}

static void handle_welcome(struct introduction *introduction, const struct welcome_message *welcome)
{
    if (welcome->version != introduction->version) {
        fail(introduction, STATUS_AUTHENTICATION_FAILED,
             "the agent's WELCOME names another version than its handshake");
        return;
    }
    if (introduction->compare && introduction->phase != PHASE_AGREED) {
        fail(introduction, STATUS_AUTHENTICATION_FAILED, "the agent went on before the code was compared");
        return;
    }
    introduction->handler->on_welcome(introduction->ctx, introduction->stream, introduction->keys, welcome);
    destroy(introduction);
}

static void handle_message(struct introduction *introduction, const struct message *message)
{
    if (message->kind == MESSAGE_REFUSE)
        fail(introduction, message->body.failure.status, message->body.failure.text);
    else if (message->kind == MESSAGE_AUTH && introduction->phase == PHASE_MEETING)
        handle_auth(introduction, &message->body.auth.message);
    else if (message->kind == MESSAGE_PAIR && introduction->phase == PHASE_PROVED)
        handle_pair(introduction);
    else if (message->kind == MESSAGE_WELCOME && introduction->phase != PHASE_MEETING)
        handle_welcome(introduction, &message->body.welcome);
    else
        fail(introduction, STATUS_UNEXPECTED, message_kind_name(message->kind));
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct introduction *introduction = ctx;
    int status = STATUS_UNEXPECTED;
    char text[TEXT_REASON_MAX + 1] = "";
    if (type == FRAME_RST && frame_rst_decode(payload, &status, text) < 0)
        status = STATUS_MALFORMED;
    if (type != FRAME_MESSAGE) {
        fail(introduction, status, text);
        return;
    }
    struct message message;
    status = message_decode(payload, &message, NULL);
    if (status < 0) {
        fail(introduction, status, "");
        return;
    }
    handle_message(introduction, &message);
    message_finish(&message);
}

static void handle_end(void *ctx, int status, const char *text)
{
    fail(ctx, status, text);
}

static const struct stream_handler HANDLER = {.on_frame = handle_frame, .on_end = handle_end};

/* ---- HELLO and AUTH 1 ---- */

/* What can be overheard is sealed whoever carries it; the rest is as the agent wants when nobody said more.
 */
static enum sealing choose_sealing(const struct introduction_options *options)
{
    bool overheard = options->kind == LINK_TCP || options->kind == LINK_EXEC;
    return options->sealing == SEALING_AUTO && overheard ? SEALING_ALWAYS : options->sealing;
}

static enum handshake_pattern choose_pattern(const struct introduction_options *options)
{
    if (options->peer != NULL)
        return options->psk != NULL ? PATTERN_IKPSK2 : PATTERN_IK;
    return options->psk != NULL ? PATTERN_XXPSK3 : PATTERN_XX;
}

static void fill_hello(const struct introduction *introduction, struct hello_message *ret)
{
    *ret = (struct hello_message){.version = PROTOCOL_VERSION,
                                  .version_min = PROTOCOL_VERSION_MIN,
                                  .role = ROLE_CONTROL,
                                  .pattern = (uint8_t)introduction->pattern,
                                  .ciphers = introduction->ciphers,
                                  .sealing = (uint8_t)introduction->sealing,
                                  .port = introduction->options.port};
    snprintf(ret->software, sizeof(ret->software), "%s", introduction->options.software);
    snprintf(ret->link, sizeof(ret->link), "%s", link_kind_name(introduction->options.kind));
    capability_list_add(&ret->capabilities, "ports");
    capability_list_add(&ret->capabilities, "channels");
    capability_list_add(&ret->capabilities, "health");
    capability_list_add(&ret->capabilities, "refusals");
}

static int begin(struct introduction *introduction, struct span hello, struct auth_bytes *ret_message)
{
    struct handshake_setup setup = {.bridge = true,
                                    .pattern = introduction->pattern,
                                    .hello = hello,
                                    .own = introduction->options.own,
                                    .peer = introduction->options.peer,
                                    .psk = introduction->options.psk};
    int status = handshake_create(introduction->loop->secrets, &setup, &introduction->handshake);
    return status < 0 ? status : handshake_begin(introduction->handshake, ret_message);
}

static int greet(struct introduction *introduction)
{
    struct message hello = {.kind = MESSAGE_HELLO}, auth = {.kind = MESSAGE_AUTH};
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    fill_hello(introduction, &hello.body.hello);
    int status = message_encode(&hello, &payload);
    if (status == 0)
        status = begin(introduction, buffer_span(&payload), &auth.body.auth.message);
    if (status == 0)
        status = stream_send(introduction->stream, FRAME_MESSAGE, buffer_span(&payload));
    if (status == 0)
        status = stream_send_message(introduction->stream, &auth);
    buffer_finish(&payload);
    return status;
}

int introduction_start(struct link_loop *loop, struct stream *stream,
                       const struct introduction_options *options, const struct introduction_handler *handler,
                       void *ctx, struct introduction **ret)
{
    struct introduction *introduction = calloc(1, sizeof(*introduction));
    if (introduction == NULL)
        return UV_ENOMEM;
    introduction->loop = loop;
    introduction->stream = stream;
    introduction->options = *options;
    introduction->handler = handler;
    introduction->ctx = ctx;
    introduction->pattern = choose_pattern(options);
    introduction->sealing = choose_sealing(options);
    introduction->ciphers = aead_ciphers();
    int status = greet(introduction);
    if (status < 0) {
        destroy(introduction);
        return status;
    }
    stream_set_handler(stream, &HANDLER, introduction);
    *ret = introduction;
    return 0;
}

void introduction_agree(struct introduction *introduction)
{
    struct message pair = {.kind = MESSAGE_PAIR};
    if (introduction->phase != PHASE_COMPARING)
        return;
    introduction->phase = PHASE_AGREED;
    stream_send_message(introduction->stream, &pair); /* a full queue: the deadline ends it */
}

void introduction_cancel(struct introduction *introduction)
{
    if (introduction == NULL)
        return;
    if (introduction->phase == PHASE_COMPARING || introduction->phase == PHASE_AGREED) {
        struct message refuse = {.kind = MESSAGE_REFUSE};
        refuse.body.failure.status = STATUS_DECLINED;
        stream_send_message(introduction->stream, &refuse);
    }
    stream_close(introduction->stream);
    destroy(introduction);
}
