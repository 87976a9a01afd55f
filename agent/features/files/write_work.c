/* SPDX-License-Identifier: MIT */
/* WRITE: what comes is gathered into a block while a worker writes the one before; when both are full the
 * stream waits. The file itself is atomic_file.c's, the names of drops are drop_folder.c's. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "agent/features/files/atomic_file.h"
#include "agent/features/files/complaint.h"
#include "agent/features/files/drop_folder.h"
#include "agent/features/files/work.h"
#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/entry_name.h"

#define LINKS_MAX 40 /* as the kernel follows */

struct write_state {
    struct atomic_file *file;
    struct transfer_item *filling; /* can be NULL */
    struct transfer_item *writing; /* a job writes it. Can be NULL */
    bool paused;                   /* the stream waits */
};

/* ---- the target ---- */

static void split(const char *path, char folder[static FILES_PATH_MAX + 1],
                  char name[static FILES_PATH_MAX + 1])
{
    size_t size;
    const char *last = entry_name_of_path(path, &size);
    snprintf(folder, FILES_PATH_MAX + 1, "%.*s", (int)(last - path), path);
    snprintf(name, FILES_PATH_MAX + 1, "%.*s", (int)size, last);
}

/* A link's name becomes that of what it points to, be it there or not, as when one opens it. */
static int follow(struct work *work, char path[static FILES_PATH_MAX + 1])
{
    char folder[FILES_PATH_MAX + 1], name[FILES_PATH_MAX + 1], target[FILES_PATH_MAX + 1];
    for (int i = 0; i < LINKS_MAX; i++) {
        ssize_t size = readlink(path, target, FILES_PATH_MAX);
        if (size < 0) /* no link, or nothing there: opening the folder tells */
            return 0;
        target[size] = '\0';
        split(path, folder, name);
        char joined[FILES_PATH_MAX + 1];
        int joined_size = snprintf(joined, sizeof(joined), "%s%s", target[0] == '/' ? "" : folder, target);
        if (joined_size < 0 || joined_size > FILES_PATH_MAX)
            return complaint_of_errno(work->problem, ENAMETOOLONG, "can't write", path);
        memcpy(path, joined, sizeof(joined));
    }
    return complaint_of_errno(work->problem, ELOOP, "can't write", path);
}

