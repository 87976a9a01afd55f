/* SPDX-License-Identifier: MIT */
/* message → msgpack: the envelope. Bodies are packed by record_encode.c. */
#include "protocol/wire/message_rules.h"
#include "protocol/wire/record.h"

#include <assert.h>
#include <string.h>

/* An entry of MANIFEST without its texts: the map, nine keys and the values at their largest. */
#define ENTRY_FIXED_SIZE                                                                                     \
    (1 + sizeof("type") + 1 + sizeof("name") + 2 + sizeof("size") + 9 + sizeof("mode") + 3 +                 \
     sizeof("mtimeS") + 9 + sizeof("mtimeNs") + 5 + sizeof("uid") + 5 + sizeof("gid") + 5 +                  \
     sizeof("target") + 3)

struct sink {
    struct buffer *out;
    int status; /* the first failure */
};

static int write_bytes(void *ctx, const char *bytes, size_t size)
{
    struct sink *sink = ctx;
    if (sink->status == 0)
        sink->status = buffer_append(sink->out, bytes, size);
    return sink->status == 0 ? 0 : -1;
}

int message_encode(const struct message *message, struct buffer *out)
{
    const struct record *record = record_of_kind(message->kind);
    assert(record != NULL);
    assert(message_rules_check(message) == 0);
    struct sink sink = {.out = out};
    size_t before = buffer_size(out);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &sink, write_bytes);
    msgpack_pack_array(&packer, 3);
    msgpack_pack_uint64(&packer, message->kind);
    msgpack_pack_uint64(&packer, message->id);
    const void *body = message->kind == MESSAGE_HEALTH ? (const void *)message->body.health : &message->body;
    record_pack(record, body, &packer);
    if (sink.status < 0)
        out->end = out->start + before;
    return sink.status;
}

size_t manifest_entry_size_max(const struct manifest_entry *entry)
{
    return ENTRY_FIXED_SIZE + strlen(entry->name) + strlen(entry->target);
}
