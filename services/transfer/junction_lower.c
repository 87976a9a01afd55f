/* SPDX-License-Identifier: MIT */
/* What the receiving guest says. What it settles is counted; DIGESTS end here, and who wants to compare is
 * sent the whole file. */
#include <stdlib.h>
#include <string.h>

#include "protocol/base/status.h"
#include "services/transfer/junction_internal.h"

static void count_settled(struct junction *junction, const struct passing_entry *entry, bool skipped)
{
    struct transfer_counts *counts = &junction->counts;
    if (entry->type != ENTRY_FILE)
        return;
    counts->files_done++;
    counts->bytes_done += entry->size;
    counts->skipped += skipped ? 1 : 0;
}

static void settle(struct junction *junction, uint64_t number, bool skipped)
{
    struct passing_entry entry;
    if (!passing_entries_settle(junction->entries, number, &entry))
        return;
    count_settled(junction, &entry, skipped);
    free(entry.path);
}

/* Only what is announced and not settled counts, however long the run is said to be. */
static void settle_run(struct junction *junction, uint64_t first, uint64_t count, bool skipped)
{
    uint64_t number;
    for (uint64_t i = 0; i < count && count <= FILES_WINDOW; i++)
        settle(junction, first + i, skipped);
    while (count > FILES_WINDOW && passing_entries_any(junction->entries, first, count, &number))
        settle(junction, number, skipped);
}

static int take_need(struct junction *junction, const struct transfer_item *item, struct message *message)
{
    struct need_message *need = &message->body.need;
    bool changed = false;
    for (size_t i = 0; i < need->count; i++) {
        struct need_run *run = &need->runs[i];
        if (run->action == NEED_NOTHING)
            settle_run(junction, run->first, run->count, true);
        changed = changed || run->action == NEED_COMPARE;
        if (run->action == NEED_COMPARE)
            run->action = NEED_SEND;
    }
    return junction_forward(junction, &junction->up, item, changed ? message : NULL);
}

static int take_settled(struct junction *junction, const struct transfer_item *item,
                        const struct message *message)
{
    const struct settled_message *settled = &message->body.settled;
    for (size_t i = 0; i < settled->count; i++)
        settle_run(junction, settled->runs[i].first, settled->runs[i].count, false);
    for (size_t i = 0; i < settled->failed_count; i++) {
        const struct file_failed_message *failed = &settled->failed[i];
        struct passing_entry entry;
        if (!passing_entries_settle(junction->entries, failed->entry, &entry))
            continue;
        engine_note_failure(&junction->lower.base, failed->status, failed->text, entry.path);
        junction->counts.failed++;
        free(entry.path);
    }
    return junction_forward(junction, &junction->up, item, NULL);
}

static int take_done(struct junction *junction, const struct transfer_item *item, struct message *message)
{
    struct files_done_message *done = &message->body.files_done;
    if (junction->done_came)
        return STATUS_UNEXPECTED;
    if (!junction->manifest_ended || passing_entries_count(junction->entries) > 0)
        return STATUS_UNEXPECTED; /* MUST settle all before */
    junction->names = done->names;
    junction->name_count = done->name_count;
    done->names = NULL;
    done->name_count = 0;
    junction->done_came = junction->lower.base.is_done = true;
    return junction_forward(junction, &junction->up, item, message);
}

static int take_message(struct junction *junction, const struct transfer_item *item, struct message *message)
{
    const struct paused_message *paused = &message->body.paused;
    switch (message->kind) {
    case MESSAGE_NEED:
        return take_need(junction, item, message);
    case MESSAGE_DIGESTS:
        return 0;
    case MESSAGE_SETTLED:
        return take_settled(junction, item, message);
    case MESSAGE_PAUSED:
        junction->counts.paused = paused->over ? 0 : paused->status;
        return junction_forward(junction, &junction->up, item, NULL);
    case MESSAGE_FILES_DONE:
        return take_done(junction, item, message);
    default:
        return STATUS_UNEXPECTED;
    }
}

int junction_lower_take(struct engine *engine, struct transfer_item *item)
{
    struct junction *junction = ((struct junction_engine *)engine)->junction;
    struct message message;
    struct message_head head;
    uv_mutex_lock(&junction->mutex);
    int status = junction_look_across(&junction->lower);
    if (status == 0 && junction_is_full(&junction->up))
        status = UV_EAGAIN;
    uv_mutex_unlock(&junction->mutex);
    if (status < 0)
        return status;
    if (item->kind == ITEM_DATA)
        return STATUS_UNEXPECTED;
    status = message_decode(span_of(item->bytes, item->size), &message, &head);
    if (status < 0)
        return status;
    uv_mutex_lock(&junction->mutex);
    status = take_message(junction, item, &message);
    uv_mutex_unlock(&junction->mutex);
    message_finish(&message);
    return status;
}
