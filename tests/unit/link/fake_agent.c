/* SPDX-License-Identifier: MIT */
/* Accepts, reads frames, answers. The handshake is the real one, in the agent's role. */
#include "tests/unit/link/fake_agent.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void reset_connection(struct fake_connection *connection)
{
    handshake_destroy(connection->handshake);
    sealed_peer_finish(&connection->sealed);
    *connection = (struct fake_connection){.peer = {.fd = -1}};
}

void fake_agent_init(struct fake_agent *agent, const char *control, const char *events)
{
    struct noise_key_pair key = agent->key; /* an agent that comes back is the same one */
    if (key.public_key[0] == 0)
        noise_key_pair_make(&key);
    *agent = (struct fake_agent){.version = 1, .choice = {.version = 1}, .cursor = {77, 10}, .key = key};
    agent->listeners[0] = listen_unix(control);
    agent->listeners[1] = events == NULL ? -1 : listen_unix(events);
    for (size_t i = 0; i < FAKE_CONNECTIONS; i++)
        agent->connections[i].peer.fd = -1;
}

void fake_connection_hang_up(struct fake_connection *connection)
{
    peer_finish(&connection->peer);
    reset_connection(connection);
}

void fake_agent_hang_up(struct fake_agent *agent)
{
    for (size_t i = 0; i < FAKE_CONNECTIONS; i++)
        fake_connection_hang_up(&agent->connections[i]);
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

/* ---- saying ---- */

/* The bridge reads on the loop, so it runs while the socket is full. */
static void write_now(struct fake_connection *connection, struct span bytes)
{
    while (bytes.size > 0) {
        ssize_t sent = write(connection->peer.fd, bytes.data, bytes.size);
        if (sent < 0 && errno != EAGAIN) {
            assert_true(errno == EPIPE || errno == ECONNRESET);
            return;
        }
        if (sent < 0)
            uv_run(&uv, UV_RUN_NOWAIT);
        else
            bytes = span_of(bytes.data + sent, bytes.size - (size_t)sent);
    }
}

static void append_frame(struct buffer *out, enum frame_type type, struct span payload)
{
    uint8_t head[FRAME_HEADER_SIZE];
    frame_header_encode(&(struct frame_header){.length = (uint32_t)payload.size, .type = (uint8_t)type},
                        head);
    assert_int_equal(buffer_append(out, head, sizeof(head)), 0);
    if (payload.size > 0)
        assert_int_equal(buffer_append(out, payload.data, payload.size), 0);
}

void fake_connection_send_bytes(struct fake_connection *connection, const void *bytes, size_t size)
{
    if (connection->sealed.send_key == NULL) {
        write_now(connection, span_of(bytes, size));
        return;
    }
    static uint8_t record[RECORD_SIZE_MAX];
    struct buffer out;
    buffer_init(&out, SIZE_MAX / 2);
    assert_true(size <= RECORD_PLAIN_MAX);
    append_frame(&out, FRAME_DATA,
                 span_of(record, sealed_peer_seal(&connection->sealed, bytes, size, record)));
    write_now(connection, buffer_span(&out));
    buffer_finish(&out);
}

void fake_connection_send_frame(struct fake_connection *connection, enum frame_type type, const void *payload,
                                size_t size)
{
    struct buffer frame;
    buffer_init(&frame, SIZE_MAX / 2);
    append_frame(&frame, type, span_of(payload, size));
    fake_connection_send_bytes(connection, buffer_span(&frame).data, buffer_size(&frame));
    buffer_finish(&frame);
}

void fake_connection_send(struct fake_connection *connection, const struct message *message)
{
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(message, &payload), 0);
    fake_connection_send_frame(connection, FRAME_MESSAGE, buffer_span(&payload).data, buffer_size(&payload));
    buffer_finish(&payload);
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

void fake_connection_refuse(struct fake_connection *connection, int status, const char *text)
{
    struct message message = {.kind = MESSAGE_REFUSE};
    message.body.failure.status = status;
    strcpy(message.body.failure.text, text);
    fake_connection_send(connection, &message);
    fake_connection_hang_up(connection);
}

static void welcome(struct fake_agent *agent, struct fake_connection *connection)
{
    if (agent->refuse < 0) {
        fake_connection_refuse(connection, agent->refuse, "because the test says so");
        return;
    }
    struct message message = {.kind = MESSAGE_WELCOME};
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

/* ---- the handshake ---- */

static void begin_handshake(struct fake_agent *agent, struct fake_connection *connection, struct span hello)
{
    struct handshake_setup setup = {.pattern = (enum handshake_pattern)connection->hello.pattern,
                                    .hello = hello,
                                    .own = &agent->key,
                                    .psk = agent->psk};
    assert_int_equal(handshake_create(loop.secrets, &setup, &connection->handshake), 0);
}

static void answer_auth_1(struct fake_agent *agent, struct fake_connection *connection,
                          const struct auth_bytes *message)
{
    struct message answer = {.kind = MESSAGE_AUTH};
    struct handshake_choice choice = agent->choice;
    int status = handshake_meet(connection->handshake, message);
    if (status < 0) {
        fake_connection_refuse(connection, status, "");
        return;
    }
    if (choice.cipher == 0 && connection->hello.sealing == SEALING_ALWAYS)
        choice.cipher = AEAD_CHACHA20_POLY1305;
    assert_int_equal(handshake_reply(connection->handshake, &choice, &answer.body.auth.message), 0);
    fake_connection_send(connection, &answer);
}

static void answer_auth_3(struct fake_agent *agent, struct fake_connection *connection,
                          const struct auth_bytes *message)
{
    struct message pair = {.kind = MESSAGE_PAIR};
    assert_int_equal(handshake_conclude(connection->handshake, message, &agent->compare), 0);
    handshake_keys(connection->handshake, &agent->keys);
    agent->last_number = 0;
    if (agent->keys.cipher != 0)
        sealed_peer_init(&connection->sealed, &connection->peer, &agent->keys, 0, false);
    if (!agent->pairs) {
        welcome(agent, connection);
        return;
    }
    assert_true(handshake_code(connection->handshake, agent->code));
    fake_connection_send(connection, &pair);
}

static void answer_auth(struct fake_agent *agent, struct fake_connection *connection,
                        const struct auth_bytes *message)
{
    connection->auths++;
    assert_in_range(connection->auths, 1, 2);
    if (connection->auths == 1)
        answer_auth_1(agent, connection, message);
    else
        answer_auth_3(agent, connection, message);
}

/* Asserts what a real agent would refuse. */
static void answer_join(struct fake_agent *agent, struct fake_connection *connection,
                        const struct join_message *join)
{
    assert_int_equal(connection->number, 0);
    assert_true(session_keys_check(&agent->keys, &join->session, join->connection, join->proof));
    assert_true(join->connection > agent->last_number);
    agent->last_number = connection->number = join->connection;
    if (agent->keys.cipher != 0)
        sealed_peer_init(&connection->sealed, &connection->peer, &agent->keys, join->connection, false);
}

/* ---- hearing ---- */

static void answer_hello(struct fake_agent *agent, struct fake_connection *connection,
                         const struct message *message, struct span payload)
{
    agent->hellos++;
    connection->role = message->body.hello.role;
    connection->hello = message->body.hello;
    if (agent->refuse_hello < 0) {
        fake_connection_refuse(connection, agent->refuse_hello, "because the test says so");
    } else if (connection->role == ROLE_CONTROL) {
        begin_handshake(agent, connection, payload);
    } else {
        assert_true(connection->number > 0);
        welcome(agent, connection);
    }
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

static void answer_ping(struct fake_agent *agent, struct fake_connection *connection, uint64_t id)
{
    struct message pong = {.kind = MESSAGE_PONG, .id = id};
    agent->pings++;
    if (!agent->deaf)
        fake_connection_send(connection, &pong);
}

static void answer(struct fake_agent *agent, struct fake_connection *connection, struct span payload)
{
    struct message message;
    assert_int_equal(message_decode(payload, &message, NULL), 0);
    switch (message.kind) {
    case MESSAGE_HELLO:
        answer_hello(agent, connection, &message, payload);
        break;
    case MESSAGE_AUTH:
        answer_auth(agent, connection, &message.body.auth.message);
        break;
    case MESSAGE_JOIN:
        answer_join(agent, connection, &message.body.join);
        break;
    case MESSAGE_PAIR:
        connection->host_agreed = true;
        break;
    case MESSAGE_CHANNEL_OPEN:
        assert_true(connection->number > 0);
        connection->role = FAKE_CHANNEL;
        break;
    case MESSAGE_PING:
        answer_ping(agent, connection, message.id);
        break;
    case MESSAGE_HEALTH_REQUEST:
        answer_health(agent, connection, message.id);
        break;
    case MESSAGE_REFUSE:
        agent->declined++;
        break;
    default:
        fail_msg("the bridge said %s", message_kind_name(message.kind));
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
            assert_true(free_one < agent->connections + FAKE_CONNECTIONS);
            peer_init(&free_one->peer, fd);
            agent->accepted++;
        }
    }
}

static bool take_frame(struct fake_connection *connection, struct frame_header *ret_header,
                       struct buffer *ret_payload)
{
    if (connection->peer.fd < 0)
        return false;
    return connection->sealed.send_key != NULL
               ? sealed_peer_take_frame(&connection->sealed, ret_header, ret_payload)
               : peer_take_frame(&connection->peer, ret_header, ret_payload);
}

static void maybe_agree(struct fake_agent *agent, struct fake_connection *connection)
{
    if (!connection->host_agreed || !agent->guest_agreed)
        return;
    connection->host_agreed = false;
    welcome(agent, connection);
}

bool fake_agent_step(struct fake_agent *agent)
{
    accept_all(agent);
    for (size_t i = 0; i < FAKE_CONNECTIONS; i++) {
        struct fake_connection *connection = &agent->connections[i];
        struct frame_header header;
        struct buffer payload;
        while (!agent->mute && take_frame(connection, &header, &payload)) {
            if (header.type == FRAME_MESSAGE)
                answer(agent, connection, buffer_span(&payload));
            buffer_finish(&payload);
        }
        maybe_agree(agent, connection);
        if (connection->peer.fd >= 0 && (connection->peer.eof || connection->peer.error != 0))
            fake_connection_hang_up(connection);
    }
    return true;
}

struct fake_connection *fake_agent_connection(struct fake_agent *agent, uint8_t role)
{
    for (size_t i = 0; i < FAKE_CONNECTIONS; i++) {
        if (agent->connections[i].peer.fd >= 0 && agent->connections[i].role == role)
            return &agent->connections[i];
    }
    return NULL;
}
