/* SPDX-License-Identifier: MIT */
/* Messages as plain data: names, lists, keys, release. Bytes are the business of encode.c and decode.c. */
#include "protocol/wire/message.h"

#include "protocol/wire/record.h"
#include "protocol/wire/utf8.h"

#include <stdlib.h>
#include <string.h>

/* By number; NULL where there is none. */
static const char *const KIND_NAMES[] = {
    [MESSAGE_HELLO] = "HELLO",
    [MESSAGE_WELCOME] = "WELCOME",
    [MESSAGE_REFUSE] = "REFUSE",
    [MESSAGE_PING] = "PING",
    [MESSAGE_PONG] = "PONG",
    [MESSAGE_ERROR] = "ERROR",
    [MESSAGE_AUTH] = "AUTH",
    [MESSAGE_JOIN] = "JOIN",
    [MESSAGE_PAIR] = "PAIR",
    [MESSAGE_HEALTH_REQUEST] = "HEALTH_REQUEST",
    [MESSAGE_HEALTH] = "HEALTH",
    [MESSAGE_CHANNEL_OPEN] = "CHANNEL_OPEN",
    [MESSAGE_CHANNEL_OPENED] = "CHANNEL_OPENED",
    [MESSAGE_PORTS] = "PORTS",
    [MESSAGE_REFUSALS] = "REFUSALS",
    [MESSAGE_OFFERS] = "OFFERS",
    [MESSAGE_FILES_OPEN] = "FILES_OPEN",
    [MESSAGE_FILES_OPENED] = "FILES_OPENED",
    [MESSAGE_MANIFEST] = "MANIFEST",
    [MESSAGE_PACK] = "PACK",
    [MESSAGE_CHUNK] = "CHUNK",
    [MESSAGE_CHECK] = "CHECK",
    [MESSAGE_KEEP] = "KEEP",
    [MESSAGE_FILE_END] = "FILE_END",
    [MESSAGE_ATTRIBUTE] = "ATTRIBUTE",
    [MESSAGE_TOTALS] = "TOTALS",
    [MESSAGE_FILE_FAILED] = "FILE_FAILED",
    [MESSAGE_FILE_AGAIN] = "FILE_AGAIN",
    [MESSAGE_LEFT_OUT] = "LEFT_OUT",
    [MESSAGE_NEED] = "NEED",
    [MESSAGE_DIGESTS] = "DIGESTS",
    [MESSAGE_SETTLED] = "SETTLED",
    [MESSAGE_PAUSED] = "PAUSED",
    [MESSAGE_FILES_DONE] = "FILES_DONE",
    [MESSAGE_CHANGES] = "CHANGES",
};

const char *message_kind_name(uint64_t kind)
{
    if (kind >= sizeof(KIND_NAMES) / sizeof(KIND_NAMES[0]) || KIND_NAMES[kind] == NULL)
        return "?";
    return KIND_NAMES[kind];
}

/* Items of lists own nothing themselves. */
static void free_lists(const struct record *record, char *body)
{
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].type != FIELD_OWNED_ITEMS)
            continue;
        void *items;
        memcpy(&items, body + record->fields[i].offset, sizeof(items));
        free(items);
    }
}

void message_finish(struct message *message)
{
    const struct record *record = record_of_kind(message->kind);
    if (message->kind == MESSAGE_HEALTH)
        free(message->body.health);
    else if (record != NULL)
        free_lists(record, (char *)&message->body);
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
