/* SPDX-License-Identifier: MIT */
/* message → msgpack: the envelope. Bodies are packed by record_encode.c. */
#include "protocol/wire/record.h"

#include <assert.h>

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

static void check_promises(const struct message *message)
{
    if (message->kind == MESSAGE_HELLO)
        assert(message->body.hello.version_min <= message->body.hello.version);
    if (message->kind == MESSAGE_PORTS) {
        const struct ports_message *ports = &message->body.ports;
        assert(ports->sequence == message->id);
        assert(ports->snapshot || !ports->more);
        assert(!ports->snapshot || ports->closed_count == 0);
        assert(ports->ephemeral_low <= ports->ephemeral_high);
        (void)ports;
    }
}

int message_encode(const struct message *message, struct buffer *out)
{
    const struct record *record = record_of_kind(message->kind);
    assert(record != NULL);
    check_promises(message);
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
