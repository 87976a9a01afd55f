/* SPDX-License-Identifier: MIT */
/* Joins reception, admissions and trust, and logs and gathers what was refused. Sessions are visits.c's. */
#define LOG_MODULE "door"
#include "agent/door.h"

#include <inttypes.h>
#include <stdlib.h>

#include "protocol/base/log.h"
#include "protocol/base/status.h"

/* ---- refusals ---- */

/* A client that goes away, or a bridge whose session has just ended, is no intruder. One that stays and says
 * nothing may be. */
static bool is_news(int status)
{
    switch (status) {
    case STATUS_UNKNOWN_SESSION:
    case STATUS_LIMIT:
    case UV_EOF:
    case UV_ECONNRESET:
    case UV_EPIPE:
    case UV_ENOMEM:
        return false;
    default:
        return true;
    }
}

static void refuse(struct door *door, enum link_kind kind, int status, const char *who)
{
    if (is_news(status))
        refusals_add(&door->refusals, status, link_kind_name(kind), who);
    else
        log_debug("a connection of %s ended before it was let in: %s", who, status_text(status));
}

static void handle_tell(void *ctx, const struct refusals_message *refusals)
{
    struct door *door = ctx;
    log_warn("refused %" PRIu64 " connection%s over %s, the last one of %s: %s", refusals->count,
             refusals->count == 1 ? "" : "s", refusals->link, refusals->who, status_text(refusals->status));
    door->handler->on_refusals(door->ctx, refusals);
}

void door_refused_peer(struct door *door, enum link_kind kind, const char *who)
{
    refuse(door, kind, STATUS_NOT_ALLOWED, who);
}

/* ---- first messages ---- */

static void handle_hello(void *ctx, struct stream *stream, const struct listener_peer *peer,
                         const struct hello_message *hello, struct span payload)
{
    struct door *door = ctx;
    admissions_add(&door->admissions, stream, peer, hello, payload);
}

static int handle_join(void *ctx, struct stream *stream, const struct join_message *join, struct stream **ret)
{
    struct door *door = ctx;
    return door->handler->on_join(door->ctx, stream, join, ret);
}

static void handle_events(void *ctx, struct stream *stream, const struct hello_message *hello)
{
    struct door *door = ctx;
    door->handler->on_events(door->ctx, stream, hello);
}

static void handle_channel(void *ctx, struct stream *stream, const struct channel_open_message *open)
{
    struct door *door = ctx;
    door->handler->on_channel(door->ctx, stream, open);
}

static void handle_files(void *ctx, struct stream *stream, uint64_t connection,
                         const struct files_open_message *open)
{
    struct door *door = ctx;
    door->handler->on_files(door->ctx, stream, connection, open);
}

static void handle_reception_refused(void *ctx, const struct listener_peer *peer, int status)
{
    refuse(ctx, peer->kind, status, peer->who);
}

static const struct reception_handler RECEPTION_HANDLER = {.on_hello = handle_hello,
                                                           .on_join = handle_join,
                                                           .on_events = handle_events,
                                                           .on_channel = handle_channel,
                                                           .on_files = handle_files,
                                                           .on_refused = handle_reception_refused};

/* ---- admission ---- */

static struct trust_claim trust_claim_of(const struct admission_claim *claim)
{
    return (struct trust_claim){.key = claim->key,
                                .link = link_kind_name(claim->peer->kind),
                                .link_is_private = claim->peer->is_private,
                                .psk_proved = claim->psk_proved,
                                .compare = claim->compare};
}

static int judge(void *ctx, const struct admission_claim *claim, char ret_text[static TEXT_REASON_MAX + 1])
{
    struct door *door = ctx;
    struct trust_claim trust_claim = trust_claim_of(claim);
    return trust_judge(door->trust, &trust_claim, ret_text);
}

/* The people's answer, on its way to one admission. */
struct comparison {
    struct admission *admission;
    struct pairing *pairing;
};

static void handle_answer(void *ctx, bool same)
{
    struct comparison *comparison = ctx;
    admission_answer(comparison->admission, same); /* may end the comparison */
}

static int begin_comparison(void *ctx, struct admission *admission, const struct admission_claim *claim,
                            const char *code, void **ret_pairing)
{
    struct door *door = ctx;
    struct comparison *comparison = malloc(sizeof(*comparison));
    if (comparison == NULL)
        return UV_ENOMEM;
    comparison->admission = admission;
    struct trust_claim trust_claim = trust_claim_of(claim);
    int status =
        trust_begin_pairing(door->trust, &trust_claim, code, handle_answer, comparison, &comparison->pairing);
    if (status < 0) {
        free(comparison);
        return status;
    }
    log_info("%s wants to pair: people compare a code", claim->peer->who);
    *ret_pairing = comparison;
    return 0;
}

static void end_comparison(void *ctx, void *pairing, bool agreed)
{
    struct comparison *comparison = pairing;
    if (agreed)
        pairing_pin(comparison->pairing);
    pairing_end(comparison->pairing);
    free(comparison);
}

static void handle_admitted(void *ctx, struct stream *stream, const struct listener_peer *peer,
                            const struct hello_message *hello, const struct session_keys *keys,
                            uint16_t version)
{
    struct door *door = ctx;
    door->handler->on_admitted(door->ctx, stream, hello, keys, version);
}

static void handle_admission_refused(void *ctx, const struct listener_peer *peer, int status, const char *who)
{
    refuse(ctx, peer->kind, status, who);
}

static const struct admission_handler ADMISSION_HANDLER = {.judge = judge,
                                                           .on_code = begin_comparison,
                                                           .on_code_over = end_comparison,
                                                           .on_admitted = handle_admitted,
                                                           .on_refused = handle_admission_refused};

/* ---- life ---- */

void door_init(struct door *door, struct link_loop *loop, struct trust *trust, enum sealing sealing,
               const struct door_handler *handler, void *ctx)
{
    *door = (struct door){.trust = trust, .handler = handler, .ctx = ctx};
    struct admission_options options = {
        .own = trust_key(trust), .psk = trust_psk(trust), .sealing = sealing, .ciphers = aead_ciphers()};
    reception_init(&door->reception, loop->uv, &RECEPTION_HANDLER, door);
    admissions_init(&door->admissions, loop, &options, &ADMISSION_HANDLER, door);
    refusals_init(&door->refusals, loop->uv, handle_tell, door);
}

void door_close(struct door *door)
{
    reception_close(&door->reception, NULL, NULL);
    admissions_close(&door->admissions, NULL, NULL);
    refusals_close(&door->refusals);
}

void door_add(struct door *door, struct stream *stream, const struct listener_peer *peer)
{
    reception_add(&door->reception, stream, peer);
}
