/* SPDX-License-Identifier: MIT */
/* A sorted array of guests. Removed ones close in their own time. */
#include "host-bridge/guests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "host-bridge/guests_private.h"
#include "host-bridge/pairing_secret.h"
#include "protocol/base/status.h"
#include "protocol/link/spec.h"

struct guests {
    struct relay *relay;
    const struct policy_set *config_rules;
    const struct noise_key_pair *own;
    struct guests_news news;
    struct guest **list;
    size_t count, capacity;
    size_t leaving; /* removed, not closed yet */
    bool closing;
    uv_idle_t closer; /* so that on_closed never fires before guests_close returns */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
    char holder[TEXT_NAME_MAX + 16];
};

struct guests *guests_create(struct relay *relay, const struct policy_set *config_rules,
                             const struct noise_key_pair *own, const struct guests_news *news)
{
    struct guests *guests = calloc(1, sizeof(*guests));
    if (guests == NULL)
        return NULL;
    guests->relay = relay;
    guests->config_rules = config_rules;
    guests->own = own;
    guests->news = *news;
    return guests;
}

size_t guests_count(const struct guests *guests)
{
    return guests->count;
}

struct guest *guests_at(const struct guests *guests, size_t index)
{
    return guests->list[index];
}

/* The index of the guest, or of the place where it would stand. */
static size_t find_place(const struct guests *guests, const char *name, bool *ret_found)
{
    size_t low = 0, high = guests->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(guest_name(guests->list[middle]), name);
        if (order == 0) {
            *ret_found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_found = false;
    return low;
}

struct guest *guests_find(const struct guests *guests, const char *name)
{
    bool found;
    size_t place = find_place(guests, name, &found);
    return found ? guests->list[place] : NULL;
}

const char *guests_holder(struct guests *guests, const struct guest *asking, uint8_t protocol, uint16_t port)
{
    for (size_t i = 0; i < guests->count; i++) {
        struct guest *guest = guests->list[i];
        if (guest == asking)
            continue;
        const struct forward *forward = forwards_find_host_port(guest_forwards(guest), protocol, port);
        if (forward != NULL && forward->host_port == port) {
            snprintf(guests->holder, sizeof(guests->holder), "guest %s", guest_name(guest));
            return guests->holder;
        }
    }
    return NULL;
}

/* ---- adding ---- */

static bool name_is_valid(const char *name)
{
    size_t size = strlen(name);
    if (size == 0 || size > TEXT_NAME_MAX || name[0] == '.' || name[0] == '-')
        return false;
    for (size_t i = 0; i < size; i++) {
        char c = name[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                    c == '_' || c == '-';
        if (!good)
            return false;
    }
    return true;
}

static int check_new(const struct guests *guests, const char *name, const char *link,
                     const struct guest_identity_options *identity, char *ret_problem)
{
    struct link_spec spec;
    const char *field;
    if (!name_is_valid(name)) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1,
                 "a guest's name is 1 to %d of A-Z a-z 0-9 . _ - and starts with no dot or dash",
                 TEXT_NAME_MAX);
        return STATUS_INVALID;
    }
    if (guests_find(guests, name) != NULL) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "there is a guest \"%s\" already", name);
        return STATUS_CONFLICT;
    }
    if (guests->count >= GUESTS_MAX) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "there are %d guests already", GUESTS_MAX);
        return STATUS_LIMIT;
    }
    int status = link_spec_parse_dial(link, &spec, ret_problem);
    return status < 0 ? status : guest_identity_check(identity, link, &field, ret_problem);
}

static int make_room(struct guests *guests)
{
    if (guests->count < guests->capacity)
        return 0;
    size_t capacity = guests->capacity == 0 ? 8 : guests->capacity * 2;
    struct guest **list = realloc(guests->list, capacity * sizeof(struct guest *));
    if (list == NULL)
        return UV_ENOMEM;
    guests->list = list;
    guests->capacity = capacity;
    return 0;
}

