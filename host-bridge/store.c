/* SPDX-License-Identifier: MIT */
/* Files <folder>/<name>.json. Written as a temporary file, synced, renamed; by one worker at a time, so that
 * an older state never replaces a newer one. The thread is for fsync(2) alone: it gets a copy of the text and
 * touches nothing else. */
#define LOG_MODULE "store"
#include "host-bridge/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-bridge/paths.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"

#define NAME_SIZE (TEXT_NAME_MAX + 1)
#define PATH_SIZE (PATHS_MAX + TEXT_NAME_MAX + 24)

struct pending {
    struct pending *next;
    char name[NAME_SIZE];
};

struct store {
    char folder[PATHS_MAX];
    uv_timer_t timer;
    struct pending *first;
    json_t *(*make_state)(void *ctx, const char *name);
    void *ctx;
    uv_work_t work;
    bool working;
    bool discard;         /* the guest was forgotten while its file was being written */
    char path[PATH_SIZE]; /* of the file being written */
    char *text;
    int result;
    bool closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static void make_path(const struct store *store, const char *name, const char *suffix,
                      char out[static PATH_SIZE])
{
    snprintf(out, PATH_SIZE, "%s/%s%s", store->folder, name, suffix);
}

/* Says so at the start, and not when the first change is lost. */
static int check_writable(const char *folder)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s/.writable", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    close(fd);
    unlink(path);
    return 0;
}

int store_open(uv_loop_t *uv, const char *folder, struct store **ret,
               char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct store *store = calloc(1, sizeof(*store));
    int status = store == NULL ? UV_ENOMEM : paths_make_folder(folder);
    if (status == 0)
        status = check_writable(folder);
    if (status < 0) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "cannot write to the state folder %.150s: %s", folder,
                 status_text(status));
        free(store);
        return status;
    }
    snprintf(store->folder, sizeof(store->folder), "%s", folder);
    uv_timer_init(uv, &store->timer);
    store->timer.data = store;
    store->work.data = store;
    *ret = store;
    return 0;
}

/* ---- reading ---- */

