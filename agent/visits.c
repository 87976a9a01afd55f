/* SPDX-License-Identifier: MIT */
/* A visit is a control session with the flows of its channels and its works on files: when the session is
 * lost they are reset, since the bridge has given them up as well. A work ends when its last job has, so a
 * visit may outlive its session. */
#define LOG_MODULE "visits"
#include "agent/visits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "protocol/link/reception.h"
#include "services/relay/tcp_flow.h"
#include "services/relay/udp_flow.h"

struct visit {
    struct visits *visits;
    struct visit *next;
    struct served_session *session;
    struct flow_set flows, works; /* of channels; on files */
    int sets_open;                /* of these two, once the session is over */
    uint64_t heard_ms;            /* its last heartbeat; 0: none yet */
};

void visits_init(struct visits *visits, struct relay *relay, struct feed *feed, struct files *files,
                 struct request_classes classes, void (*on_heartbeat)(void *ctx), void *ctx)
{
    *visits = (struct visits){
        .relay = relay, .feed = feed, .files = files, .on_heartbeat = on_heartbeat, .ctx = ctx};
    routes_init(&visits->routes, classes);
}

static void handle_set_empty(void *ctx)
{
    struct visit *visit = ctx;
    if (--visit->sets_open == 0)
        free(visit);
}

static void end_visit(struct visit *visit)
{
    struct visits *visits = visit->visits;
    struct visit **link = &visits->first;
    while (*link != visit)
        link = &(*link)->next;
    *link = visit->next;
    visits->count--;
    served_session_close(visit->session);
    visit->sets_open = 2;
    flow_set_close(&visit->works, STATUS_GONE, handle_set_empty, visit);
    flow_set_close(&visit->flows, STATUS_GONE, handle_set_empty, visit);
}

static void handle_request(void *ctx, struct stream *control, const struct message *request)
{
    struct visits *visits = ctx;
    routes_answer(&visits->routes, control, request);
}

static void handle_heartbeat(void *ctx, struct served_session *session)
{
    struct visits *visits = ctx;
    struct visit *visit = served_session_owner(session);
    visit->heard_ms = clock_monotonic_ms();
    visits->on_heartbeat(visits->ctx);
}

static void handle_session_end(void *ctx, struct served_session *session, int status, const char *text)
{
    if (status == UV_EOF)
        log_info("bridge disconnected");
    else
        log_warn("bridge lost: %s%s%s", status_text(status), text[0] != '\0' ? ": " : "", text);
    end_visit(served_session_owner(session));
}

static const struct served_session_handler SESSION_HANDLER = {
    .on_request = handle_request, .on_heartbeat = handle_heartbeat, .on_end = handle_session_end};

/* The one to go when there are too many: as a rule the remains of a bridge that was cut off. One that has
 * never sent a heartbeat goes first, so that nobody displaces a living bridge by saying hello and no more. */
static struct visit *most_silent(struct visits *visits)
{
    struct visit *found = visits->first;
    for (struct visit *visit = found->next; visit != NULL; visit = visit->next) {
        if (visit->heard_ms <= found->heard_ms) /* newest first: of equals the oldest */
            found = visit;
    }
    return found;
}

void visits_begin(struct visits *visits, struct stream *stream, const struct session_keys *keys,
                  const struct welcome_message *welcome, const struct hello_message *hello)
{
    if (visits->count >= AGENT_SESSIONS_MAX)
        end_visit(most_silent(visits));
    struct visit *visit = calloc(1, sizeof(*visit));
    int status = visit == NULL ? UV_ENOMEM
                               : served_session_create(visits->relay->loop, stream, keys, welcome,
                                                       &SESSION_HANDLER, visits, &visit->session);
    if (status < 0) {
        free(visit);
        reception_refuse(stream, status, "");
        return;
    }
    visit->visits = visits;
    flow_set_init(&visit->flows);
    flow_set_init(&visit->works);
    served_session_set_owner(visit->session, visit);
    visit->next = visits->first;
    visits->first = visit;
    visits->count++;
    log_info("%s connected over %s, %s", hello->software, hello->link,
             keys->cipher == 0 ? "authenticated, not encrypted" : aead_name(keys->cipher));
}

