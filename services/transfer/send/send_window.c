/* SPDX-License-Identifier: MIT */
/* Bookkeeping of what is under way; what it means and what is said about it is the sender's business. */
#include "services/transfer/send/send_window.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"

int send_window_init(struct send_window *window, struct source_folder_set *folders)
{
    struct window_entry *entries = calloc(FILES_WINDOW, sizeof(*entries));
    if (entries == NULL)
        return UV_ENOMEM;
    *window = (struct send_window){.folders = folders, .entries = entries};
    return 0;
}

static struct window_entry *slot(const struct send_window *window, uint64_t number)
{
    return &window->entries[number % FILES_WINDOW];
}

static void drop_use(struct send_window *window, struct window_entry *entry)
{
    if (entry->type == ENTRY_FILE && entry->folder != NULL && entry->state < ENTRY_SENT)
        source_folder_unuse(window->folders, entry->folder);
}

static void forget(struct send_window *window, struct window_entry *entry)
{
    drop_use(window, entry);
    send_window_drop_digests(window, entry);
    free(entry->digests);
    if (entry->folder != NULL)
        free(entry->name);
    source_folder_release(window->folders, entry->folder);
    source_folder_release(window->folders, entry->self);
    *entry = (struct window_entry){.number = entry->number, .type = entry->type, .state = ENTRY_SETTLED};
}

void send_window_finish(struct send_window *window)
{
    if (window->entries == NULL)
        return;
    for (uint64_t number = window->base; number < window->next; number++)
        if (slot(window, number)->state != ENTRY_SETTLED)
            forget(window, slot(window, number));
    free(window->entries);
    *window = (struct send_window){0};
}

size_t send_window_room(const struct send_window *window)
{
    return FILES_WINDOW - (size_t)(window->next - window->base);
}

bool send_window_is_settled(const struct send_window *window)
{
    return window->base == window->next;
}

static void advance(struct send_window *window)
{
    while (window->base < window->next && slot(window, window->base)->state == ENTRY_SETTLED)
        window->base++;
}

int send_window_add(struct send_window *window, const struct walk_entry *entry, struct window_entry **ret)
{
    assert(send_window_room(window) > 0);
    struct window_entry *added = slot(window, window->next);
    *added = (struct window_entry){
        .number = window->next,
        .type = entry->type,
        .state = entry->type == ENTRY_LEAVE ? ENTRY_SETTLED : ENTRY_ANNOUNCED,
        .follow = entry->follow,
    };
    if (entry->type != ENTRY_LEAVE) {
        char *name = entry->folder == NULL ? (char *)entry->path : strdup(entry->name);
        if (name == NULL)
            return UV_ENOMEM;
        added->name = name;
        added->facts = entry->facts;
        added->folder = entry->folder == NULL ? NULL : source_folder_reference(entry->folder);
        added->self = entry->self == NULL ? NULL : source_folder_reference(entry->self);
    }
    if (entry->type == ENTRY_FILE) {
        window->unsent++;
        if (added->folder != NULL)
            source_folder_use(added->folder);
    }
    window->next++;
    advance(window);
    *ret = added;
    return 0;
}

struct window_entry *send_window_find(struct send_window *window, uint64_t number)
{
    if (number < window->base || number >= window->next)
        return NULL;
    struct window_entry *entry = slot(window, number);
    return entry->state == ENTRY_SETTLED ? NULL : entry;
}

bool send_window_covers(const struct send_window *window, uint64_t first, uint64_t count)
{
    return first >= window->base && first < window->next && count <= window->next - first;
}

void send_window_make_ready(struct send_window *window, struct window_entry *entry)
{
    assert(entry->state == ENTRY_ANNOUNCED || entry->state == ENTRY_WAITING);
    entry->state = ENTRY_READY;
    entry->before = window->queue_last;
    entry->behind = NULL;
    if (window->queue_last != NULL)
        window->queue_last->behind = entry;
    else
        window->queue_first = entry;
    window->queue_last = entry;
}

int send_window_make_waiting(struct send_window *window, struct window_entry *entry)
{
    assert(entry->state == ENTRY_ANNOUNCED);
    struct held_digests *digests = calloc(1, sizeof(*digests));
    if (digests == NULL)
        return UV_ENOMEM;
    buffer_init(&digests->bytes, DIGESTS_HELD_MAX);
    entry->digests = digests;
    entry->large = true;
    entry->state = ENTRY_WAITING;
    return 0;
}

struct window_entry *send_window_first_ready(const struct send_window *window)
{
    return window->queue_first;
}

static void leave_queue(struct send_window *window, struct window_entry *entry)
{
    if (entry->before != NULL)
        entry->before->behind = entry->behind;
    else
        window->queue_first = entry->behind;
    if (entry->behind != NULL)
        entry->behind->before = entry->before;
    else
        window->queue_last = entry->before;
    entry->before = entry->behind = NULL;
}

struct window_entry *send_window_take_ready(struct send_window *window)
{
    struct window_entry *entry = window->queue_first;
    leave_queue(window, entry);
    entry->state = ENTRY_SENDING;
    return entry;
}

void send_window_put_back(struct send_window *window, struct window_entry *entry)
{
    assert(entry->state == ENTRY_SENDING);
    entry->state = ENTRY_READY;
    entry->before = NULL;
    entry->behind = window->queue_first;
    if (window->queue_first != NULL)
        window->queue_first->before = entry;
    else
        window->queue_last = entry;
    window->queue_first = entry;
}

void send_window_mark_sent(struct send_window *window, struct window_entry *entry)
{
    assert(entry->state == ENTRY_SENDING);
    drop_use(window, entry);
    send_window_drop_digests(window, entry);
    entry->state = ENTRY_SENT;
    window->unsent--;
}

void send_window_settle(struct send_window *window, struct window_entry *entry)
{
    assert(entry->state != ENTRY_SETTLED);
    if (entry->state == ENTRY_READY)
        leave_queue(window, entry);
    if (entry->type == ENTRY_FILE && entry->state < ENTRY_SENT)
        window->unsent--;
    forget(window, entry);
    advance(window);
}

int send_window_hold_digests(struct send_window *window, struct window_entry *entry,
                             const struct digests_message *message)
{
    struct held_digests *digests = entry->digests;
    if (digests == NULL || digests->last || message->first != digests->next)
        return STATUS_MALFORMED;
    if (entry->state != ENTRY_SENT) { /* else nobody asks for them any more */
        if (window->digest_bytes + message->size > DIGESTS_HELD_MAX)
            return UV_EAGAIN;
        int status = buffer_append(&digests->bytes, message->digests, message->size);
        if (status < 0)
            return status;
        window->digest_bytes += message->size;
    }
    digests->next += message->size / FILES_DIGEST_SIZE;
    digests->last = message->last;
    return 0;
}

const uint8_t *send_window_digest(const struct window_entry *entry, uint64_t index)
{
    const struct held_digests *digests = entry->digests;
    if (digests == NULL || index != digests->first || buffer_size(&digests->bytes) < FILES_DIGEST_SIZE)
        return NULL;
    return buffer_span(&digests->bytes).data;
}

void send_window_drop_digest(struct send_window *window, struct window_entry *entry)
{
    buffer_consume(&entry->digests->bytes, FILES_DIGEST_SIZE);
    entry->digests->first++;
    window->digest_bytes -= FILES_DIGEST_SIZE;
}

void send_window_drop_digests(struct send_window *window, struct window_entry *entry)
{
    if (entry->digests == NULL)
        return;
    window->digest_bytes -= buffer_size(&entry->digests->bytes);
    buffer_finish(&entry->digests->bytes);
}
