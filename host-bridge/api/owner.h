/* SPDX-License-Identifier: MIT */
/* The API's owner struct, for its routes: what they may reach. */
#ifndef HOSPES_API_OWNER_H
#define HOSPES_API_OWNER_H

#include "host-bridge/api/api.h"
#include "host-bridge/api/clients.h"
#include "host-bridge/api/http_server.h"
#include "host-bridge/api/sse.h"
#include "protocol/base/log_limit.h"

/* What the API remembers of a guest between two pieces of news. */
struct guest_entry {
    struct guest_entry *next;
    char name[TEXT_NAME_MAX + 1];
    struct http_server_listener *listener; /* the guest's own socket; NULL */
    bool connected;                        /* as told last */
    char error_code[TEXT_NAME_MAX + 1];    /* as told last */
    enum pairing_state pairing;            /* as told last; 0 = never */
    char code[HANDSHAKE_CODE_DIGITS + 1];  /* as told last */
    uint64_t connections; /* totals of forwards that are closed, so that counters only grow */
    uint64_t bytes_in, bytes_out;
    uint64_t file_bytes_in, file_bytes_out; /* of transfers that are forgotten */
};

enum refusal { REFUSAL_PEER, REFUSAL_CLASS, REFUSAL_COUNT };

struct audit_inquiry;

struct api {
    uv_loop_t *loop;
    struct audit_log *audit;    /* borrowed; NULL = none is kept */
    struct api_client *clients; /* owned: other users that may use the API */
    size_t client_count;
    gid_t socket_group;
    uint64_t refused[REFUSAL_COUNT];
    struct log_limit refusal_limits[REFUSAL_COUNT];
    struct audit_inquiry *inquiries; /* routes_audit.c: under way on other threads */
    struct guests *guests;           /* borrowed */
    struct transfers *transfers;     /* borrowed, as the next two; NULL */
    struct inbox *inbox;
    struct receiving *receiving;
    struct http_server *server;
    struct sse *sse;
    uint64_t heartbeat_ms; /* of event streams */
    struct guest_entry *entries;
    const char *version;    /* owned */
    char *key;              /* owned; the bridge's public key */
    char *guest_socket_dir; /* owned; NULL */
    size_t open_parts;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* routes_audit.c: the API is about to go; what is under way ends by itself. */
void api_forget_inquiries(struct api *api);

/* NULL when the guest was never told of. */
const struct guest_entry *api_entry(const struct api *api, const char *name);

#endif
