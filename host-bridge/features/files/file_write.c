/* SPDX-License-Identifier: MIT */
/* WRITE: blocks on their way from the giver to the guest.
 *
 * Theory of operation
 * A ring of blocks, used in order: filled by file_write_give, hashed on a worker thread of the loop (BLAKE2b
 * takes longer for a byte than everything else together), sent. Each block is in one of these states only,
 * since sending writes frame headers into bytes that were sent before it, which the hash must have seen by
 * then. One block at most is being hashed, so that the digest grows in order. After the last one FIN goes
 * out; the guest answers with its own digest, and the two are compared.
 *
 * A worker can't be called back: what is closed meanwhile is freed when it returns. */
#include "host-bridge/features/files/file_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "protocol/base/status.h"

#define BLOCK_SPACE (FRAME_HEADER_SIZE + FILE_WRITE_BLOCK_BYTES)

enum block_state { BLOCK_EMPTY, BLOCK_FULL, BLOCK_HASHING, BLOCK_HASHED };

struct block {
    enum block_state state;
    size_t size, sent;
    uint8_t *space; /* BLOCK_SPACE bytes, the first of them for a frame's header */
};

struct file_write {
    struct file_work work;
    const struct file_write_handler *handler;
    void *ctx;
    uv_loop_t *loop;
    uv_work_t hashing;
    bool is_hashing, is_closed;
    bool is_open; /* the guest said FILES_OPENED */
    bool has_all; /* file_write_end */
    bool said_fin;
    bool owes_room;  /* file_write_give took less */
    bool has_answer; /* FILES_DONE came */
    uint8_t *space;  /* of all blocks; NULL until the guest has opened */
    struct block blocks[FILE_WRITE_BLOCKS];
    size_t filling, next_hash, sending; /* indices into the ring */
    uint64_t size;
    crypto_generichash_state state;
    uint8_t digest[FILES_DIGEST_SIZE];
    char path[FILES_PATH_MAX + 1];
};

static void release(struct file_write *write)
{
    free(write->space);
    free(write);
}

static void done(struct file_write *write, int status, const char *text)
{
    struct file_written written = {.path = write->path, .size = write->size};
    memcpy(written.digest, write->digest, sizeof(written.digest));
    write->handler->on_done(write->ctx, status, text, status == 0 ? &written : NULL);
}

/* ---- out ---- */

enum progress { PROGRESS_FAILED, PROGRESS_BLOCKED, PROGRESS_DONE }; /* after the first `write` may be gone */

static enum progress send_block(struct file_write *write, struct block *block)
{
    while (block->sent < block->size) {
        size_t room = stream_write_room(write->work.stream);
        size_t size = block->size - block->sent < room ? block->size - block->sent : room;
        if (size == 0)
            return PROGRESS_BLOCKED;
        int status = stream_write(write->work.stream, block->space + block->sent, size);
        if (status < 0) {
            file_work_fail(&write->work, status, "");
            return PROGRESS_FAILED;
        }
        block->sent += size;
    }
    return PROGRESS_DONE;
}

/* *ret_freed: there is room for more. */
static enum progress send_blocks(struct file_write *write, bool *ret_freed)
{
    while (write->blocks[write->sending].state == BLOCK_HASHED) {
        struct block *block = &write->blocks[write->sending];
        enum progress progress = send_block(write, block);
        if (progress != PROGRESS_DONE)
            return progress;
        *block = (struct block){.space = block->space};
        write->sending = (write->sending + 1) % FILE_WRITE_BLOCKS;
        *ret_freed = true;
    }
    return PROGRESS_DONE;
}

static bool is_all_sent(const struct file_write *write)
{
    return write->has_all && write->blocks[write->sending].state == BLOCK_EMPTY;
}

static enum progress say_fin(struct file_write *write)
{
    int status = stream_send(write->work.stream, FRAME_FIN, span_of(NULL, 0));
    if (status == UV_ENOBUFS)
        return PROGRESS_BLOCKED; /* writable follows */
    if (status < 0) {
        file_work_fail(&write->work, status, "");
        return PROGRESS_FAILED;
    }
    write->said_fin = true;
    crypto_generichash_final(&write->state, write->digest, sizeof(write->digest));
    return PROGRESS_DONE;
}

static void start_hash(struct file_write *write);

/* Moves what can move. Last in whatever calls it: `write` may be gone. */
static void go_on(struct file_write *write)
{
    if (write->work.stream == NULL)
        return;
    start_hash(write);
    bool freed = false;
    if (send_blocks(write, &freed) == PROGRESS_FAILED)
        return;
    if (is_all_sent(write) && !write->said_fin && say_fin(write) == PROGRESS_FAILED)
        return;
    if (freed && write->owes_room) {
        write->owes_room = false;
        write->handler->on_room(write->ctx);
    }
}

/* ---- hashing ---- */

static void hash_block(uv_work_t *work)
{
    struct file_write *write = work->data;
    const struct block *block = &write->blocks[write->next_hash];
    crypto_generichash_update(&write->state, block->space + FRAME_HEADER_SIZE, block->size);
}

static void handle_hashed(uv_work_t *work, int status)
{
    struct file_write *write = work->data;
    write->is_hashing = false;
    if (write->is_closed) {
        release(write);
        return;
    }
    write->blocks[write->next_hash].state = BLOCK_HASHED;
    write->next_hash = (write->next_hash + 1) % FILE_WRITE_BLOCKS;
    go_on(write);
}

