/* SPDX-License-Identifier: MIT */
/* Accepts, reads frames, answers. */
#include "tests/unit/link/fake_agent.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS 16

void fake_agent_init(struct fake_agent *agent, const char *control, const char *events)
{
    *agent = (struct fake_agent){.version = 1, .cursor = {77, 10}};
    agent->listeners[0] = listen_unix(control);
    agent->listeners[1] = events == NULL ? -1 : listen_unix(events);
    for (size_t i = 0; i < CONNECTIONS; i++)
        agent->connections[i].peer.fd = -1;
}

void fake_agent_hang_up(struct fake_agent *agent)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        peer_finish(&agent->connections[i].peer);
        agent->connections[i].role = 0;
    }
}

void fake_agent_stop_listening(struct fake_agent *agent)
{
    for (size_t i = 0; i < 2; i++) {
        if (agent->listeners[i] >= 0)
            close(agent->listeners[i]);
        agent->listeners[i] = -1;
    }
}

void fake_agent_finish(struct fake_agent *agent)
{
    fake_agent_hang_up(agent);
    fake_agent_stop_listening(agent);
}

/* What does not fit any more is lost, as is what is said to a bridge that left. */
void fake_connection_send(struct fake_connection *connection, const struct message *message)
{
    struct buffer frame;
    buffer_init(&frame, FRAME_MESSAGE_MAX + FRAME_HEADER_SIZE);
    uint8_t head[FRAME_HEADER_SIZE] = {0};
    assert_int_equal(buffer_append(&frame, head, sizeof(head)), 0);
    assert_int_equal(message_encode(message, &frame), 0);
    frame_header_encode(&(struct frame_header){.length = (uint32_t)(buffer_size(&frame) - FRAME_HEADER_SIZE),
                                               .type = FRAME_MESSAGE},
                        (uint8_t *)(uintptr_t)buffer_span(&frame).data);
    ssize_t sent = write(connection->peer.fd, buffer_span(&frame).data, buffer_size(&frame));
    assert_true(sent == (ssize_t)buffer_size(&frame) || errno == EPIPE || errno == ECONNRESET);
    buffer_finish(&frame);
}

void fake_connection_send_ports(struct fake_connection *connection, uint64_t id, bool snapshot, bool more,
                                uint16_t port)
{
    struct port_fact fact = {.key = {.protocol = PORT_TCP, .address = {.family = 4}, .port = port}};
    struct message ports = {.kind = MESSAGE_PORTS, .id = id};
    ports.body.ports = (struct ports_message){.sequence = id,
                                              .snapshot = snapshot,
                                              .more = more,
                                              .opened_count = port == 0 ? 0 : 1,
                                              .opened = port == 0 ? NULL : &fact};
    fake_connection_send(connection, &ports);
}

static void welcome(struct fake_agent *agent, struct fake_connection *connection)
{
    struct message message = {.kind = MESSAGE_WELCOME};
    if (agent->refuse < 0) {
        message.kind = MESSAGE_REFUSE;
        message.body.failure.status = agent->refuse;
        strcpy(message.body.failure.text, "because the test says so");
        fake_connection_send(connection, &message);
        peer_finish(&connection->peer);
        return;
    }
    message.body.welcome.version = agent->version;
    strcpy(message.body.welcome.software, "fake");
    memset(message.body.welcome.session.bytes, 7, SESSION_ID_SIZE);
    if (connection->role == ROLE_EVENTS) {
        message.body.welcome.resumed = agent->resumes;
        message.body.welcome.cursor = agent->resumes ? connection->hello.cursor : agent->cursor;
    }
    fake_connection_send(connection, &message);
    if (connection->role == ROLE_EVENTS && !agent->resumes && !agent->no_snapshot)
        fake_connection_send_ports(connection, agent->cursor.sequence, true, false, 0);
}

static void answer_health(struct fake_agent *agent, struct fake_connection *connection, uint64_t id)
{
    static struct health_message health = {.uptime_ms = 4711};
    agent->requests++;
    if (agent->health_error == 1)
        return;
    struct message message = {.kind = MESSAGE_HEALTH, .id = id};
    if (agent->health_error < 0) {
        message.kind = MESSAGE_ERROR;
        message.body.failure.status = agent->health_error;
    } else {
        message.body.health = &health;
    }
    fake_connection_send(connection, &message);
}

static void answer(struct fake_agent *agent, struct fake_connection *connection, struct span payload)
{
    struct message message;
    struct message_head head;
    assert_int_equal(message_decode(payload, &message, &head), 0);
    if (message.kind == MESSAGE_HELLO) {
        agent->hellos++;
        connection->role = message.body.hello.role;
        connection->hello = message.body.hello;
        welcome(agent, connection);
    } else if (message.kind == MESSAGE_CHANNEL_OPEN) {
        connection->role = 3;
    } else if (message.kind == MESSAGE_PING) {
        agent->pings++;
        struct message pong = {.kind = MESSAGE_PONG, .id = message.id};
        if (!agent->deaf)
            fake_connection_send(connection, &pong);
    } else if (message.kind == MESSAGE_HEALTH_REQUEST) {
        answer_health(agent, connection, message.id);
    }
    message_finish(&message);
}

static void accept_all(struct fake_agent *agent)
{
    for (size_t i = 0; i < 2; i++) {
        int fd;
        while (agent->listeners[i] >= 0 &&
               (fd = accept4(agent->listeners[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
            struct fake_connection *free_one = agent->connections;
            while (free_one->peer.fd >= 0)
                free_one++;
            assert_true(free_one < agent->connections + CONNECTIONS);
            peer_init(&free_one->peer, fd);
            free_one->role = 0;
            agent->accepted++;
        }
    }
}

bool fake_agent_step(struct fake_agent *agent)
{
    accept_all(agent);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        struct fake_connection *connection = &agent->connections[i];
        struct frame_header header;
        struct buffer payload;
        while (connection->peer.fd >= 0 && !agent->mute &&
               peer_take_frame(&connection->peer, &header, &payload)) {
            if (header.type == FRAME_MESSAGE)
                answer(agent, connection, buffer_span(&payload));
            buffer_finish(&payload);
        }
        if (connection->peer.fd >= 0 && (connection->peer.eof || connection->peer.error != 0))
            peer_finish(&connection->peer);
    }
    return true;
}

struct fake_connection *fake_agent_connection(struct fake_agent *agent, uint8_t role)
{
    for (size_t i = 0; i < CONNECTIONS; i++) {
        if (agent->connections[i].peer.fd >= 0 && agent->connections[i].role == role)
            return &agent->connections[i];
    }
    return NULL;
}
