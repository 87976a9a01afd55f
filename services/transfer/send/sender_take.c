/* SPDX-License-Identifier: MIT */
/* What the receiver says. Every number in it is checked against what was announced before anything is done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/send/sender_internal.h"

static void count_done(struct sender *sender, const struct window_entry *entry)
{
    if (entry->type != ENTRY_FILE)
        return;
    sender->engine.counts.files_done++;
    sender->engine.counts.bytes_done += entry->facts.size;
}

static int need_one(struct sender *sender, uint64_t number, uint8_t action)
{
    struct window_entry *entry = send_window_find(&sender->window, number);
    if (entry == NULL || entry->type != ENTRY_FILE || entry->state != ENTRY_ANNOUNCED)
        return STATUS_MALFORMED;
    switch (action) {
    case NEED_SEND:
        send_window_make_ready(&sender->window, entry);
        return 0;
    case NEED_COMPARE:
        return send_window_make_waiting(&sender->window, entry);
    default:
        sender->engine.counts.skipped++;
        count_done(sender, entry);
        send_window_settle(&sender->window, entry);
        return 0;
    }
}

static int take_need(struct sender *sender, const struct need_message *need)
{
    for (size_t i = 0; i < need->count; i++) {
        const struct need_run *run = &need->runs[i];
        if (!send_window_covers(&sender->window, run->first, run->count))
            return STATUS_MALFORMED;
        for (uint64_t number = run->first; number < run->first + run->count; number++) {
            int status = need_one(sender, number, run->action);
            if (status < 0)
                return status;
        }
    }
    return 0;
}

static int take_digests(struct sender *sender, const struct digests_message *digests)
{
    struct window_entry *entry = send_window_find(&sender->window, digests->entry);
    if (entry == NULL)
        return STATUS_MALFORMED;
    int status = send_window_hold_digests(&sender->window, entry, digests);
    if (status == 0 && entry->state == ENTRY_WAITING && (digests->size > 0 || digests->last))
        send_window_make_ready(&sender->window, entry);
    return status;
}

/* Done, and well. */
static int settle_one(struct sender *sender, uint64_t number)
{
    struct window_entry *entry = send_window_find(&sender->window, number);
    if (entry == NULL || (entry->type == ENTRY_FILE && entry->state != ENTRY_SENT))
        return STATUS_MALFORMED;
    if (!entry->failed)
        count_done(sender, entry);
    send_window_settle(&sender->window, entry);
    return 0;
}

static int fail_one(struct sender *sender, const struct file_failed_message *failed)
{
    struct window_entry *entry = send_window_find(&sender->window, failed->entry);
    if (entry == NULL)
        return STATUS_MALFORMED;
    if (!entry->failed) /* else it was noted when it was told */
        sender_note(sender, entry, failed->status, failed->text);
    if (entry->state > ENTRY_ANNOUNCED && entry->state < ENTRY_SENT)
        sender->given_up[sender->given_up_count++] = entry->number;
    if (entry == sender->large.entry)
        large_file_drop(sender);
    send_window_settle(&sender->window, entry);
    return 0;
}

static int take_settled(struct sender *sender, const struct settled_message *settled)
{
    for (size_t i = 0; i < settled->count; i++) {
        const struct settled_run *run = &settled->runs[i];
        if (!send_window_covers(&sender->window, run->first, run->count))
            return STATUS_MALFORMED;
        for (uint64_t number = run->first; number < run->first + run->count; number++) {
            int status = settle_one(sender, number);
            if (status < 0)
                return status;
        }
    }
    for (size_t i = 0; i < settled->failed_count; i++) {
        int status = fail_one(sender, &settled->failed[i]);
        if (status < 0)
            return status;
    }
    return 0;
}

/* What failed after it was settled: while it was put in its place. Only how much is known. */
static void note_late_failures(struct sender *sender, uint64_t failed)
{
    struct transfer_counts *counts = &sender->engine.counts;
    if (failed <= counts->failed)
        return;
    char text[96];
    snprintf(text, sizeof(text), "%" PRIu64 " came, but could not be put in place", failed - counts->failed);
    engine_note_failure(&sender->engine, UV_EIO, text, "");
    counts->failed = failed;
}

static int take_done(struct sender *sender, const struct files_done_message *done)
{
    if (!sender->announced_all || !send_window_is_settled(&sender->window))
        return STATUS_UNEXPECTED;
    note_late_failures(sender, done->failed);
    sender->done_heard = true;
    sender->given_up_count = 0;
    sender->engine.says_fin = true;
    sender->engine.counts.paused = 0;
    return 0;
}

static int take_message(struct sender *sender, const struct message *message)
{
    if (sender->list || sender->done_heard)
        return STATUS_UNEXPECTED;
    switch (message->kind) {
    case MESSAGE_NEED:
        return take_need(sender, &message->body.need);
    case MESSAGE_DIGESTS:
        return take_digests(sender, &message->body.digests);
    case MESSAGE_SETTLED:
        return take_settled(sender, &message->body.settled);
    case MESSAGE_PAUSED:
        sender->engine.counts.paused = message->body.paused.over ? 0 : message->body.paused.status;
        return 0;
    case MESSAGE_FILES_DONE:
        return take_done(sender, &message->body.files_done);
    default:
        return STATUS_UNEXPECTED;
    }
}

int sender_take(struct engine *engine, struct transfer_item *item)
{
    struct sender *sender = (struct sender *)engine;
    if (item->kind != ITEM_MESSAGE)
        return STATUS_UNEXPECTED;
    struct message message;
    struct message_head head;
    int status = message_decode(span_of(item->bytes, item->size), &message, &head);
    if (status < 0)
        return status == STATUS_NOT_SUPPORTED ? STATUS_UNEXPECTED : status;
    status = take_message(sender, &message);
    message_finish(&message);
    if (sender->announced_all && !sender->list && send_window_is_settled(&sender->window))
        engine->counts.phase = TRANSFER_FINISH;
    return status;
}
