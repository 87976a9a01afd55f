/* SPDX-License-Identifier: MIT */
/* A guest's ports as the host knows them, and the forwards that follow from them: automatic ones by policy,
 * static ones by request. Owns the host listeners. Does not know how bytes reach the guest: `struct
 * forwards_io` does. */
#ifndef HOSPES_FORWARDS_H
#define HOSPES_FORWARDS_H

#include <jansson.h>
#include <uv.h>

#include "host-bridge/features/forwards/policy.h"
#include "protocol/wire/message.h"
#include "services/relay/flow_set.h"

#define FORWARDS_MAX           4096 /* of one guest, as PORTS_MAX */
#define FORWARD_FALLBACK_TRIES 99   /* +1 … +99 before any free port */
#define FORWARD_GRACE_MS       2000 /* a host listener stays so long after the guest's port closed */

enum forward_kind { FORWARD_AUTO = 1, FORWARD_STATIC };
enum forward_state {
    FORWARD_ACTIVE = 1,
    FORWARD_FAILED,   /* not listening, tried again; `reason` says why */
    FORWARD_BLOCKED,  /* by a rule */
    FORWARD_DISABLED, /* static, kept but switched off */
};

/* A forward as the API shows it. Read-only outside forwards/. */
struct forward {
    char id[16]; /* unique within the bridge's life and stable: "tcp-8080", "static-2" … */
    enum forward_kind kind;
    enum forward_state state;
    uint8_t protocol; /* enum port_protocol */
    uint16_t guest_port;
    struct dial_target target; /* what is dialled in the guest; guestAddress is its first */
    struct ip_address bind;    /* requested: family 4 127.0.0.1 as a rule; loopback of both families then */
    bool bind_both_loopbacks;  /* 127.0.0.1 and ::1 */
    bool allow_fallback;
    uint16_t requested_host_port; /* the guest's port, the user's wish or the remembered one */
    uint16_t host_port;           /* 0 when not active */
    char reason[TEXT_REASON_MAX +
                1];       /* why it failed, or why another port: "8080 is held by nginx (pid 812)" */
    bool guest_listening; /* something listens there now; false in the grace time */
    struct flow_set flows;
    /* further private state lies behind this struct in forwards.c */
};

/* A guest port as the API shows it. */
struct known_port {
    struct port_fact fact;
    uint64_t first_seen_ms; /* monotonic */
    struct policy_decision decision;
    const struct forward *forward; /* NULL: none; two listeners of one port number share one */
};

struct forwards; /* opaque; one for each guest */

struct forwards_io {
    /* A client was accepted on an active forward: carry `fd` (non-blocking, owned by the callee from now on)
     * to `target` (valid until return) as a member of `flows` from before return on. The callee refuses by
     * closing fd with RST (SO_LINGER 0). */
    void (*carry_tcp)(void *ctx, int fd, const struct dial_target *target, struct flow_set *flows);
    /* Serve a bound UDP socket until stop: `fd` is owned by the callee. NULL on failure (fd closed). `target`
     * and `flows` live until stop_udp; `target` changes with the guest's listeners: read it for each flow. */
    void *(*serve_udp)(void *ctx, int fd, const struct dial_target *target, struct flow_set *flows);
    /* The socket is closed on return; its flows abort and leave the set in their own time. */
    void (*stop_udp)(void *ctx, void *server);
    /* Who of the same bridge but this guest holds a host port: "guest other" (valid until the next call), or
     * NULL. The callback itself can be NULL. Called from within forwards_apply, _add … */
    const char *(*holder)(void *ctx, uint8_t protocol, uint16_t port);
    /* News, never from within a call of the reader's own get functions; the get functions may be called, the
     * others not. `what` is "opened" (new in the table, in whatever state), "changed" or "closed" (about to
     * leave the table). */
    void (*on_port)(void *ctx, const struct known_port *port, const char *what);
    void (*on_forward)(void *ctx, const struct forward *forward, const char *what);
    /* Something that must survive a restart changed (static forwards, rules, remembered host ports): save
     * soon. */
    void (*on_dirty)(void *ctx);
    void *ctx;
};

/* `config_rules` is borrowed for the whole life and can be NULL. UV_ENOMEM. */
int forwards_create(uv_loop_t *loop, const struct policy_set *config_rules, const struct forwards_io *io,
                    struct forwards **ret);