static void start_hash(struct file_write *write)
{
    struct block *block = &write->blocks[write->next_hash];
    if (write->is_hashing || block->state != BLOCK_FULL)
        return;
    block->state = BLOCK_HASHING;
    write->hashing.data = write;
    write->is_hashing = uv_queue_work(write->loop, &write->hashing, hash_block, handle_hashed) == 0;
}

/* ---- in ---- */

static void close_block(struct file_write *write, struct block *block)
{
    block->state = BLOCK_FULL;
    write->filling = (write->filling + 1) % FILE_WRITE_BLOCKS;
    start_hash(write);
}

size_t file_write_give(struct file_write *write, const void *bytes, size_t size)
{
    size_t taken = 0;
    while (taken < size && write->is_open && !write->has_all) {
        struct block *block = &write->blocks[write->filling];
        if (block->state != BLOCK_EMPTY)
            break;
        size_t room = FILE_WRITE_BLOCK_BYTES - block->size;
        size_t now = size - taken < room ? size - taken : room;
        memcpy(block->space + FRAME_HEADER_SIZE + block->size, (const char *)bytes + taken, now);
        block->size += now;
        taken += now;
        if (block->size == FILE_WRITE_BLOCK_BYTES)
            close_block(write, block);
    }
    write->size += taken;
    write->owes_room = taken < size;
    return taken;
}

void file_write_end(struct file_write *write)
{
    struct block *block = &write->blocks[write->filling];
    if (block->state == BLOCK_EMPTY && block->size > 0)
        close_block(write, block);
    write->has_all = true;
    go_on(write);
}

/* ---- the guest ---- */

static void opened(struct file_work *work, const struct files_opened_message *message)
{
    struct file_write *write = (struct file_write *)work;
    write->space = malloc(FILE_WRITE_BLOCKS * BLOCK_SPACE);
    if (write->space == NULL) {
        file_work_fail(work, UV_ENOMEM, "");
        return;
    }
    for (size_t i = 0; i < FILE_WRITE_BLOCKS; i++)
        write->blocks[i].space = write->space + i * BLOCK_SPACE;
    write->is_open = true;
    if (message->path[0] != '\0')
        memcpy(write->path, message->path, sizeof(write->path));
    if (write->has_all)
        go_on(write);
    else
        write->handler->on_room(write->ctx);
}

static bool take_message(struct file_work *work, const struct message *message)
{
    struct file_write *write = (struct file_write *)work;
    if (message->kind != MESSAGE_FILES_DONE || !write->said_fin || write->has_answer)
        return false;
    const struct files_done_message *answer = &message->body.files_done;
    if (answer->digest_size != FILES_DIGEST_SIZE ||
        memcmp(answer->digest, write->digest, FILES_DIGEST_SIZE) != 0) {
        file_work_fail(work, UV_EIO, "what the guest wrote is not what it was sent");
        return true;
    }
    write->has_answer = true;
    if (answer->name_count > 0 && answer->names[0].path[0] != '\0')
        memcpy(write->path, answer->names[0].path, sizeof(write->path));
    return true;
}

static void fin(struct file_work *work)
{
    struct file_write *write = (struct file_write *)work;
    if (!write->has_answer) {
        file_work_fail(work, STATUS_UNEXPECTED, "the guest ended before it had written all");
        return;
    }
    stream_close(work->stream);
    work->stream = NULL;
    done(write, 0, "");
}

static void writable(struct file_work *work)
{
    go_on((struct file_write *)work);
}

static void failed(struct file_work *work, int status, const char *text)
{
    done((struct file_write *)work, status, text);
}

static const struct file_work_ops OPS = {
    .opened = opened, .message = take_message, .fin = fin, .writable = writable, .failed = failed};

/* ---- life ---- */

static void fill_open(struct files_open_message *open, const struct file_write_request *request)
{
    file_work_prepare(open, FILES_WRITE, request->user);
    snprintf(open->to, sizeof(open->to), "%s", request->path);
    open->mode = request->mode;
    if (!request->drop)
        return;
    open->flags = FILES_DROP;
    open->conflict = FILES_RENAME;
    if (request->batch != NULL) /* the same text, the same id */
        crypto_generichash(open->id.bytes, sizeof(open->id.bytes), (const uint8_t *)request->batch,
                           strlen(request->batch), NULL, 0);
}

int file_write_begin(uv_loop_t *loop, const struct files_io *io, const struct file_write_request *request,
                     const struct file_write_handler *handler, void *ctx, struct file_write **ret)
{
    struct file_write *write = calloc(1, sizeof(*write));
    if (write == NULL)
        return UV_ENOMEM;
    write->loop = loop;
    write->handler = handler;
    write->ctx = ctx;
    snprintf(write->path, sizeof(write->path), "%s", request->path);
    crypto_generichash_init(&write->state, NULL, 0, FILES_DIGEST_SIZE);
    struct files_open_message open;
    fill_open(&open, request);
    int status = file_work_begin(&write->work, io, &OPS, &open);
    if (status < 0) {
        free(write);
        return status;
    }
    *ret = write;
    return 0;
}

void file_write_close(struct file_write *write)
{
    if (write == NULL)
        return;
    file_work_close(&write->work);
    write->is_closed = true;
    if (!write->is_hashing)
        release(write);
}
