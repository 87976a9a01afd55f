/* SPDX-License-Identifier: MIT */
/* Brings the parts together: configuration and store → guests → files → Host API. News of guests go to the
 * API and, where they must survive, to the store. Closing runs the other way round: the API first, so that
 * nobody asks; then the transfers, while the guests are still there; then the store, while the guests can
 * still tell their state. */
#define LOG_MODULE "bridge"
#include "host-bridge/bridge.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/api.h"
#include "host-bridge/bridge_files.h"
#include "host-bridge/guests_private.h"
#include "host-bridge/paths.h"
#include "host-bridge/security_news.h"
#include "host-bridge/store.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "services/identity/key_file.h"
#include "services/relay/relay.h"

struct bridge {
    const struct bridge_config *config;
    struct link_loop link_loop;
    struct relay relay;
    struct noise_key_pair *own; /* locked memory: this host's identity */
    struct audit_log *audit;
    struct store *store;
    struct guests *guests;
    struct bridge_files *files; /* NULL before it is there and after it is closed */
    struct api *api;            /* NULL before it is there and after it is closed */
    bool loading, stopping;
};

/* ---- what is remembered ---- */

static json_t *make_state(void *ctx, const char *name)
{
    struct bridge *bridge = ctx;
    struct guest *guest = guests_find(bridge->guests, name);
    if (guest == NULL)
        return NULL;
    json_t *state = json_object();
    if (!guest_is_configured(guest)) {
        json_object_set_new(state, "link", json_string(guest_link(guest)));
        json_t *identity = guest_identity_save(guest_identity(guest));
        json_object_update(state, identity);
        json_decref(identity);
    }
    json_t *pairing = guest_pairing_save(guest_pairing(guest));
    if (pairing != NULL)
        json_object_set_new(state, "pairing", pairing);
    json_object_set_new(state, "forwards", forwards_save(guest_forwards(guest)));
    return state;
}

static const struct configured_guest *find_configured(const struct bridge *bridge, const char *name)
{
    for (size_t i = 0; i < bridge->config->guest_count; i++) {
        if (strcmp(bridge->config->guests[i].name, name) == 0)
            return &bridge->config->guests[i];
    }
    return NULL;
}

static void load_state(struct bridge *bridge, struct guest *guest)
{
    char problem[TEXT_REASON_MAX + 1];
    json_t *state = store_load(bridge->store, guest_name(guest));
    const json_t *forwards = json_object_get(state, "forwards");
    if (forwards != NULL && forwards_load(guest_forwards(guest), forwards, problem) < 0) {
        log_error("%s: what was remembered of its forwards is not used, and is kept as %s.json.broken: %s",
                  guest_name(guest), guest_name(guest), problem);
        store_set_aside(bridge->store, guest_name(guest));
        store_save_soon(bridge->store, guest_name(guest)); /* at least its link must not be forgotten */
    }
    guest_load_pairing(guest, json_object_get(state, "pairing"));
    json_decref(state);
}

static void load_ghostvm(struct guest *guest, const json_t *list)
{
    char problem[TEXT_REASON_MAX + 1];
    if (list != NULL && forwards_load_ghostvm(guest_forwards(guest), list, problem) < 0)
        log_error("%s: portForwards are not used: %s", guest_name(guest), problem);
}

/* ---- news ---- */

static void handle_added(void *ctx, struct guest *guest)
{
    struct bridge *bridge = ctx;
    const struct configured_guest *configured = find_configured(bridge, guest_name(guest));
    load_state(bridge, guest);
    load_ghostvm(guest, configured != NULL && configured->port_forwards != NULL
                            ? configured->port_forwards
                            : bridge->config->port_forwards);
    if (bridge->api != NULL)
        api_guest_added(bridge->api, guest);
}

