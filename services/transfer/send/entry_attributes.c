/* SPDX-License-Identifier: MIT */
/* Says the extended attributes of an entry. One that can't go is noted; the entry goes without it. */
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/platform/attributes_read.h"
#include "services/transfer/send/sender_internal.h"

struct saying {
    struct sender *sender;
    struct item_queue *out;
    const struct window_entry *entry;
};

static void on_failed(void *ctx, const char *name, int status)
{
    struct saying *saying = ctx;
    char clean[FILES_NAME_MAX + 1], text[TEXT_REASON_MAX + 1];
    utf8_copy(clean, sizeof(clean), span_of_text(name));
    const char *why = status == UV_E2BIG ? "its value is too large" : status_text(status);
    snprintf(text, sizeof(text), "attribute %.180s: %s", clean, why);
    char valid[TEXT_REASON_MAX + 1];
    utf8_copy(valid, sizeof(valid), span_of_text(text));
    sender_note(saying->sender, saying->entry, status, valid);
}

static int on_attribute(void *ctx, const char *name, const uint8_t *value, size_t size)
{
    struct saying *saying = ctx;
    size_t name_size = strlen(name);
    if (name_size > FILES_NAME_MAX || !utf8_is_valid(span_of(name, name_size))) {
        on_failed(ctx, name, STATUS_INVALID);
        return 0;
    }
    struct message message = {.kind = MESSAGE_ATTRIBUTE};
    struct attribute_message *attribute = &message.body.attribute;
    attribute->entry = saying->entry->number;
    memcpy(attribute->name, name, name_size + 1);
    attribute->value_size = (uint16_t)size;
    memcpy(attribute->value, value, size);
    return sender_say(saying->out, &message);
}

int say_attributes(struct sender *sender, struct item_queue *out, const struct window_entry *entry, int fd)
{
    static const struct attribute_taker taker = {.on_attribute = on_attribute, .on_failed = on_failed};
    struct saying saying = {sender, out, entry};
    int status = attributes_read(fd, &taker, &saying);
    if (status == 0 || status == UV_ENOMEM)
        return status;
    sender_note(sender, entry, status, "its attributes can't be read");
    return 0;
}
