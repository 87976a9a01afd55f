/* SPDX-License-Identifier: MIT */
/* The table of offers. A snapshot's parts are gathered beside it and applied as a whole, so that a feed that
 * breaks off within one changes nothing. Bounded by OFFERS_MAX for each guest: what a guest offers beyond is
 * not taken in. What rules say is inbox_rules.c's. */
#include "host-bridge/features/inbox/inbox.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "host-bridge/features/inbox/inbox_rules.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"

/* A snapshot that has begun. */
struct gathering {
    uint64_t sequence;
    size_t count;
    struct offer offers[OFFERS_MAX];
};

struct inbox_guest {
    struct inbox_guest *next;
    char vm[TEXT_NAME_MAX + 1];
    size_t count;                /* of its items */
    struct gathering *gathering; /* NULL: none has begun */
};

struct inbox {
    const struct inbox_rule *rules;
    size_t rule_count;
    struct inbox_news news;
    size_t count, capacity;
    struct inbox_item **items; /* oldest first */
    size_t guest_count;
    struct inbox_guest *guests;
};

int inbox_create(const struct inbox_rule *rules, size_t rule_count, const struct inbox_news *news,
                 struct inbox **ret)
{
    struct inbox *inbox = calloc(1, sizeof(*inbox));
    if (inbox == NULL)
        return UV_ENOMEM;
    inbox->rules = rules;
    inbox->rule_count = rule_count;
    inbox->news = *news;
    *ret = inbox;
    return 0;
}

void inbox_destroy(struct inbox *inbox)
{
    if (inbox == NULL)
        return;
    for (struct inbox_guest *next, *guest = inbox->guests; guest != NULL; guest = next) {
        next = guest->next;
        free(guest->gathering);
        free(guest);
    }
    for (size_t i = 0; i < inbox->count; i++)
        free(inbox->items[i]);
    free(inbox->items);
    free(inbox);
}

/* ---- looking ---- */

size_t inbox_count(const struct inbox *inbox)
{
    return inbox->count;
}

const struct inbox_item *inbox_at(const struct inbox *inbox, size_t index)
{
    return inbox->items[index];
}

static struct inbox_item *find_id(const struct inbox *inbox, const char *id)
{
    for (size_t i = 0; i < inbox->count; i++) {
        if (strcmp(inbox->items[i]->id, id) == 0)
            return inbox->items[i];
    }
    return NULL;
}

const struct inbox_item *inbox_find(const struct inbox *inbox, const char *id)
{
    return find_id(inbox, id);
}

static struct inbox_item *find_offer(const struct inbox *inbox, const char *vm, uint64_t offer)
{
    for (size_t i = 0; i < inbox->count; i++) {
        if (inbox->items[i]->offer.id == offer && strcmp(inbox->items[i]->vm, vm) == 0)
            return inbox->items[i];
    }
    return NULL;
}

static struct inbox_guest *find_guest(const struct inbox *inbox, const char *vm)
{
    struct inbox_guest *guest = inbox->guests;
    while (guest != NULL && strcmp(guest->vm, vm) != 0)
        guest = guest->next;
    return guest;
}

/* NULL: out of memory, or too many. */
static struct inbox_guest *get_guest(struct inbox *inbox, const char *vm)
{
    struct inbox_guest *guest = find_guest(inbox, vm);
    if (guest != NULL || inbox->guest_count == INBOX_GUESTS_MAX)
        return guest;
    guest = calloc(1, sizeof(*guest));
    if (guest == NULL)
        return NULL;
    snprintf(guest->vm, sizeof(guest->vm), "%s", vm);
    guest->next = inbox->guests;
    inbox->guests = guest;
    inbox->guest_count++;
    return guest;
}

/* ---- changing ---- */

static void tell(const struct inbox *inbox, const struct inbox_item *item, const char *what)
{
    inbox->news.on_item(inbox->news.ctx, item, what);
}

/* Its place at the end of the list. NULL: there is none. */
static struct inbox_item *add_item(struct inbox *inbox, struct inbox_guest *guest, const struct offer *offer)
{
    if (guest->count == OFFERS_MAX)
        return NULL;
    if (inbox->count == inbox->capacity) {
        size_t capacity = inbox->capacity == 0 ? 16 : 2 * inbox->capacity;
        struct inbox_item **items = realloc(inbox->items, capacity * sizeof(struct inbox_item *));
        if (items == NULL)
            return NULL;
        inbox->items = items;
        inbox->capacity = capacity;
    }
    struct inbox_item *item = calloc(1, sizeof(*item));
    if (item == NULL)
        return NULL;
    snprintf(item->id, sizeof(item->id), "%s-%" PRIu64, guest->vm, offer->id);
    snprintf(item->vm, sizeof(item->vm), "%s", guest->vm);
    item->offer = *offer;
    item->state = INBOX_OFFERED;
    item->seen_ms = clock_realtime_ms();
    inbox->items[inbox->count++] = item;
    guest->count++;
    return item;
}

static bool offer_equals(const struct offer *a, const struct offer *b)
{
    return a->roots == b->roots && a->files == b->files && a->bytes == b->bytes &&
           a->created_ms == b->created_ms && strcmp(a->name, b->name) == 0 && strcmp(a->user, b->user) == 0;
}

