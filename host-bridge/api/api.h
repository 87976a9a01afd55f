/* SPDX-License-Identifier: MIT */
/* The Host API as the rest of the bridge sees it: start, stop, and news for the event stream. */
#ifndef HOSPES_API_H
#define HOSPES_API_H

#include <uv.h>

#include "host-bridge/api/clients.h"
#include "host-bridge/audit/audit_log.h"
#include "host-bridge/features/inbox/inbox.h"
#include "host-bridge/features/transfers/transfers.h"
#include "host-bridge/guests.h"

struct api; /* opaque */
struct receiving;

struct api_options {
    const char *socket_path; /* Host API; created 0600 in a folder made 0700. A stale socket is replaced, a
                                live one is UV_EADDRINUSE */
    const char *guest_socket_dir; /* a socket <dir>/<name>.sock for each guest serves its paths without
                                     /vms/{vm}; NULL = none */
    const char *version;
    const char *key;             /* the bridge's public key, as text, for GET /identity */
    uint64_t first_event;        /* sequence number of the first server-sent event; 0 = 1 */
    uint64_t read_timeout_ms;    /* for a whole request; 0 = 30 seconds. Tests have less patience */
    uint64_t wait_timeout_ms;    /* for an answer that a guest owes; 0 = 10 seconds, then 504 */
    uint64_t idle_timeout_ms;    /* of bytes of files, without one either way; 0 = 60 seconds */
    uint64_t heartbeat_ms;       /* of event streams; 0 = 30 seconds */
    struct audit_log *audit;     /* borrowed until on_closed; NULL = none is kept */
    struct transfers *transfers; /* these three are borrowed until on_closed; NULL: there are none */
    struct inbox *inbox;
    struct receiving *receiving;
    const struct api_client *clients; /* other users that may use the API; copied. They need has_group */
    size_t client_count;
    bool has_group; /* the sockets are 0660 of this group, and their folder is made passable for it */
    gid_t group;
};

/* `guests` is borrowed for the whole life. On failure a sentence in ret_problem. */
int api_create(uv_loop_t *loop, struct guests *guests, const struct api_options *options, struct api **ret,
               char ret_problem[static TEXT_REASON_MAX + 1]);
/* Ends every request and stream, closes the sockets and removes their files; on_closed when all is closed
 * (never before return). */
void api_close(struct api *api, void (*on_closed)(void *ctx), void *ctx);

/* News. Each becomes one server-sent event: `event: TYPE`, `id: SEQUENCE`, `data: {"vm":…,"time":…,…}`. */
void api_guest_added(struct api *api, struct guest *guest);   /* vm.added; opens the guest's socket */
void api_guest_removed(struct api *api, struct guest *guest); /* vm.removed; closes it */
void api_guest_changed(struct api *api,
                       struct guest *guest); /* vm.connected, vm.disconnected (with reason) */
/* vm.pairing, with the state and, while people compare it, the code. Told once for each change of these. */
void api_pairing_changed(struct api *api, struct guest *guest);
/* vm.refused: the guest's agent turned connections away, with count, code, link and who. */
void api_guest_refused(struct api *api, struct guest *guest, const struct refusals_message *refusals);
void api_port_changed(struct api *api, struct guest *guest, const struct known_port *port,
                      const char *what); /* port.opened … */
void api_forward_changed(struct api *api, struct guest *guest, const struct forward *forward,
                         const char *what); /* forward.opened … */
/* transfer.added, .changed, .progress, .removed: what the transfers' on_transfer said. */
void api_transfer_changed(struct api *api, const struct transfer *transfer, const char *what);
/* inbox.offered, .accepted, .gone: what the inbox's on_item said. */
void api_inbox_changed(struct api *api, const struct inbox_item *item, const char *what);

#endif
