/* SPDX-License-Identifier: MIT */
/* Folder watching by libuv's watcher, which knows one folder at a time: the owner looks, and tells which
 * folders there are. What happens in a new one before it is watched is found by the hint that follows. */
#include "agent/platform/folder_watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire/limits.h"

#define FOLDERS_MAX 8192 /* the smallest usual fs.inotify.max_user_watches */

struct watched_folder {
    struct folder_watch *watch;
    struct watched_folder *next;
    uv_fs_event_t event;
    char *path;
};

struct folder_watch {
    uv_loop_t *uv;
    char *root;
    struct fs_identity identity;
    struct folder_watch_handler handler;
    void *ctx;
    struct watched_folder *first;
    size_t count;
    uv_timer_t news; /* what must not be told before a function returns */
    bool told_ready, told_end, hint_due, closing, news_closed;
    int end_status;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static void finish_watch(struct folder_watch *watch)
{
    if (!watch->news_closed || watch->count > 0)
        return;
    void (*on_closed)(void *ctx) = watch->on_closed;
    void *ctx = watch->closed_ctx;
    free(watch->root);
    free(watch);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void handle_event_closed(uv_handle_t *handle)
{
    struct watched_folder *folder = handle->data;
    struct folder_watch *watch = folder->watch;
    free(folder->path);
    free(folder);
    watch->count--;
    finish_watch(watch);
}

static void remove_at(struct watched_folder **link)
{
    struct watched_folder *folder = *link;
    *link = folder->next;
    uv_close((uv_handle_t *)&folder->event, handle_event_closed);
}

static void handle_news(uv_timer_t *timer)
{
    struct folder_watch *watch = timer->data;
    if (watch->end_status < 0 && !watch->told_end) {
        watch->told_end = true;
        watch->handler.on_end(watch->ctx, watch->end_status);
        return;
    }
    if (!watch->told_ready) {
        watch->told_ready = true;
        watch->handler.on_ready(watch->ctx);
    }
    if (watch->hint_due && !watch->closing) {
        watch->hint_due = false;
        watch->handler.on_hint(watch->ctx, NULL);
    }
}

static void tell_soon(struct folder_watch *watch)
{
    if (!watch->closing)
        uv_timer_start(&watch->news, handle_news, 0, 0);
}

static void handle_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct watched_folder *folder = event->data;
    struct folder_watch *watch = folder->watch;
    if (status == 0 && name != NULL && strchr(name, '/') == NULL) {
        char path[FILES_PATH_MAX + FILES_NAME_MAX + 2];
        int size = snprintf(path, sizeof(path), "%s/%s", folder->path, name);
        if (size > 0 && (size_t)size < sizeof(path)) {
            watch->handler.on_hint(watch->ctx, path);
            return;
        }
    }
    watch->handler.on_hint(watch->ctx, status == 0 ? folder->path : NULL);
}

static struct watched_folder **find(struct folder_watch *watch, const char *path)
{
    struct watched_folder **link = &watch->first;
    while (*link != NULL && strcmp((*link)->path, path) != 0)
        link = &(*link)->next;
    return link;
}

static int add(struct folder_watch *watch, const char *path)
{
    if (*find(watch, path) != NULL)
        return 0;
    if (watch->count == FOLDERS_MAX)
        return UV_ENOSPC;
    struct watched_folder *folder = calloc(1, sizeof(*folder));
    char *copy = strdup(path);
    if (folder == NULL || copy == NULL) {
        free(copy);
        free(folder);
        return UV_ENOMEM;
    }
    folder->watch = watch;
    folder->path = copy;
    folder->event.data = folder;
    uv_fs_event_init(watch->uv, &folder->event);
    watch->count++;
    folder->next = watch->first;
    watch->first = folder;
    int status = fs_identity_enter(&watch->identity);
    if (status == 0) {
        status = uv_fs_event_start(&folder->event, handle_event, path, 0);
        fs_identity_leave(&watch->identity);
    }
    if (status < 0)
        remove_at(&watch->first);
    return status;
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
        (struct folder_watch){.uv = uv, .root = copy, .identity = *identity, .handler = *handler, .ctx = ctx};
    uv_timer_init(uv, &watch->news);
    watch->news.data = watch;
    int status = add(watch, path);
    if (status < 0) {
        folder_watch_close(watch, NULL, NULL);
        return status;
    }
    tell_soon(watch);
    *ret = watch;
    return 0;
}

static void handle_news_closed(uv_handle_t *handle)
{
    struct folder_watch *watch = handle->data;
    watch->news_closed = true;
    finish_watch(watch);
}

void folder_watch_close(struct folder_watch *watch, void (*on_closed)(void *ctx), void *ctx)
{
    watch->closing = true;
    watch->on_closed = on_closed;
    watch->closed_ctx = ctx;
    while (watch->first != NULL)
        remove_at(&watch->first);
    uv_close((uv_handle_t *)&watch->news, handle_news_closed);
}

void folder_watch_found(struct folder_watch *watch, const char *path)
{
    if (watch->closing)
        return;
    int status = add(watch, path);
    if (status == 0)
        watch->hint_due = true;
    else if (status != UV_ENOENT && status != UV_EACCES && status != UV_ENOTDIR)
        watch->end_status = status; /* changes would be missed from here on, silently */
    tell_soon(watch);
}

static bool is_beneath(const char *path, const char *folder, size_t size)
{
    return strncmp(path, folder, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

void folder_watch_lost(struct folder_watch *watch, const char *path)
{
    size_t size = strlen(path);
    for (struct watched_folder **link = &watch->first; *link != NULL && !watch->closing;) {
        if (is_beneath((*link)->path, path, size))
            remove_at(link);
        else
            link = &(*link)->next;
    }
}

/* The kernel watches inodes, and goes on: only the names are others. */
void folder_watch_moved(struct folder_watch *watch, const char *from, const char *to)
{
    size_t size = strlen(from), to_size = strlen(to);
    for (struct watched_folder *folder = watch->first; folder != NULL; folder = folder->next) {
        if (!is_beneath(folder->path, from, size))
            continue;
        size_t rest = strlen(folder->path + size);
        char *path = malloc(to_size + rest + 1);
        if (path == NULL) {
            watch->end_status = UV_ENOMEM;
            break;
        }
        memcpy(path, to, to_size);
        memcpy(path + to_size, folder->path + size, rest + 1);
        free(folder->path);
        folder->path = path;
    }
    watch->hint_due = true;
    tell_soon(watch);
}
