/* SPDX-License-Identifier: MIT */
/* An entry is settled when two looks, OUTBOX_SETTLE_MS apart, have seen the same. Looking is outbox_look.c's.
 */
#include "agent/features/offers/outbox_state.h"

#include <stdlib.h>
#include <string.h>

static bool ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);
    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

/* "a.part", and "a.part1", "a.partial" as others call it. */
static bool is_part(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot != NULL && strncmp(dot, ".part", 5) == 0;
}

bool outbox_name_is_ignored(const char *name)
{
    return name[0] == '.' || ends_with(name, "~") || is_part(name) || ends_with(name, ".tmp") ||
           ends_with(name, ".crdownload") || strcmp(name, OUTBOX_SENT) == 0;
}

struct outbox_entry *outbox_state_find(struct outbox_state *state, const char *name)
{
    for (size_t i = 0; i < state->count; i++) {
        if (strcmp(state->entries[i].name, name) == 0)
            return &state->entries[i];
    }
    return NULL;
}

struct outbox_entry *outbox_state_find_offer(struct outbox_state *state, uint64_t offer)
{
    for (size_t i = 0; i < state->count; i++) {
        if (state->entries[i].offer == offer)
            return &state->entries[i];
    }
    return NULL;
}

void outbox_state_remove(struct outbox_state *state, struct outbox_entry *entry)
{
    free(entry->name);
    *entry = state->entries[--state->count];
}

void outbox_state_finish(struct outbox_state *state)
{
    while (state->count > 0)
        outbox_state_remove(state, &state->entries[state->count - 1]);
}

void outbox_state_begin(struct outbox_state *state)
{
    for (size_t i = 0; i < state->count; i++)
        state->entries[i].seen = false;
}

static bool is_same(const struct outbox_signature *a, const struct outbox_signature *b)
{
    return a->inode == b->inode && a->entries == b->entries && a->bytes == b->bytes && a->mix == b->mix &&
           a->mtime_ns == b->mtime_ns;
}

/* At the end of the list. NULL: no room. */
static struct outbox_entry *add(struct outbox_state *state, const char *name)
{
    char *copy = state->count < OUTBOX_ENTRIES_MAX ? strdup(name) : NULL;
    if (copy == NULL)
        return NULL;
    struct outbox_entry *entry = &state->entries[state->count++];
    *entry = (struct outbox_entry){.name = copy, .stage = OUTBOX_NEW};
    return entry;
}

void outbox_state_adopt(struct outbox_state *state, const char *name, uint64_t offer)
{
    struct outbox_entry *entry = outbox_state_find(state, name) == NULL ? add(state, name) : NULL;
    if (entry == NULL)
        return;
    entry->stage = OUTBOX_OFFERED;
    entry->offer = offer;
}

void outbox_state_see(struct outbox_state *state, const char *name, const struct outbox_signature *signature,
                      uint64_t now_ms)
{
    struct outbox_entry *entry = outbox_state_find(state, name);
    if (entry == NULL) {
        entry = add(state, name);
        if (entry == NULL)
            return; /* its turn comes when others have gone */
        entry->signature = *signature;
        entry->since_ms = now_ms;
    }
    entry->seen = true;
    if (is_same(&entry->signature, signature))
        return;
    bool is_first = entry->signature.inode == 0;
    entry->signature = *signature;
    if (is_first) /* of an adopted one: what it was like before is not known */
        return;
    entry->since_ms = now_ms;
    if (entry->stage == OUTBOX_KEPT)
        entry->stage = OUTBOX_NEW;
}

bool outbox_state_end(struct outbox_state *state, uint64_t now_ms, const struct outbox_handler *handler,
                      void *ctx)
{
    bool again = false;
    for (size_t i = state->count; i > 0; i--) {
        struct outbox_entry *entry = &state->entries[i - 1];
        bool changed = entry->since_ms == now_ms;
        if (entry->stage == OUTBOX_OFFERED && entry->offer != 0 && (changed || !entry->seen)) {
            uint64_t offer = entry->offer;
            entry->offer = 0;
            entry->stage = OUTBOX_NEW;
            handler->on_withdrawn(ctx, offer);
        }
        if (!entry->seen) {
            outbox_state_remove(state, entry);
        } else if (entry->stage == OUTBOX_NEW && now_ms >= entry->since_ms + OUTBOX_SETTLE_MS) {
            entry->stage = OUTBOX_OFFERED;
            handler->on_settled(ctx, entry);
        } else if (entry->stage == OUTBOX_NEW) {
            again = true;
        }
    }
    return again;
}
