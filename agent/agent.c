/* SPDX-License-Identifier: MIT */
/* Brings the parts together: listeners → reception → sessions; ports → feed; channels → relay. What each part
 * does is its own; which message goes to which feature is routes.c's. */
#define LOG_MODULE "agent"
#include "agent/agent.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/platform/system.h"
#include "agent/routes.h"
#include "agent/visits.h"
#include "protocol/base/clock.h"
#include "protocol/base/log_limit.h"
#include "protocol/base/status.h"
#include "protocol/link/listener.h"
#include "protocol/link/reception.h"
#include "services/relay/relay.h"

#define RELISTEN_MS    2000 /* default listeners whose device or module is not there yet */
#define RELISTEN_TRIES 60   /* for a second one: by then the guest has booted */

struct agent {
    const struct agent_config *config;
    struct link_loop link_loop;
    struct relay relay;
    struct reception reception;
    struct feed *feed;
    struct port_watch *ports;
    struct visits visits;
    struct listener *listeners[AGENT_LISTENERS_MAX + 2];
    size_t listener_count;
    uv_timer_t relisten;
    bool vsock_missing; /* a default listener still to be made */
    bool serial_missing;
    bool told_missing;
    bool told_serial;
    int relisten_tries;
    struct log_limit refusals;
    bool stopping;
};

static void describe(struct welcome_message *ret)
{
    *ret = (struct welcome_message){.version = PROTOCOL_VERSION};
    snprintf(ret->software, sizeof(ret->software), "hospes-agent %s", HOSPES_VERSION);
    system_describe(ret);
    static const char *const CAPABILITIES[] = {"channels", "health", "ports", "udp"};
    for (size_t i = 0; i < sizeof(CAPABILITIES) / sizeof(CAPABILITIES[0]); i++)
        capability_list_add(&ret->capabilities, CAPABILITIES[i]);
}

/* ---- streams that have said what they are ---- */

static void handle_hello(void *ctx, struct stream *stream, const struct hello_message *hello)
{
    struct agent *agent = ctx;
    if (hello->version_min > PROTOCOL_VERSION || hello->version < PROTOCOL_VERSION_MIN) {
        reception_refuse(stream, STATUS_VERSION, "");
        return;
    }
    struct welcome_message welcome;
    describe(&welcome);
    if (hello->role == ROLE_CONTROL)
        visits_begin(&agent->visits, stream, &welcome, hello);
    else
        visits_subscribe(&agent->visits, stream, &welcome, hello);
}

static void handle_channel(void *ctx, struct stream *stream, const struct channel_open_message *open)
{
    struct agent *agent = ctx;
    visits_open_channel(&agent->visits, stream, open);
}

static void handle_reception_refused(void *ctx, int status)
{
    log_debug("a connection was closed before it said what it is: %s", status_text(status));
}

static const struct reception_handler RECEPTION_HANDLER = {
    .on_hello = handle_hello, .on_channel = handle_channel, .on_refused = handle_reception_refused};

/* ---- listeners ---- */

static void handle_stream(void *ctx, struct stream *stream)
{
    struct agent *agent = ctx;
    reception_add(&agent->reception, stream);
}

static void handle_refused_peer(void *ctx, const char *who)
{
    struct agent *agent = ctx;
    uint64_t count;
    if (log_limit_tell(&agent->refusals, clock_monotonic_ms(), &count))
        log_warn("refused %" PRIu64 " connection%s, the last one of %s", count, count == 1 ? "" : "s", who);
}

static void handle_listener_end(void *ctx, int status, const char *text)
{
    log_info("stdin ended: stopping");
    agent_stop(ctx);
}

static const struct listener_handler LISTENER_HANDLER = {
    .on_stream = handle_stream, .on_refused = handle_refused_peer, .on_end = handle_listener_end};

static int add_listener(struct agent *agent, const struct link_spec *spec, char *ret_problem)
{
    struct listener_options options = {.loopback_allowed = agent->config->vsock_loopback};
    struct listener *listener;
    int status =
        listener_create(&agent->link_loop, spec, &options, &LISTENER_HANDLER, agent, &listener, ret_problem);
    if (status == 0)
        agent->listeners[agent->listener_count++] = listener;
    return status;
}

static void handle_relisten(uv_timer_t *timer);

static bool add_default_vsock(struct agent *agent, char *ret_problem)
{
    struct link_spec spec;
    if (link_spec_parse_listen("vsock", &spec, ret_problem) < 0 ||
        add_listener(agent, &spec, ret_problem) < 0)
        return false;
    log_info("listening on vsock ports %u and %u", spec.control_port, spec.events_port);
    return true;
}

static bool add_default_serial(struct agent *agent)
{
    char problem[TEXT_REASON_MAX + 1];
    struct link_spec spec;
    if (access(AGENT_SERIAL_PATH, F_OK) < 0)
        return false;
    if (link_spec_parse_listen("serial:" AGENT_SERIAL_PATH, &spec, problem) == 0 &&
        add_listener(agent, &spec, problem) == 0) {
        log_info("listening on %s", AGENT_SERIAL_PATH);
        return true;
    }
    if (!agent->told_serial)
        log_warn("%s; trying again", problem);
    agent->told_serial = true;
    return false;
}