json_t *store_load(struct store *store, const char *name)
{
    char path[PATH_SIZE];
    make_path(store, name, ".json", path);
    return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

void store_set_aside(const struct store *store, const char *name)
{
    char path[PATH_SIZE], aside[PATH_SIZE];
    make_path(store, name, ".json", path);
    make_path(store, name, ".json.broken", aside);
    if (rename(path, aside) < 0)
        log_error("cannot set %s aside: %s", path, status_text(uv_translate_sys_error(errno)));
}

static void read_one(struct store *store, const char *name,
                     void (*on_guest)(void *ctx, const char *name, const json_t *state, const char *problem),
                     void *ctx)
{
    char path[PATH_SIZE], problem[TEXT_REASON_MAX + 1];
    json_error_t error;
    make_path(store, name, ".json", path);
    json_t *state = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (state == NULL && json_error_code(&error) == json_error_cannot_open_file) {
        snprintf(problem, sizeof(problem), "its state file is not used: %.150s", error.text);
        on_guest(ctx, name, NULL, problem);
    } else if (state == NULL || !json_is_object(state)) {
        store_set_aside(store, name);
        snprintf(problem, sizeof(problem),
                 "its state file was broken (%.100s) and is kept as %.60s.json.broken",
                 state == NULL ? error.text : "no object", name);
        on_guest(ctx, name, NULL, problem);
    } else {
        on_guest(ctx, name, state, "");
    }
    json_decref(state);
}

void store_each(struct store *store,
                void (*on_guest)(void *ctx, const char *name, const json_t *state, const char *problem),
                void *ctx)
{
    struct dirent **entries;
    int count = scandir(store->folder, &entries, NULL, alphasort);
    if (count < 0)
        log_error("nothing is remembered: cannot read %s: %s", store->folder,
                  status_text(uv_translate_sys_error(errno)));
    for (int i = 0; i < count; i++) {
        char *name = entries[i]->d_name;
        size_t size = strlen(name);
        if (size > 5 && size - 5 <= TEXT_NAME_MAX && name[0] != '.' &&
            strcmp(name + size - 5, ".json") == 0) {
            name[size - 5] = '\0';
            read_one(store, name, on_guest, ctx);
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

/* ---- writing ---- */

static int write_all(int fd, const char *text)
{
    size_t size = strlen(text);
    while (size > 0) {
        ssize_t written = write(fd, text, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return uv_translate_sys_error(errno);
        text += written;
        size -= (size_t)written;
    }
    return 0;
}

/* On the worker thread. */
static void write_file(uv_work_t *work)
{
    struct store *store = work->data;
    char temporary[PATH_SIZE + 8];
    snprintf(temporary, sizeof(temporary), "%s.new", store->path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        store->result = uv_translate_sys_error(errno);
        return;
    }
    int status = write_all(fd, store->text);
    if (status == 0 && fsync(fd) < 0)
        status = uv_translate_sys_error(errno);
    close(fd);
    if (status == 0 && rename(temporary, store->path) < 0)
        status = uv_translate_sys_error(errno);
    if (status < 0)
        unlink(temporary);
    store->result = status;
}

static void write_next(struct store *store);

static void handle_written(uv_work_t *work, int status)
{
    struct store *store = work->data;
    store->working = false;
    free(store->text);
    store->text = NULL;
    if (store->discard)
        unlink(store->path);
    else if (store->result < 0)
        log_error("cannot save %s: %s", store->path, status_text(store->result));
    write_next(store);
}

static void handle_timer_closed(uv_handle_t *handle)
{
    struct store *store = handle->data;
    void (*on_closed)(void *ctx) = store->on_closed;
    void *ctx = store->closed_ctx;
    free(store);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void write_next(struct store *store)
{
    while (store->first != NULL && store->text == NULL) {
        struct pending *pending = store->first;
        store->first = pending->next;
        json_t *state = store->make_state(store->ctx, pending->name);
        store->text = state == NULL ? NULL : json_dumps(state, JSON_INDENT(2) | JSON_SORT_KEYS);
        make_path(store, pending->name, ".json", store->path);
        json_decref(state);
        free(pending);
    }
    if (store->text != NULL) {
        store->working = true;
        store->result = 0;
        store->discard = false;
        uv_queue_work(store->timer.loop, &store->work, write_file, handle_written);
    } else if (store->closing) {
        uv_close((uv_handle_t *)&store->timer, handle_timer_closed);
    }
}

static void handle_timer(uv_timer_t *timer)
{
    struct store *store = timer->data;
    if (!store->working)
        write_next(store);
}

static void save_within(struct store *store, const char *name, uint64_t delay_ms)
{
    if (uv_is_closing((uv_handle_t *)&store->timer))
        return; /* all is written */
    struct pending **link = &store->first;
    while (*link != NULL && strcmp((*link)->name, name) != 0)
        link = &(*link)->next;
    if (*link == NULL) {
        struct pending *pending = calloc(1, sizeof(*pending));
        if (pending == NULL) {
            log_error("out of memory: the state of %s is not saved", name);
            return;
        }
        snprintf(pending->name, sizeof(pending->name), "%s", name);
        *link = pending;
    }
    bool sooner = delay_ms == 0 || !uv_is_active((uv_handle_t *)&store->timer);
    if (!store->closing && sooner)
        uv_timer_start(&store->timer, handle_timer, delay_ms, 0);
}

void store_save_soon(struct store *store, const char *name)
{
    save_within(store, name, STORE_DELAY_MS);
}

void store_save_now(struct store *store, const char *name)
{
    save_within(store, name, 0);
}

void store_forget(struct store *store, const char *name)
{
    char path[PATH_SIZE];
    for (struct pending **link = &store->first; *link != NULL;) {
        struct pending *pending = *link;
        if (strcmp(pending->name, name) != 0) {
            link = &pending->next;
            continue;
        }
        *link = pending->next;
        free(pending);
    }
    make_path(store, name, ".json", path);
    unlink(path);
    if (store->working && strcmp(path, store->path) == 0)
        store->discard = true;
}

void store_set_maker(struct store *store, json_t *(*make_state)(void *ctx, const char *name), void *ctx)
{
    store->make_state = make_state;
    store->ctx = ctx;
}

void store_close(struct store *store, void (*on_closed)(void *ctx), void *ctx)
{
    store->closing = true;
    store->on_closed = on_closed;
    store->closed_ctx = ctx;
    uv_timer_stop(&store->timer);
    if (!store->working)
        write_next(store);
}
