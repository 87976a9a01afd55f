/* SPDX-License-Identifier: MIT */
/* Small files, many at a time, read straight into the bytes that are sent. What the walk saw of a file serves
 * as the look before reading it: one look after it tells whether the file is still that one. Only where it
 * is not, it is read again between two looks of its own. */
#include <errno.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/send/sender_internal.h"

/* At most `room` bytes from the beginning. */
static ssize_t read_from_start(int fd, uint8_t *into, size_t room)
{
    size_t size = 0;
    while (size < room) {
        ssize_t got = pread(fd, into + size, room - size, (off_t)size);
        if (got < 0 && errno != EINTR)
            return uv_translate_sys_error(errno);
        if (got == 0)
            break;
        if (got > 0)
            size += (size_t)got;
    }
    return (ssize_t)size;
}

/* As large as *facts say and not a byte more, and the same afterwards. *facts is then what it is now. */
static int read_once(int fd, uint8_t *into, struct file_facts *facts)
{
    ssize_t size;
    do /* of a file that is no longer, mostly: one call */
        size = read(fd, into, (size_t)facts->size + 1);
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return uv_translate_sys_error(errno);
    struct file_facts before = *facts;
    int status = file_facts_read(fd, facts);
    if (status < 0)
        return status;
    return (uint64_t)size == before.size && file_facts_same(&before, facts) ? 0 : STATUS_CHANGED;
}

static int read_again(int fd, uint8_t *into, size_t room, struct file_facts *facts)
{
    for (int tries = 0; tries < CHANGED_TRIES; tries++) {
        if (!S_ISREG(facts->mode))
            return STATUS_CHANGED;
        if (facts->size > SMALL_FILE_MAX)
            return UV_EFBIG;
        if (facts->size >= room)
            return UV_ENOBUFS;
        struct file_facts before = *facts;
        ssize_t size = read_from_start(fd, into, (size_t)before.size + 1);
        int status = size < 0 ? (int)size : file_facts_read(fd, facts);
        if (status < 0)
            return status;
        if ((uint64_t)size == before.size && file_facts_same(&before, facts))
            return 0;
    }
    return STATUS_CHANGED;
}

/* Appends the file to the item; entry->facts are those of what was read. UV_EFBIG: it is not small any more;
 * UV_ENOBUFS: it does not fit behind the others. */
static int read_file(struct sender *sender, struct item_queue *out, struct window_entry *entry,
                     struct transfer_item *item)
{
    int fd;
    int status = source_folder_open_file(&sender->folders, entry->folder, entry->name, entry->follow, &fd);
    if (status < 0)
        return status;
    uint8_t *into = item->bytes + item->size;
    status = read_once(fd, into, &entry->facts);
    if (status == STATUS_CHANGED)
        status = read_again(fd, into, item->capacity - item->size, &entry->facts);
    if (status == 0 && sender->keeps_attributes)
        status = say_attributes(sender, out, entry, fd);
    close(fd);
    return status;
}

/* The files that fit. Fatal errors only. */
static int fill(struct sender *sender, struct item_queue *out, struct transfer_item *item, size_t *ret_count)
{
    size_t count = 0;
    while (count < FILES_ENTRIES_A_MESSAGE_MAX) {
        struct window_entry *entry = send_window_first_ready(&sender->window);
        if (entry == NULL || entry->large || entry->facts.size >= item->capacity - item->size)
            break;
        if (sender_stops(sender))
            return UV_ECANCELED;
        send_window_take_ready(&sender->window);
        int status = read_file(sender, out, entry, item);
        if (status == UV_ENOMEM)
            return status;
        if (status == UV_EFBIG || status == UV_ENOBUFS) {
            entry->large = status == UV_EFBIG;
            send_window_put_back(&sender->window, entry);
            break;
        }
        if (status < 0) {
            status = sender_fail_entry(sender, out, entry, status);
            if (status < 0)
                return status;
            continue;
        }
        if (count == 0)
            sender_show(sender, entry);
        item->size += (size_t)entry->facts.size;
        sender->pack[count++] =
            (struct pack_file){entry->number, (uint32_t)entry->facts.size, entry->facts.mtime};
        send_window_mark_sent(&sender->window, entry);
    }
    *ret_count = count;
    return 0;
}

int send_pack(struct sender *sender, struct item_queue *out)
{
    struct transfer_item *item = item_take_data(sender->engine.pool);
    if (item == NULL)
        return UV_ENOMEM;
    size_t count = 0;
    int status = fill(sender, out, item, &count);
    if (status == 0 && count > 0) {
        struct message message = {.kind = MESSAGE_PACK};
        message.body.pack = (struct pack_message){.count = count, .files = sender->pack};
        status = sender_say(out, &message);
    }
    if (status < 0 || count == 0) {
        item_release(sender->engine.pool, item);
        return status;
    }
    sender->engine.counts.current_done = sender->engine.counts.current_size;
    return sender_say_bytes(sender, out, item);
}
