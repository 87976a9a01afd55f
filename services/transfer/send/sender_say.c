/* SPDX-License-Identifier: MIT */
/* Puts the sender's messages into words. */
#include <stdio.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/entry_name.h"
#include "services/transfer/send/sender_internal.h"

int sender_say(struct item_queue *out, const struct message *message)
{
    struct transfer_item *item;
    int status = item_encode(message, &item);
    if (status == 0)
        item_queue_push(out, item);
    return status;
}

int sender_say_bytes(struct sender *sender, struct item_queue *out, struct transfer_item *item)
{
    struct message message = {.kind = MESSAGE_CHECK};
    chunk_check_make(sender->check, span_of(item->bytes, item->size), &message.body.check);
    struct transfer_counts *counts = &sender->engine.counts;
    counts->bytes_moved += item->size;
    if (counts->phase == TRANSFER_SCAN)
        counts->phase = TRANSFER_SEND;
    if (item->size > 0)
        item_queue_push(out, item);
    else
        item_release(sender->engine.pool, item);
    return sender_say(out, &message);
}

int sender_say_failed(struct item_queue *out, uint64_t number, int status, const char *text)
{
    struct message message = {.kind = MESSAGE_FILE_FAILED};
    message.body.file_failed.entry = number;
    message.body.file_failed.status = status;
    snprintf(message.body.file_failed.text, sizeof(message.body.file_failed.text), "%s", text);
    return sender_say(out, &message);
}

void sender_say_left_out(struct item_queue *out, int status, const char *text, const char *path)
{
    struct message message = {.kind = MESSAGE_LEFT_OUT};
    struct left_out_message *left_out = &message.body.left_out;
    left_out->status = status;
    utf8_copy(left_out->path, sizeof(left_out->path), span_of_text(path));
    utf8_copy(left_out->text, sizeof(left_out->text), span_of_text(text));
    sender_say(out, &message);
}

/* Of a root the window has the path. */
static const char *name_of(const struct window_entry *entry)
{
    size_t size;
    return entry->folder == NULL ? entry_name_of_path(entry->name, &size) : entry->name;
}

void sender_note(struct sender *sender, const struct window_entry *entry, int status, const char *text)
{
    char path[TRANSFER_PATH_MAX + 1];
    engine_note_failure(&sender->engine, status, text,
                        source_folder_path(entry->folder, name_of(entry), path, sizeof(path)));
}

int sender_fail_entry(struct sender *sender, struct item_queue *out, struct window_entry *entry, int status)
{
    const char *text = status_text(status);
    sender_note(sender, entry, status, text);
    entry->failed = true;
    send_window_mark_sent(&sender->window, entry);
    return sender_say_failed(out, entry->number, status, text);
}

void sender_show(struct sender *sender, const struct window_entry *entry)
{
    struct transfer_counts *counts = &sender->engine.counts;
    source_folder_path(entry->folder, name_of(entry), counts->current, sizeof(counts->current));
    counts->current_size = entry->facts.size;
    counts->current_done = 0;
}
