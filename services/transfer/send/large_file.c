/* SPDX-License-Identifier: MIT */
/* One file by chunks, a chunk at a time. Where the receiver has something of it each chunk is compared by
 * its digest first, as far as digests have come. That the file is the one that was opened is looked at when
 * all was read (and when it ends too early): what changed is begun again, and is not compared any more, since
 * the receiver's own bytes may have been written over. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/send/sender_internal.h"

#define WENT_ON 1

enum large_run { RUN_NONE = 0, RUN_KEEP, RUN_ZERO };

static int say_run(struct large_file *large, struct item_queue *out)
{
    if (large->run == RUN_NONE)
        return 0;
    struct message message = {0};
    if (large->run == RUN_KEEP) {
        message.kind = MESSAGE_KEEP;
        message.body.keep = (struct keep_message){large->entry->number, large->run_offset, large->run_size};
    } else {
        message.kind = MESSAGE_CHUNK;
        message.body.chunk =
            (struct chunk_message){large->entry->number, large->run_offset, large->run_size, true};
    }
    large->run = RUN_NONE;
    return sender_say(out, &message);
}

static int add_to_run(struct large_file *large, struct item_queue *out, enum large_run run, uint64_t size)
{
    int status = 0;
    if (large->run != run) {
        status = say_run(large, out);
        large->run = run;
        large->run_offset = large->offset;
        large->run_size = 0;
    }
    large->run_size += size;
    large->offset += size;
    return status;
}

/* The state at the file's beginning, with what fstat says now. */
static int start_over(struct large_file *large)
{
    int status = file_facts_read(large->fd, &large->facts);
    if (status == 0 && !S_ISREG(large->facts.mode))
        status = STATUS_CHANGED;
    if (status < 0)
        return status;
    large->offset = 0;
    large->run = RUN_NONE;
    large->has_holes = large->facts.stored < large->facts.size;
    large->data = (struct data_extent){0, large->has_holes ? 0 : large->facts.size};
    large->entry->facts = large->facts;
    return 0;
}

void large_file_drop(struct sender *sender)
{
    if (sender->large.entry == NULL)
        return;
    close(sender->large.fd);
    sender->large.entry = NULL;
}

static int fail(struct sender *sender, struct item_queue *out, int status)
{
    struct window_entry *entry = sender->large.entry;
    large_file_drop(sender);
    return sender_fail_entry(sender, out, entry, status);
}

int large_file_begin(struct sender *sender, struct item_queue *out, struct window_entry *entry)
{
    struct large_file *large = &sender->large;
    int fd;
    int status = source_folder_open_file(&sender->folders, entry->folder, entry->name, entry->follow, &fd);
    if (status < 0)
        return status == UV_ENOMEM ? status : sender_fail_entry(sender, out, entry, status);
    bool compares = entry->digests != NULL;
    *large = (struct large_file){.entry = entry, .fd = fd, .compares = compares, .names_zeros = compares};
    status = start_over(large);
    if (status < 0)
        return fail(sender, out, status);
    posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    sender_show(sender, entry);
    return sender->keeps_attributes ? say_attributes(sender, out, entry, fd) : 0;
}

/* It is not what it was. */
static int begin_again(struct sender *sender, struct item_queue *out)
{
    struct large_file *large = &sender->large;
    if (large->tries == CHANGED_TRIES)
        return fail(sender, out, STATUS_CHANGED);
    large->tries++;
    large->compares = false;
    int status = start_over(large);
    if (status < 0)
        return fail(sender, out, status);
    struct message message = {.kind = MESSAGE_FILE_AGAIN};
    message.body.file_again.entry = large->entry->number;
    sender->engine.counts.current_size = large->facts.size;
    sender->engine.counts.current_done = 0;
    return sender_say(out, &message);
}

static int end(struct sender *sender, struct item_queue *out)
{
    struct large_file *large = &sender->large;
    struct file_facts now;
    int status = file_facts_read(large->fd, &now);
    if (status < 0)
        return fail(sender, out, status);
    if (!file_facts_same(&large->facts, &now))
        return begin_again(sender, out);
    status = say_run(large, out);
    if (status < 0)
        return status;
    struct message message = {.kind = MESSAGE_FILE_END};
    message.body.file_end =
        (struct file_end_message){large->entry->number, large->facts.size, large->facts.mtime};
    struct window_entry *entry = large->entry;
    large_file_drop(sender);
    send_window_mark_sent(&sender->window, entry);
    return sender_say(out, &message);
}

/* Whole, or as far as the file goes: *ret_size. */
static int read_at(int fd, uint64_t offset, uint8_t *into, size_t size, size_t *ret_size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(fd, into + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return uv_translate_sys_error(errno);
        if (got == 0)
            break;
        done += (size_t)got;
    }
    *ret_size = done;
    return 0;
}

/* large->data is the first data at or behind the offset. */
static int find_data(struct large_file *large)
{
    if (large->data.end > large->offset || large->data.start == large->facts.size)
        return 0;
    return holes_next_data(large->fd, large->offset, large->facts.size, &large->data);
}

/* Where the data of the chunk that ends at `chunk_end` ends: what follows in it is a hole. */
static int find_data_end(struct large_file *large, uint64_t chunk_end, uint64_t *ret_end)
{
    while (large->data.end < chunk_end) {
        struct data_extent next;
        int status = holes_next_data(large->fd, large->data.end, large->facts.size, &next);
        if (status < 0)
            return status;
        if (next.start >= chunk_end) {
            *ret_end = large->data.end;
            return 0;
        }
        large->data = next;
    }
    *ret_end = chunk_end;
    return 0;
}

