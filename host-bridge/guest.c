/* SPDX-License-Identifier: MIT */
/* Joins one session with one table of forwards: events go up to the forwards, connections of the forwards go
 * down as channels, and the reasons of the session become the guest's state. */
#define LOG_MODULE "guest"
#include "host-bridge/guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host-bridge/guest_internal.h"
#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "services/relay/tcp_flow.h"
#include "services/relay/udp_server.h"

/* ---- the session's news ---- */

static void set_state(struct guest *guest, enum guest_state state)
{
    if (guest->state != state)
        guest->since_ms = clock_realtime_ms();
    guest->state = state;
}

void guest_set_error(struct guest *guest, int status, const char *text)
{
    guest->error_status = status;
    snprintf(guest->error, sizeof(guest->error), "%s%s%s", status_text(status), text[0] != '\0' ? ": " : "",
             text);
    log_escape(guest->error); /* part of it may be the guest's own words */
}

static void handle_up(void *ctx, const struct welcome_message *agent, bool resumed)
{
    struct guest *guest = ctx;
    if (guest->agent == NULL)
        guest->agent = malloc(sizeof(*guest->agent));
    if (guest->agent != NULL)
        *guest->agent = *agent;
    guest->connects++;
    guest->error_status = 0;
    guest->error[0] = '\0';
    guest->fell_silent = false;
    guest->last_seen_ms = clock_realtime_ms();
    set_state(guest, GUEST_CONNECTED);
    log_info("%s: connected to %s on %s", guest->name, agent->software, agent->hostname);
    if (resumed)
        forwards_link_restored(guest->forwards);
    guest->news.on_changed(guest->news.ctx, guest);
}

static void handle_down(void *ctx, int status, const char *text)
{
    struct guest *guest = ctx;
    guest->last_seen_ms = clock_realtime_ms() - (status == STATUS_SILENT ? HEARTBEAT_TIMEOUT_MS : 0);
    guest->fell_silent = status == STATUS_SILENT;
    guest_set_error(guest, status, text);
    set_state(guest, GUEST_CONNECTING);
    log_warn("%s: disconnected: %s", guest->name, guest->error);
    forwards_link_lost(guest->forwards);
    guest_trust_link_lost(guest);
    guest->news.on_changed(guest->news.ctx, guest);
}

static void handle_try_failed(void *ctx, int status, const char *text)
{
    struct guest *guest = ctx;
    bool new_reason = status != guest->error_status;
    guest->fell_silent = guest->fell_silent && status == STATUS_NO_GREETING;
    guest_set_error(guest, status, text);
    set_state(guest, guest->pairing.unpaired ? GUEST_DISABLED : GUEST_CONNECTING);
    guest_trust_link_lost(guest);
    if (!new_reason)
        return;
    log_info("%s: not connected: %s", guest->name, guest->error);
    guest->news.on_changed(guest->news.ctx, guest);
}

static void handle_ports(struct guest *guest, const struct ports_message *ports)
{
    uint32_t changes = (uint32_t)(1 + ports->opened_count + ports->closed_count);
    if (!allowance_take(&guest->port_changes, changes, clock_monotonic_ms())) {
        session_punish(guest->session, "the guest tells of more changed ports than it may");
        return;
    }
    forwards_apply(guest->forwards, ports);
    if (ports->snapshot && !ports->more)
        guest->news.on_snapshot_end(guest->news.ctx, guest);
}

static void handle_offers(struct guest *guest, const struct offers_message *offers)
{
    uint32_t changes = (uint32_t)(1 + offers->offer_count + offers->gone_count);
    if (allowance_take(&guest->offer_changes, changes, clock_monotonic_ms()))
        guest->news.on_offers(guest->news.ctx, guest, offers);
    else
        session_punish(guest->session, "the guest offers more files than it may");
}

static void handle_refusals(struct guest *guest, const struct refusals_message *refusals)
{
    if (allowance_take(&guest->refusal_news, 1, clock_monotonic_ms()))
        guest->news.on_refusals(guest->news.ctx, guest, refusals);
    else
        session_punish(guest->session, "the guest tells of more refusals than it may");
}