static void handle_removed(void *ctx, struct guest *guest)
{
    struct bridge *bridge = ctx;
    if (bridge->files != NULL)
        bridge_files_guest_removed(bridge->files, guest);
    if (bridge->api != NULL)
        api_guest_removed(bridge->api, guest);
    store_forget(bridge->store, guest_name(guest));
}

static void handle_changed(void *ctx, struct guest *guest)
{
    struct bridge *bridge = ctx;
    if (bridge->api != NULL)
        api_guest_changed(bridge->api, guest);
    if (bridge->files != NULL)
        bridge_files_guest_changed(bridge->files, guest);
}

static void handle_offers(void *ctx, struct guest *guest, const struct offers_message *offers)
{
    struct bridge *bridge = ctx;
    if (bridge->files != NULL)
        bridge_files_offers(bridge->files, guest, offers);
}

static void handle_snapshot_end(void *ctx, struct guest *guest)
{
    struct bridge *bridge = ctx;
    if (bridge->files != NULL)
        bridge_files_snapshot_end(bridge->files, guest);
}

static void handle_transfer(void *ctx, const struct transfer *transfer, const char *what)
{
    struct bridge *bridge = ctx;
    if (bridge->api != NULL)
        api_transfer_changed(bridge->api, transfer, what);
}

static void handle_item(void *ctx, const struct inbox_item *item, const char *what)
{
    struct bridge *bridge = ctx;
    if (bridge->api != NULL)
        api_inbox_changed(bridge->api, item, what);
}

static void handle_port(void *ctx, struct guest *guest, const struct known_port *port, const char *what)
{
    struct bridge *bridge = ctx;
    if (bridge->api != NULL)
        api_port_changed(bridge->api, guest, port, what);
}

static void handle_forward(void *ctx, struct guest *guest, const struct forward *forward, const char *what)
{
    struct bridge *bridge = ctx;
    if (bridge->api != NULL)
        api_forward_changed(bridge->api, guest, forward, what);
}

static void handle_dirty(void *ctx, struct guest *guest)
{
    struct bridge *bridge = ctx;
    if (!bridge->loading && bridge->store != NULL)
        store_save_soon(bridge->store, guest_name(guest));
}

static void handle_pairing(void *ctx, struct guest *guest, const char *what)
{
    struct bridge *bridge = ctx;
    security_news_pairing(bridge->audit, guest, what);
    if (!bridge->loading && bridge->store != NULL)
        store_save_now(bridge->store, guest_name(guest));
    if (bridge->api != NULL)
        api_pairing_changed(bridge->api, guest);
}

static void handle_refusals(void *ctx, struct guest *guest, const struct refusals_message *refusals)
{
    struct bridge *bridge = ctx;
    security_news_refusals(bridge->audit, guest, refusals);
    if (bridge->api != NULL)
        api_guest_refused(bridge->api, guest, refusals);
}

static const char *find_holder(void *ctx, const struct guest *asking, uint8_t protocol, uint16_t port)
{
    struct bridge *bridge = ctx;
    return guests_holder(bridge->guests, asking, protocol, port);
}

/* ---- start ---- */

static int add_configured(struct bridge *bridge, char *ret_problem)
{
    for (size_t i = 0; i < bridge->config->guest_count; i++) {
        const struct configured_guest *configured = &bridge->config->guests[i];
        struct guest *guest;
        char problem[TEXT_REASON_MAX + 1];
        struct guest_identity_options identity = configured_guest_identity(configured);
        int status =
            guests_put(bridge->guests, configured->name, configured->link, &identity, true, &guest, problem);
        if (status < 0) {
            snprintf(ret_problem, CONFIG_PROBLEM_MAX, "guest \"%.80s\" of the configuration: %s",
                     configured->name, problem);
            return status;
        }
    }
    return 0;
}

