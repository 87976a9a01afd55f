/* SPDX-License-Identifier: MIT */
/* Digests of the chunks of a file that is there, for the sender to compare with its own. One message a call:
 * chunks that are not the same can be written meanwhile. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/receive/receiver_internal.h"

#define CHUNKS_A_MESSAGE                                                                                     \
    32 /* 32 MiB to read and to hash: what the sender does meanwhile is not kept waiting */

bool compare_has_more(const struct receiver *receiver)
{
    return receiver->targets.compared_first != NULL;
}

static int read_whole(int fd, uint8_t *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t got = pread(fd, bytes, size, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got == 0 ? STATUS_CHANGED : uv_translate_sys_error(errno);
        bytes += got;
        size -= (size_t)got;
        offset += (uint64_t)got;
    }
    return 0;
}

static int digest_chunks(struct receiver *receiver, struct file_target *target, int fd, uint8_t *room,
                         struct digests_message *ret)
{
    uint64_t size = (uint64_t)target->base_look.st_size;
    uint64_t count = (size + FILES_CHUNK_SIZE - 1) / FILES_CHUNK_SIZE;
    ret->first = target->next_digest;
    for (size_t i = 0; i < CHUNKS_A_MESSAGE && ret->first + i < count; i++) {
        uint64_t offset = (ret->first + i) * FILES_CHUNK_SIZE;
        size_t part = size - offset < FILES_CHUNK_SIZE ? (size_t)(size - offset) : FILES_CHUNK_SIZE;
        int status = receiver_is_stopped(receiver) ? UV_ECANCELED : read_whole(fd, room, part, offset);
        if (status < 0)
            return status;
        chunk_digest(&receiver->keys, span_of(room, part), ret->digests + i * FILES_DIGEST_SIZE);
        ret->size = (uint16_t)((i + 1) * FILES_DIGEST_SIZE);
    }
    ret->last = ret->first + ret->size / FILES_DIGEST_SIZE == count;
    return 0;
}

static void done_with_first(struct target_set *set)
{
    struct file_target *target = set->compared_first;
    set->compared_first = target->next_compared;
    if (set->compared_first == NULL)
        set->compared_last = NULL;
    target->next_compared = NULL;
    target->is_compared = false;
}

int compare_produce(struct receiver *receiver, struct item_queue *out)
{
    struct file_target *target = receiver->targets.compared_first;
    struct transfer_item *room = item_take_data(receiver->engine.pool), *item = NULL;
    if (room == NULL)
        return UV_ENOMEM;
    struct message message = {.kind = MESSAGE_DIGESTS};
    struct digests_message *digests = &message.body.digests;
    digests->entry = target->file->entry;
    int fd = -1;
    int status = target_open_base(receiver, target, &fd);
    if (status == 0)
        status = digest_chunks(receiver, target, fd, room->bytes, digests);
    item_release(receiver->engine.pool, room);
    if (status_is_fatal(status))
        return status;
    if (status < 0)
        return receiver_file_failed(receiver, target->file, status,
                                    status == STATUS_CHANGED ? "something else writes to it here" : NULL);
    status = item_encode(&message, &item);
    if (status < 0)
        return status;
    item_queue_push(out, item);
    target->next_digest = digests->first + digests->size / FILES_DIGEST_SIZE;
    if (digests->last)
        done_with_first(&receiver->targets);
    return 0;
}
