/* SPDX-License-Identifier: MIT */
/* What comes from the sender: which message may come when. A PACK or a CHUNK awaits its bytes, these their
 * CHECK, and nothing else may come between. Bytes are held until CHECK says that they are the sender's; only
 * then anything is written.
 *
 * A full disk: UV_EAGAIN, and the item comes again. What was done of it is remembered (manifest_done,
 * pack_done, data_verified) or can be done twice. */
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/attributes_write.h"
#include "services/transfer/receive/receiver_internal.h"

static void set_current(struct receiver *receiver, const struct incoming_file *file)
{
    struct transfer_counts *counts = &receiver->engine.counts;
    counts->phase = TRANSFER_SEND;
    folder_path(file->folder, file->name, counts->current, sizeof(counts->current));
    counts->current_size = file->size;
    counts->current_done = 0;
}

void receiver_forget_subject(struct receiver *receiver)
{
    if (receiver->awaited != AWAITED_MESSAGE)
        message_finish(&receiver->subject);
    item_release(receiver->engine.pool, receiver->data);
    receiver->data = NULL;
    receiver->awaited = AWAITED_MESSAGE;
    receiver->data_verified = false;
    receiver->pack_done = 0;
    receiver->pack_offset = 0;
}

/* Takes the message over. */
static void await(struct receiver *receiver, struct message *message, uint64_t size)
{
    receiver->subject = *message;
    *message = (struct message){.kind = 0};
    receiver->data_size = size;
    receiver->awaited = size > 0 ? AWAITED_DATA : AWAITED_CHECK;
}

/* A file that data may come for. NULL: none was announced. */
static struct incoming_file *find_file(struct receiver *receiver, uint64_t entry)
{
    return incoming_files_find(&receiver->files, entry);
}

static int not_asked(struct receiver *receiver)
{
    return receiver_problem(receiver, STATUS_MALFORMED, "something came of a file that was not asked for");
}

static int take_pack(struct receiver *receiver, struct message *message)
{
    const struct pack_message *pack = &message->body.pack;
    uint64_t size = 0;
    const struct incoming_file *file = NULL;
    for (size_t i = 0; i < pack->count; i++) {
        size += pack->files[i].size;
        file = find_file(receiver, pack->files[i].entry);
        if (file == NULL)
            return not_asked(receiver);
    }
    if (pack->count == 0 || size > FILES_CHUNK_SIZE)
        return STATUS_MALFORMED;
    if (!file->is_doomed)
        set_current(receiver, file);
    await(receiver, message, size);
    return 0;
}

static int take_chunk(struct receiver *receiver, struct message *message)
{
    const struct chunk_message *chunk = &message->body.chunk;
    struct incoming_file *file = find_file(receiver, chunk->entry);
    if (file == NULL)
        return not_asked(receiver);
    if (chunk->size == 0 || chunk->offset % FILES_CHUNK_SIZE != 0 ||
        (!chunk->zero && chunk->size > FILES_CHUNK_SIZE))
        return STATUS_MALFORMED;
    if (!file->is_doomed && file->target == NULL)
        set_current(receiver, file);
    if (!chunk->zero) {
        await(receiver, message, chunk->size);
        return 0;
    }
    return file->is_doomed ? 0 : target_take_zero(receiver, file, chunk->offset, chunk->size);
}

static int take_data(struct receiver *receiver, struct transfer_item *item)
{
    if (receiver->awaited != AWAITED_DATA)
        return STATUS_UNEXPECTED;
    if (item->size != receiver->data_size)
        return receiver_problem(receiver, STATUS_MALFORMED, "more or less bytes came than were announced");
    item_hold(item);
    receiver->data = item;
    receiver->awaited = AWAITED_CHECK;
    receiver->engine.counts.bytes_moved += item->size;
    return 0;
}

static int write_subject(struct receiver *receiver)
{
    if (receiver->subject.kind == MESSAGE_PACK)
        return pack_write(receiver);
    const struct chunk_message *chunk = &receiver->subject.body.chunk;
    struct incoming_file *file = find_file(receiver, chunk->entry);
    if (file == NULL || file->is_doomed)
        return 0;
    return target_take_chunk(receiver, file, chunk->offset,
                             span_of(receiver->data->bytes, receiver->data->size));
}

static int take_check(struct receiver *receiver, const struct check_message *check)
{
    struct span bytes = span_of(NULL, 0);
    if (receiver->awaited != AWAITED_CHECK)
        return STATUS_UNEXPECTED;
    if (receiver->data != NULL)
        bytes = span_of(receiver->data->bytes, receiver->data->size);
    if (!receiver->data_verified && !chunk_check_open(receiver->check, bytes, check))
        return receiver_problem(receiver, STATUS_AUTHENTICATION_FAILED,
                                "bytes came that the other side did not send");
    receiver->data_verified = true;
    int status = write_subject(receiver);
    if (status != UV_EAGAIN)
        receiver_forget_subject(receiver);
    return status;
}

static int take_keep(struct receiver *receiver, const struct keep_message *keep)
{
    struct incoming_file *file = find_file(receiver, keep->entry);
    if (file == NULL)
        return not_asked(receiver);
    return file->is_doomed ? 0 : target_take_keep(receiver, file, keep->offset, keep->size);
}

static int take_file_end(struct receiver *receiver, const struct file_end_message *end)
{
    struct incoming_file *file = find_file(receiver, end->entry);
    if (file == NULL)
        return not_asked(receiver);
    if (file->is_doomed) {
        incoming_files_drop(&receiver->files, file);
        return 0;
    }
    return target_take_end(receiver, file, end->size, &end->mtime);
}