static struct visit *find(struct visits *visits, const struct session_id *id)
{
    struct visit *visit = visits->first;
    while (visit != NULL && memcmp(served_session_id(visit->session)->bytes, id->bytes, SESSION_ID_SIZE) != 0)
        visit = visit->next;
    return visit;
}

int visits_join(struct visits *visits, struct stream *stream, const struct join_message *join,
                struct stream **ret)
{
    struct visit *visit = find(visits, &join->session);
    return visit == NULL ? STATUS_UNKNOWN_SESSION : served_session_join(visit->session, join, stream, ret);
}

void visits_subscribe(struct visits *visits, struct stream *stream, const struct welcome_message *welcome,
                      const struct hello_message *hello)
{
    struct visit *visit = find(visits, &hello->session);
    int status = visit == NULL
                     ? STATUS_UNKNOWN_SESSION
                     : served_session_subscribe(visit->session, visits->feed, stream, hello->cursor, welcome);
    if (status < 0)
        reception_refuse(stream, status, "");
}

static size_t count_flows(const struct visits *visits)
{
    size_t count = 0;
    for (const struct visit *visit = visits->first; visit != NULL; visit = visit->next)
        count += visit->flows.active;
    return count;
}

static void log_refusal(struct visits *visits, uint16_t port, int status)
{
    uint64_t count;
    if (log_limit_tell(&visits->refusals, clock_monotonic_ms(), &count))
        log_warn("refused %" PRIu64 " connection%s, the last one to port %u: %s", count,
                 count == 1 ? "" : "s", port, status_text(status));
}

void visits_open_channel(struct visits *visits, struct stream *stream,
                         const struct channel_open_message *open)
{
    struct visit *visit = find(visits, &open->session);
    if (visit == NULL) {
        stream_abort(stream, STATUS_UNKNOWN_SESSION, "");
        return;
    }
    if (!request_classes_has(visits->routes.classes, CLASS_PORTS)) {
        log_refusal(visits, open->target.port, STATUS_NOT_ALLOWED);
        stream_abort(stream, STATUS_NOT_ALLOWED,
                     "the owner of the guest has switched off the class \"ports\"");
        return;
    }
    if (count_flows(visits) >= AGENT_CONNECTIONS_MAX) {
        log_refusal(visits, open->target.port, STATUS_LIMIT);
        stream_abort(stream, STATUS_LIMIT, "");
        return;
    }
    int status = open->target.protocol == PORT_UDP
                     ? udp_flow_dial(visits->relay, stream, &open->target, &visit->flows)
                     : tcp_flow_dial(visits->relay, stream, &open->target, &visit->flows);
    if (status == UV_EMFILE || status == UV_ENFILE || status == UV_ENOMEM)
        log_refusal(visits, open->target.port, status);
}

void visits_open_files(struct visits *visits, struct stream *stream, uint64_t connection,
                       const struct files_open_message *open)
{
    struct visit *visit = find(visits, &open->session);
    if (visit == NULL)
        stream_abort(stream, STATUS_UNKNOWN_SESSION, "");
    else if (!request_classes_has(visits->routes.classes, CLASS_FILES))
        files_refuse(visits->files, stream, open, STATUS_NOT_ALLOWED,
                     "the owner of the guest has switched off the class \"files\"");
    else
        files_open(visits->files, &visit->works, stream, served_session_keys(visit->session), connection,
                   open);
}

void visits_end_of(struct visits *visits, const uint8_t key[static NOISE_KEY_SIZE])
{
    for (struct visit *visit = visits->first, *next; visit != NULL; visit = next) {
        next = visit->next;
        if (memcmp(served_session_keys(visit->session)->peer, key, NOISE_KEY_SIZE) != 0)
            continue;
        log_info("a host was forgotten: its session ends");
        end_visit(visit);
    }
}

void visits_end_all(struct visits *visits)
{
    while (visits->first != NULL)
        end_visit(visits->first);
    routes_finish(&visits->routes);
}