static int say_chunk(struct sender *sender, struct item_queue *out, struct transfer_item *item)
{
    struct large_file *large = &sender->large;
    struct message message = {.kind = MESSAGE_CHUNK};
    message.body.chunk = (struct chunk_message){large->entry->number, large->offset, item->size, false};
    int status = say_run(large, out);
    if (status == 0)
        status = sender_say(out, &message);
    if (status < 0) {
        item_release(sender->engine.pool, item);
        return status;
    }
    return sender_say_bytes(sender, out, item);
}

static bool digest_is(const struct sender *sender, struct span bytes, const uint8_t *digest)
{
    uint8_t own[FILES_DIGEST_SIZE];
    chunk_digest(&sender->keys, bytes, own);
    return sodium_memcmp(own, digest, sizeof(own)) == 0;
}

/* The same for a chunk that is a hole, whose digest is made once. `zeros`: room of a chunk. */
static bool digest_is_of_zeros(struct sender *sender, uint8_t *zeros, size_t size, const uint8_t *digest)
{
    if (size == FILES_CHUNK_SIZE && sender->zero_digest_known)
        return sodium_memcmp(sender->zero_digest, digest, FILES_DIGEST_SIZE) == 0;
    memset(zeros, 0, size);
    uint8_t own[FILES_DIGEST_SIZE];
    chunk_digest(&sender->keys, span_of(zeros, size), own);
    if (size == FILES_CHUNK_SIZE) {
        memcpy(sender->zero_digest, own, sizeof(own));
        sender->zero_digest_known = true;
    }
    return sodium_memcmp(own, digest, sizeof(own)) == 0;
}

/* The chunk at the offset, of `size` bytes, against the digest of the receiver's. */
static int compare_chunk(struct sender *sender, struct item_queue *out, size_t size, const uint8_t *digest,
                         struct transfer_item *item)
{
    struct large_file *large = &sender->large;
    bool is_hole = large->data.start >= large->offset + size;
    bool same;
    if (is_hole) {
        same = digest_is_of_zeros(sender, item->bytes, size, digest);
    } else {
        int status = read_at(large->fd, large->offset, item->bytes, size, &item->size);
        if (status == 0 && item->size < size)
            status = STATUS_CHANGED;
        if (status < 0) {
            item_release(sender->engine.pool, item);
            return status == STATUS_CHANGED ? begin_again(sender, out) : fail(sender, out, status);
        }
        same = digest_is(sender, span_of(item->bytes, size), digest);
    }
    send_window_drop_digest(&sender->window, large->entry);
    if (same || is_hole) {
        item_release(sender->engine.pool, item);
        return add_to_run(large, out, same ? RUN_KEEP : RUN_ZERO, size);
    }
    int status = say_chunk(sender, out, item);
    large->offset += size;
    return status;
}

/* Passes over the hole at the offset, up to the chunk with the next data. */
static int pass_hole(struct large_file *large, struct item_queue *out)
{
    uint64_t to = large->data.start;
    if (to < large->facts.size)
        to -= to % FILES_CHUNK_SIZE;
    if (large->names_zeros)
        return add_to_run(large, out, RUN_ZERO, to - large->offset);
    large->offset = to;
    return 0;
}

static int send_chunk(struct sender *sender, struct item_queue *out, size_t size, struct transfer_item *item)
{
    struct large_file *large = &sender->large;
    uint64_t end_of_data = large->offset + size;
    int status = large->names_zeros ? 0 : find_data_end(large, large->offset + size, &end_of_data);
    size_t wanted = (size_t)(end_of_data - large->offset);
    if (status == 0)
        status = read_at(large->fd, large->offset, item->bytes, wanted, &item->size);
    if (status == 0 && item->size < wanted)
        status = STATUS_CHANGED;
    if (status < 0) {
        item_release(sender->engine.pool, item);
        return status == STATUS_CHANGED ? begin_again(sender, out) : fail(sender, out, status);
    }
    status = say_chunk(sender, out, item);
    large->offset += size;
    return status;
}

int large_file_go_on(struct sender *sender, struct item_queue *out)
{
    struct large_file *large = &sender->large;
    sender->engine.counts.current_done = large->offset;
    uint64_t left = large->facts.size - large->offset;
    if (left == 0) {
        int status = end(sender, out);
        return status < 0 ? status : WENT_ON;
    }
    size_t size = left < FILES_CHUNK_SIZE ? (size_t)left : FILES_CHUNK_SIZE;
    int status = find_data(large);
    if (status < 0) {
        status = fail(sender, out, status);
        return status < 0 ? status : WENT_ON;
    }
    const uint8_t *digest = NULL;
    if (large->compares) {
        digest = send_window_digest(large->entry, large->offset / FILES_CHUNK_SIZE);
        if (digest == NULL && !large->entry->digests->last)
            return say_run(large, out);
    }
    if (digest == NULL && large->data.start >= large->offset + size) {
        status = pass_hole(large, out);
        return status < 0 ? status : WENT_ON;
    }
    struct transfer_item *item = item_take_data(sender->engine.pool);
    if (item == NULL)
        return UV_ENOMEM;
    status =
        digest != NULL ? compare_chunk(sender, out, size, digest, item) : send_chunk(sender, out, size, item);
    return status < 0 ? status : WENT_ON;
}
