/* SPDX-License-Identifier: MIT */
/* The API's owner struct, for its routes: what they may reach. */
#ifndef HOSPES_API_OWNER_H
#define HOSPES_API_OWNER_H

#include "host-bridge/api/api.h"
#include "host-bridge/api/http_server.h"
#include "host-bridge/api/sse.h"

/* What the API remembers of a guest between two pieces of news. */
struct guest_entry {
    struct guest_entry *next;
    char name[TEXT_NAME_MAX + 1];
    struct http_server_listener *listener; /* the guest's own socket; NULL */
    bool connected;                        /* as told last */
    char error_code[TEXT_NAME_MAX + 1];    /* as told last */
    uint64_t connections; /* totals of forwards that are closed, so that counters only grow */
    uint64_t bytes_in, bytes_out;
};

struct api {
    struct guests *guests; /* borrowed */
    struct http_server *server;
    struct sse *sse;
    struct guest_entry *entries;
    const char *version;    /* owned */
    char *guest_socket_dir; /* owned; NULL */
    size_t open_parts;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* NULL when the guest was never told of. */
const struct guest_entry *api_entry(const struct api *api, const char *name);

#endif
