/* SPDX-License-Identifier: MIT */
/* The Host API's owner: server, event stream, guests' sockets, and the bridge's news on their way to the
 * stream. Requests go from the server to the router. */
#include "host-bridge/api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-bridge/api/owner.h"
#include "host-bridge/api/refusals.h"
#include "host-bridge/api/router.h"
#include "host-bridge/api/view.h"
#include "protocol/base/status.h"

#define LOG_MODULE "api"
#include "protocol/base/log.h"

#define EVENT_FAILURES_MAX 20  /* of a transfer in its events; GET tells all */
#define PATH_SIZE          512 /* socket paths end at 107 bytes anyway; the listener says so */

/* Entries */

static struct guest_entry *find_entry(const struct api *api, const char *name)
{
    for (struct guest_entry *entry = api->entries; entry != NULL; entry = entry->next) {
        if (strcmp(entry->name, name) == 0)
            return entry;
    }
    return NULL;
}

const struct guest_entry *api_entry(const struct api *api, const char *name)
{
    return find_entry(api, name);
}

static void open_guest_socket(struct api *api, struct guest_entry *entry)
{
    if (api->guest_socket_dir == NULL)
        return;
    char path[PATH_SIZE], problem[TEXT_REASON_MAX + 1];
    snprintf(path, sizeof(path), "%s/%s.sock", api->guest_socket_dir, entry->name);
    if (http_server_listen(api->server, path, entry->name, &entry->listener, problem) < 0)
        log_warn("no socket for guest %s: %s", entry->name, problem);
}

/* The guest's entry, made on first sight. NULL when out of memory. */
static struct guest_entry *take_entry(struct api *api, const struct guest *guest)
{
    struct guest_entry *entry = find_entry(api, guest_name(guest));
    if (entry != NULL)
        return entry;
    entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return NULL;
    snprintf(entry->name, sizeof(entry->name), "%s", guest_name(guest));
    entry->next = api->entries;
    api->entries = entry;
    open_guest_socket(api, entry);
    return entry;
}

static void drop_entry(struct api *api, const char *name)
{
    for (struct guest_entry **link = &api->entries; *link != NULL; link = &(*link)->next) {
        struct guest_entry *entry = *link;
        if (strcmp(entry->name, name) != 0)
            continue;
        *link = entry->next;
        if (entry->listener != NULL)
            http_server_unlisten(entry->listener);
        free(entry);
        return;
    }
}

/* Life */

static void handle_request(void *ctx, struct http_request *request)
{
    router_handle(ctx, request);
}

static bool handle_head(void *ctx, struct http_request *request)
{
    return router_handle_head(ctx, request);
}

static bool admit(void *ctx, const struct unix_peer *peer, struct request_classes *ret_classes)
{
    struct api *api = ctx;
    if (clients_find(api->clients, api->client_count, getuid(), peer->uid, ret_classes))
        return true;
    refusals_note_stranger(api, peer);
    return false;
}

static void free_api(struct api *api)
{
    free(api->clients);
    for (struct guest_entry *entry = api->entries, *next; entry != NULL; entry = next) {
        next = entry->next;
        free(entry);
    }
    free((char *)api->version);
    free(api->key);
    free(api->guest_socket_dir);
    free(api);
}

/* api_create failed half-way: what is on the loop ends there by itself. */
static void finish_failed(void *ctx)
{
    struct api *api = ctx;
    if (--api->open_parts == 0)
        free_api(api);
}

static int fail(struct api *api, int status, char *ret_problem, const char *problem)
{
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s", problem);
    api->open_parts = 1 + (api->server != NULL) + (api->sse != NULL);
    if (api->server != NULL)
        http_server_close(api->server, finish_failed, api);
    if (api->sse != NULL)
        sse_close(api->sse, finish_failed, api);
    finish_failed(api);
    return status;
}

