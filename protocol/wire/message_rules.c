/* SPDX-License-Identifier: MIT */
/* Rules between the fields of a message (docs/protocol.md, "Messages" and "Files"). Ranges of single fields
 * are in the tables; what depends on messages before this one is the receiver's business. */
#include "protocol/wire/message_rules.h"

#include "protocol/base/status.h"

#define FILE_SIZE_MAX ((uint64_t)INT64_MAX)

static bool hello_agrees(const struct hello_message *hello)
{
    return hello->version_min <= hello->version;
}

static bool ports_agree(const struct ports_message *ports, uint64_t id)
{
    if (ports->sequence != id || ports->ephemeral_low > ports->ephemeral_high)
        return false;
    return ports->snapshot ? ports->closed_count == 0 : !ports->more;
}

/* PORTS ends a snapshot, so OFFERS never does. */
static bool offers_agree(const struct offers_message *offers, uint64_t id)
{
    if (offers->sequence != id || offers->snapshot != offers->more)
        return false;
    return !offers->snapshot || offers->gone_count == 0;
}

static bool run_fits(uint64_t first, uint64_t count)
{
    return count <= UINT64_MAX - first;
}

/* Within what an off_t can name. */
static bool range_fits(uint64_t offset, uint64_t size)
{
    return offset <= FILE_SIZE_MAX && size <= FILE_SIZE_MAX - offset;
}

static bool manifest_agrees(const struct manifest_message *manifest)
{
    for (size_t i = 0; i < manifest->count; i++) {
        const struct manifest_entry *entry = &manifest->entries[i];
        if (entry->type != ENTRY_LEAVE && entry->name[0] == '\0')
            return false;
    }
    return run_fits(manifest->first, manifest->count);
}

static bool pack_agrees(const struct pack_message *pack)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < pack->count; i++)
        bytes += pack->files[i].size;
    return bytes <= FILES_CHUNK_SIZE;
}

static bool chunk_agrees(const struct chunk_message *chunk)
{
    if (chunk->offset % FILES_CHUNK_SIZE != 0 || (!chunk->zero && chunk->size > FILES_CHUNK_SIZE))
        return false;
    return range_fits(chunk->offset, chunk->size);
}

static bool need_agrees(const struct need_message *need)
{
    for (size_t i = 0; i < need->count; i++) {
        if (!run_fits(need->runs[i].first, need->runs[i].count))
            return false;
    }
    return true;
}

static bool settled_agrees(const struct settled_message *settled)
{
    for (size_t i = 0; i < settled->count; i++) {
        if (!run_fits(settled->runs[i].first, settled->runs[i].count))
            return false;
    }
    return true;
}

static bool agrees(const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_HELLO:
        return hello_agrees(&message->body.hello);
    case MESSAGE_PORTS:
        return ports_agree(&message->body.ports, message->id);
    case MESSAGE_OFFERS:
        return offers_agree(&message->body.offers, message->id);
    case MESSAGE_FILES_OPEN:
        return range_fits(message->body.files_open.offset, message->body.files_open.length);
    case MESSAGE_MANIFEST:
        return manifest_agrees(&message->body.manifest);
    case MESSAGE_PACK:
        return pack_agrees(&message->body.pack);
    case MESSAGE_CHUNK:
        return chunk_agrees(&message->body.chunk);
    case MESSAGE_CHECK:
        return message->body.check.tag_size == 0 || message->body.check.tag_size == FILES_CHECK_SIZE;
    case MESSAGE_KEEP:
        return range_fits(message->body.keep.offset, message->body.keep.size);
    case MESSAGE_NEED:
        return need_agrees(&message->body.need);
    case MESSAGE_DIGESTS:
        return message->body.digests.size % FILES_DIGEST_SIZE == 0;
    case MESSAGE_SETTLED:
        return settled_agrees(&message->body.settled);
    case MESSAGE_FILES_DONE:
        return message->body.files_done.digest_size == 0 ||
               message->body.files_done.digest_size == FILES_DIGEST_SIZE;
    default:
        return true;
    }
}

int message_rules_check(const struct message *message)
{
    if (!agrees(message))
        return STATUS_MALFORMED;
    if (message->kind == MESSAGE_FILES_OPEN && (message->body.files_open.flags & ~FILES_FLAGS_ALL) != 0)
        return STATUS_NOT_SUPPORTED;
    return 0;
}
