/* SPDX-License-Identifier: MIT */
/* Connections as the loop sees them, beside the HTTP library's own view: a watch for the client's end and a
 * deadline each. See http_server.c for why both are needed. */
#include "host-bridge/api/http_connection.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "host-bridge/api/http_request_steps.h"

struct http_connection {
    struct http_connection_set *set;
    struct http_connection *previous, *next;
    uv_poll_t poll;
    int fd;
    bool started;
    bool hung_up;
    uint64_t deadline_ms;         /* the loop's time; 0 = none */
    struct http_request *request; /* NULL between requests */
    struct http_client client;
    char guest[TEXT_NAME_MAX + 1];
};

/* A shutdown of our own is a new edge for the library's epoll, whatever it has missed before. */
static void end(struct http_connection *connection, int how)
{
    shutdown(connection->fd, how);
    connection->set->pump_soon(connection->set->ctx);
}

/* Deadlines */

static void handle_due(uv_timer_t *timer);

static void arm(struct http_connection_set *set, uint64_t deadline_ms)
{
    if (deadline_ms == 0 || (set->due_ms != 0 && set->due_ms <= deadline_ms))
        return;
    uint64_t now = uv_now(set->loop);
    set->due_ms = deadline_ms;
    uv_timer_start(&set->timer, handle_due, deadline_ms > now ? deadline_ms - now : 0, 0);
}

static void handle_due(uv_timer_t *timer)
{
    struct http_connection_set *set = timer->data;
    uint64_t now = uv_now(set->loop);
    set->due_ms = 0;
    for (struct http_connection *connection = set->first; connection != NULL; connection = connection->next) {
        if (connection->deadline_ms == 0 || connection->deadline_ms > now) {
            arm(set, connection->deadline_ms);
            continue;
        }
        connection->deadline_ms = 0;
        if (connection->request == NULL || !http_request_expire(connection->request))
            end(connection, SHUT_RDWR);
    }
}

void http_connection_set_deadline(struct http_connection *connection, uint64_t timeout_ms)
{
    connection->deadline_ms = timeout_ms == 0 ? 0 : uv_now(connection->set->loop) + timeout_ms;
    arm(connection->set, connection->deadline_ms);
}

/* The client's end */

static bool is_hung_up(int fd)
{
    struct pollfd poll_fd = {.fd = fd};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

static void handle_disconnect(uv_poll_t *poll_handle, int status, int events)
{
    struct http_connection *connection = poll_handle->data;
    uv_poll_stop(poll_handle); /* level-triggered: it would fire for ever */
    if (!is_hung_up(connection->fd)) {
        end(connection, SHUT_RD); /* it only sends no more: what is there is read, and answered if complete */
        return;
    }
    connection->hung_up = true;
    if (connection->request != NULL)
        http_request_hang_up(connection->request);
    end(connection, SHUT_RDWR);
}

/* Life */

void http_connection_set_init(struct http_connection_set *set, uv_loop_t *loop, size_t count_max,
                              void (*pump_soon)(void *ctx), void *ctx)
{
    *set = (struct http_connection_set){
        .loop = loop, .count_max = count_max, .pump_soon = pump_soon, .ctx = ctx};
    uv_timer_init(loop, &set->timer);
    set->timer.data = set;
}

void http_connection_set_shut_down(struct http_connection_set *set)
{
    for (struct http_connection *connection = set->first; connection != NULL; connection = connection->next) {
        if (connection->request != NULL)
            http_request_shut_down(connection->request);
    }
}

static void handle_part_closed(struct http_connection_set *set)
{
    if (--set->closing == 0 && set->on_closed != NULL)
        set->on_closed(set->ctx);
}

static void handle_timer_closed(uv_handle_t *handle)
{
    handle_part_closed(handle->data);
}

void http_connection_set_close(struct http_connection_set *set, void (*on_closed)(void *ctx), void *ctx)
{
    while (set->first != NULL) /* expected ones that the library never started */
        http_connection_forget(set->first);
    set->on_closed = on_closed;
    set->ctx = ctx;
    set->closing++;
    uv_close((uv_handle_t *)&set->timer, handle_timer_closed);
}

static struct http_connection *find_expected(struct http_connection_set *set, int fd)
{
    for (struct http_connection *connection = set->first; connection != NULL; connection = connection->next) {
        if (connection->fd == fd && !connection->started)
            return connection;
    }
    return NULL;
}

struct http_connection *http_connection_expect(struct http_connection_set *set, int fd, const char *guest,
                                               const struct http_client *client)
{
    http_connection_forget(find_expected(set, fd)); /* the library dropped an earlier one without a word */
    struct http_connection *connection = set->count < set->count_max ? calloc(1, sizeof(*connection)) : NULL;
    if (connection == NULL)
        return NULL;
    connection->set = set;
    connection->fd = fd;
    connection->client = *client;
    snprintf(connection->guest, sizeof(connection->guest), "%s", guest);
    connection->next = set->first;
    if (connection->next != NULL)
        connection->next->previous = connection;
    set->first = connection;
    set->count++;
    return connection;
}

void http_connection_unexpect(struct http_connection_set *set, int fd)
{
    http_connection_forget(find_expected(set, fd));
}

struct http_connection *http_connection_start(struct http_connection_set *set, int fd)
{
    struct http_connection *connection = find_expected(set, fd);
    if (connection == NULL)
        return NULL;
    if (uv_poll_init(set->loop, &connection->poll, fd) < 0) {
        http_connection_forget(connection);
        return NULL;
    }
    connection->started = true;
    connection->poll.data = connection;
    uv_poll_start(&connection->poll, UV_DISCONNECT, handle_disconnect);
    return connection;
}

static void handle_poll_closed(uv_handle_t *handle)
{
    struct http_connection *connection = handle->data;
    struct http_connection_set *set = connection->set;
    free(connection);
    handle_part_closed(set);
}

void http_connection_forget(struct http_connection *connection)
{
    if (connection == NULL)
        return;
    struct http_connection_set *set = connection->set;
    if (connection->previous != NULL)
        connection->previous->next = connection->next;
    else
        set->first = connection->next;
    if (connection->next != NULL)
        connection->next->previous = connection->previous;
    set->count--;
    if (!connection->started) {
        free(connection);
        return;
    }
    set->closing++;
    uv_close((uv_handle_t *)&connection->poll, handle_poll_closed);
}

const char *http_connection_guest(const struct http_connection *connection)
{
    return connection->guest;
}

const struct http_client *http_connection_client(const struct http_connection *connection)
{
    return &connection->client;
}

void http_connection_set_request(struct http_connection *connection, struct http_request *request)
{
    connection->request = request;
    if (request != NULL && connection->hung_up)
        http_request_hang_up(request);
}