/* False: out of memory. */
static bool copy_options(struct api *api, const struct api_options *options)
{
    api->audit = options->audit;
    api->socket_group = options->group;
    api->version = strdup(options->version);
    api->key = strdup(options->key != NULL ? options->key : "");
    if (options->guest_socket_dir != NULL)
        api->guest_socket_dir = strdup(options->guest_socket_dir);
    if (options->client_count > 0)
        api->clients = calloc(options->client_count, sizeof(*api->clients));
    if (api->version == NULL || api->key == NULL ||
        (options->guest_socket_dir != NULL && api->guest_socket_dir == NULL) ||
        (options->client_count > 0 && api->clients == NULL))
        return false;
    for (; api->client_count < options->client_count; api->client_count++)
        api->clients[api->client_count] = options->clients[api->client_count];
    return true;
}

int api_create(uv_loop_t *loop, struct guests *guests, const struct api_options *options, struct api **ret,
               char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct api *api = calloc(1, sizeof(*api));
    if (api == NULL) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "out of memory");
        return UV_ENOMEM;
    }
    api->loop = loop;
    api->guests = guests;
    api->transfers = options->transfers;
    api->inbox = options->inbox;
    api->receiving = options->receiving;
    api->heartbeat_ms = options->heartbeat_ms == 0 ? SSE_HEARTBEAT_MS : options->heartbeat_ms;
    if (!copy_options(api, options))
        return fail(api, UV_ENOMEM, ret_problem, "out of memory");
    const struct http_server_options server = {.handle = handle_request,
                                               .handle_head = handle_head,
                                               .admit = admit,
                                               .ctx = api,
                                               .socket_group = options->has_group ? &api->socket_group : NULL,
                                               .read_timeout_ms = options->read_timeout_ms,
                                               .wait_timeout_ms = options->wait_timeout_ms,
                                               .idle_timeout_ms = options->idle_timeout_ms};
    int status = http_server_create(loop, &server, &api->server);
    if (status == 0)
        status = sse_create(loop, options->first_event, api->heartbeat_ms, &api->sse);
    if (status < 0)
        return fail(api, status, ret_problem, uv_strerror(status));
    struct http_server_listener *listener;
    char problem[TEXT_REASON_MAX + 1];
    status = http_server_listen(api->server, options->socket_path, "", &listener, problem);
    if (status < 0)
        return fail(api, status, ret_problem, problem);
    for (size_t i = 0; i < guests_count(guests); i++)
        take_entry(api, guests_at(guests, i));
    *ret = api;
    return 0;
}

static void handle_sse_closed(void *ctx)
{
    struct api *api = ctx;
    void (*on_closed)(void *ctx) = api->on_closed;
    void *closed_ctx = api->closed_ctx;
    free_api(api);
    on_closed(closed_ctx);
}

static void handle_server_closed(void *ctx)
{
    struct api *api = ctx;
    sse_close(api->sse, handle_sse_closed, api);
}

void api_close(struct api *api, void (*on_closed)(void *ctx), void *ctx)
{
    api->on_closed = on_closed;
    api->closed_ctx = ctx;
    for (struct guest_entry *entry = api->entries; entry != NULL; entry = entry->next)
        entry->listener = NULL; /* http_server_close ends it */
    api_forget_inquiries(api);
    http_server_close(api->server, handle_server_closed, api);
}

/* News */

void api_guest_added(struct api *api, struct guest *guest)
{
    take_entry(api, guest);
    sse_publish(api->sse, guest_name(guest), "vm.added", json_object());
}

void api_guest_removed(struct api *api, struct guest *guest)
{
    sse_publish(api->sse, guest_name(guest), "vm.removed", json_object());
    drop_entry(api, guest_name(guest));
}

