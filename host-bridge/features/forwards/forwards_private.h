/* SPDX-License-Identifier: MIT */
/* What the files of this folder share: the owner, a forward's private half, and the steps between them.
 *
 *   facts or rules change ─▶ forwards_evaluate (what a group's forward should be)
 *                         ─▶ forwards_open_pending (sockets, in slices) ─▶ forwards_tell_ports (news)
 *   forwards_tick does the same for what time brings.
 */
#ifndef HOSPES_FORWARDS_PRIVATE_H
#define HOSPES_FORWARDS_PRIVATE_H

#include "host-bridge/features/forwards/fd_reserve.h"
#include "host-bridge/features/forwards/forwards.h"
#include "host-bridge/features/forwards/host_listener.h"
#include "host-bridge/features/forwards/host_sockets.h"
#include "host-bridge/features/forwards/port_book.h"
#include "host-bridge/features/forwards/remembered_ports.h"

#define FORWARDS_TRIES_A_SLICE 64 /* ports tried before the loop has its turn: 1 to 2 ms */
#define FORWARD_RETRY_MS       5000
#define FORWARD_RESUME_MS      100 /* a listener that could not even refuse accepts again after so long */

struct forward_entry {
    struct forward forward; /* first: a forward is its entry */
    struct forwards *owner;
    struct forward_entry *previous, *next; /* owner::ending */
    struct host_listener *listener;        /* TCP; NULL when not listening */
    void *udp_servers[HOST_SOCKETS_MAX];   /* UDP; NULL when not serving */
    uint64_t grace_until_ms;               /* automatic: the guest's port is gone; 0 = no grace */
    uint16_t wanted_port;                  /* tried first, after the remembered one */
    uint32_t number;                       /* static-N */
    bool enabled;
    bool from_ghostvm; /* not saved */
    bool kept;         /* while a GhostVM list is applied: it is in the list */
    bool announced;    /* on_forward "opened" was sent */
    bool opening;      /* waits for its turn in forwards_open_pending */
    bool parked;       /* static: not listening because the guest is away for long */
};

/* Replaced by tests; all milliseconds. */
struct forwards_timing {
    uint64_t grace_ms, link_grace_ms, retry_ms;
    uint64_t (*now_ms)(void); /* monotonic */
};

struct forwards {
    uv_loop_t *loop;
    struct forwards_io io;
    struct forwards_timing timing;

    /* what is known and wished for */
    const struct policy_set *config_rules; /* can be NULL */
    struct policy_set rules;
    struct port_book known;
    struct port_book staged; /* a snapshot being gathered */
    uint64_t staged_sequence;
    bool staging;
    uint16_t ephemeral_low, ephemeral_high;
    uint64_t dropped;
    struct remembered_ports remembered;

    /* the forwards, sorted by port, protocol, kind, number */
    struct forward_entry **entries;
    size_t count, capacity, static_count, opening_count;
    struct forward_entry *ending; /* out of the table, connections not gone yet */
    uint32_t next_static;
    bool starved; /* a port got no forward for lack of room */

    /* the link */
    bool link_up;
    bool suspended;         /* away for longer than the grace: nothing listens */
    uint64_t suspend_at_ms; /* while the link is down */

    /* the clockwork: one timer; 0 = not due */
    uv_timer_t timer;
    uint64_t due_ms; /* when the timer fires */
    uint64_t last_tick_ms;
    uint64_t retry_at_ms;  /* some forward failed */
    uint64_t resume_at_ms; /* some listener is paused */

    /* limits on what is spent and said */
    struct fd_reserve reserve;
    uint64_t holder_second_ms; /* start of the second in which holder_spent_us was spent on look-ups */
    uint64_t holder_spent_us;
    uint64_t refusals_logged_ms;
    unsigned refusals_untold;

    /* the end */
    bool closing;
    size_t pending; /* close callbacks to come */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* forward_table.c */
uint32_t forward_group(const struct forward_entry *entry);
struct forward_entry *forward_table_find_auto(const struct forwards *forwards, uint32_t group); /* NULL */
/* First index whose group is >= `group`. */
size_t forward_table_lower_bound(const struct forwards *forwards, uint32_t group);
/* A new entry with id, kind, group and flows set, state FAILED. NULL when full or out of memory. */
struct forward_entry *forward_table_add(struct forwards *forwards, enum forward_kind kind, uint32_t group,
                                        uint32_t number);
/* Ends it: listener closed, "closed" told, out of the table; freed once its connections are gone. Those are
 * aborted, or left to end by themselves (a server that took one connection and stopped listening). */
void forward_table_retire(struct forward_entry *entry, bool abort_connections);
void forward_tell(struct forward_entry *entry); /* "opened" the first time, then "changed" */

/* forward_serve.c: the host side of one forward */
bool forward_is_serving(const struct forward_entry *entry);
/* Takes the sockets over, in failure too. */
int forward_serve(struct forward_entry *entry, struct host_sockets *take);
void forward_stop(struct forward_entry *entry); /* the port is free on return; no-op when not serving */

/* forwards_open.c */
void forward_want_open(struct forward_entry *entry);   /* joins the queue */
void forward_forget_open(struct forward_entry *entry); /* leaves it */
/* Opens it now; afterwards ACTIVE or FAILED, and told. */
void forward_open_now(struct forward_entry *entry);
void forwards_open_pending(struct forwards *forwards); /* one slice; the rest is due soon */
void forwards_retry_due(struct forwards *forwards);    /* failed ones join the queue */

/* forward_reason.c: why a port was refused, for people */
void forward_explain(struct forward_entry *entry, uint16_t port, int status, bool got_another,
                     char out[static TEXT_REASON_MAX + 1]);

/* forwards_evaluate.c */
void forwards_evaluate(struct forwards *forwards, uint32_t group);
void forwards_evaluate_all(struct forwards *forwards);
bool forwards_group_is_blocked(struct forwards *forwards, uint32_t group);
void forwards_tell_ports(struct forwards *forwards, uint32_t first_group, uint32_t last_group);
#define FORWARDS_LAST_GROUP UINT32_MAX
void forwards_settle(struct forwards *forwards);   /* evaluates, opens and tells everything */
void forwards_redecide(struct forwards *forwards); /* the same after a change of rules */

/* forwards_clock.c */
uint64_t forwards_now(const struct forwards *forwards);
void forwards_due(struct forwards *forwards, uint64_t at_ms); /* the tick comes then or earlier */
void forwards_due_now(struct forwards *forwards);
void forwards_check_link(struct forwards *forwards); /* suspends when the link's grace is over */
void forwards_tick(struct forwards *forwards);       /* what is due; tests call it too */
void forwards_timer_fired(uv_timer_t *timer);

/* forwards_static.c */
struct forward_entry *forwards_static_find(const struct forwards *forwards,
                                           const struct forward_request *request);
/* Adds without telling or opening; status and problem as forwards_add. number 0 = the next. */
int forwards_static_insert(struct forwards *forwards, const struct forward_request *request, uint32_t number,
                           struct forward_entry **ret, char ret_problem[static TEXT_REASON_MAX + 1]);
int forward_request_check(const struct forward_request *request,
                          char ret_problem[static TEXT_REASON_MAX + 1]);
#define FORWARDS_STATIC_MAX 1024     /* leaves automatic ones room in FORWARDS_MAX */
#define FORWARD_NUMBER_MAX  99999999 /* "static-99999999" fits struct forward.id */

/* forwards_rules.c */
int policy_rule_check(const struct policy_rule *rule); /* STATUS_INVALID */

/* forwards.c */
void forwards_release(struct forwards *forwards); /* one pending close is done */

#endif
