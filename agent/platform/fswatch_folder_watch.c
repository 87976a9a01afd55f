/* SPDX-License-Identifier: MIT */
/* Folder watching by libfswatch.
 *
 * Theory of operation. The library's monitor blocks, so each one has a thread, which takes the user's rights
 * for all of its life: what the user can't read is not watched. Events come on that thread; their paths are
 * kept in a bounded set, and an async handle brings them to the loop. When the set is full, or the library
 * lost events, the hint is "anywhere".
 *
 * The monitor can't be asked when its watches are in place, and it hears of its end only when it wakes. Both
 * are done by a probe: a file without a name, watched like the folder, and in front of it on the list. A
 * change of its mode is an event; the first one that comes back tells that the walk over the folder is over,
 * and later ones wake the thread. Until the first has come the change is repeated, since one that is made
 * before the probe is watched is not told.
 *
 * The library keeps the old names of everything beneath a folder that was moved, and does not see folders
 * that are made there afterwards. After a move a second monitor is started, and the first one ends when that
 * is ready.
 *
 * Its latency is how long an idle monitor sleeps, not how long an event takes, as long as it is below a
 * second: from there on it sleeps after each event, too. */
#include "agent/platform/folder_watch.h"

#include <libfswatch/c/libfswatch.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define HINTS_MAX   1024 /* kept between two turns of the loop; more are "anywhere" */
#define LATENCY_S   0.99
#define PROBE_MS    10 /* between two changes of the probe until the first comes back */
#define PROBE_NAMES 32
#define NOEXEC      0x8U /* MFD_NOEXEC_SEAL, which some machines insist on and old headers lack */

struct monitor {
    struct folder_watch *watch;
    struct monitor *next;
    FSW_HANDLE session;
    struct fs_identity identity;
    int probe;
    char probe_path[PROBE_NAMES];
    uv_thread_t thread;
    uv_async_t told; /* hints, the probe, or the end */
    uv_timer_t asking;
    int open_handles;
    bool ready, stopping;
    atomic_bool echoed, ended;
    uv_mutex_t lock;
    bool anywhere;
    size_t hint_count;
    char *hints[HINTS_MAX];
};

