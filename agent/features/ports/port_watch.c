/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *
 * A wake-up (tracepoint, DESTROY message, poll) says only "look". A look dumps the sockets of one protocol or
 * both, has their owners found, and gives all to the table, which tells what changed.
 *
 * Everything that happens later is a moment in `moments`; one timer runs to the earliest, and none runs when
 * there is none. Tier T0 sets moments only after a wake-up.
 *
 * - SETTLE: a socket is traced before the kernel lists it, hence a second look 2 ms after each wake-up. In a
 *   storm only the first three wake-ups of 15 ms are looked at at once, the others wait for such a look.
 * - ASSURE: a virtual processor may be taken away by the host between the trace and the listing, for longer
 *   than SETTLE waits: two more looks, 50 and 500 ms after the last wake-up.
 * - SEARCH: the search for owners used up its slice; it goes on after the loop had its turn.
 * - HOLD: a UDP port of the ephemeral range has lived long enough to be told, if it still lives.
 * - VALIDATE: half a second after something opened, since daemons fork after listen(2).
 * - POLL: T1 and T2 only.
 *
 * perf signals nothing for events between opening and the loop's first wait, which is why a new trace is
 * followed by two SETTLE looks: the second one is behind a wait. ASSURE follows there too. */
#include "agent/features/ports/port_watch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/features/ports/port_look.h"
#include "agent/platform/linux_sock_destroy.h"

#define SETTLE_MS         2
#define ASSURE_FIRST_MS   50
#define ASSURE_LAST_MS    500
#define BURST_LOOKS       3  /* bind(2), listen(2) and one more are looked at as they happen … */
#define BURST_WINDOW_MS   15 /* … in each such time, longer where a look is slow */
#define SEARCH_BUDGET_US  3000
#define SEARCH_FIRST_US   30000 /* in create, where nothing waits yet */
#define SEARCH_PAUSE_MS   3
#define VALIDATE_AFTER_MS 500
#define VALIDATE_COUNT    64 /* owners a check, about 8 µs each */
#define FULL_INTERVAL_MS  30000
#define POLL_FAST_MS      50 /* T1, for POLL_FAST_FOR_MS after a change */
#define POLL_FAST_FOR_MS  10000
#define POLL_SLOW_MS      250
#define POLL_UDP_MS       1000
#define POLL_PROCNET_MS   500
#define LOOK_COST_MAX     20 /* a look may take one twentieth of the time */

enum moment {
    MOMENT_SETTLE,
    MOMENT_ASSURE,
    MOMENT_SEARCH,
    MOMENT_HOLD,
    MOMENT_VALIDATE,
    MOMENT_POLL,
    MOMENT_COUNT
};

/* A polled descriptor; on the heap, since a trace may be exchanged while its old handle closes. */
struct watch_poll {
    uv_poll_t handle;
    struct port_watch *watch;
};

struct port_watch {
    uv_loop_t *loop;
    void (*on_delta)(void *ctx, const struct ports_message *delta);
    void *ctx;
    struct port_look look;

    uv_timer_t timer;
    struct watch_poll *trace_poll;   /* can be NULL */
    struct watch_poll *destroy_poll; /* can be NULL */
    unsigned open_handles;
    uint64_t moments[MOMENT_COUNT]; /* uv_hrtime's milliseconds; 0 = none */
    unsigned settle_again;          /* looks still to be made after the next SETTLE */
    uint64_t last_wake_ms;
    uint64_t burst_start_ms;
    unsigned burst_looks;  /* since then, made at once */
    uint64_t look_cost_ms; /* of the last one */
    uint64_t last_udp_ms;
    uint64_t last_full_ms;
    uint64_t last_change_ms;
    bool started; /* deltas are told */
    bool changed; /* the update under way told something */

