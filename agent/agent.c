/* SPDX-License-Identifier: MIT */
/* Brings the parts together: listeners → door → sessions; ports → feed; channels → relay; files. What each
 * part does is its own; which message goes to which feature is routes.c's. */
#define LOG_MODULE "agent"
#include "agent/agent.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/door.h"
#include "agent/platform/system.h"
#include "agent/routes.h"
#include "agent/session_socket.h"
#include "agent/sharing.h"
#include "agent/visits.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "protocol/link/listener.h"
#include "services/relay/relay.h"

#define RELISTEN_MS    2000 /* default listeners whose device or module is not there yet */
#define RELISTEN_TRIES 60   /* for a second one: by then the guest has booted */

struct agent {
    const struct agent_config *config;
    struct link_loop link_loop;
    struct relay relay;
    struct trust *trust; /* NULL before it is loaded, and once closed */
    struct door door;
    struct feed *feed;
    struct files *files;
    struct sharing *sharing;
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
    bool door_is_open, stopping;
};

static void describe(const struct agent *agent, struct welcome_message *ret)
{
    struct request_classes classes = agent->config->classes;
    *ret = (struct welcome_message){.version = PROTOCOL_VERSION};
    snprintf(ret->software, sizeof(ret->software), "hospes-agent %s", HOSPES_VERSION);
    system_describe(ret);
    if (request_classes_has(classes, CLASS_PORTS)) {
        capability_list_add(&ret->capabilities, "channels");
        capability_list_add(&ret->capabilities, "ports");
        capability_list_add(&ret->capabilities, "udp");
    }
    if (request_classes_has(classes, CLASS_FILES))
        capability_list_add(&ret->capabilities, "files");
    if (request_classes_has(classes, CLASS_OBSERVE))
        capability_list_add(&ret->capabilities, "health");
    capability_list_add(&ret->capabilities, "refusals");
}

/* ---- bridges that were let in ---- */

static void handle_admitted(void *ctx, struct stream *stream, const struct hello_message *hello,
                            const struct session_keys *keys, uint16_t version)
{
    struct agent *agent = ctx;
    struct welcome_message welcome;
    describe(agent, &welcome);
    welcome.version = version;
    visits_begin(&agent->visits, stream, keys, &welcome, hello);
}

static int handle_join(void *ctx, struct stream *stream, const struct join_message *join, struct stream **ret)
{
    struct agent *agent = ctx;
    return visits_join(&agent->visits, stream, join, ret);
}

static void handle_events(void *ctx, struct stream *stream, const struct hello_message *hello)
{
    struct agent *agent = ctx;
    struct welcome_message welcome;
    describe(agent, &welcome);
    visits_subscribe(&agent->visits, stream, &welcome, hello);
}

static void handle_channel(void *ctx, struct stream *stream, const struct channel_open_message *open)
{
    struct agent *agent = ctx;
    visits_open_channel(&agent->visits, stream, open);
}

static void handle_files(void *ctx, struct stream *stream, uint64_t connection,
                         const struct files_open_message *open)
{
    struct agent *agent = ctx;
    visits_open_files(&agent->visits, stream, connection, open);
}

static void handle_refusals(void *ctx, const struct refusals_message *refusals)
{
    struct agent *agent = ctx;
    struct message event = {.kind = MESSAGE_REFUSALS};
    event.body.refusals = *refusals;
    if (feed_publish(agent->feed, &event) < 0)
        log_warn("out of memory: bridges are not told of refusals");
}

static const struct door_handler DOOR_HANDLER = {.on_admitted = handle_admitted,
                                                 .on_join = handle_join,
                                                 .on_events = handle_events,
                                                 .on_channel = handle_channel,
                                                 .on_files = handle_files,
                                                 .on_refusals = handle_refusals};

/* ---- listeners ---- */

static void handle_stream(void *ctx, struct stream *stream, const struct listener_peer *peer)
{
    struct agent *agent = ctx;
    door_add(&agent->door, stream, peer);
}

