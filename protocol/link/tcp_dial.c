/* SPDX-License-Identifier: MIT */
/* Looks a name up in libuv's threads and lets its addresses race; one deadline for both. The order of what
 * the resolver gives (RFC 6724) is kept within each family. What the connection is used for is the
 * endpoint's. */
#include "protocol/link/tcp_dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/link/tcp_race.h"
#include "protocol/wire/limits.h"

struct tcp_dial {
    uv_loop_t *uv;
    uv_timer_t deadline;
    uv_getaddrinfo_t lookup;
    bool looking_up; /* libuv has the request */
    struct tcp_race *race;
    struct tcp_address addresses[TCP_RACE_ADDRESSES_MAX];
    size_t count;
    uint16_t port;
    char host[256];
    int handles;           /* not yet closed: the deadline, and a lookup under way */
    tcp_dial_done on_done; /* NULL once told */
    void *ctx;
};

static void release(struct tcp_dial *dial)
{
    if (--dial->handles == 0)
        free(dial);
}

static void finish(struct tcp_dial *dial, int status, const char *text, int fd,
                   const struct tcp_address *address)
{
    tcp_dial_done on_done = dial->on_done;
    dial->on_done = NULL;
    uv_timer_stop(&dial->deadline);
    on_done(dial->ctx, status, text, fd, address);
}

/* "[::1]:5002 and 2 more addresses" */
static void name_tried(const struct tcp_dial *dial, char *out, size_t out_size)
{
    char first[TCP_ADDRESS_TEXT_SIZE];
    tcp_address_format(&dial->addresses[0], first, sizeof(first));
    if (dial->count == 1)
        snprintf(out, out_size, "%s", first);
    else
        snprintf(out, out_size, "%s and %zu more address%s", first, dial->count - 1,
                 dial->count == 2 ? "" : "es");
}

static void handle_race_done(void *ctx, int status, size_t winner, int fd)
{
    struct tcp_dial *dial = ctx;
    char text[TEXT_REASON_MAX + 1] = "";
    if (status < 0)
        name_tried(dial, text, sizeof(text));
    finish(dial, status, text, fd, status < 0 ? NULL : &dial->addresses[winner]);
}

static int start_race(struct tcp_dial *dial)
{
    return tcp_race_start(dial->uv, dial->addresses, dial->count, handle_race_done, dial, &dial->race);
}

/* ---- names ---- */

static bool is_known(const struct tcp_address *addresses, size_t count, const struct tcp_address *address)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(&addresses[i], address, sizeof(*address)) == 0)
            return true;
    }
    return false;
}

static size_t copy_family(const struct addrinfo *found, int family, uint16_t port, struct tcp_address *out)
{
    size_t count = 0;
    for (; found != NULL && count < TCP_RACE_ADDRESSES_MAX; found = found->ai_next) {
        struct tcp_address address;
        if (found->ai_family == family && tcp_address_take(found->ai_addr, port, &address) &&
            !is_known(out, count, &address))
            out[count++] = address;
    }
    return count;
}

size_t tcp_dial_order(const struct addrinfo *found, uint16_t port, struct tcp_address *ret)
{
    while (found != NULL && found->ai_family != AF_INET && found->ai_family != AF_INET6)
        found = found->ai_next;
    if (found == NULL)
        return 0;
    int first = found->ai_family, other = first == AF_INET ? AF_INET6 : AF_INET;
    struct tcp_address families[2][TCP_RACE_ADDRESSES_MAX];
    size_t left[2] = {copy_family(found, first, port, families[0]),
                      copy_family(found, other, port, families[1])};
    size_t count = 0;
    for (size_t i = 0; i < TCP_RACE_ADDRESSES_MAX; i++) {
        for (size_t family = 0; family < 2; family++) {
            if (i < left[family] && count < TCP_RACE_ADDRESSES_MAX)
                ret[count++] = families[family][i];
        }
    }
    return count;
}

static void handle_lookup(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
    struct tcp_dial *dial = lookup->data;
    dial->looking_up = false;
    if (status == 0 && dial->on_done != NULL) {
        dial->count = tcp_dial_order(found, dial->port, dial->addresses);
        status = dial->count == 0 ? UV_EAI_NODATA : start_race(dial);
    }
    uv_freeaddrinfo(found);
    if (status < 0 && dial->on_done != NULL)
        finish(dial, status, dial->host, -1, NULL);
    release(dial);
}

static void handle_deadline(uv_timer_t *timer)
{
    struct tcp_dial *dial = timer->data;
    char text[TEXT_REASON_MAX + 1];
    if (dial->looking_up) {
        snprintf(text, sizeof(text), "looking up %.200s", dial->host);
        uv_cancel((uv_req_t *)&dial->lookup);
    } else {
        tcp_race_close(dial->race);
        dial->race = NULL;
        name_tried(dial, text, sizeof(text));
    }
    finish(dial, UV_ETIMEDOUT, text, -1, NULL);
}

/* ---- life ---- */

static int start(struct tcp_dial *dial)
{
    if (tcp_address_parse(dial->host, dial->port, &dial->addresses[0]) == 0) {
        dial->count = 1;
        return start_race(dial);
    }
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int status = uv_getaddrinfo(dial->uv, &dial->lookup, handle_lookup, dial->host, NULL, &hints);
    if (status == 0) {
        dial->looking_up = true;
        dial->handles++;
    }
    return status;
}

int tcp_dial_start(uv_loop_t *uv, const char *host, uint16_t port, uint64_t timeout_ms, tcp_dial_done on_done,
                   void *ctx, struct tcp_dial **ret)
{
    if (strlen(host) >= sizeof(((struct tcp_dial *)0)->host))
        return UV_EINVAL;
    struct tcp_dial *dial = calloc(1, sizeof(*dial));
    if (dial == NULL)
        return UV_ENOMEM;
    dial->uv = uv;
    snprintf(dial->host, sizeof(dial->host), "%s", host);
    dial->port = port;
    dial->lookup.data = dial;
    dial->handles = 1;
    uv_timer_init(uv, &dial->deadline);
    dial->deadline.data = dial;
    int status = start(dial);
    if (status < 0) {
        tcp_dial_close(dial);
        return status;
    }
    dial->on_done = on_done;
    dial->ctx = ctx;
    uv_timer_start(&dial->deadline, handle_deadline, timeout_ms, 0);
    *ret = dial;
    return 0;
}

static void handle_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void tcp_dial_close(struct tcp_dial *dial)
{
    if (dial == NULL)
        return;
    dial->on_done = NULL;
    tcp_race_close(dial->race);
    if (dial->looking_up)
        uv_cancel((uv_req_t *)&dial->lookup);
    uv_close((uv_handle_t *)&dial->deadline, handle_closed);
}