struct folder_watch {
    uv_loop_t *uv;
    char *path;
    struct fs_identity identity;
    struct folder_watch_handler handler;
    void *ctx;
    struct monitor *first; /* newest first: all but it are ending, or wait until it is ready */
    uv_fs_event_t itself;  /* the folder alone: the library does not tell that it was removed or moved away */
    bool told_ready, told_end, closing, itself_closed;
    bool moved; /* while the newest one was not ready: what it knows is old already */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

#if defined(__SANITIZE_ADDRESS__)
#define CHECKS_LEAKS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CHECKS_LEAKS
#endif
#endif
#ifdef CHECKS_LEAKS
#include <sanitizer/lsan_interface.h>
#endif

/* Version 1.14 forgets 24 bytes a session, and nobody else can reach them: what the library's own code takes
 * on the calling thread is not looked for. */
static void in_library(bool is)
{
#ifdef CHECKS_LEAKS
    if (is)
        __lsan_disable();
    else
        __lsan_enable();
#else
    (void)is;
#endif
}

/* ---- on the monitor's thread ---- */

static bool is_hint(const fsw_cevent *event, bool *ret_lost)
{
    bool is = false;
    for (unsigned i = 0; i < event->flags_num; i++) {
        enum fsw_event_flag flag = event->flags[i];
        *ret_lost = *ret_lost || flag == Overflow;
        is = is || flag == Created || flag == Updated || flag == Removed || flag == Renamed ||
             flag == AttributeModified || flag == MovedFrom || flag == MovedTo || flag == OwnerModified;
    }
    return is; /* what is left is that somebody has opened or read it */
}

static void keep_hint(struct monitor *monitor, const char *path)
{
    for (size_t i = monitor->hint_count; i > 0; i--) { /* as a rule the last one */
        if (strcmp(monitor->hints[i - 1], path) == 0)
            return;
    }
    char *copy = monitor->hint_count < HINTS_MAX ? strdup(path) : NULL;
    if (copy != NULL)
        monitor->hints[monitor->hint_count++] = copy;
    else
        monitor->anywhere = true;
}

static void handle_events(const fsw_cevent *const events, const unsigned count, void *data)
{
    struct monitor *monitor = data;
    bool news = false;
    in_library(false);
    uv_mutex_lock(&monitor->lock);
    for (unsigned i = 0; i < count; i++) {
        bool lost = false;
        bool is = is_hint(&events[i], &lost);
        if (lost) {
            monitor->anywhere = news = true;
        } else if (is && strcmp(events[i].path, monitor->probe_path) == 0) {
            atomic_store(&monitor->echoed, true);
            news = true;
        } else if (is && !monitor->anywhere) {
            keep_hint(monitor, events[i].path);
            news = true;
        }
    }
    uv_mutex_unlock(&monitor->lock);
    if (news)
        uv_async_send(&monitor->told);
    in_library(true);
}

static void run(void *argument)
{
    struct monitor *monitor = argument;
    if (fs_identity_enter(&monitor->identity) == 0) {
        in_library(true);
        fsw_start_monitor(monitor->session);
        in_library(false);
        fs_identity_leave(&monitor->identity);
    }
    atomic_store(&monitor->ended, true);
    uv_async_send(&monitor->told);
}

/* ---- ends, on the loop ---- */

static void finish_watch(struct folder_watch *watch)
{
    if (!watch->itself_closed || watch->first != NULL)
        return;
    void (*on_closed)(void *ctx) = watch->on_closed;
    void *ctx = watch->closed_ctx;
    free(watch->path);
    free(watch);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void drop_hints(struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->hint_count; i++)
        free(monitor->hints[i]);
    monitor->hint_count = 0;
}

static void free_monitor(struct monitor *monitor)
{
    drop_hints(monitor);
    uv_mutex_destroy(&monitor->lock);
    if (monitor->session != NULL)
        fsw_destroy_session(monitor->session);
    if (monitor->probe >= 0)
        close(monitor->probe);
    free(monitor);
}

static void handle_monitor_closed(uv_handle_t *handle)
{
    struct monitor *monitor = handle->data;
    struct folder_watch *watch = monitor->watch;
    if (--monitor->open_handles > 0)
        return;
    struct monitor **link = &watch->first;
    while (*link != monitor)
        link = &(*link)->next;
    *link = monitor->next;
    free_monitor(monitor);
    finish_watch(watch);
}

static void knock(struct monitor *monitor)
{
    struct stat facts;
    if (fstat(monitor->probe, &facts) == 0)
        fchmod(monitor->probe, (facts.st_mode & 07777) ^ S_IWGRP);
}

static void handle_asking(uv_timer_t *timer)
{
    struct monitor *monitor = timer->data;
    if (monitor->stopping)
        fsw_stop_monitor(monitor->session);
    knock(monitor);
}

/* It is gone when its thread has ended, which it tells. Until then it is told again: before its start the
 * library does not hear it, and a knock may come when nobody waits for one. */
static void stop_monitor(struct monitor *monitor)
{
    if (monitor->stopping || uv_is_closing((uv_handle_t *)&monitor->asking))
        return;
    monitor->stopping = true;
    uv_timer_start(&monitor->asking, handle_asking, 0, PROBE_MS);
}

/* ---- news, on the loop ---- */

static void renew(struct folder_watch *watch);

static void become_ready(struct monitor *monitor)
{
    struct folder_watch *watch = monitor->watch;
    monitor->ready = true;
    uv_timer_stop(&monitor->asking);
    for (struct monitor *old = monitor->next; old != NULL; old = old->next)
        stop_monitor(old);
    if (watch->told_ready) {
        watch->handler.on_hint(watch->ctx, NULL); /* after a move: what the old one could not see */
    } else {
        watch->told_ready = true;
        watch->handler.on_ready(watch->ctx);
    }
    if (watch->moved)
        renew(watch);
}

static void pass_hints(struct monitor *monitor)
{
    struct folder_watch *watch = monitor->watch;
    char *hints[HINTS_MAX];
    uv_mutex_lock(&monitor->lock);
    size_t count = monitor->hint_count;
    bool anywhere = monitor->anywhere;
    memcpy(hints, monitor->hints, count * sizeof(*hints));
    monitor->hint_count = 0;
    monitor->anywhere = false;
    uv_mutex_unlock(&monitor->lock);
    if (anywhere && !watch->closing)
        watch->handler.on_hint(watch->ctx, NULL);
    for (size_t i = 0; i < count; i++) {
        if (!anywhere && !watch->closing)
            watch->handler.on_hint(watch->ctx, hints[i]);
        free(hints[i]);
    }
}

static void end_monitor(struct monitor *monitor)
{
    struct folder_watch *watch = monitor->watch;
    uv_thread_join(&monitor->thread);
    uv_close((uv_handle_t *)&monitor->told, handle_monitor_closed);
    uv_close((uv_handle_t *)&monitor->asking, handle_monitor_closed);
    if (monitor->stopping || watch->closing || watch->told_end)
        return;
    watch->told_end = true;
    watch->handler.on_end(watch->ctx, UV_EIO);
}

static void handle_told(uv_async_t *async)
{
    struct monitor *monitor = async->data;
    if (uv_is_closing((uv_handle_t *)async))
        return;
    pass_hints(monitor);
    if (!monitor->ready && !monitor->stopping && atomic_load(&monitor->echoed) && !monitor->watch->closing)
        become_ready(monitor);
    if (atomic_load(&monitor->ended))
        end_monitor(monitor);
}

/* ---- life ---- */

static int open_session(struct monitor *monitor, const char *path)
{
    static const enum fsw_event_flag FLAGS[] = {Created,   Updated, Removed,  Renamed,      AttributeModified,
                                                MovedFrom, MovedTo, Overflow, OwnerModified};
    monitor->probe = memfd_create("hospes-probe", MFD_CLOEXEC | NOEXEC);
    if (monitor->probe < 0) /* a kernel that does not know the flag */
        monitor->probe = memfd_create("hospes-probe", MFD_CLOEXEC);
    if (monitor->probe < 0)
        return UV_EMFILE;
    fchmod(monitor->probe, 0644);
    snprintf(monitor->probe_path, sizeof(monitor->probe_path), "/proc/self/fd/%d", monitor->probe);
    if (fsw_init_library() != FSW_OK || (monitor->session = fsw_init_session(inotify_monitor_type)) == NULL)
        return UV_ENOMEM;
    int failed = fsw_add_path(monitor->session, monitor->probe_path) != FSW_OK ||
                 fsw_add_path(monitor->session, path) != FSW_OK ||
                 fsw_set_callback(monitor->session, handle_events, monitor) != FSW_OK ||
                 fsw_set_latency(monitor->session, LATENCY_S) != FSW_OK ||
                 fsw_set_recursive(monitor->session, true) != FSW_OK ||
                 fsw_set_follow_symlinks(monitor->session, false) != FSW_OK ||
                 fsw_set_allow_overflow(monitor->session, true) != FSW_OK;
    for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]) && !failed; i++)
        failed =
            fsw_add_event_type_filter(monitor->session, (fsw_event_type_filter){.flag = FLAGS[i]}) != FSW_OK;
    return failed ? UV_ENOMEM : 0;
}

