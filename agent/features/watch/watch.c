/* SPDX-License-Identifier: MIT */
/* Hints in, changes out. How the platform watches is folder_watch.h's, what has changed is watch_tree.h's.
 *
 * Hints are collected for COALESCE_MS, then a job on a worker looks at what they name, one job at a time. The
 * tree and what the job leaves belong to the job while it runs. A folder that is new is looked at once more
 * after AGAIN_MS: the platform may have begun to watch it after the first look. Changes wait in a bounded
 * queue while the reader is slow; beyond it they are given up, and the reader is told that it has missed
 * some. */
#include "agent/features/watch/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/features/watch/watch_tree.h"
#include "agent/platform/folder_list.h"
#include "agent/platform/folder_watch.h"
#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/platform/beneath.h"

#define COALESCE_MS 100
#define AGAIN_MS    250
#define HINTS_MAX   1024 /* waiting; more are "anywhere" */
#define QUEUE_MAX   8192 /* changes that the reader has not taken */

struct watches {
    uv_loop_t *uv;
    struct watch *first;
    size_t count; /* with those that are stopping */
    bool closing;
};

struct hints {
    char *paths[HINTS_MAX]; /* relative */
    size_t count;
    bool anywhere;
};

struct watch {
    struct watches *watches;
    struct watch *next;
    char *path;
    struct fs_identity identity;
    struct watch_handler handler;
    void *ctx;
    struct folder_watch *folder; /* NULL once closing */
    uv_timer_t timer, again;
    uv_work_t job;
    struct watch_tree *tree;
    int root; /* the job's: the watched folder */
    struct hints hints, again_hints, job_hints;
    struct watch_changes found; /* the job's */
    struct watch_changes queue;
    int job_status;
    int open_handles; /* and the platform's watch, and the job */
    bool platform_ready, ready, job_runs, blocked, lost, ended, stopped;
};

static void clear_hints(struct hints *hints)
{
    for (size_t i = 0; i < hints->count; i++)
        free(hints->paths[i]);
    hints->count = 0;
    hints->anywhere = false;
}

static void add_hint(struct hints *hints, const char *path)
{
    for (size_t i = hints->count; i > 0; i--) {
        if (strcmp(hints->paths[i - 1], path) == 0)
            return;
    }
    char *copy = hints->anywhere || hints->count == HINTS_MAX ? NULL : strdup(path);
    if (copy != NULL)
        hints->paths[hints->count++] = copy;
    else
        hints->anywhere = true;
}

/* ---- on a worker ---- */

struct listing {
    void (*add)(void *add_ctx, const char *name, const struct watch_facts *facts);
    void *ctx;
};

static bool take_entry(void *ctx, const char *name, const struct folder_entry *entry)
{
    struct listing *listing = ctx;
    struct watch_facts facts = {.folder = entry->folder,
                                .device = entry->device,
                                .inode = entry->inode,
                                .size = entry->size,
                                .mtime_ns = entry->mtime_ns,
                                .birth_ns = entry->birth_ns};
    listing->add(listing->ctx, name, &facts);
    return true;
}