int guests_put(struct guests *guests, const char *name, const char *link,
               const struct guest_identity_options *identity, bool configured, struct guest **ret,
               char ret_problem[static TEXT_REASON_MAX + 1])
{
    static const struct guest_identity_options NOTHING = {0};
    if (identity == NULL)
        identity = &NOTHING;
    int status = check_new(guests, name, link, identity, ret_problem);
    if (status < 0)
        return status;
    struct guest_options options = {.name = name,
                                    .link = link,
                                    .config_rules = guests->config_rules,
                                    .is_configured = configured,
                                    .identity = *identity,
                                    .own = guests->own};
    struct guest_news news = guests->news.guest;
    struct guest *guest;
    status = make_room(guests);
    if (status == 0)
        status = guest_create(guests->relay, &options, &news, &guest);
    if (status < 0) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s", status_text(status));
        return status;
    }
    bool found;
    size_t place = find_place(guests, name, &found);
    memmove(guests->list + place + 1, guests->list + place, (guests->count - place) * sizeof(struct guest *));
    guests->list[place] = guest;
    guests->count++;
    guests->news.on_added(guests->news.guest.ctx, guest);
    guest_start(guest);
    *ret = guest;
    return 0;
}

/* STATUS_INVALID with a sentence when there is one and it is of no use. */
static int try_secret(const struct guest_identity_options *identity, char *ret_problem)
{
    uint8_t secret[NOISE_KEY_SIZE];
    if (identity == NULL || identity->psk_file == NULL)
        return 0;
    int status = pairing_secret_load(identity->psk_file, secret, ret_problem);
    sodium_memzero(secret, sizeof(secret));
    return status < 0 ? STATUS_INVALID : 0;
}

int guests_add(struct guests *guests, const char *name, const char *link,
               const struct guest_identity_options *identity, struct guest **ret,
               char ret_problem[static TEXT_REASON_MAX + 1])
{
    int status = try_secret(identity, ret_problem);
    if (status == 0)
        status = guests_put(guests, name, link, identity, false, ret, ret_problem);
    if (status == 0)
        guests->news.guest.on_dirty(guests->news.guest.ctx, *ret);
    return status;
}

/* ---- leaving ---- */

static void handle_closer_closed(uv_handle_t *handle)
{
    struct guests *guests = handle->data;
    void (*on_closed)(void *ctx) = guests->on_closed;
    void *ctx = guests->closed_ctx;
    free(guests->list);
    free(guests);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void maybe_finish(struct guests *guests)
{
    if (guests->closing && guests->leaving == 0)
        uv_close((uv_handle_t *)&guests->closer, handle_closer_closed);
}

static void handle_guest_closed(void *ctx)
{
    struct guests *guests = ctx;
    guests->leaving--;
    maybe_finish(guests);
}

static void take_out(struct guests *guests, size_t place)
{
    struct guest *guest = guests->list[place];
    guests->count--;
    memmove(guests->list + place, guests->list + place + 1, (guests->count - place) * sizeof(struct guest *));
    guests->leaving++;
    guest_close(guest, handle_guest_closed, guests);
}

int guests_remove(struct guests *guests, const char *name, char ret_problem[static TEXT_REASON_MAX + 1])
{
    bool found;
    size_t place = find_place(guests, name, &found);
    if (!found) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "there is no such guest");
        return STATUS_NOT_FOUND;
    }
    if (guest_is_configured(guests->list[place])) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "the configuration file lists it; remove it there");
        return STATUS_NOT_ALLOWED;
    }
    guests->news.on_removed(guests->news.guest.ctx, guests->list[place]);
    take_out(guests, place);
    return 0;
}

void guests_close(struct guests *guests, void (*on_closed)(void *ctx), void *ctx)
{
    guests->closing = true;
    guests->on_closed = on_closed;
    guests->closed_ctx = ctx;
    uv_idle_init(guests->relay->loop->uv, &guests->closer);
    guests->closer.data = guests;
    while (guests->count > 0)
        take_out(guests, guests->count - 1);
    maybe_finish(guests);
}