/* vsock's module and the virtio-serial port may come late in a guest's boot, and either may be the one that
 * the bridge uses: with one of them there the other is looked for as long as a boot takes. */
static void add_default_listeners(struct agent *agent)
{
    char problem[TEXT_REASON_MAX + 1] = "";
    if (agent->vsock_missing)
        agent->vsock_missing = !add_default_vsock(agent, problem);
    if (agent->serial_missing)
        agent->serial_missing = !add_default_serial(agent);
    bool nothing = agent->vsock_missing && agent->serial_missing;
    if (nothing && !agent->told_missing) {
        agent->told_missing = true;
        log_warn("neither vsock nor %s is there yet (%s); looking again every %d s", AGENT_SERIAL_PATH,
                 problem, RELISTEN_MS / 1000);
    }
    bool something_missing = agent->vsock_missing || agent->serial_missing;
    if (nothing || (something_missing && ++agent->relisten_tries < RELISTEN_TRIES))
        uv_timer_start(&agent->relisten, handle_relisten, RELISTEN_MS, 0);
}

static void handle_relisten(uv_timer_t *timer)
{
    add_default_listeners(timer->data);
}

static int listen_all(struct agent *agent, char *ret_problem)
{
    if (agent->config->default_listeners) {
        agent->vsock_missing = agent->serial_missing = true;
        add_default_listeners(agent);
        return 0;
    }
    for (size_t i = 0; i < agent->config->listener_count; i++) {
        int status = add_listener(agent, &agent->config->listeners[i], ret_problem);
        if (status < 0)
            return status;
    }
    return 0;
}

/* ---- ports ---- */

static void handle_port_delta(void *ctx, const struct ports_message *delta)
{
    struct agent *agent = ctx;
    struct message event = {.kind = MESSAGE_PORTS};
    event.body.ports = *delta;
    routes_fill_port_range(&event.body.ports);
    if (feed_publish(agent->feed, &event) < 0)
        log_warn("out of memory: a change of ports goes out as a snapshot");
}

struct snapshot_step {
    void (*emit)(void *emit_ctx, const struct ports_message *part);
    void *emit_ctx;
};

static void emit_snapshot_part(void *ctx, const struct ports_message *part)
{
    struct snapshot_step *step = ctx;
    struct ports_message ranged = *part;
    routes_fill_port_range(&ranged);
    step->emit(step->emit_ctx, &ranged);
}

static void take_snapshot(void *ctx, void (*emit)(void *emit_ctx, const struct ports_message *part),
                          void *emit_ctx)
{
    struct agent *agent = ctx;
    struct snapshot_step step = {emit, emit_ctx};
    if (port_watch_snapshot(agent->ports, emit_snapshot_part, &step) < 0)
        log_error("out of memory: no snapshot of the ports");
}

static void handle_heartbeat(void *ctx)
{
    struct agent *agent = ctx;
    port_watch_check(agent->ports);
}

/* ---- life ---- */

int agent_create(uv_loop_t *uv, const struct agent_config *config, struct agent **ret,
                 char ret_problem[static CONFIG_PROBLEM_MAX])
{
    struct agent *agent = calloc(1, sizeof(*agent));
    if (agent == NULL || link_loop_init(&agent->link_loop, uv) < 0) {
        free(agent);
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "out of memory");
        return UV_ENOMEM;
    }
    agent->config = config;
    relay_init(&agent->relay, &agent->link_loop);
    reception_init(&agent->reception, uv, &RECEPTION_HANDLER, agent);
    uv_timer_init(uv, &agent->relisten);
    agent->relisten.data = agent;
    agent->feed = feed_create(take_snapshot, agent);
    visits_init(&agent->visits, &agent->relay, agent->feed, handle_heartbeat, agent);
    *ret = agent;
    struct port_watch_options options = {.force = config->port_tier};
    int status = agent->feed == NULL
                     ? UV_ENOMEM
                     : port_watch_create(uv, &options, handle_port_delta, agent, &agent->ports);
    if (status < 0) {
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "cannot watch ports: %s", status_text(status));
        return status;
    }
    log_info("watching ports by %s", port_watch_tier_text(agent->ports));
    return listen_all(agent, ret_problem);
}

void agent_stop(struct agent *agent)
{
    if (agent->stopping)
        return;
    agent->stopping = true;
    uv_close((uv_handle_t *)&agent->relisten, NULL);
    for (size_t i = 0; i < agent->listener_count; i++)
        listener_close(agent->listeners[i]);
    visits_end_all(&agent->visits);
    reception_close(&agent->reception, NULL, NULL);
    relay_close(&agent->relay, NULL, NULL);
    port_watch_close(agent->ports, NULL, NULL);
    agent->ports = NULL;
}

void agent_destroy(struct agent *agent)
{
    if (agent == NULL)
        return;
    feed_destroy(agent->feed);
    link_loop_finish(&agent->link_loop);
    free(agent);
}