static void handle_refused_peer(void *ctx, enum link_kind kind, const char *who)
{
    struct agent *agent = ctx;
    door_refused_peer(&agent->door, kind, who);
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
    if (!request_classes_has(agent->config->classes, CLASS_PORTS))
        return;
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
    if (!request_classes_has(agent->config->classes, CLASS_PORTS)) {
        emit_snapshot_part(&step, &(struct ports_message){.snapshot = true});
        return;
    }
    if (port_watch_snapshot(agent->ports, emit_snapshot_part, &step) < 0)
        log_error("out of memory: no snapshot of the ports");
}

static void take_offers(void *ctx, void (*emit)(void *emit_ctx, const struct offers_message *part),
                        void *emit_ctx)
{
    struct agent *agent = ctx;
    sharing_snapshot(agent->sharing, emit, emit_ctx);
}

static void handle_heartbeat(void *ctx)
{
    struct agent *agent = ctx;
    port_watch_check(agent->ports);
    sharing_check(agent->sharing);
}

/* ---- life ---- */

static void handle_forgotten(void *ctx, const uint8_t *key)
{
    struct agent *agent = ctx;
    visits_end_of(&agent->visits, key);
}

static int open_door(struct agent *agent, char *ret_problem)
{
    const struct agent_config *config = agent->config;
    struct trust_options options = {.state_dir = config->state_dir,
                                    .host_key_file = config->host_key_file,
                                    .psk_file = config->psk_file,
                                    .admin_socket = config->admin_socket,
                                    .on_forgotten = handle_forgotten,
                                    .ctx = agent};
    char problem[TEXT_REASON_MAX + 1];
    int status =
        trust_create(agent->link_loop.uv, agent->link_loop.secrets, &options, &agent->trust, problem);
    if (status < 0) {
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s", problem);
        return status;
    }
    if (!secret_pool_is_locked(agent->link_loop.secrets))
        log_warn("keys can't be locked in memory (see ulimit -l): they may be swapped out");
    door_init(&agent->door, &agent->link_loop, agent->trust, config->sealing, &DOOR_HANDLER, agent);
    agent->door_is_open = true;
    return 0;
}

static int watch_ports(struct agent *agent, char *ret_problem)
{
    struct port_watch_options options = {.force = agent->config->port_tier};
    int status = port_watch_create(agent->link_loop.uv, &options, handle_port_delta, agent, &agent->ports);
    if (status < 0) {
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "cannot watch ports: %s", status_text(status));
        return status;
    }
    log_info("watching ports by %s", port_watch_tier_text(agent->ports));
    return listen_all(agent, ret_problem);
}

/* What needs no link and comes before any. */
static int make_parts(struct agent *agent)
{
    const struct agent_config *config = agent->config;
    struct files_options files = {
        .uv = agent->link_loop.uv, .user = config->files_user, .drop_folder = config->drop_folder};
    agent->feed = feed_create(take_snapshot, agent);
    int status = agent->feed == NULL ? UV_ENOMEM : files_create(&files, &agent->files);
    if (status < 0)
        return status;
    feed_set_offers(agent->feed, take_offers);
    session_socket_prepare(config->session_socket);
    return sharing_create(agent->link_loop.uv, config, agent->feed, agent->files, &agent->sharing);
}

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
    uv_timer_init(uv, &agent->relisten);
    agent->relisten.data = agent;
    int status = make_parts(agent);
    visits_init(&agent->visits, &agent->relay, agent->feed, agent->files, config->classes, handle_heartbeat,
                agent);
    *ret = agent;
    if (status < 0) {
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s", status_text(status));
        return status;
    }
    status = open_door(agent, ret_problem);
    return status < 0 ? status : watch_ports(agent, ret_problem);
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
    sharing_close(agent->sharing);
    if (agent->door_is_open)
        door_close(&agent->door);
    if (agent->trust != NULL)
        trust_close(agent->trust, NULL, NULL);
    relay_close(&agent->relay, NULL, NULL);
    port_watch_close(agent->ports, NULL, NULL);
    agent->ports = NULL;
}

void agent_destroy(struct agent *agent)
{
    if (agent == NULL)
        return;
    feed_destroy(agent->feed);
    files_destroy(agent->files);
    sharing_destroy(agent->sharing);
    if (agent->trust != NULL)
        trust_destroy(agent->trust);
    link_loop_finish(&agent->link_loop);
    free(agent);
}
