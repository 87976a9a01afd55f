/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *
 *   HELLO ──▶ meeting ──AUTH 1/2──▶ proving ──AUTH 3──▶ judge ──▶ admitted
 *                                                        │
 *                                                        └─ code ──▶ comparing ──yes of both──▶ admitted
 *
 * Nothing is done for a bridge before AUTH 3 has come: a recorded AUTH 1 earns an answer that its sender
 * can't use. From then on the stream is sealed if the session is to be. When too many are at the door the
 * oldest that is not being compared goes. It leaves to others: whom to let in (the owner), what the messages
 * hold (handshake), what follows (served_session). */
#include "protocol/link/admission.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/link/reception.h"
#include "protocol/link/seal_stream.h"

enum phase { PHASE_MEETING, PHASE_PROVING, PHASE_COMPARING };

struct admission {
    struct deadline deadline; /* first: found back by a cast */
    struct admission *previous, *next;
    struct admissions *owner;
    struct stream *stream;
    struct listener_peer peer;
    struct hello_message hello;
    struct handshake *handshake; /* NULL before the setup was checked */
    struct handshake_choice choice;
    struct session_keys *keys; /* once AUTH 3 came */
    enum phase phase;
    void *pairing; /* the owner's; NULL: none */
    bool guest_agreed, host_agreed;
};

/* ---- life ---- */

static void forget(struct admission *admission)
{
    struct admissions *owner = admission->owner;
    deadline_stop(&admission->deadline);
    if (admission->previous != NULL)
        admission->previous->next = admission->next;
    else
        owner->oldest = admission->next;
    if (admission->next != NULL)
        admission->next->previous = admission->previous;
    else
        owner->newest = admission->previous;
    owner->count--;
    handshake_destroy(admission->handshake);
    secret_release(owner->loop->secrets, admission->keys, sizeof(*admission->keys));
    free(admission);
}

static void end_pairing(struct admission *admission, bool agreed)
{
    void *pairing = admission->pairing;
    admission->pairing = NULL;
    if (pairing != NULL)
        admission->owner->handler->on_code_over(admission->owner->ctx, pairing, agreed);
}

static void describe(const struct admission *admission, char out[static TEXT_REASON_MAX + 1])
{
    char key[64];
    if (admission->keys == NULL) {
        snprintf(out, TEXT_REASON_MAX + 1, "%s", admission->peer.who);
        return;
    }
    sodium_bin2base64(key, sizeof(key), admission->keys->peer, NOISE_KEY_SIZE,
                      sodium_base64_VARIANT_ORIGINAL);
    snprintf(out, TEXT_REASON_MAX + 1, "%s, the host with the key %s", admission->peer.who, key);
}

/* Not let in. `told`: REFUSE says so; else the stream just ends. */
static void turn_away(struct admission *admission, int status, const char *text, bool told)
{
    struct admissions *owner = admission->owner;
    struct stream *stream = admission->stream;
    struct listener_peer peer = admission->peer;
    char who[TEXT_REASON_MAX + 1];
    describe(admission, who);
    end_pairing(admission, false);
    forget(admission);
    if (told)
        reception_refuse(stream, status, text);
    else
        stream_close(stream);
    owner->handler->on_refused(owner->ctx, &peer, status, who);
}

static void refuse(struct admission *admission, int status, const char *text)
{
    turn_away(admission, status, text, true);
}

static void handle_due(struct deadline *deadline)
{
    struct admission *admission = (struct admission *)deadline;
    refuse(admission, admission->phase == PHASE_COMPARING ? STATUS_DECLINED : STATUS_NO_GREETING, "");
}

/* ---- letting in ---- */

static void admit(struct admission *admission)
{
    struct admissions *owner = admission->owner;
    struct stream *stream = admission->stream;
    end_pairing(admission, true);
    deadline_stop(&admission->deadline);
    owner->handler->on_admitted(owner->ctx, stream, &admission->peer, &admission->hello, admission->keys,
                                admission->choice.version);
    forget(admission);
}

static void begin_comparing(struct admission *admission, const struct admission_claim *claim,
                            const char *text)
{
    struct admissions *owner = admission->owner;
    char code[HANDSHAKE_CODE_DIGITS + 1];
    if (!claim->first || !handshake_code(admission->handshake, code)) {
        refuse(admission, STATUS_CODE_NEEDED, text);
        return;
    }
    int status = owner->handler->on_code(owner->ctx, admission, claim, code, &admission->pairing);
    if (status < 0) {
        refuse(admission, status, text);
        return;
    }
    admission->phase = PHASE_COMPARING;
    deadline_start(&owner->comparing, &admission->deadline, handle_due);
    struct message pair = {.kind = MESSAGE_PAIR};
    if (stream_send_message(admission->stream, &pair) < 0)
        turn_away(admission, UV_ENOBUFS, "", false);
}