static void handle_event(void *ctx, const struct message *event)
{
    struct guest *guest = ctx;
    if (event->kind == MESSAGE_REFUSALS)
        handle_refusals(guest, &event->body.refusals);
    else if (event->kind == MESSAGE_OFFERS)
        handle_offers(guest, &event->body.offers);
    else
        handle_ports(guest, &event->body.ports);
}

static const struct session_handler SESSION_HANDLER = {.on_credentials = guest_trust_on_credentials,
                                                       .on_key = guest_trust_on_key,
                                                       .on_let_in = guest_trust_on_let_in,
                                                       .on_code = guest_trust_on_code,
                                                       .on_up = handle_up,
                                                       .on_down = handle_down,
                                                       .on_try_failed = handle_try_failed,
                                                       .on_event = handle_event};

/* ---- what the forwards need ---- */

static void refuse_client(int fd)
{
    struct linger linger = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
    close(fd);
}

static void log_refusal(struct guest *guest, uint16_t port, int status)
{
    uint64_t count;
    if (log_limit_tell(&guest->refusals, clock_monotonic_ms(), &count))
        log_warn("%s: refused %" PRIu64 " connection%s, the last one to port %u: %s", guest->name, count,
                 count == 1 ? "" : "s", port, status_text(status));
}

static void carry_tcp(void *ctx, int fd, const struct dial_target *target, struct flow_set *flows)
{
    struct guest *guest = ctx;
    struct stream *stream;
    int status = session_open_channel(guest->session, target, &stream);
    if (status < 0)
        refuse_client(fd);
    else
        status = tcp_flow_carry(guest->relay, fd, stream, flows);
    if (status < 0)
        log_refusal(guest, target->port, status);
}

int guest_open_files(struct guest *guest, const struct files_open_message *open,
                     const struct files_dial_handler *handler, void *ctx, struct files_dial **ret)
{
    if (!session_is_up(guest->session))
        return STATUS_NOT_CONNECTED;
    if (!capability_list_has(&guest->agent->capabilities, "files"))
        return STATUS_NOT_SUPPORTED;
    return files_dial(guest->session, open, handler, ctx, ret);
}

static int open_udp_channel(void *ctx, const struct dial_target *target, struct stream **ret)
{
    struct guest *guest = ctx;
    return session_open_channel(guest->session, target, ret);
}

static void *serve_udp(void *ctx, int fd, const struct dial_target *target, struct flow_set *flows)
{
    struct guest *guest = ctx;
    struct udp_server *server;
    return udp_server_create(guest->relay, fd, target, flows, open_udp_channel, guest, &server) < 0 ? NULL
                                                                                                    : server;
}

static void stop_udp(void *ctx, void *server)
{
    udp_server_close(server);
}

static const char *find_holder(void *ctx, uint8_t protocol, uint16_t port)
{
    struct guest *guest = ctx;
    return guest->news.holder(guest->news.ctx, guest, protocol, port);
}

static void handle_port(void *ctx, const struct known_port *port, const char *what)
{
    struct guest *guest = ctx;
    if (!guest->closing)
        guest->news.on_port(guest->news.ctx, guest, port, what);
}

static void handle_forward(void *ctx, const struct forward *forward, const char *what)
{
    struct guest *guest = ctx;
    if (!guest->closing)
        guest->news.on_forward(guest->news.ctx, guest, forward, what);
}

static void handle_dirty(void *ctx)
{
    struct guest *guest = ctx;
    if (!guest->closing)
        guest->news.on_dirty(guest->news.ctx, guest);
}

/* ---- life ---- */

static void free_guest(struct guest *guest)
{
    guest_trust_finish(guest);
    free(guest->agent);
    free(guest->name);
    free(guest->link);
    free(guest);
}

