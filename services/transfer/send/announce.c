/* SPDX-License-Identifier: MIT */
/* Makes parts of the manifest from the walk, as many entries as the window and a message have room for. */
#include <string.h>
#include <uv.h>

#include "services/transfer/send/sender_internal.h"

/* What msgpack makes of an entry, at most: all but its texts, and the largest texts. */
#define ENTRY_BYTES     112
#define ENTRY_BYTES_MAX (ENTRY_BYTES + FILES_NAME_MAX + FILES_LINK_MAX)
#define PART_BYTES_MAX  (MUX_MESSAGE_MAX - 64) /* what stands around the entries */

/* Fills one entry of the message; returns its bytes, at most. */
static size_t describe(const struct sender *sender, const struct walk_entry *from, struct manifest_entry *to)
{
    size_t name_size = strlen(from->name);
    size_t target_size = from->type == ENTRY_LINK ? strlen(from->target) : 0;
    to->type = from->type;
    memcpy(to->name, from->name, name_size + 1);
    memcpy(to->target, from->target, target_size);
    to->target[target_size] = '\0';
    bool is_leave = from->type == ENTRY_LEAVE;
    bool owner = !is_leave && (sender->keeps_owner || sender->list);
    to->size = from->type == ENTRY_FILE ? from->facts.size : 0;
    to->mode = is_leave ? 0 : (uint16_t)(from->facts.mode & 07777);
    to->mtime = is_leave ? (struct files_time){0} : from->facts.mtime;
    to->uid = owner ? from->facts.uid : 0;
    to->gid = owner ? from->facts.gid : 0;
    return ENTRY_BYTES + name_size + target_size;
}

static void add_up(struct sender *sender, const struct walk_entry *entry)
{
    if (entry->type == ENTRY_FILE) {
        sender->announced.files++;
        sender->announced.bytes += entry->facts.size;
    }
}

static int say_part(struct sender *sender, struct item_queue *out, uint64_t first, size_t count, bool last)
{
    struct message message = {.kind = MESSAGE_MANIFEST};
    message.body.manifest =
        (struct manifest_message){.first = first, .count = count, .entries = sender->part, .last = last};
    return sender_say(out, &message);
}

static int say_attributes_of_folders(struct sender *sender, struct item_queue *out, uint64_t first,
                                     size_t count)
{
    for (uint64_t number = first; number < first + count; number++) {
        struct window_entry *entry = send_window_find(&sender->window, number);
        if (entry == NULL || entry->type != ENTRY_FOLDER)
            continue;
        source_folder_use(entry->self);
        int fd;
        int status = source_folder_descriptor(&sender->folders, entry->self, &fd);
        status =
            status < 0 ? 0 : say_attributes(sender, out, entry, fd); /* it has gone: its files will tell */
        source_folder_unuse(&sender->folders, entry->self);
        if (status < 0)
            return status;
    }
    return 0;
}

/* One step of the walk. UV_EOF: it is over. */
static int take_entry(struct sender *sender, struct manifest_entry *to, size_t *bytes)
{
    struct walk_entry entry;
    int status = tree_walk_next(sender->walk, &entry);
    if (status < 0)
        return status;
    if (!sender->list) {
        struct window_entry *added;
        status = send_window_add(&sender->window, &entry, &added);
        if (status < 0)
            return status;
        added->large = entry.type == ENTRY_FILE && entry.facts.size > SMALL_FILE_MAX;
    }
    *bytes += describe(sender, &entry, to);
    add_up(sender, &entry);
    return 0;
}

static int gather(struct sender *sender, size_t room, size_t *ret_count)
{
    size_t count = 0, bytes = 0;
    if (room > FILES_ENTRIES_A_MESSAGE_MAX)
        room = FILES_ENTRIES_A_MESSAGE_MAX;
    while (count < room && bytes + ENTRY_BYTES_MAX <= PART_BYTES_MAX) {
        int status = take_entry(sender, &sender->part[count], &bytes);
        if (status == UV_EOF) {
            sender->announced_all = true;
            break;
        }
        if (status < 0)
            return status;
        count++;
    }
    *ret_count = count;
    return 0;
}

int announce_part(struct sender *sender, struct item_queue *out)
{
    uint64_t first = sender->window.next;
    size_t count;
    int status = gather(sender, send_window_room(&sender->window), &count);
    item_queue_move(out, &sender->notices);
    if (status == 0 && count > 0)
        status = say_part(sender, out, first, count, false);
    if (status == 0 && sender->keeps_attributes)
        status = say_attributes_of_folders(sender, out, first, count);
    return status;
}

int announce_last(struct sender *sender, struct item_queue *out)
{
    return say_part(sender, out, sender->window.next, 0, true);
}

int announce_list_part(struct sender *sender, struct item_queue *out)
{
    size_t count;
    int status = gather(sender, FILES_ENTRIES_A_MESSAGE_MAX, &count);
    if (status < 0)
        return status;
    status = say_part(sender, out, sender->listed, count, sender->announced_all);
    sender->listed += count;
    return status;
}