static void add_remembered(void *ctx, const char *name, const json_t *state, const char *problem)
{
    struct bridge *bridge = ctx;
    const char *link = json_string_value(json_object_get(state, "link"));
    if (state == NULL) {
        log_error("%s: %s", name, problem);
        return;
    }
    if (link == NULL || guests_find(bridge->guests, name) != NULL)
        return; /* a configured guest's state, loaded with it */
    struct guest *guest;
    struct guest_identity_options identity = {0};
    const char *field;
    char why[TEXT_REASON_MAX + 1];
    if (guest_identity_load(&identity, state, &field, why) < 0 ||
        guests_put(bridge->guests, name, link, &identity, false, &guest, why) < 0)
        log_error("the remembered guest %s is left out: %s", name, why);
}

static int open_api(struct bridge *bridge, uv_loop_t *uv, const char *socket_path, char *ret_problem)
{
    char folder[PATHS_MAX], guest_folder[PATHS_MAX + 4], problem[TEXT_REASON_MAX + 1];
    snprintf(folder, sizeof(folder), "%s", socket_path);
    snprintf(guest_folder, sizeof(guest_folder), "%s/vm", dirname(folder));
    char key[KEY_TEXT_SIZE];
    key_text_format(bridge->own->public_key, key);
    const struct bridge_config *config = bridge->config;
    struct api_options options = {
        .key = key,
        .audit = bridge->audit,
        .transfers = bridge_files_transfers(bridge->files),
        .inbox = bridge_files_inbox(bridge->files),
        .receiving = bridge_files_receiving(bridge->files),
        .clients = config->clients,
        .client_count = config->client_count,
        .has_group = config->has_api_group,
        .group = config->api_group,
        .socket_path = socket_path,
        .guest_socket_dir = guest_folder,
        .version = HOSPES_VERSION,
        .first_event =
            clock_realtime_ms() * 1000, /* grows over restarts, so that Last-Event-ID stays meaningful */
    };
    int status = api_create(uv, bridge->guests, &options, &bridge->api, problem);
    if (status < 0) {
        bridge->api = NULL;
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s", problem);
    }
    return status;
}

/* This host's key pair: made at the first start. */
static int load_identity(struct bridge *bridge, const char *state_dir, char *ret_problem)
{
    char problem[TEXT_REASON_MAX + 1];
    enum key_file_origin origin = 0;
    bridge->own = secret_take(bridge->link_loop.secrets, sizeof(*bridge->own));
    if (bridge->own == NULL)
        return UV_ENOMEM;
    int status = key_file_load(state_dir, "identity", "", bridge->own, &origin, problem);
    if (status < 0) {
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s", problem);
        return status;
    }
    if (origin != KEY_FILE_READ)
        log_info("made a new identity for this host in %s", state_dir);
    if (!secret_pool_is_locked(bridge->link_loop.secrets))
        log_warn("keys can't be locked in memory (see ulimit -l): they may be swapped out");
    return 0;
}

static void handle_audit_trouble(void *ctx, const char *sentence)
{
    log_error("audit log: %s", sentence);
}

static int open_files(struct bridge *bridge, uv_loop_t *uv, const char *state_dir, char *ret_problem)
{
    char problem[TEXT_REASON_MAX + 1];
    int status = store_open(uv, state_dir, &bridge->store, problem);
    struct audit_log_options options = {.folder = state_dir, .on_trouble = handle_audit_trouble};
    if (status == 0) {
        store_set_maker(bridge->store, make_state, bridge);
        status = audit_log_open(&options, &bridge->audit, problem);
    }
    if (status < 0) {
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s", problem);
        return status;
    }
    return load_identity(bridge, state_dir, ret_problem);
}

static struct guests *create_guests(struct bridge *bridge)
{
    struct guests_news news = {
        .guest = {.on_changed = handle_changed,
                  .on_port = handle_port,
                  .on_forward = handle_forward,
                  .on_dirty = handle_dirty,
                  .on_pairing = handle_pairing,
                  .on_refusals = handle_refusals,
                  .on_offers = handle_offers,
                  .on_snapshot_end = handle_snapshot_end,
                  .holder = find_holder,
                  .ctx = bridge},
        .on_added = handle_added,
        .on_removed = handle_removed,
    };
    return guests_create(&bridge->relay, &bridge->config->policy, bridge->own, &news);
}