static int start_monitor(struct folder_watch *watch)
{
    struct monitor *monitor = calloc(1, sizeof(*monitor));
    if (monitor == NULL)
        return UV_ENOMEM;
    if (uv_mutex_init(&monitor->lock) < 0) {
        free(monitor);
        return UV_ENOMEM;
    }
    monitor->watch = watch;
    monitor->identity = watch->identity;
    monitor->probe = -1;
    int status = open_session(monitor, watch->path);
    if (status == 0)
        status = uv_async_init(watch->uv, &monitor->told, handle_told);
    if (status < 0) {
        free_monitor(monitor);
        return status;
    }
    uv_timer_init(watch->uv, &monitor->asking);
    monitor->told.data = monitor->asking.data = monitor;
    monitor->open_handles = 2;
    monitor->next = watch->first;
    watch->first = monitor;
    status = uv_thread_create(&monitor->thread, run, monitor);
    if (status < 0) {
        monitor->stopping = true;
        uv_close((uv_handle_t *)&monitor->told, handle_monitor_closed);
        uv_close((uv_handle_t *)&monitor->asking, handle_monitor_closed);
        return status;
    }
    uv_timer_start(&monitor->asking, handle_asking, 0, PROBE_MS);
    return 0;
}

/* The folders beneath have other names now. */
static void renew(struct folder_watch *watch)
{
    if (watch->closing || watch->told_end || watch->first == NULL)
        return;
    watch->moved = !watch->first->ready;
    if (!watch->moved && start_monitor(watch) < 0)
        watch->handler.on_hint(watch->ctx, NULL); /* the old one goes on as well as it can */
}

static void handle_itself(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct folder_watch *watch = event->data;
    if (watch->told_ready && !watch->told_end)
        watch->handler.on_hint(watch->ctx, watch->path);
}

static void handle_itself_closed(uv_handle_t *handle)
{
    struct folder_watch *watch = handle->data;
    watch->itself_closed = true;
    finish_watch(watch);
}

int folder_watch_create(uv_loop_t *uv, const char *path, const struct fs_identity *identity,
                        const struct folder_watch_handler *handler, void *ctx, struct folder_watch **ret)
{
    struct folder_watch *watch = calloc(1, sizeof(*watch));
    char *copy = strdup(path);
    if (watch == NULL || copy == NULL) {
        free(copy);
        free(watch);
        return UV_ENOMEM;
    }
    *watch =
        (struct folder_watch){.uv = uv, .path = copy, .identity = *identity, .handler = *handler, .ctx = ctx};
    uv_fs_event_init(uv, &watch->itself);
    watch->itself.data = watch;
    int status = fs_identity_enter(identity);
    if (status == 0) {
        status = uv_fs_event_start(&watch->itself, handle_itself, path, 0);
        fs_identity_leave(identity);
    }
    if (status == 0)
        status = start_monitor(watch);
    if (status < 0) {
        folder_watch_close(watch, NULL, NULL);
        return status;
    }
    *ret = watch;
    return 0;
}

void folder_watch_close(struct folder_watch *watch, void (*on_closed)(void *ctx), void *ctx)
{
    watch->closing = true;
    watch->on_closed = on_closed;
    watch->closed_ctx = ctx;
    for (struct monitor *monitor = watch->first; monitor != NULL; monitor = monitor->next)
        stop_monitor(monitor);
    uv_close((uv_handle_t *)&watch->itself, handle_itself_closed);
}

void folder_watch_found(struct folder_watch *watch, const char *path)
{
    /* The library sees it by itself. */
}

void folder_watch_lost(struct folder_watch *watch, const char *path)
{
    /* The library sees it by itself. */
}

void folder_watch_moved(struct folder_watch *watch, const char *from, const char *to)
{
    renew(watch);
}