static void maybe_agree(struct admission *admission)
{
    if (admission->guest_agreed && admission->host_agreed)
        admit(admission);
}

void admission_answer(struct admission *admission, bool same)
{
    if (!same) {
        refuse(admission, STATUS_DECLINED, "the people of the guest say that the code is another one");
        return;
    }
    admission->guest_agreed = true;
    maybe_agree(admission);
}

/* ---- the handshake ---- */

static const struct stream_handler HANDLER;

/* From here on everything is in records, what says no as well. */
static int seal(struct admission *admission)
{
    struct stream *sealed;
    if (admission->choice.cipher == 0)
        return 0;
    int status =
        seal_stream_create(admission->owner->loop, admission->stream, admission->keys, 0, false, &sealed);
    if (status < 0)
        return status;
    admission->stream = sealed;
    stream_set_handler(sealed, &HANDLER, admission);
    return 0;
}

static int take_proof(struct admission *admission, const struct auth_bytes *message, bool *ret_compare)
{
    int status = handshake_conclude(admission->handshake, message, ret_compare);
    if (status < 0)
        return status;
    admission->keys = secret_take(admission->owner->loop->secrets, sizeof(*admission->keys));
    if (admission->keys == NULL)
        return UV_ENOMEM;
    handshake_keys(admission->handshake, admission->keys);
    return seal(admission);
}

static void handle_proof(struct admission *admission, const struct auth_bytes *message)
{
    bool compare = false;
    int status = take_proof(admission, message, &compare);
    if (status < 0) {
        refuse(admission, status, "");
        return;
    }
    struct admissions *owner = admission->owner;
    char text[TEXT_REASON_MAX + 1] = "";
    enum handshake_pattern pattern = (enum handshake_pattern)admission->hello.pattern;
    struct admission_claim claim = {.key = admission->keys->peer,
                                    .peer = &admission->peer,
                                    .psk_proved = handshake_pattern_has_psk(pattern),
                                    .first = handshake_pattern_is_first(pattern),
                                    .compare = compare};
    status = owner->handler->judge(owner->ctx, &claim, text);
    if (status == STATUS_CODE_NEEDED)
        begin_comparing(admission, &claim, text);
    else if (status < 0)
        refuse(admission, status, text);
    else
        admit(admission);
}

static void handle_meeting(struct admission *admission, const struct auth_bytes *message)
{
    int status = handshake_meet(admission->handshake, message);
    struct message answer = {.kind = MESSAGE_AUTH};
    if (status == 0)
        status = handshake_reply(admission->handshake, &admission->choice, &answer.body.auth.message);
    if (status == 0)
        status = stream_send_message(admission->stream, &answer);
    if (status < 0)
        refuse(admission, status, "");
    else
        admission->phase = PHASE_PROVING;
}

static void handle_message(struct admission *admission, const struct message *message)
{
    if (message->kind == MESSAGE_AUTH && admission->phase == PHASE_MEETING) {
        handle_meeting(admission, &message->body.auth.message);
    } else if (message->kind == MESSAGE_AUTH && admission->phase == PHASE_PROVING) {
        handle_proof(admission, &message->body.auth.message);
    } else if (message->kind == MESSAGE_PAIR && admission->phase == PHASE_COMPARING) {
        admission->host_agreed = true;
        maybe_agree(admission);
    } else if (message->kind == MESSAGE_REFUSE) {
        turn_away(admission, STATUS_DECLINED, "", false);
    } else {
        refuse(admission, STATUS_UNEXPECTED, "");
    }
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct admission *admission = ctx;
    if (type != FRAME_MESSAGE) {
        bool over = type == FRAME_RST || type == FRAME_FIN;
        turn_away(admission, over ? UV_EOF : STATUS_UNEXPECTED, "", !over);
        return;
    }
    struct message message;
    int status = message_decode(payload, &message, NULL);
    if (status < 0) {
        refuse(admission, status, "");
        return;
    }
    handle_message(admission, &message);
    message_finish(&message);
}

static void handle_end(void *ctx, int status, const char *text)
{
    turn_away(ctx, status, text, false);
}

static const struct stream_handler HANDLER = {.on_frame = handle_frame, .on_end = handle_end};

/* ---- the beginning ---- */