static int list_folder(void *ctx, const char *path,
                       void (*add)(void *add_ctx, const char *name, const struct watch_facts *facts),
                       void *add_ctx)
{
    struct watch *watch = ctx;
    struct listing listing = {add, add_ctx};
    int fd;
    int status = path[0] != '\0' ? beneath_open_folder(watch->root, path, &fd) : 0;
    if (status == UV_ELOOP)
        status = UV_ENOTDIR; /* a link has its place now */
    if (path[0] == '\0') {
        fd = openat(watch->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        status = fd < 0 ? uv_translate_sys_error(errno) : 0;
    }
    return status < 0 ? status : folder_list_read(fd, take_entry, &listing);
}

/* The name must still lead there: a folder that was moved away or removed is watched no longer. */
static int open_root(struct watch *watch)
{
    watch->root = open(watch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return watch->root < 0 ? uv_translate_sys_error(errno) : 0;
}

static void look(uv_work_t *job)
{
    struct watch *watch = job->data;
    const struct watch_lister lister = {list_folder, watch};
    int status = fs_identity_enter(&watch->identity);
    if (status == 0) {
        status = open_root(watch);
        if (status == 0 && !watch->ready)
            status = watch_tree_fill(watch->tree, &lister);
        else if (status == 0)
            status = watch_tree_look(watch->tree, &lister, (const char *const *)watch->job_hints.paths,
                                     watch->job_hints.count, watch->job_hints.anywhere, &watch->found);
        if (watch->root >= 0)
            close(watch->root);
        fs_identity_leave(&watch->identity);
    }
    watch->job_status = status;
}

/* ---- ends ---- */

static void finish_watches(struct watches *watches)
{
    if (watches->closing && watches->count == 0)
        free(watches);
}

static void release(struct watch *watch)
{
    if (--watch->open_handles > 0)
        return;
    struct watches *watches = watch->watches;
    struct watch **link = &watches->first;
    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    watches->count--;
    clear_hints(&watch->hints);
    clear_hints(&watch->again_hints);
    clear_hints(&watch->job_hints);
    watch_changes_clear(&watch->found);
    watch_changes_clear(&watch->queue);
    watch_tree_destroy(watch->tree);
    free(watch->path);
    free(watch);
    finish_watches(watches);
}

static void handle_closed(uv_handle_t *handle)
{
    release(handle->data);
}

static void handle_folder_closed(void *ctx)
{
    release(ctx);
}

static void close_folder(struct watch *watch)
{
    if (watch->folder != NULL)
        folder_watch_close(watch->folder, handle_folder_closed, watch);
    watch->folder = NULL;
}

static void end(struct watch *watch, int status)
{
    char text[TEXT_REASON_MAX + 1];
    if (watch->ended || watch->stopped)
        return;
    watch->ended = true;
    close_folder(watch);
    uv_timer_stop(&watch->timer);
    uv_timer_stop(&watch->again);
    bool gone = status == UV_ENOENT || status == UV_ENOTDIR;
    snprintf(text, sizeof(text), "%.180s %s", watch->path, gone ? "is gone" : status_text(status));
    watch->handler.on_end(watch->ctx, status, text);
}

/* ---- changes ---- */

static bool fill_change(const struct watch_change *change, struct change *ret)
{
    if (strlen(change->path) >= sizeof(ret->path) || strlen(change->from) >= sizeof(ret->from))
        return false;
    ret->what = change->what;
    ret->folder = change->folder;
    utf8_copy(ret->path, sizeof(ret->path), span_of(change->path, strlen(change->path)));
    utf8_copy(ret->from, sizeof(ret->from), span_of(change->from, strlen(change->from)));
    return true;
}

/* False: the reader is slow. */
static bool pass_some(struct watch *watch)
{
    struct changes_message message = {0};
    size_t taken = 0;
    message.changes = calloc(FILES_CHANGES_A_MESSAGE_MAX, sizeof(*message.changes));
    message.lost = watch->lost || message.changes == NULL;
    const struct watch_change *change = watch->queue.first;
    for (; change != NULL && message.changes != NULL && taken < FILES_CHANGES_A_MESSAGE_MAX; taken++) {
        if (fill_change(change, &message.changes[message.count]))
            message.count++;
        else
            message.lost = true;
        change = change->next;
    }
    watch->blocked = !watch->handler.on_changes(watch->ctx, &message);
    free(message.changes);
    if (watch->blocked || watch->stopped)
        return false;
    watch->lost = false;
    for (; taken > 0; taken--)
        free(watch_changes_take(&watch->queue));
    return true;
}

static void pass_changes(struct watch *watch)
{
    while (!watch->blocked && !watch->stopped && !watch->ended && watch->ready &&
           (watch->queue.count > 0 || watch->lost)) {
        if (!pass_some(watch))
            return;
    }
}

static void take_found(struct watch *watch)
{
    watch_changes_move(&watch->queue, &watch->found);
    if (watch->queue.count > QUEUE_MAX) {
        watch_changes_clear(&watch->queue);
        watch->queue.lost = true;
    }
    watch->lost = watch->lost || watch->queue.lost;
    watch->queue.lost = false;
}

/* ---- looks ---- */

static void plan_look(struct watch *watch);

static void absolute_path(const struct watch *watch, const char *path, char *ret, size_t size)
{
    snprintf(ret, size, "%s%s%s", watch->path, strcmp(watch->path, "/") == 0 ? "" : "/", path);
}

static void tell_found(void *ctx, const char *path)
{
    struct watch *watch = ctx;
    char absolute[2 * FILES_PATH_MAX + 2];
    absolute_path(watch, path, absolute, sizeof(absolute));
    if (watch->folder != NULL)
        folder_watch_found(watch->folder, absolute);
}

static void handle_again(uv_timer_t *timer)
{
    struct watch *watch = timer->data;
    for (size_t i = 0; i < watch->again_hints.count; i++)
        add_hint(&watch->hints, watch->again_hints.paths[i]);
    watch->hints.anywhere = watch->hints.anywhere || watch->again_hints.anywhere;
    clear_hints(&watch->again_hints);
    plan_look(watch);
}

/* The platform is told which folders there are. */
static void tell_platform(struct watch *watch)
{
    char path[2 * FILES_PATH_MAX + 2], from[2 * FILES_PATH_MAX + 2];
    bool again = false;
    for (const struct watch_change *change = watch->found.first; change != NULL; change = change->next) {
        if (!change->folder || watch->folder == NULL)
            continue;
        absolute_path(watch, change->path, path, sizeof(path));
        absolute_path(watch, change->from, from, sizeof(from));
        if (change->what == CHANGE_DELETED)
            folder_watch_lost(watch->folder, path);
        else if (change->what == CHANGE_MOVED)
            folder_watch_moved(watch->folder, from, path);
        else if (change->what == CHANGE_CREATED)
            folder_watch_found(watch->folder, path);
        if (change->what == CHANGE_CREATED) {
            add_hint(&watch->again_hints, change->path);
            again = true;
        }
    }
    if (again && !uv_is_active((uv_handle_t *)&watch->again))
        uv_timer_start(&watch->again, handle_again, AGAIN_MS, 0);
}

static void handle_looked(uv_work_t *job, int canceled)
{
    struct watch *watch = job->data;
    watch->job_runs = false;
    clear_hints(&watch->job_hints);
    if (watch->stopped || watch->ended) {
        release(watch);
        return;
    }
    int status = watch->job_status;
    if (status < 0 && status != UV_ENOMEM) {
        end(watch, status);
    } else if (!watch->ready) {
        watch->ready = true;
        watch->lost = watch_tree_is_full(watch->tree);
        watch_tree_folders(watch->tree, tell_found, watch);
        watch->handler.on_ready(watch->ctx);
    } else {
        watch->hints.anywhere = watch->hints.anywhere || status == UV_ENOMEM;
        tell_platform(watch);
        take_found(watch);
    }
    pass_changes(watch);
    plan_look(watch);
    release(watch);
}

static void begin_look(struct watch *watch)
{
    clear_hints(&watch->job_hints);
    watch->job_hints = watch->hints;
    watch->hints.count = 0;
    watch->hints.anywhere = false;
    watch->root = -1;
    watch->job.data = watch;
    if (uv_queue_work(watch->watches->uv, &watch->job, look, handle_looked) < 0)
        return;
    watch->job_runs = true;
    watch->open_handles++;
}

static void handle_timer(uv_timer_t *timer)
{
    struct watch *watch = timer->data;
    if (!watch->job_runs)
        begin_look(watch);
}

static void plan_look(struct watch *watch)
{
    bool due = watch->hints.count > 0 || watch->hints.anywhere;
    if (due && watch->ready && !watch->ended && !watch->stopped && !watch->job_runs &&
        !uv_is_active((uv_handle_t *)&watch->timer))
        uv_timer_start(&watch->timer, handle_timer, COALESCE_MS, 0);
}

/* ---- what the platform says ---- */

static void handle_platform_ready(void *ctx)
{
    struct watch *watch = ctx;
    watch->platform_ready = true;
    begin_look(watch);
}

static void handle_hint(void *ctx, const char *path)
{
    struct watch *watch = ctx;
    size_t size = strcmp(watch->path, "/") == 0 ? 0 : strlen(watch->path);
    if (watch->ended || watch->stopped)
        return;
    if (path != NULL && strncmp(path, watch->path, size) == 0 && (path[size] == '/' || path[size] == '\0'))
        add_hint(&watch->hints, path + size + (path[size] == '/'));
    else
        watch->hints.anywhere = true;
    plan_look(watch);
}

static void handle_platform_end(void *ctx, int status)
{
    end(ctx, status);
}

static const struct folder_watch_handler FOLDER_HANDLER = {
    .on_ready = handle_platform_ready, .on_hint = handle_hint, .on_end = handle_platform_end};

/* ---- life ---- */

int watches_create(uv_loop_t *uv, struct watches **ret)
{
    struct watches *watches = calloc(1, sizeof(*watches));
    if (watches == NULL)
        return UV_ENOMEM;
    watches->uv = uv;
    *ret = watches;
    return 0;
}

void watches_close(struct watches *watches)
{
    if (watches == NULL)
        return;
    watches->closing = true;
    watches->count++; /* it must not go while it is walked over */
    for (struct watch *watch = watches->first; watch != NULL; watch = watch->next)
        watch_stop(watch);
    watches->count--;
    finish_watches(watches);
}

int watch_start(struct watches *watches, const char *path, const struct fs_identity *identity,
                const struct watch_handler *handler, void *ctx, struct watch **ret, char *ret_problem)
{
    if (watches->closing || watches->count >= WATCHES_MAX) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%d folders are watched already", WATCHES_MAX);
        return STATUS_LIMIT;
    }
    struct watch *watch = calloc(1, sizeof(*watch));
    char *copy = strdup(path);
    int status =
        watch == NULL || copy == NULL ? UV_ENOMEM : watch_tree_create(WATCH_ENTRIES_MAX, &watch->tree);
    if (status == 0) {
        watch->root = -1;
        status = folder_watch_create(watches->uv, path, identity, &FOLDER_HANDLER, watch, &watch->folder);
    }
    if (status < 0) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "can't watch %.160s: %s", path, status_text(status));
        if (watch != NULL)
            watch_tree_destroy(watch->tree);
        free(watch);
        free(copy);
        return status;
    }
    watch->watches = watches;
    watch->path = copy;
    watch->identity = *identity;
    watch->handler = *handler;
    watch->ctx = ctx;
    uv_timer_init(watches->uv, &watch->timer);
    uv_timer_init(watches->uv, &watch->again);
    watch->timer.data = watch->again.data = watch;
    watch->open_handles = 3;
    watch->next = watches->first;
    watches->first = watch;
    watches->count++;
    *ret = watch;
    return 0;
}

void watch_resume(struct watch *watch)
{
    watch->blocked = false;
    pass_changes(watch);
}

void watch_stop(struct watch *watch)
{
    if (watch->stopped)
        return;
    watch->stopped = true;
    close_folder(watch);
    uv_close((uv_handle_t *)&watch->timer, handle_closed);
    uv_close((uv_handle_t *)&watch->again, handle_closed);
}