static void handle_part_closed(void *ctx)
{
    struct guest *guest = ctx;
    if (--guest->parts_open > 0)
        return;
    void (*on_closed)(void *ctx) = guest->on_closed;
    void *closed_ctx = guest->closed_ctx;
    free_guest(guest);
    if (on_closed != NULL)
        on_closed(closed_ctx);
}

int guest_create(struct relay *relay, const struct guest_options *options, const struct guest_news *news,
                 struct guest **ret)
{
    struct link_spec spec;
    char problem[TEXT_REASON_MAX + 1];
    int status = link_spec_parse_dial(options->link, &spec, problem);
    if (status < 0)
        return status;
    struct guest *guest = calloc(1, sizeof(*guest));
    if (guest == NULL)
        return UV_ENOMEM;
    guest->name = strdup(options->name);
    guest->link = strdup(options->link);
    guest->relay = relay;
    guest->news = *news;
    guest->is_configured = options->is_configured;
    guest->state = GUEST_CONNECTING;
    guest->since_ms = clock_realtime_ms();
    struct forwards_io io = {
        .carry_tcp = carry_tcp,
        .serve_udp = serve_udp,
        .stop_udp = stop_udp,
        .holder = find_holder,
        .on_port = handle_port,
        .on_forward = handle_forward,
        .on_dirty = handle_dirty,
        .ctx = guest,
    };
    status = guest->name == NULL || guest->link == NULL ? UV_ENOMEM : 0;
    allowance_init(&guest->port_changes, PORT_CHANGES_A_SECOND, PORT_CHANGES_BURST, clock_monotonic_ms());
    allowance_init(&guest->offer_changes, OFFER_CHANGES_A_SECOND, OFFER_CHANGES_BURST, clock_monotonic_ms());
    allowance_init(&guest->refusal_news, REFUSAL_NEWS_A_SECOND, REFUSAL_NEWS_BURST, clock_monotonic_ms());
    if (status == 0)
        status = guest_trust_init(guest, options, spec.kind);
    if (status == 0)
        status = session_create(relay->loop, &spec, "hospes-bridge " HOSPES_VERSION, &SESSION_HANDLER, guest,
                                &guest->session);
    if (status < 0) {
        free_guest(guest);
        return status;
    }
    status = forwards_create(relay->loop->uv, options->config_rules, &io, &guest->forwards);
    if (status < 0) {
        guest->parts_open = 1;
        session_close(guest->session, handle_part_closed, guest);
        return status;
    }
    *ret = guest;
    return 0;
}

void guest_start(struct guest *guest)
{
    session_start(guest->session);
}

static void handle_session_closed(void *ctx)
{
    struct guest *guest = ctx;
    guest->session = NULL;
    handle_part_closed(guest);
}

void guest_close(struct guest *guest, void (*on_closed)(void *ctx), void *ctx)
{
    guest->closing = true;
    guest->on_closed = on_closed;
    guest->closed_ctx = ctx;
    guest->parts_open = 2;
    forwards_close(guest->forwards, handle_part_closed, guest);
    session_close(guest->session, handle_session_closed, guest);
}

/* ---- requests ---- */

struct health_question {
    guest_health_done on_health;
    void *ctx;
};

static void handle_health_answer(void *ctx, int status, const struct message *answer)
{
    struct health_question question = *(struct health_question *)ctx;
    free(ctx);
    if (status == 0 && answer->kind != MESSAGE_HEALTH)
        status = STATUS_UNEXPECTED;
    bool refused = answer != NULL && answer->kind == MESSAGE_ERROR;
    question.on_health(question.ctx, status, refused ? answer->body.failure.text : "",
                       status == 0 ? answer->body.health : NULL);
}

int guest_ask_health(struct guest *guest, uint64_t timeout_ms, guest_health_done on_health, void *ctx)
{
    struct health_question *question = malloc(sizeof(*question));
    if (question == NULL)
        return UV_ENOMEM;
    *question = (struct health_question){on_health, ctx};
    int status =
        session_request(guest->session, MESSAGE_HEALTH_REQUEST, timeout_ms, handle_health_answer, question);
    if (status < 0)
        free(question);
    return status;
}
