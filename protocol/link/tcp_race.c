/* SPDX-License-Identifier: MIT */
/* One attempt after the other, each of which may take its time: the next one starts when the last one failed,
 * or after TCP_RACE_DELAY_MS beside it (the idea of RFC 8305). The first to connect ends all others. How long
 * it may take altogether is the owner's to say. */
#include "protocol/link/tcp_race.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct attempt {
    uv_poll_t poll;
    struct tcp_race *race;
    int fd; /* -1: not under way */
};

struct tcp_race {
    uv_timer_t timer; /* the next attempt */
    struct tcp_address addresses[TCP_RACE_ADDRESSES_MAX];
    struct attempt attempts[TCP_RACE_ADDRESSES_MAX];
    size_t count, started, under_way;
    int failure; /* the most telling one; 0 = none yet */
    int handles; /* not yet closed */
    bool over;
    tcp_race_done on_done;
    void *ctx;
};

static void handle_closed(uv_handle_t *handle)
{
    struct tcp_race *race = handle->type == UV_TIMER ? handle->data : ((struct attempt *)handle->data)->race;
    if (--race->handles == 0)
        free(race);
}

/* Leaves the descriptor to the caller. */
static int stop_attempt(struct attempt *attempt)
{
    int fd = attempt->fd;
    attempt->fd = -1;
    attempt->race->under_way--;
    uv_close((uv_handle_t *)&attempt->poll, handle_closed);
    return fd;
}

static void stop(struct tcp_race *race)
{
    race->over = true;
    uv_timer_stop(&race->timer);
    for (size_t i = 0; i < race->started; i++) {
        if (race->attempts[i].fd >= 0)
            close(stop_attempt(&race->attempts[i]));
    }
}

static void finish(struct tcp_race *race, int status, size_t winner, int fd)
{
    stop(race);
    race->on_done(race->ctx, status, winner, fd);
}

/* Says nothing about the machine that is looked for, only about the way there. */
static bool is_about_the_way(int status)
{
    return status == UV_ENETUNREACH || status == UV_EHOSTUNREACH || status == UV_EADDRNOTAVAIL ||
           status == UV_EAFNOSUPPORT || status == UV_ENETDOWN;
}

static void note_failure(struct tcp_race *race, int status)
{
    if (race->failure == 0 || (is_about_the_way(race->failure) && !is_about_the_way(status)))
        race->failure = status;
}

static void handle_poll(uv_poll_t *poll, int status, int events);
static void handle_timer(uv_timer_t *timer);

/* 1: connected at once, `*ret_fd` says where. 0: under way. */
static int start_attempt(struct tcp_race *race, size_t index, int *ret_fd)
{
    struct attempt *attempt = &race->attempts[index];
    bool connecting;
    int fd;
    int status = tcp_socket_connect(&race->addresses[index], &fd, &connecting);
    if (status < 0)
        return status;
    if (!connecting) {
        *ret_fd = fd;
        return 1;
    }
    status = uv_poll_init(uv_handle_get_loop((uv_handle_t *)&race->timer), &attempt->poll, fd);
    if (status < 0) {
        close(fd);
        return status;
    }
    attempt->poll.data = attempt;
    attempt->fd = fd;
    race->under_way++;
    race->handles++;
    uv_poll_start(&attempt->poll, UV_WRITABLE, handle_poll);
    return 0;
}

static void go_on(struct tcp_race *race)
{
    while (race->started < race->count) {
        size_t index = race->started++;
        int fd = -1;
        int status = start_attempt(race, index, &fd);
        if (status > 0) {
            finish(race, 0, index, fd);
            return;
        }
        if (status == 0) {
            uv_timer_start(&race->timer, handle_timer, TCP_RACE_DELAY_MS, 0);
            return;
        }
        note_failure(race, status);
    }
    if (race->under_way == 0)
        finish(race, race->failure, 0, -1);
}

static void handle_timer(uv_timer_t *timer)
{
    go_on(timer->data);
}

static void handle_poll(uv_poll_t *poll, int status, int events)
{
    struct attempt *attempt = poll->data;
    struct tcp_race *race = attempt->race;
    int result = tcp_socket_connect_result(attempt->fd);
    if (result == 0 && status < 0)
        result = status;
    int fd = stop_attempt(attempt);
    if (result == 0) {
        finish(race, 0, (size_t)(attempt - race->attempts), fd);
        return;
    }
    close(fd);
    note_failure(race, result);
    go_on(race);
}

int tcp_race_start(uv_loop_t *uv, const struct tcp_address *addresses, size_t count, tcp_race_done on_done,
                   void *ctx, struct tcp_race **ret)
{
    assert(count >= 1 && count <= TCP_RACE_ADDRESSES_MAX);
    struct tcp_race *race = calloc(1, sizeof(*race));
    if (race == NULL)
        return UV_ENOMEM;
    memcpy(race->addresses, addresses, count * sizeof(*addresses));
    race->count = count;
    race->on_done = on_done;
    race->ctx = ctx;
    for (size_t i = 0; i < count; i++)
        race->attempts[i] = (struct attempt){.race = race, .fd = -1};
    race->handles = 1;
    uv_timer_init(uv, &race->timer);
    race->timer.data = race;
    uv_timer_start(&race->timer, handle_timer, 0,
                   0); /* even the first may end at once: not within this call */
    *ret = race;
    return 0;
}

void tcp_race_close(struct tcp_race *race)
{
    if (race == NULL)
        return;
    if (!race->over)
        stop(race);
    uv_close((uv_handle_t *)&race->timer, handle_closed);
}