static int create_files(struct bridge *bridge, uv_loop_t *uv, const char *state_dir, char *ret_problem)
{
    char problem[TEXT_REASON_MAX + 1];
    struct bridge_files_options options = {
        .loop = uv,
        .config = bridge->config,
        .guests = bridge->guests,
        .state_dir = state_dir,
        .on_transfer = handle_transfer,
        .on_item = handle_item,
        .ctx = bridge,
    };
    int status = bridge_files_create(&options, &bridge->files, problem);
    if (status < 0) {
        bridge->files = NULL;
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s", problem);
    }
    return status;
}

int bridge_create(uv_loop_t *uv, const struct bridge_config *config, const struct bridge_options *options,
                  struct bridge **ret, char ret_problem[static CONFIG_PROBLEM_MAX])
{
    struct bridge *bridge = calloc(1, sizeof(*bridge));
    snprintf(ret_problem, CONFIG_PROBLEM_MAX, "out of memory");
    if (bridge == NULL || link_loop_init(&bridge->link_loop, uv) < 0) {
        free(bridge);
        return UV_ENOMEM;
    }
    *ret = bridge;
    bridge->config = config;
    relay_init(&bridge->relay, &bridge->link_loop);
    int status = open_files(bridge, uv, options->state_dir, ret_problem);
    if (status < 0)
        return status;
    bridge->guests = create_guests(bridge);
    if (bridge->guests == NULL)
        return UV_ENOMEM;
    status = create_files(bridge, uv, options->state_dir, ret_problem);
    if (status < 0)
        return status;
    status = open_api(bridge, uv, options->socket_path, ret_problem);
    if (status < 0)
        return status;
    bridge->loading = true;
    status = add_configured(bridge, ret_problem);
    if (status == 0)
        store_each(bridge->store, add_remembered, bridge);
    bridge->loading = false;
    if (status == 0)
        bridge_files_load(bridge->files);
    return status;
}

/* ---- stop ---- */

static void handle_guests_closed(void *ctx)
{
    struct bridge *bridge = ctx;
    bridge->guests = NULL;
    relay_close(&bridge->relay, NULL, NULL);
}

static void handle_store_closed(void *ctx)
{
    struct bridge *bridge = ctx;
    bridge->store = NULL;
    if (bridge->guests != NULL)
        guests_close(bridge->guests, handle_guests_closed, bridge);
    else
        relay_close(&bridge->relay, NULL, NULL);
}

static void handle_files_closed(void *ctx)
{
    struct bridge *bridge = ctx;
    if (bridge->store != NULL)
        store_close(bridge->store, handle_store_closed, bridge);
    else
        handle_store_closed(bridge);
}

static void handle_api_closed(void *ctx)
{
    struct bridge *bridge = ctx;
    struct bridge_files *files = bridge->files;
    bridge->files = NULL;
    if (files != NULL)
        bridge_files_close(files, handle_files_closed, bridge);
    else
        handle_files_closed(bridge);
}

void bridge_stop(struct bridge *bridge)
{
    if (bridge->stopping)
        return;
    bridge->stopping = true;
    struct api *api = bridge->api;
    bridge->api = NULL;
    if (api != NULL)
        api_close(api, handle_api_closed, bridge);
    else
        handle_api_closed(bridge);
}

void bridge_destroy(struct bridge *bridge)
{
    if (bridge == NULL)
        return;
    audit_log_close(bridge->audit);
    secret_release(bridge->link_loop.secrets, bridge->own, sizeof(*bridge->own));
    link_loop_finish(&bridge->link_loop);
    free(bridge);
}