/* Version, cipher, and whether the two can agree at all. */
static int choose(const struct admission *admission, struct handshake_choice *ret, const char **ret_text)
{
    const struct hello_message *hello = &admission->hello;
    const struct admission_options *options = &admission->owner->options;
    if (hello->version_min > PROTOCOL_VERSION || hello->version < PROTOCOL_VERSION_MIN)
        return STATUS_VERSION;
    ret->version = hello->version < PROTOCOL_VERSION ? hello->version : PROTOCOL_VERSION;
    bool tcp = admission->peer.kind == LINK_TCP;
    bool always = tcp || options->sealing == SEALING_ALWAYS || hello->sealing == SEALING_ALWAYS;
    bool never = hello->sealing == SEALING_NEVER || (!tcp && options->sealing == SEALING_NEVER);
    if (always && never) {
        *ret_text = "one side insists on encryption, and the other one refuses it";
        return STATUS_NOT_ALLOWED;
    }
    ret->cipher = always ? aead_choose(options->ciphers, hello->ciphers) : 0;
    if (always && ret->cipher == 0) {
        *ret_text = "no cipher in common";
        return STATUS_NOT_SUPPORTED;
    }
    return 0;
}

static int check_pattern(const struct admission *admission, const char **ret_text)
{
    uint8_t pattern = admission->hello.pattern;
    const uint8_t *psk = admission->owner->options.psk;
    if (pattern == 0)
        return STATUS_NEEDS_AUTHENTICATION;
    if (pattern < PATTERN_XX || pattern > PATTERN_XXPSK3)
        return STATUS_NOT_SUPPORTED;
    if (handshake_pattern_has_psk((enum handshake_pattern)pattern) == (psk != NULL))
        return 0;
    *ret_text = psk != NULL ? "this guest takes only hosts that hold its provisioned secret"
                            : "no secret was provisioned in this guest";
    return STATUS_NOT_ALLOWED;
}

static int begin(struct admission *admission, struct span hello_payload, const char **ret_text)
{
    const struct admission_options *options = &admission->owner->options;
    int status = choose(admission, &admission->choice, ret_text);
    if (status == 0)
        status = check_pattern(admission, ret_text);
    if (status < 0)
        return status;
    struct handshake_setup setup = {.pattern = (enum handshake_pattern)admission->hello.pattern,
                                    .hello = hello_payload,
                                    .own = options->own,
                                    .psk = options->psk};
    return handshake_create(admission->owner->loop->secrets, &setup, &admission->handshake);
}

/* People's comparing is not cut short by a flood. */
static void make_room(struct admissions *admissions)
{
    struct admission *oldest = admissions->oldest;
    while (oldest != NULL && oldest->phase == PHASE_COMPARING)
        oldest = oldest->next;
    if (oldest != NULL)
        turn_away(oldest, STATUS_LIMIT, "", false);
}

void admissions_add(struct admissions *admissions, struct stream *stream, const struct listener_peer *peer,
                    const struct hello_message *hello, struct span hello_payload)
{
    if (admissions->count >= PENDING_HELLO_MAX)
        make_room(admissions);
    struct admission *admission = calloc(1, sizeof(*admission));
    if (admission == NULL) {
        stream_close(stream);
        return;
    }
    admission->owner = admissions;
    admission->stream = stream;
    admission->peer = *peer;
    admission->hello = *hello;
    admission->previous = admissions->newest;
    if (admissions->newest != NULL)
        admissions->newest->next = admission;
    else
        admissions->oldest = admission;
    admissions->newest = admission;
    admissions->count++;
    stream_set_handler(stream, &HANDLER, admission);
    deadline_start(&admissions->handshakes, &admission->deadline, handle_due);
    const char *text = "";
    int status = begin(admission, hello_payload, &text);
    if (status < 0)
        refuse(admission, status, text);
}

void admissions_init(struct admissions *admissions, struct link_loop *loop,
                     const struct admission_options *options, const struct admission_handler *handler,
                     void *ctx)
{
    *admissions = (struct admissions){
        .loop = loop, .options = *options, .handler = handler, .ctx = ctx, .lists_open = 2};
    deadlines_init(&admissions->handshakes, loop->uv, HELLO_TIMEOUT_MS);
    deadlines_init(&admissions->comparing, loop->uv, PAIRING_TIMEOUT_MS);
}

static void handle_list_closed(void *ctx)
{
    struct admissions *admissions = ctx;
    if (--admissions->lists_open == 0 && admissions->on_closed != NULL)
        admissions->on_closed(admissions->closed_ctx);
}

void admissions_close(struct admissions *admissions, void (*on_closed)(void *ctx), void *ctx)
{
    admissions->on_closed = on_closed;
    admissions->closed_ctx = ctx;
    while (admissions->oldest != NULL) {
        struct admission *admission = admissions->oldest;
        end_pairing(admission, false);
        stream_close(admission->stream);
        forget(admission);
    }
    deadlines_close(&admissions->handshakes, handle_list_closed, admissions);
    deadlines_close(&admissions->comparing, handle_list_closed, admissions);
}
