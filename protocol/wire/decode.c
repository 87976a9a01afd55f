/* SPDX-License-Identifier: MIT */
/* msgpack → checked message: the envelope. Bodies are read by record_decode.c; message_rules.c has the rules
 * between fields. */
#include "protocol/base/status.h"
#include "protocol/wire/message_rules.h"
#include "protocol/wire/msgpack_check.h"
#include "protocol/wire/record.h"

#include <stdlib.h>
#include <uv.h>

static bool read_head(const msgpack_object *root, struct message_head *ret)
{
    if (root->type != MSGPACK_OBJECT_ARRAY || root->via.array.size != 3)
        return false;
    const msgpack_object *parts = root->via.array.ptr;
    if (parts[0].type != MSGPACK_OBJECT_POSITIVE_INTEGER || parts[1].type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return false;
    *ret = (struct message_head){.kind = parts[0].via.u64, .id = parts[1].via.u64};
    return true;
}

static int read_body(const struct record *record, const msgpack_object *body, struct message *message)
{
    void *base = &message->body;
    if (message->kind == MESSAGE_HEALTH) {
        message->body.health = calloc(1, sizeof(*message->body.health));
        if (message->body.health == NULL)
            return UV_ENOMEM;
        base = message->body.health;
    }
    int status = record_unpack(record, body, base);
    if (status < 0)
        return status;
    if (message->kind == MESSAGE_PORTS)
        message->body.ports.sequence = message->id;
    else if (message->kind == MESSAGE_OFFERS)
        message->body.offers.sequence = message->id;
    return message_rules_check(message);
}

static int read_message(const msgpack_object *root, struct message *ret, struct message_head *ret_kind_and_id)
{
    struct message_head head;
    if (!read_head(root, &head))
        return STATUS_MALFORMED;
    if (ret_kind_and_id != NULL)
        *ret_kind_and_id = head;
    const struct record *record = record_of_kind(head.kind);
    if (record == NULL)
        return STATUS_NOT_SUPPORTED;
    struct message message = {.kind = (enum message_kind)head.kind, .id = head.id};
    int status = read_body(record, &root->via.array.ptr[2], &message);
    if (status < 0) {
        message_finish(&message);
        return status;
    }
    *ret = message;
    return 0;
}

int message_decode(struct span payload, struct message *ret, struct message_head *ret_kind_and_id)
{
    if (payload.size > FRAME_MESSAGE_MAX)
        return STATUS_TOO_LARGE;
    int status = msgpack_check(payload);
    if (status < 0)
        return status;
    msgpack_unpacked unpacked;
    msgpack_unpacked_init(&unpacked);
    msgpack_unpack_return result =
        msgpack_unpack_next(&unpacked, (const char *)payload.data, payload.size, NULL);
    if (result == MSGPACK_UNPACK_SUCCESS)
        status = read_message(&unpacked.data, ret, ret_kind_and_id);
    else
        status = result == MSGPACK_UNPACK_NOMEM_ERROR ? UV_ENOMEM : STATUS_MALFORMED;
    msgpack_unpacked_destroy(&unpacked);
    return status;
}