void api_guest_changed(struct api *api, struct guest *guest)
{
    struct guest_entry *entry = take_entry(api, guest);
    bool connected = guest_state(guest) == GUEST_CONNECTED;
    const char *code = guest_error_code(guest);
    /* a guest that is dialled twenty times a minute is told of once for each reason */
    if (entry == NULL || (entry->connected == connected && strcmp(entry->error_code, code) == 0))
        return;
    entry->connected = connected;
    snprintf(entry->error_code, sizeof(entry->error_code), "%s", code);
    if (connected)
        sse_publish(api->sse, guest_name(guest), "vm.connected", json_object());
    else
        sse_publish(
            api->sse, guest_name(guest), "vm.disconnected",
            json_pack("{s:o, s:o}", "reason", view_text(guest_error(guest)), "code", view_text(code)));
}

void api_pairing_changed(struct api *api, struct guest *guest)
{
    struct guest_entry *entry = take_entry(api, guest);
    const struct guest_pairing *pairing = guest_pairing(guest);
    enum pairing_state state = guest_pairing_state(pairing);
    if (entry == NULL || (entry->pairing == state && strcmp(entry->code, pairing->code) == 0))
        return;
    entry->pairing = state;
    snprintf(entry->code, sizeof(entry->code), "%s", pairing->code);
    json_t *data = json_pack("{s:s}", "state", pairing_state_name(state));
    if (data != NULL && pairing->code[0] != '\0')
        json_object_set_new(data, "code", json_string(pairing->code));
    sse_publish(api->sse, guest_name(guest), "vm.pairing", data);
}

void api_guest_refused(struct api *api, struct guest *guest, const struct refusals_message *refusals)
{
    sse_publish(api->sse, guest_name(guest), "vm.refused",
                json_pack("{s:I, s:s, s:o, s:o}", "count", (json_int_t)refusals->count, "code",
                          status_name(refusals->status), "link", view_text(refusals->link), "who",
                          view_text(refusals->who)));
}

void api_port_changed(struct api *api, struct guest *guest, const struct known_port *port, const char *what)
{
    char type[TEXT_NAME_MAX + 1];
    snprintf(type, sizeof(type), "port.%s", what);
    sse_publish(api->sse, guest_name(guest), type, json_pack("{s:o}", "port", view_port(port)));
}

void api_forward_changed(struct api *api, struct guest *guest, const struct forward *forward,
                         const char *what)
{
    struct guest_entry *entry = take_entry(api, guest);
    if (entry != NULL && strcmp(what, "closed") == 0) {
        entry->connections += forward->flows.total;
        entry->bytes_in += forward->flows.bytes_in;
        entry->bytes_out += forward->flows.bytes_out;
    }
    char type[TEXT_NAME_MAX + 1];
    snprintf(type, sizeof(type), "forward.%s", what);
    sse_publish(api->sse, guest_name(guest), type, json_pack("{s:o}", "forward", view_forward(forward)));
}

static void add_bytes(struct api *api, const struct transfer *transfer)
{
    struct guest_entry *from = find_entry(api, transfer->from.vm), *to = find_entry(api, transfer->to.vm);
    if (from != NULL)
        from->file_bytes_in += transfer->counts.bytes_moved;
    if (to != NULL)
        to->file_bytes_out += transfer->counts.bytes_moved;
}

void api_transfer_changed(struct api *api, const struct transfer *transfer, const char *what)
{
    if (strcmp(what, "removed") == 0)
        add_bytes(api, transfer);
    char type[TEXT_NAME_MAX + 1];
    snprintf(type, sizeof(type), "transfer.%s", what);
    const char *vm = transfer->to.vm[0] != '\0' ? transfer->to.vm : transfer->from.vm;
    json_t *view = strcmp(what, "progress") == 0 ? view_transfer_progress(transfer)
                                                 : view_transfer(transfer, EVENT_FAILURES_MAX);
    sse_publish(api->sse, vm, type, json_pack("{s:o}", "transfer", view));
}

void api_inbox_changed(struct api *api, const struct inbox_item *item, const char *what)
{
    char type[TEXT_NAME_MAX + 1];
    snprintf(type, sizeof(type), "inbox.%s", what);
    sse_publish(api->sse, item->vm, type, json_pack("{s:o}", "item", view_inbox_item(item)));
}