/* Closes listeners and connections; on_closed once all handles are closed (never before return). */
void forwards_close(struct forwards *forwards, void (*on_closed)(void *ctx), void *ctx);

/* From the guest's event feed. A snapshot's parts are gathered until more is false; ports beyond PORTS_MAX
 * are dropped, counted by forwards_dropped. */
void forwards_apply(struct forwards *forwards, const struct ports_message *message);
/* The link is down: connections are aborted, listeners stay for `FORWARD_LINK_GRACE_MS` and then go until
 * ports are known again; a client that connects meanwhile is refused. What is remembered stays. */
void forwards_link_lost(struct forwards *forwards);
#define FORWARD_LINK_GRACE_MS 30000 /* a guest reboots or a bridge redials within this as a rule */
/* The event feed is there again and resumed at its cursor, so that no snapshot comes: what is known holds.
 * forwards_apply implies it. Until either, from creation on, the link counts as lost. */
void forwards_link_restored(struct forwards *forwards);
/* Tries FAILED forwards again soon: a host port was released elsewhere in the bridge. They are tried every
 * few seconds in any case. */
void forwards_retry_failed(struct forwards *forwards);
uint64_t forwards_dropped(const struct forwards *forwards);

size_t forwards_port_count(const struct forwards *forwards);
/* Sorted by port, protocol, address. Valid until the next call that changes anything. index < count. */
const struct known_port *forwards_port(const struct forwards *forwards, size_t index);
size_t forwards_count(const struct forwards *forwards);
const struct forward *forwards_at(const struct forwards *forwards, size_t index);
const struct forward *forwards_find(const struct forwards *forwards, const char *id);
/* The forward that listens on this host port, or asks for it; NULL. protocol 0 = any. */
const struct forward *forwards_find_host_port(const struct forwards *forwards, uint8_t protocol,
                                              uint16_t host_port);

struct forward_request {
    uint8_t protocol;       /* enum port_protocol */
    uint16_t guest_port;    /* 1 … 65535 */
    uint16_t host_port;     /* 0 = the guest's number */
    struct ip_address bind; /* family 0 = both loopbacks; "::" takes IPv4 too */
    bool allow_fallback;
    bool enabled;
};
/* A static forward. 0 and *ret (state FAILED with a reason when it could not listen: it is kept and tried
 * again when the holder goes). STATUS_CONFLICT: the same forward exists already. STATUS_INVALID: port or bind
 * not allowed, sentence in ret_problem. STATUS_LIMIT. */
int forwards_add(struct forwards *forwards, const struct forward_request *request, const struct forward **ret,
                 char ret_problem[static TEXT_REASON_MAX + 1]);
/* Removes a static forward, or ends an automatic one (a guest rule "ignore" for its port is put, so that it
 * stays away). Its connections are closed. STATUS_NOT_FOUND. */
int forwards_remove(struct forwards *forwards, const char *id);

/* Rules of this guest. A change is applied to every known port at once. */
const struct policy_set *forwards_rules(const struct forwards *forwards);
/* STATUS_INVALID, STATUS_LIMIT, UV_ENOMEM. */
int forwards_put_rule(struct forwards *forwards, const struct policy_rule *rule);
int forwards_drop_rule(struct forwards *forwards, const struct policy_rule *rule); /* STATUS_NOT_FOUND */
/* `hospes unblock`: drops BLOCK rules for exactly this port (protocol 0 = any). STATUS_NOT_FOUND. */
int forwards_unblock(struct forwards *forwards, uint8_t protocol, uint16_t port);

/* What must survive a restart, as JSON (owned by the caller: json_decref; NULL = out of memory) and back,
 * once after creation. Loading is strict, all or nothing: STATUS_MALFORMED and a sentence; UV_ENOMEM. */
json_t *forwards_save(const struct forwards *forwards);
int forwards_load(struct forwards *forwards, const json_t *state,
                  char ret_problem[static TEXT_REASON_MAX + 1]);
/* GhostVM's {"portForwards":[{"hostPort":8080,"guestPort":80,"enabled":true}]}: `list` is the array, and the
 * whole of it: what an earlier call added and is not in it goes. Keys that GhostVM adds beside are skipped, a
 * pair that is listed twice counts once. All or nothing: STATUS_MALFORMED, STATUS_LIMIT and a sentence. Not
 * saved by forwards_save: the file stays their home. */
int forwards_load_ghostvm(struct forwards *forwards, const json_t *list,
                          char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
