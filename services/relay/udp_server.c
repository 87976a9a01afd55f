/* SPDX-License-Identifier: MIT */
/* Finds the flow of each datagram by its sender's address in a small hash table, and sends answers back from
 * the same socket. */
#include "services/relay/udp_server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/base/status.h"

#define BUCKETS        64
#define READS_A_WAKEUP 64

struct udp_client {
    struct flow_member member; /* first: found back by a cast */
    struct deadline idle;
    struct channel channel;
    struct udp_server *server;
    struct udp_client *next;          /* in its bucket */
    struct udp_client *newer, *older; /* by last use */
    struct sockaddr_storage address;
    socklen_t address_size;
};

struct udp_server {
    struct relay *relay;
    uv_poll_t poll;
    int fd;
    const struct dial_target *target;
    struct flow_set *flows;
    udp_open_channel open;
    void *ctx;
    struct udp_client *buckets[BUCKETS];
    struct udp_client *newest, *oldest;
    size_t count;
};

static size_t hash_address(const struct sockaddr_storage *address, socklen_t size)
{
    const uint8_t *bytes = (const uint8_t *)address;
    uint32_t hash = 2166136261u; /* FNV-1a's offset and prime */
    for (socklen_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 16777619u;
    return hash % BUCKETS;
}

static void unlink_use(struct udp_client *client)
{
    struct udp_server *server = client->server;
    if (client->newer != NULL)
        client->newer->older = client->older;
    else
        server->newest = client->older;
    if (client->older != NULL)
        client->older->newer = client->newer;
    else
        server->oldest = client->newer;
}

static void link_newest(struct udp_client *client)
{
    struct udp_server *server = client->server;
    client->newer = NULL;
    client->older = server->newest;
    if (server->newest != NULL)
        server->newest->newer = client;
    else
        server->oldest = client;
    server->newest = client;
}

/* The channel must have been closed or aborted. */
static void forget(struct udp_client *client)
{
    struct udp_server *server = client->server;
    struct udp_client **link = &server->buckets[hash_address(&client->address, client->address_size)];
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    unlink_use(client);
    server->count--;
    deadline_stop(&client->idle);
    flow_set_remove(&client->member);
    free(client);
}

static void end_client(struct udp_client *client, int status)
{
    channel_abort(&client->channel, status, "");
    forget(client);
}

static void abort_member(struct flow_member *member, int status)
{
    end_client((struct udp_client *)member, status);
}

static void handle_idle(struct deadline *deadline)
{
    struct udp_client *client = (struct udp_client *)((char *)deadline - offsetof(struct udp_client, idle));
    end_client(client, STATUS_GONE);
}

static void touch(struct udp_client *client)
{
    deadline_start(&client->server->relay->udp_idle, &client->idle, handle_idle);
    unlink_use(client);
    link_newest(client);
}

/* ---- guest → client ---- */

static void handle_datagram(void *ctx, struct span datagram)
{
    struct udp_client *client = ctx;
    ssize_t sent = sendto(client->server->fd, datagram.data, datagram.size, MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)&client->address, client->address_size);
    if (sent >= 0)
        client->server->flows->bytes_in += (uint64_t)sent;
    touch(client);
}

static void handle_fin(void *ctx)
{
    end_client(ctx, STATUS_GONE);
}

static void handle_reset(void *ctx, int status, const char *text)
{
    struct udp_client *client = ctx;
    channel_close(&client->channel);
    forget(client);
}

static const struct channel_handler CHANNEL_HANDLER = {
    .on_datagram = handle_datagram, .on_fin = handle_fin, .on_reset = handle_reset};

/* ---- client → guest ---- */

static struct udp_client *find(struct udp_server *server, const struct sockaddr_storage *address,
                               socklen_t size)
{
    struct udp_client *client = server->buckets[hash_address(address, size)];
    while (client != NULL && (client->address_size != size || memcmp(&client->address, address, size) != 0))
        client = client->next;
    return client;
}

static struct udp_client *add(struct udp_server *server, const struct sockaddr_storage *address,
                              socklen_t size)
{
    struct stream *stream;
    if (server->count >= UDP_FLOWS_MAX)
        end_client(server->oldest, STATUS_LIMIT);
    if (server->open(server->ctx, server->target, &stream) < 0)
        return NULL;
    struct udp_client *client = calloc(1, sizeof(*client));
    if (client == NULL) {
        stream_close(stream);
        return NULL;
    }
    client->server = server;
    client->address = *address;
    client->address_size = size;
    client->member.abort = abort_member;
    flow_set_add(server->flows, &client->member);
    struct udp_client **bucket = &server->buckets[hash_address(address, size)];
    client->next = *bucket;
    *bucket = client;
    link_newest(client);
    server->count++;
    channel_init(&client->channel, stream, &CHANNEL_HANDLER, client);
    return client;
}

static void handle_poll(uv_poll_t *poll, int status, int events)
{
    struct udp_server *server = poll->data;
    uint8_t *scratch = server->relay->loop->relay_scratch;
    for (int i = 0; i < READS_A_WAKEUP && !uv_is_closing((uv_handle_t *)poll); i++) {
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof(address);
        ssize_t received = recvfrom(server->fd, scratch, FRAME_DATAGRAM_MAX, MSG_DONTWAIT,
                                    (struct sockaddr *)&address, &size);
        if (received < 0 && errno != EINTR && errno != ECONNREFUSED)
            break;
        if (received < 0)
            continue;
        struct udp_client *client = find(server, &address, size);
        if (client == NULL)
            client = add(server, &address, size);
        if (client == NULL)
            continue;
        server->flows->bytes_out += (uint64_t)received;
        touch(client);
        stream_send(client->channel.stream, FRAME_DATAGRAM, span_of(scratch, (size_t)received));
    }
    if (status < 0 && !uv_is_closing((uv_handle_t *)poll))
        uv_poll_start(poll, UV_READABLE,
                      handle_poll); /* libuv stopped it with the error, which recvfrom has cleared */
}

int udp_server_create(struct relay *relay, int fd, const struct dial_target *target, struct flow_set *flows,
                      udp_open_channel open, void *ctx, struct udp_server **ret)
{
    struct udp_server *server = calloc(1, sizeof(*server));
    int status = server == NULL ? UV_ENOMEM : uv_poll_init(relay->loop->uv, &server->poll, fd);
    if (status < 0) {
        free(server);
        close(fd);
        return status;
    }
    server->relay = relay;
    server->fd = fd;
    server->target = target;
    server->flows = flows;
    server->open = open;
    server->ctx = ctx;
    server->poll.data = server;
    uv_poll_start(&server->poll, UV_READABLE, handle_poll);
    *ret = server;
    return 0;
}

static void handle_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void udp_server_close(struct udp_server *server)
{
    while (server->oldest != NULL)
        end_client(server->oldest, STATUS_GONE);
    uv_close((uv_handle_t *)&server->poll, handle_closed);
    close(server->fd);
}