static int open_target(struct work *work, struct atomic_file_options *options, char *folder_path, char *name)
{
    char path[FILES_PATH_MAX + 1], folder[FILES_PATH_MAX + 1], resolved[PATH_MAX];
    const char *to = work->open.to;
    int status = work_resolve(work, to, path);
    if (status < 0)
        return status;
    if (to[strlen(to) - 1] == '/')
        return complaint_of_path(work->problem, UV_EISDIR, path, "is named as a folder");
    if (work->open.conflict == FILES_REPLACE)
        status = follow(work, path);
    if (status < 0)
        return status;
    split(path, folder, name);
    if (strcmp(name, "..") == 0 || strcmp(name, ".") == 0 || name[0] == '\0')
        return complaint_of_path(work->problem, UV_EISDIR, path, "is a folder");
    if (strlen(name) > FILES_NAME_MAX)
        return complaint_of_errno(work->problem, ENAMETOOLONG, "can't write", path);
    if (realpath(folder, resolved) == NULL)
        return complaint_of_errno(work->problem, errno, "can't write in", folder);
    options->folder = open(resolved, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    if (options->folder < 0 && errno == EACCES) /* one may write there, but not look */
        options->folder = open(resolved, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (options->folder < 0)
        return complaint_of_errno(work->problem, errno, "can't write in", resolved);
    snprintf(folder_path, FILES_PATH_MAX + 1, "%s", resolved);
    return 0;
}

static int open_drop(struct work *work, struct atomic_file_options *options, char *folder_path, char *name)
{
    struct drop_place *place = malloc(sizeof(*place));
    char drop_folder[FILES_PATH_MAX + 1];
    struct batch_key batch = {
        .session = work->open.session, .id = work->open.id, .uid = work->user.identity.uid};
    struct files *files = work->files;
    int status = place == NULL ? UV_ENOMEM
                               : drop_folder_make(work->user.home, files->options.drop_folder, drop_folder,
                                                  work->problem);
    if (status == 0)
        status = drop_folder_enter(drop_folder, work->open.to, &files->batches, &batch, place, work->problem);
    if (status == 0) {
        options->folder = place->folder;
        if (options->conflict == FILES_REPLACE) /* a drop replaces nothing */
            options->conflict = FILES_RENAME;
        memcpy(folder_path, place->path, sizeof(place->path));
        memcpy(name, place->name, sizeof(place->name));
    }
    free(place);
    return status;
}

static int prepare(struct work *work)
{
    struct write_state *state = work->state = calloc(1, sizeof(*state));
    char folder_path[FILES_PATH_MAX + 1], name[FILES_PATH_MAX + 1];
    struct atomic_file_options options = {
        .folder_path = folder_path, .name = name, .conflict = work->open.conflict, .mode = work->open.mode};
    if (state == NULL)
        return UV_ENOMEM;
    bool is_drop = (work->open.flags & FILES_DROP) != 0;
    int status = is_drop ? open_drop(work, &options, folder_path, name)
                         : open_target(work, &options, folder_path, name);
    if (status == 0)
        status = atomic_file_create(&options, &state->file, work->problem);
    if (status == 0)
        snprintf(work->path, sizeof(work->path), "%s", atomic_file_path(state->file));
    return status;
}

/* ---- bytes ---- */

static int write_block(struct work *work)
{
    struct write_state *state = work->state;
    if (atomic_load(&work->stop))
        return UV_ECANCELED;
    return atomic_file_write(state->file, span_of(state->writing->bytes, state->writing->size),
                             work->problem);
}

static int place_file(struct work *work)
{
    struct write_state *state = work->state;
    return atomic_load(&work->stop) ? UV_ECANCELED : atomic_file_place(state->file, work->problem);
}

static void handle_placed(struct work *work, int status)
{
    struct write_state *state = work->state;
    if (status < 0) {
        work_fail(work, status);
        return;
    }
    struct files_path *name = calloc(1, sizeof(*name));
    if (name == NULL) {
        work_fail(work, UV_ENOMEM);
        return;
    }
    const char *path = atomic_file_path(state->file);
    utf8_copy(name->path, sizeof(name->path), span_of_text(path));
    struct files_done_message done = {.files = 1,
                                      .bytes = atomic_file_size(state->file),
                                      .digest_size = FILES_DIGEST_SIZE,
                                      .name_count = 1,
                                      .names = name};
    memcpy(done.digest, atomic_file_digest(state->file), FILES_DIGEST_SIZE);
    work_finish(work, &done);
    free(name);
}

static void go_on(struct work *work);

static void handle_written(struct work *work, int status)
{
    struct write_state *state = work->state;
    item_release(work->files->pool, state->writing);
    state->writing = NULL;
    if (status < 0) {
        work_fail(work, status);
        return;
    }
    go_on(work);
    if (!work->over && state->paused) {
        state->paused = false;
        stream_resume(work->stream);
    }
}

static void go_on(struct work *work)
{
    struct write_state *state = work->state;
    if (work->over || work->job_runs)
        return;
    if (state->filling != NULL) {
        state->writing = state->filling;
        state->filling = NULL;
        work_run(work, write_block, handle_written);
    } else if (work->fin_received) {
        work_run(work, place_file, handle_placed);
    }
}

static size_t handle_data(struct work *work, struct span bytes)
{
    struct write_state *state = work->state;
    size_t taken = 0;
    while (taken < bytes.size) {
        if (state->filling == NULL)
            state->filling = item_take_data(work->files->pool);
        if (state->filling == NULL) {
            work_fail(work, UV_ENOMEM);
            return bytes.size;
        }
        struct transfer_item *item = state->filling;
        size_t room = item->capacity - item->size, left = bytes.size - taken;
        size_t size = left < room ? left : room;
        memcpy(item->bytes + item->size, bytes.data + taken, size);
        item->size += size;
        taken += size;
        if (item->size == item->capacity && work->job_runs)
            break;
        if (item->size == item->capacity)
            go_on(work);
    }
    go_on(work);
    state->paused = taken < bytes.size;
    return taken;
}

static void begin(struct work *work)
{
    struct files_opened_message opened = {.check = 0};
    if (!work_send_opened(work, &opened))
        return;
    if (work->fin_received)
        go_on(work);
    else
        stream_resume(work->stream); /* bytes that came before */
}

static void clean(struct work *work)
{
    struct write_state *state = work->state;
    if (state == NULL)
        return;
    item_release(work->files->pool, state->filling);
    item_release(work->files->pool, state->writing);
    atomic_file_destroy(state->file);
}

const struct work_kind WRITE_WORK = {
    .prepare = prepare, .begin = begin, .on_data = handle_data, .on_fin = go_on, .clean = clean};