/* Of a file, or of something that is settled already: a folder, say, whose entries can't be read. */
static int take_file_failed(struct receiver *receiver, const struct file_failed_message *failed)
{
    struct incoming_file *file = find_file(receiver, failed->entry);
    if (failed->entry >= receiver->next_entry)
        return not_asked(receiver);
    if (file == NULL) {
        struct folder *folder = folder_stack_find(&receiver->folders, failed->entry);
        if (folder != NULL)
            receiver_note(receiver, folder->parent, folder->name, failed->status, failed->text);
        else
            engine_note_failure(&receiver->engine, failed->status, failed->text, "");
        return 0;
    }
    if (!file->is_doomed) {
        int status = receiver_file_failed(receiver, file, failed->status, failed->text);
        if (status < 0)
            return status;
        file = find_file(receiver, failed->entry);
    }
    if (file != NULL) /* nothing more comes of it */
        incoming_files_drop(&receiver->files, file);
    return 0;
}

static int take_file_again(struct receiver *receiver, const struct file_again_message *again)
{
    struct incoming_file *file = find_file(receiver, again->entry);
    if (file == NULL)
        return not_asked(receiver);
    return file->is_doomed ? 0 : target_take_again(receiver, file);
}

/* The bytes of the path are the other side's words: for people only. */
static int take_left_out(struct receiver *receiver, const struct left_out_message *left_out)
{
    engine_note_failure(&receiver->engine, left_out->status, left_out->text, left_out->path);
    return 0;
}

static int take_attribute(struct receiver *receiver, const struct attribute_message *attribute)
{
    if (attribute->entry >= receiver->next_entry)
        return not_asked(receiver);
    bool is_ours = receiver->origin != NULL && strcmp(attribute->name, ATTRIBUTE_ORIGIN) == 0;
    if ((receiver->flags & FILES_ATTRIBUTES) == 0 || is_ours || !attribute_may_be_given(attribute->name))
        return 0;
    struct incoming_file *file = find_file(receiver, attribute->entry);
    if (file != NULL && !file->is_doomed) {
        int status = incoming_files_keep(&receiver->files, file, attribute);
        if (status == UV_ENOBUFS && !file->lost_attributes) {
            file->lost_attributes = true;
            receiver_note(receiver, file->folder, file->name, STATUS_LIMIT,
                          "some extended attributes are not kept: there are too many");
        }
        return status == UV_ENOBUFS ? 0 : status;
    }
    struct folder *folder = folder_stack_find(&receiver->folders, attribute->entry);
    int fd;
    if (folder != NULL && !folder->has_failed &&
        folder_stack_fd(&receiver->folders, folder, SIDE_STAGED, &fd) == 0)
        receiver_write_attribute(receiver, folder->parent, folder->name, fd, attribute->name,
                                 attribute->value, attribute->value_size);
    return 0; /* else it was the same already, or has failed */
}

static void take_totals(struct receiver *receiver, const struct totals_message *totals)
{
    receiver->engine.counts.totals_known = true;
    receiver->engine.counts.files_total = totals->files;
    receiver->engine.counts.bytes_total = totals->bytes;
}

static int take_message(struct receiver *receiver, struct message *message)
{
    if (receiver->done_told || (receiver->awaited != AWAITED_MESSAGE && message->kind != MESSAGE_CHECK))
        return STATUS_UNEXPECTED;
    switch (message->kind) {
    case MESSAGE_MANIFEST:
        return receive_plan_take(receiver, &message->body.manifest);
    case MESSAGE_PACK:
        return take_pack(receiver, message);
    case MESSAGE_CHUNK:
        return take_chunk(receiver, message);
    case MESSAGE_CHECK:
        return take_check(receiver, &message->body.check);
    case MESSAGE_KEEP:
        return take_keep(receiver, &message->body.keep);
    case MESSAGE_FILE_END:
        return take_file_end(receiver, &message->body.file_end);
    case MESSAGE_FILE_FAILED:
        return take_file_failed(receiver, &message->body.file_failed);
    case MESSAGE_FILE_AGAIN:
        return take_file_again(receiver, &message->body.file_again);
    case MESSAGE_LEFT_OUT:
        return take_left_out(receiver, &message->body.left_out);
    case MESSAGE_ATTRIBUTE:
        return take_attribute(receiver, &message->body.attribute);
    case MESSAGE_TOTALS:
        take_totals(receiver, &message->body.totals);
        return 0;
    default:
        return STATUS_UNEXPECTED;
    }
}

static int take_encoded(struct receiver *receiver, const struct transfer_item *item)
{
    struct message message;
    struct message_head head;
    int status = message_decode(span_of(item->bytes, item->size), &message, &head);
    if (status < 0)
        return status == STATUS_NOT_SUPPORTED ? STATUS_UNEXPECTED : status;
    status = take_message(receiver, &message);
    if (message.kind != 0) /* else it is kept until its bytes come */
        message_finish(&message);
    return status;
}

int receiver_take(struct engine *engine, struct transfer_item *item)
{
    struct receiver *receiver = (struct receiver *)engine;
    if (receiver_is_stopped(receiver))
        return UV_ECANCELED;
    int status = item->kind == ITEM_DATA ? take_data(receiver, item) : take_encoded(receiver, item);
    if (status == 0)
        engine->counts.paused = 0;
    return status;
}
