/* SPDX-License-Identifier: MIT */
/* READ: a range of one file. A worker reads a block while the loop sends the one before; there are two blocks
 * at most. The range is what the file had when it was opened: what is appended later is not sent, and a file
 * that shrinks ends the work. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "agent/features/files/complaint.h"
#include "agent/features/files/work.h"
#include "protocol/base/status.h"
#include "protocol/link/link_loop.h"

struct read_state {
    int fd; /* -1: none */
    struct files_opened_message opened;
    uint64_t at, end;              /* what is still to be read */
    struct transfer_item *reading; /* a job fills it. Each can be NULL */
    struct transfer_item *ready;   /* full, waits for its turn */
    struct transfer_item *sending;
    size_t sent; /* of `sending` */
};

static int open_regular(struct work *work, struct read_state *state, struct stat *ret_info)
{
    const char *path = work->path;
    /* Looks first: opening a device can do something. A pipe that takes the place meanwhile does no harm. */
    if (stat(path, ret_info) < 0)
        return complaint_of_errno(work->problem, errno, "can't read", path);
    if (S_ISREG(ret_info->st_mode)) {
        state->fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (state->fd < 0 || fstat(state->fd, ret_info) < 0)
            return complaint_of_errno(work->problem, errno, "can't read", path);
    }
    if (S_ISDIR(ret_info->st_mode))
        return complaint_of_path(work->problem, UV_EISDIR, path, "is a folder");
    if (!S_ISREG(ret_info->st_mode))
        return complaint_of_path(work->problem, UV_EINVAL, path, "is not a regular file");
    return 0;
}

static int prepare(struct work *work)
{
    struct read_state *state = work->state = calloc(1, sizeof(*state));
    if (state == NULL)
        return UV_ENOMEM;
    state->fd = -1;
    struct stat info;
    int status = work_resolve_only(work, work->path);
    if (status == 0)
        status = open_regular(work, state, &info);
    if (status < 0)
        return status;
    uint64_t size = (uint64_t)info.st_size, length = work->open.length;
    if (work->open.offset > size)
        return complaint_of_path(work->problem, STATUS_INVALID, work->path, "is shorter than where to begin");
    state->at = work->open.offset;
    state->end = length == 0 || length > size - state->at ? size : state->at + length;
    state->opened = (struct files_opened_message){
        .type = ENTRY_FILE,
        .size = size,
        .mode = info.st_mode & 07777,
        .mtime = {.s = info.st_mtim.tv_sec, .ns = (uint32_t)info.st_mtim.tv_nsec},
        .inode = info.st_ino};
    posix_fadvise(state->fd, (off_t)state->at, (off_t)(state->end - state->at), POSIX_FADV_SEQUENTIAL);
    return 0;
}

/* ---- blocks ---- */

static int read_block(struct work *work)
{
    struct read_state *state = work->state;
    struct transfer_item *item = state->reading;
    uint64_t left = state->end - state->at;
    size_t wanted = left < item->capacity ? (size_t)left : item->capacity;
    item->size = 0;
    while (item->size < wanted) {
        if (atomic_load(&work->stop))
            return UV_ECANCELED;
        ssize_t size = pread(state->fd, item->bytes + item->size, wanted - item->size, (off_t)state->at);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return complaint_of_errno(work->problem, errno, "can't read", work->path);
        if (size == 0)
            return complaint_of_path(work->problem, UV_EIO, work->path, "became shorter while it was read");
        item->size += (size_t)size;
        state->at += (uint64_t)size;
    }
    return 0;
}

static void pump(struct work *work);

static void handle_block(struct work *work, int status)
{
    struct read_state *state = work->state;
    state->ready = state->reading;
    state->reading = NULL;
    if (status < 0)
        work_fail(work, status);
    else
        pump(work);
}

static void read_ahead(struct work *work)
{
    struct read_state *state = work->state;
    if (work->job_runs || state->ready != NULL || state->at == state->end)
        return;
    state->reading = item_take_data(work->files->pool);
    if (state->reading == NULL)
        work_fail(work, UV_ENOMEM);
    else
        work_run(work, read_block, handle_block);
}

/* False: the stream takes no more now, or is gone. The header goes over bytes that were sent before. */
static bool send_piece(struct work *work)
{
    struct read_state *state = work->state;
    size_t room = stream_write_room(work->stream), left = state->sending->size - state->sent;
    size_t size = left < room ? left : room;
    if (size == 0)
        return false;
    if (size > SCRATCH_SIZE)
        size = SCRATCH_SIZE;
    int status = stream_write(work->stream, state->sending->bytes + state->sent - FRAME_HEADER_SIZE, size);
    if (status < 0) {
        work_fail(work, status);
        return false;
    }
    state->sent += size;
    return true;
}

static void pump(struct work *work)
{
    struct read_state *state = work->state;
    while (!work->over) {
        if (state->sending == NULL) {
            state->sending = state->ready;
            state->ready = NULL;
            state->sent = 0;
            read_ahead(work);
        }
        if (work->over || state->sending == NULL)
            break;
        if (state->sent < state->sending->size && !send_piece(work))
            return;
        if (state->sent == state->sending->size) {
            item_release(work->files->pool, state->sending);
            state->sending = NULL;
        }
    }
    if (!work->over && !work->job_runs && state->at == state->end && !work->fin_sent && !work->fin_waits)
        work_send_fin(work);
}

static void begin(struct work *work)
{
    struct read_state *state = work->state;
    if (work_send_opened(work, &state->opened))
        pump(work);
}

static void clean(struct work *work)
{
    struct read_state *state = work->state;
    if (state == NULL)
        return;
    item_release(work->files->pool, state->reading);
    item_release(work->files->pool, state->ready);
    item_release(work->files->pool, state->sending);
    if (state->fd >= 0)
        close(state->fd);
}

const struct work_kind READ_WORK = {.prepare = prepare, .begin = begin, .on_writable = pump, .clean = clean};