    bool closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void handle_timer(uv_timer_t *timer);

static void arm(struct port_watch *watch)
{
    uint64_t earliest = 0;
    for (int i = 0; i < MOMENT_COUNT; i++) {
        if (watch->moments[i] != 0 && (earliest == 0 || watch->moments[i] < earliest))
            earliest = watch->moments[i];
    }
    if (watch->closing || earliest == 0) {
        uv_timer_stop(&watch->timer);
        return;
    }
    uint64_t now = now_ms();
    uv_update_time(watch->loop);
    uv_timer_start(&watch->timer, handle_timer, earliest > now ? earliest - now : 0, 0);
}

static void set_moment(struct port_watch *watch, enum moment moment, uint64_t at_ms)
{
    if (watch->moments[moment] == 0 || at_ms < watch->moments[moment])
        watch->moments[moment] = at_ms;
}

static bool take_moment(struct port_watch *watch, enum moment moment, uint64_t now)
{
    if (watch->moments[moment] == 0 || watch->moments[moment] > now)
        return false;
    watch->moments[moment] = 0;
    return true;
}

static void emit_delta(void *ctx, const struct ports_message *delta)
{
    struct port_watch *watch = ctx;
    watch->changed = true;
    if (!watch->closing)
        watch->on_delta(watch->ctx, delta);
}

/* Without memory the next look makes up for it. */
static void publish(struct port_watch *watch, uint64_t budget_us)
{
    uint64_t now = now_ms();
    struct port_look_result result;
    watch->changed = false;
    if (port_look_publish(&watch->look, now, budget_us, watch->started ? emit_delta : NULL, watch, &result) <
        0)
        return;
    watch->moments[MOMENT_HOLD] = result.due_ms;
    watch->moments[MOMENT_SEARCH] = result.searched ? 0 : now_ms() + SEARCH_PAUSE_MS;
    if (watch->changed)
        watch->last_change_ms = now;
}

static void look(struct port_watch *watch, unsigned what, uint64_t budget_us)
{
    uint64_t start = now_ms();
    if (what & LOOK_UDP)
        watch->last_udp_ms = start;
    if (port_look_dump(&watch->look, what) == UV_EAGAIN)
        set_moment(watch, MOMENT_SETTLE, now_ms() + SETTLE_MS);
    watch->look_cost_ms = now_ms() - start;
    publish(watch, budget_us);
    if (watch->changed)
        set_moment(watch, MOMENT_VALIDATE, now_ms() + VALIDATE_AFTER_MS);
}

static void wake(struct port_watch *watch)
{
    uint64_t now = now_ms();
    uint64_t window = BURST_WINDOW_MS + watch->look_cost_ms * BURST_LOOKS * LOOK_COST_MAX;
    watch->last_wake_ms = now;
    watch->moments[MOMENT_ASSURE] = now + ASSURE_FIRST_MS;
    if (now - watch->burst_start_ms >= window) {
        watch->burst_start_ms = now;
        watch->burst_looks = 0;
    }
    if (watch->burst_looks < BURST_LOOKS) {
        watch->burst_looks++;
        look(watch, LOOK_BOTH, SEARCH_BUDGET_US);
        set_moment(watch, MOMENT_SETTLE, now_ms() + SETTLE_MS);
    } else {
        set_moment(watch, MOMENT_SETTLE, watch->burst_start_ms + window);
    }
    arm(watch);
}

static void settle(struct port_watch *watch)
{
    uint64_t now = now_ms();
    look(watch, LOOK_BOTH, SEARCH_BUDGET_US);
    if (watch->settle_again > 0) {
        watch->settle_again--;
        set_moment(watch, MOMENT_SETTLE, now + SETTLE_MS);
    } else if (watch->last_wake_ms != 0 && now - watch->last_wake_ms < SETTLE_MS) {
        set_moment(watch, MOMENT_SETTLE, now + BURST_WINDOW_MS / BURST_LOOKS);
    }
}

static void assure(struct port_watch *watch)
{
    uint64_t last = watch->last_wake_ms + ASSURE_LAST_MS;
    bool is_first = now_ms() < last;
    look(watch, LOOK_BOTH, SEARCH_BUDGET_US);
    if (is_first)
        watch->moments[MOMENT_ASSURE] = last;
}

static void poll_sockets(struct port_watch *watch)
{
    uint64_t start = now_ms();
    bool procnet = watch->look.source.tier == PORT_TIER_T2;
    bool udp = procnet || start - watch->last_udp_ms >= POLL_UDP_MS;
    look(watch, udp ? LOOK_BOTH : LOOK_TCP, SEARCH_BUDGET_US);
    uint64_t end = now_ms();
    uint64_t interval = end - watch->last_change_ms < POLL_FAST_FOR_MS ? POLL_FAST_MS : POLL_SLOW_MS;
    if (procnet) {
        interval = (end - start) * LOOK_COST_MAX;
        if (interval < POLL_PROCNET_MS)
            interval = POLL_PROCNET_MS;
    }
    set_moment(watch, MOMENT_POLL, end + interval);
}

static void handle_timer(uv_timer_t *timer)
{
    struct port_watch *watch = timer->data;
    uint64_t now = now_ms();
    if (take_moment(watch, MOMENT_SETTLE, now))
        settle(watch);
    if (take_moment(watch, MOMENT_ASSURE, now))
        assure(watch);
    if (take_moment(watch, MOMENT_POLL, now))
        poll_sockets(watch);
    if (take_moment(watch, MOMENT_HOLD, now))
        look(watch, LOOK_UDP, SEARCH_BUDGET_US);
    if (take_moment(watch, MOMENT_VALIDATE, now) &&
        process_finder_validate(watch->look.finder, VALIDATE_COUNT))
        publish(watch, SEARCH_BUDGET_US);
    if (take_moment(watch, MOMENT_SEARCH, now))
        publish(watch, SEARCH_BUDGET_US);
    arm(watch);
}

static void take_pid(void *ctx, int32_t pid)
{
    struct port_watch *watch = ctx;
    process_finder_hint(watch->look.finder, pid);
}

static void release_handle(struct port_watch *watch)
{
    assert(watch->open_handles > 0);
    if (--watch->open_handles > 0 || !watch->closing)
        return;
    void (*on_closed)(void *ctx) = watch->on_closed;
    void *ctx = watch->closed_ctx;
    port_look_finish(&watch->look);
    free(watch);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void handle_poll_close(uv_handle_t *handle)
{
    struct watch_poll *poll = handle->data;
    struct port_watch *watch = poll->watch;
    free(poll);
    release_handle(watch);
}

static void handle_timer_close(uv_handle_t *handle)
{
    release_handle(handle->data);
}

static void close_poll(struct watch_poll **poll)
{
    if (*poll != NULL)
        uv_close((uv_handle_t *)&(*poll)->handle, handle_poll_close);
    *poll = NULL;
}

static int open_poll(struct port_watch *watch, int fd, uv_poll_cb on_event, struct watch_poll **ret)
{
    struct watch_poll *poll = calloc(1, sizeof(*poll));
    if (poll == NULL)
        return UV_ENOMEM;
    int status = uv_poll_init(watch->loop, &poll->handle, fd);
    if (status < 0) {
        free(poll);
        return status;
    }
    poll->watch = watch;
    poll->handle.data = poll;
    watch->open_handles++;
    status = uv_poll_start(&poll->handle, UV_READABLE, on_event);
    if (status < 0) {
        close_poll(&poll);
        return status;
    }
    *ret = poll;
    return 0;
}

static void degrade(struct port_watch *watch, const char *reason)
{
    close_poll(&watch->trace_poll);
    port_source_degrade(&watch->look.source, reason);
    set_moment(watch, MOMENT_POLL, now_ms() + POLL_FAST_MS);
    arm(watch);
}

static void handle_trace(uv_poll_t *handle, int status, int events)
{
    struct watch_poll *poll = handle->data;
    struct port_watch *watch = poll->watch;
    if (status < 0)
        degrade(watch, "the tracepoint failed");
    else if (listen_trace_drain(watch->look.source.trace, take_pid, watch))
        wake(watch);
}

static void handle_destroy(uv_poll_t *handle, int status, int events)
{
    struct watch_poll *poll = handle->data;
    struct port_watch *watch = poll->watch;
    if (sock_destroy_drain(watch->look.source.destroy_fd))
        wake(watch);
    else if (status < 0) /* a broken descriptor would spin */
        close_poll(&watch->destroy_poll);
}

static int start_trace(struct port_watch *watch)
{
    int status =
        open_poll(watch, listen_trace_fd(watch->look.source.trace), handle_trace, &watch->trace_poll);
    watch->settle_again = 1;
    watch->last_wake_ms = now_ms();
    set_moment(watch, MOMENT_SETTLE, watch->last_wake_ms + SETTLE_MS);
    set_moment(watch, MOMENT_ASSURE, watch->last_wake_ms + ASSURE_FIRST_MS);
    return status;
}

/* Processors came or went: an event that is bound to a processor does not follow. */
static void renew_trace(struct port_watch *watch)
{
    struct listen_trace *trace;
    const char *reason;
    close_poll(&watch->trace_poll);
    if (listen_trace_create(&trace, &reason) < 0) {
        degrade(watch, reason);
        return;
    }
    listen_trace_destroy(watch->look.source.trace);
    watch->look.source.trace = trace;
    if (start_trace(watch) < 0)
        degrade(watch, "the loop can't poll the tracepoint");
}

static int start(struct port_watch *watch)
{
    int status = 0;
    if (watch->look.source.trace != NULL)
        status = start_trace(watch);
    if (status == 0 && watch->look.source.destroy_fd >= 0)
        status = open_poll(watch, watch->look.source.destroy_fd, handle_destroy, &watch->destroy_poll);
    if (status < 0)
        return status;
    look(watch, LOOK_BOTH, SEARCH_FIRST_US);
    watch->last_full_ms = now_ms();
    watch->last_change_ms = watch->last_full_ms;
    watch->started = true;
    if (watch->look.source.trace == NULL)
        set_moment(watch, MOMENT_POLL, now_ms() + POLL_FAST_MS);
    arm(watch);
    return 0;
}

int port_watch_create(uv_loop_t *loop, const struct port_watch_options *options,
                      void (*on_delta)(void *ctx, const struct ports_message *delta), void *ctx,
                      struct port_watch **ret)
{
    struct port_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL)
        return UV_ENOMEM;
    watch->loop = loop;
    watch->on_delta = on_delta;
    watch->ctx = ctx;
    int status = port_look_init(&watch->look, options);
    if (status < 0) {
        free(watch);
        return status;
    }
    status = uv_timer_init(loop, &watch->timer);
    if (status < 0) {
        port_look_finish(&watch->look);
        free(watch);
        return status;
    }
    watch->timer.data = watch;
    watch->open_handles = 1;
    status = start(watch);
    if (status < 0) {
        port_watch_close(watch, NULL, NULL);
        return status;
    }
    *ret = watch;
    return 0;
}

int port_watch_snapshot(const struct port_watch *watch,
                        void (*emit)(void *ctx, const struct ports_message *part), void *ctx)
{
    return port_table_snapshot(watch->look.table, now_ms(), emit, ctx);
}

void port_watch_check(struct port_watch *watch)
{
    uint64_t now = now_ms();
    if (watch->look.source.trace != NULL && listen_trace_is_stale(watch->look.source.trace))
        renew_trace(watch);
    bool stale = process_finder_validate(watch->look.finder, VALIDATE_COUNT);
    bool udp_unseen = port_source_misses_udp(&watch->look.source);
    if (now - watch->last_full_ms >= FULL_INTERVAL_MS) {
        watch->last_full_ms = now;
        port_look_refresh_range(&watch->look);
        look(watch, LOOK_BOTH, SEARCH_BUDGET_US);
    } else if (udp_unseen) {
        look(watch, LOOK_UDP, SEARCH_BUDGET_US);
    } else if (stale || process_finder_is_due(watch->look.finder, now)) {
        publish(watch, SEARCH_BUDGET_US);
    }
    arm(watch);
}

enum port_tier port_watch_tier(const struct port_watch *watch)
{
    return watch->look.source.tier;
}

const char *port_watch_tier_text(const struct port_watch *watch)
{
    return watch->look.source.text;
}

size_t port_watch_left_out(const struct port_watch *watch)
{
    return port_table_left_out(watch->look.table) + watch->look.tcp.left_out + watch->look.udp.left_out;
}

void port_watch_close(struct port_watch *watch, void (*on_closed)(void *ctx), void *ctx)
{
    if (watch == NULL) {
        if (on_closed != NULL)
            on_closed(ctx);
        return;
    }
    assert(!watch->closing);
    watch->closing = true;
    watch->on_closed = on_closed;
    watch->closed_ctx = ctx;
    close_poll(&watch->trace_poll);
    close_poll(&watch->destroy_poll);
    uv_close((uv_handle_t *)&watch->timer, handle_timer_close);
}
