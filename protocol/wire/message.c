/* SPDX-License-Identifier: MIT */
/* Messages as plain data: names, lists, keys, release. Bytes are the business of encode.c and decode.c. */
#include "protocol/wire/message.h"

#include "protocol/wire/utf8.h"

#include <stdlib.h>
#include <string.h>

const char *message_kind_name(uint64_t kind)
{
    switch (kind) {
    case MESSAGE_HELLO:
        return "HELLO";
    case MESSAGE_WELCOME:
        return "WELCOME";
    case MESSAGE_REFUSE:
        return "REFUSE";
    case MESSAGE_PING:
        return "PING";
    case MESSAGE_PONG:
        return "PONG";
    case MESSAGE_ERROR:
        return "ERROR";
    case MESSAGE_AUTH:
        return "AUTH";
    case MESSAGE_JOIN:
        return "JOIN";
    case MESSAGE_PAIR:
        return "PAIR";
    case MESSAGE_HEALTH_REQUEST:
        return "HEALTH_REQUEST";
    case MESSAGE_HEALTH:
        return "HEALTH";
    case MESSAGE_CHANNEL_OPEN:
        return "CHANNEL_OPEN";
    case MESSAGE_CHANNEL_OPENED:
        return "CHANNEL_OPENED";
    case MESSAGE_PORTS:
        return "PORTS";
    case MESSAGE_REFUSALS:
        return "REFUSALS";
    default:
        return "?";
    }
}

void message_finish(struct message *message)
{
    if (message->kind == MESSAGE_PORTS) {
        free(message->body.ports.opened);
        free(message->body.ports.closed);
    } else if (message->kind == MESSAGE_HEALTH) {
        free(message->body.health);
    }
    memset(&message->body, 0, sizeof(message->body));
}

bool capability_list_has(const struct capability_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->names[i], name) == 0)
            return true;
    }
    return false;
}

bool capability_list_add(struct capability_list *list, const char *name)
{
    if (list->count == CAPABILITIES_MAX)
        return false;
    utf8_copy(list->names[list->count], sizeof(list->names[0]), span_of_text(name));
    list->count++;
    return true;
}

bool port_key_equals(const struct port_key *a, const struct port_key *b)
{
    return a->protocol == b->protocol && a->port == b->port && ip_address_equals(&a->address, &b->address);
}