static void put(struct inbox *inbox, struct inbox_guest *guest, const struct offer *offer)
{
    struct inbox_item *item = find_offer(inbox, guest->vm, offer->id);
    if (item != NULL) {
        if (offer_equals(&item->offer, offer))
            return;
        item->offer = *offer;
        if (item->state == INBOX_OFFERED)
            tell(inbox, item, "offered");
        return;
    }
    item = add_item(inbox, guest, offer);
    if (item == NULL)
        return;
    tell(inbox, item, "offered");
    const struct inbox_rule *rule = inbox_rule_find(inbox->rules, inbox->rule_count, item);
    if (rule != NULL && item->state == INBOX_OFFERED)
        inbox->news.on_accept(inbox->news.ctx, item, rule);
}

static void take_out(struct inbox *inbox, struct inbox_guest *guest, struct inbox_item *item)
{
    size_t i = 0;
    while (inbox->items[i] != item)
        i++;
    memmove(&inbox->items[i], &inbox->items[i + 1],
            (inbox->count - i - 1) * sizeof(struct inbox_item *)); /* it may be the last one */
    inbox->count--;
    guest->count--;
    tell(inbox, item, "gone");
    free(item);
}

static void apply_delta(struct inbox *inbox, struct inbox_guest *guest, const struct offers_message *message)
{
    for (size_t i = 0; i < message->gone_count; i++) {
        struct inbox_item *item = find_offer(inbox, guest->vm, message->gone[i].id);
        if (item != NULL)
            take_out(inbox, guest, item);
    }
    for (size_t i = 0; i < message->offer_count; i++)
        put(inbox, guest, &message->offers[i]);
}

static void gather(struct inbox_guest *guest, const struct offers_message *message)
{
    struct gathering *gathering = guest->gathering;
    if (gathering == NULL)
        gathering = guest->gathering = calloc(1, sizeof(*gathering));
    if (gathering == NULL)
        return;
    if (gathering->sequence != message->sequence)
        gathering->count = 0; /* another one was not ended */
    gathering->sequence = message->sequence;
    for (size_t i = 0; i < message->offer_count && gathering->count < OFFERS_MAX; i++)
        gathering->offers[gathering->count++] = message->offers[i];
}

void inbox_apply(struct inbox *inbox, const char *vm, const struct offers_message *message)
{
    struct inbox_guest *guest = get_guest(inbox, vm);
    if (guest == NULL)
        return;
    if (message->snapshot)
        gather(guest, message);
    else
        apply_delta(inbox, guest, message);
}

static bool is_gathered(const struct gathering *gathering, uint64_t offer)
{
    for (size_t i = 0; gathering != NULL && i < gathering->count; i++) {
        if (gathering->offers[i].id == offer)
            return true;
    }
    return false;
}

/* All of a guest's items but those in `gathering` (can be NULL). */
static void take_out_others(struct inbox *inbox, struct inbox_guest *guest, const struct gathering *gathering)
{
    for (size_t i = inbox->count; i-- > 0;) {
        struct inbox_item *item = inbox->items[i];
        if (strcmp(item->vm, guest->vm) == 0 && !is_gathered(gathering, item->offer.id))
            take_out(inbox, guest, item);
    }
}

void inbox_snapshot_end(struct inbox *inbox, const char *vm)
{
    struct inbox_guest *guest = find_guest(inbox, vm);
    if (guest == NULL)
        return;
    struct gathering *gathering = guest->gathering;
    guest->gathering = NULL;
    take_out_others(inbox, guest, gathering);
    for (size_t i = 0; gathering != NULL && i < gathering->count; i++)
        put(inbox, guest, &gathering->offers[i]);
    free(gathering);
}

void inbox_link_lost(struct inbox *inbox, const char *vm)
{
    struct inbox_guest *guest = find_guest(inbox, vm);
    if (guest == NULL)
        return;
    free(guest->gathering);
    guest->gathering = NULL;
}

void inbox_guest_removed(struct inbox *inbox, const char *vm)
{
    struct inbox_guest **link = &inbox->guests;
    while (*link != NULL && strcmp((*link)->vm, vm) != 0)
        link = &(*link)->next;
    struct inbox_guest *guest = *link;
    if (guest == NULL)
        return;
    take_out_others(inbox, guest, NULL);
    *link = guest->next;
    inbox->guest_count--;
    free(guest->gathering);
    free(guest);
}

int inbox_taking(struct inbox *inbox, const char *id, const char *transfer)
{
    struct inbox_item *item = find_id(inbox, id);
    if (item == NULL)
        return STATUS_NOT_FOUND;
    item->state = transfer != NULL ? INBOX_TAKING : INBOX_OFFERED;
    snprintf(item->transfer, sizeof(item->transfer), "%s", transfer != NULL ? transfer : "");
    tell(inbox, item, transfer != NULL ? "accepted" : "offered");
    return 0;
}

int inbox_folder(const char *downloads, const char *vm, char ret[static FILES_PATH_MAX + 1])
{
    int size = snprintf(ret, FILES_PATH_MAX + 1, "%s/%s", strcmp(downloads, "/") == 0 ? "" : downloads, vm);
    return size > FILES_PATH_MAX ? UV_ENAMETOOLONG : 0;
}
