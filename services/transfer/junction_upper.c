/* SPDX-License-Identifier: MIT */
/* What the sending guest says. Data waits for its CHECK, which is verified and made anew for the receiver's
 * connection; everything else passes as it came, once it was found to be a message that a sender may say. */
#include <string.h>

#include "protocol/base/status.h"
#include "services/transfer/junction_internal.h"

static void show_current(struct junction *junction, uint64_t number, uint64_t done)
{
    const struct passing_entry *entry = passing_entries_find(junction->entries, number);
    if (entry == NULL)
        return;
    struct transfer_counts *counts = &junction->counts;
    memcpy(counts->current, entry->path, strlen(entry->path) + 1);
    counts->current_size = entry->size;
    counts->current_done = done < entry->size ? done : entry->size;
}

static int take_manifest(struct junction *junction, const struct transfer_item *item, struct message *message)
{
    struct manifest_message *manifest = &message->body.manifest;
    struct transfer_counts *counts = &junction->counts;
    bool renamed;
    int status = passing_entries_add(junction->entries, manifest, &renamed);
    if (status < 0)
        return status;
    for (size_t i = 0; i < manifest->count && !counts->totals_known; i++) {
        if (manifest->entries[i].type != ENTRY_FILE)
            continue;
        counts->files_total++;
        counts->bytes_total += manifest->entries[i].size;
    }
    junction->manifest_ended = manifest->last;
    return junction_forward(junction, &junction->down, item, renamed ? message : NULL);
}

static void note(struct junction *junction, const struct message *message)
{
    struct transfer_counts *counts = &junction->counts;
    const struct pack_message *pack = &message->body.pack;
    switch (message->kind) {
    case MESSAGE_PACK:
        if (pack->count > 0)
            show_current(junction, pack->files[pack->count - 1].entry, UINT64_MAX);
        break;
    case MESSAGE_CHUNK:
        show_current(junction, message->body.chunk.entry, message->body.chunk.offset);
        break;
    case MESSAGE_KEEP:
        show_current(junction, message->body.keep.entry, message->body.keep.offset);
        break;
    case MESSAGE_TOTALS:
        counts->totals_known = true;
        counts->files_total = message->body.totals.files;
        counts->bytes_total = message->body.totals.bytes;
        break;
    default:
        break;
    }
}

static int take_check(struct junction *junction, const struct check_message *check)
{
    struct message made = {.kind = MESSAGE_CHECK};
    struct transfer_item *data = junction->data, *item;
    struct span bytes = data != NULL ? span_of(data->bytes, data->size) : span_of(NULL, 0);
    if (!junction->data_announced)
        return STATUS_UNEXPECTED;
    if (!chunk_check_open(junction->opens, bytes, check))
        return STATUS_AUTHENTICATION_FAILED;
    chunk_check_make(junction->makes, bytes, &made.body.check);
    int status = item_encode(&made, &item);
    if (status < 0)
        return status;
    junction->data = NULL;
    junction->data_announced = false;
    uv_mutex_lock(&junction->mutex);
    junction->counts.bytes_moved += bytes.size;
    if (data != NULL)
        junction_push(junction, &junction->down, data);
    junction_push(junction, &junction->down, item);
    uv_mutex_unlock(&junction->mutex);
    return 0;
}

static int take_data(struct junction *junction, struct transfer_item *item)
{
    if (!junction->data_announced || junction->data != NULL)
        return STATUS_UNEXPECTED;
    junction->data = item;
    return ENGINE_KEPT;
}

static int pass_on(struct junction *junction, const struct transfer_item *item, struct message *message)
{
    int status;
    uv_mutex_lock(&junction->mutex);
    if (message->kind == MESSAGE_MANIFEST) {
        status = take_manifest(junction, item, message);
    } else {
        note(junction, message);
        status = junction_forward(junction, &junction->down, item, NULL);
    }
    uv_mutex_unlock(&junction->mutex);
    return status;
}

static int take_message(struct junction *junction, const struct transfer_item *item, struct message *message)
{
    if (message->kind == MESSAGE_CHECK)
        return take_check(junction, &message->body.check);
    if (junction->data_announced)
        return STATUS_UNEXPECTED;
    switch (message->kind) {
    case MESSAGE_PACK:
        junction->data_announced = true;
        return pass_on(junction, item, message);
    case MESSAGE_CHUNK:
        junction->data_announced = !message->body.chunk.zero;
        return pass_on(junction, item, message);
    case MESSAGE_MANIFEST:
    case MESSAGE_KEEP:
    case MESSAGE_FILE_END:
    case MESSAGE_ATTRIBUTE:
    case MESSAGE_TOTALS:
    case MESSAGE_FILE_FAILED:
    case MESSAGE_FILE_AGAIN:
        return pass_on(junction, item, message);
    case MESSAGE_LEFT_OUT:
        engine_note_failure(&junction->upper.base, message->body.left_out.status, message->body.left_out.text,
                            message->body.left_out.path);
        return pass_on(junction, item, message);
    default:
        return STATUS_UNEXPECTED;
    }
}

int junction_upper_take(struct engine *engine, struct transfer_item *item)
{
    struct junction *junction = ((struct junction_engine *)engine)->junction;
    uv_mutex_lock(&junction->mutex);
    int status = junction_look_across(&junction->upper);
    if (status == 0 && junction_is_full(&junction->down))
        status = UV_EAGAIN;
    uv_mutex_unlock(&junction->mutex);
    if (status < 0)
        return status;
    if (item->kind == ITEM_DATA)
        return take_data(junction, item);
    struct message message;
    struct message_head head;
    status = message_decode(span_of(item->bytes, item->size), &message, &head);
    if (status < 0)
        return status;
    status = take_message(junction, item, &message);
    message_finish(&message);
    return status;
}
