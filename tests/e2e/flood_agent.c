/* SPDX-License-Identifier: MIT */
/* Hostile agents that never tire: each proves who it is as it should, then sends every message of the
 * protocol, right and wrong, at random, as fast as the bridge takes them, and is there again whenever the
 * bridge has ended the link. What the messages are is hostile_message.c's.
 *
 *   flood_agent FOLDER GUESTS COUNT [SEED]
 *
 * Listens at FOLDER/flood-1 … flood-GUESTS. Ends with status 0 when all have sent COUNT messages, and says
 * how many handshakes and endings that took; one line each 10,000 messages.
 *
 * Theory of operation. One poll loop; a connection writes whenever the bridge reads. A burst is allowed
 * messages with one wild one behind them; then it pauses until the bridge has read all, and a little longer,
 * so that what the bridge does about it comes first and few messages are counted that no bridge has read. A
 * connection that is not ended then goes on. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "protocol/wire/frame.h"
#include "protocol/wire/handshake.h"
#include "protocol/wire/message.h"
#include "tests/e2e/hostile_message.h"

#define GUESTS_MAX      64
#define CONNECTIONS_MAX 1024
#define BURST           800 /* allowed messages before a wild one, on the average */
#define BATCH           64  /* messages that are made at once */
#define PAUSE_MS        50
#define UNREAD_MAX      32768 /* bytes: what a bridge that ends the link leaves unread is not worth counting */
#define OUT_MAX         (4 * 1024 * 1024)
#define PROGRESS        10000

enum stage { STAGE_FREE, STAGE_FIRST, STAGE_AUTH_1, STAGE_AUTH_3, STAGE_JOINED, STAGE_FLOOD };

struct guest {
    int listener;
    uint8_t session[16];
};

struct connection {
    enum stage stage;
    int fd;
    struct guest *guest; /* borrowed */
    enum hostile_place place;
    struct frame_reader reader;
    struct handshake *handshake; /* until AUTH 3 */
    struct buffer out;
    uint64_t event; /* number of the next one */
    uint32_t until_wild;
    uint64_t pause_ms;   /* until then nothing is said */
    struct flood *flood; /* borrowed: of the reader's callbacks */
};

struct flood {
    struct secret_pool *secrets;
    struct noise_key_pair key;
    struct hostile_random random;
    size_t guest_count;
    struct guest guests[GUESTS_MAX];
    struct connection connections[CONNECTIONS_MAX];
    uint64_t sent, wanted, handshakes, endings, wild;
};

static void die(const char *what)
{
    fprintf(stderr, "flood_agent: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int listen_at(const char *folder, size_t number)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(address.sun_path, sizeof(address.sun_path), "%s/flood-%zu", folder, number);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (length < 0 || (size_t)length >= sizeof(address.sun_path) || fd < 0)
        die("socket");
    unlink(address.sun_path);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0)
        die(address.sun_path);
    return fd;
}

static void close_connection(struct flood *flood, struct connection *connection)
{
    if (connection->stage == STAGE_FLOOD)
        flood->endings++;
    handshake_destroy(connection->handshake);
    frame_reader_finish(&connection->reader);
    buffer_finish(&connection->out);
    close(connection->fd);
    *connection = (struct connection){.stage = STAGE_FREE};
}

static void accept_connection(struct flood *flood, struct guest *guest)
{
    int fd = accept4(guest->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return; /* gone again */
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){UNREAD_MAX}, sizeof(int));
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &flood->connections[i];
        if (connection->stage != STAGE_FREE)
            continue;
        *connection = (struct connection){.stage = STAGE_FIRST, .fd = fd, .guest = guest, .flood = flood};
        frame_reader_init(&connection->reader);
        buffer_init(&connection->out, OUT_MAX);
        return;
    }
    close(fd);
}

static void begin_flood(struct connection *connection, enum hostile_place place)
{
    struct flood *flood = connection->flood;
    connection->stage = STAGE_FLOOD;
    connection->place = place;
    connection->event = 2;
    connection->until_wild = hostile_random_below(&flood->random, 2 * BURST);
}

static void send_auth(struct connection *connection, const struct auth_bytes *bytes)
{
    struct message message = {.kind = MESSAGE_AUTH, .body.auth.message = *bytes};
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    if (message_encode(&message, &payload) < 0)
        die("AUTH");
    struct frame_header header = {.length = (uint32_t)buffer_size(&payload), .type = FRAME_MESSAGE};
    uint8_t head[FRAME_HEADER_SIZE];
    frame_header_encode(&header, head);
    if (buffer_append(&connection->out, head, sizeof(head)) < 0 ||
        buffer_append(&connection->out, buffer_span(&payload).data, buffer_size(&payload)) < 0)
        die("AUTH");
    buffer_finish(&payload);
}

/* HELLO of a control session. `payload` is what the handshake is about. */
static int handle_hello(struct connection *connection, const struct hello_message *hello, struct span payload)
{
    const struct handshake_setup setup = {
        .pattern = (enum handshake_pattern)hello->pattern, .hello = payload, .own = &connection->flood->key};
    if (hello->role != ROLE_CONTROL || hello->pattern < PATTERN_XX || hello->pattern > PATTERN_IK ||
        hello->sealing == SEALING_ALWAYS)
        return -1;
    connection->stage = STAGE_AUTH_1;
    return handshake_create(connection->flood->secrets, &setup, &connection->handshake);
}

static int handle_auth(struct connection *connection, const struct auth_bytes *bytes)
{
    static const struct handshake_choice PLAIN = {.version = PROTOCOL_VERSION};
    struct flood *flood = connection->flood;
    struct auth_bytes answer;
    bool compare;
    if (connection->stage == STAGE_AUTH_1) {
        if (handshake_meet(connection->handshake, bytes) < 0 ||
            handshake_reply(connection->handshake, &PLAIN, &answer) < 0)
            return -1;
        send_auth(connection, &answer);
        connection->stage = STAGE_AUTH_3;
        return 0;
    }
    if (connection->stage != STAGE_AUTH_3 || handshake_conclude(connection->handshake, bytes, &compare) < 0)
        return -1;
    flood->handshakes++;
    randombytes_buf(connection->guest->session, sizeof(connection->guest->session));
    hostile_message_welcome(&flood->random, connection->guest->session, false, &connection->out);
    begin_flood(connection, HOSTILE_CONTROL);
    return 0;
}

/* Behind JOIN: a feed or a channel. */
static int handle_joined(struct connection *connection, const struct message *message)
{
    struct hostile_random *random = &connection->flood->random;
    if (message->kind == MESSAGE_HELLO) {
        hostile_message_welcome(random, connection->guest->session, true, &connection->out);
        begin_flood(connection, HOSTILE_FEED);
        return 0;
    }
    if (message->kind != MESSAGE_CHANNEL_OPEN)
        return -1;
    begin_flood(connection, HOSTILE_CHANNEL);
    connection->until_wild = hostile_random_below(random, 4);
    return 0;
}

static int handle_message(struct connection *connection, const struct message *message, struct span payload)
{
    struct hostile_random *random = &connection->flood->random;
    switch (connection->stage) {
    case STAGE_FIRST:
        if (message->kind == MESSAGE_HELLO)
            return handle_hello(connection, &message->body.hello, payload);
        connection->stage = STAGE_JOINED;
        return message->kind == MESSAGE_JOIN ? 0 : -1;
    case STAGE_AUTH_1:
    case STAGE_AUTH_3:
        return message->kind == MESSAGE_AUTH ? handle_auth(connection, &message->body.auth.message) : -1;
    case STAGE_JOINED:
        return handle_joined(connection, message);
    case STAGE_FLOOD:
        if (message->kind == MESSAGE_HEALTH_REQUEST)
            hostile_message_health(random, message->id, &connection->out);
        return 0; /* PING is not answered: PONG comes often enough */
    case STAGE_FREE:
        break;
    }
    return -1;
}

static int handle_frame(void *ctx, const struct frame_header *header, struct span payload)
{
    struct connection *connection = ctx;
    struct message message;
    struct message_head head;
    if (header->type != FRAME_MESSAGE)
        return header->type == FRAME_RST ? -1 : 0;
    if (message_decode(payload, &message, &head) < 0)
        return -1;
    int status = handle_message(connection, &message, payload);
    message_finish(&message);
    return status;
}

static size_t drop_data(void *ctx, const struct frame_header *header, struct span piece)
{
    return piece.size;
}

static const struct frame_reader_callbacks CALLBACKS = {.on_frame = handle_frame, .on_data = drop_data};

/* False when it is over. */
static bool read_some(struct connection *connection)
{
    uint8_t bytes[65536];
    size_t taken;
    ssize_t size = read(connection->fd, bytes, sizeof(bytes));
    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    return size > 0 && frame_reader_feed(&connection->reader, span_of(bytes, (size_t)size), &CALLBACKS,
                                         connection, &taken) >= 0;
}

static void make_messages(struct flood *flood, struct connection *connection)
{
    connection->pause_ms = 0;
    for (int i = 0; i < BATCH && flood->sent < flood->wanted; i++) {
        flood->sent++;
        if (flood->sent % PROGRESS == 0) {
            printf("sent %llu\n", (unsigned long long)flood->sent);
            fflush(stdout);
        }
        if (connection->until_wild == 0) {
            flood->wild++;
            hostile_message_wild(&flood->random, connection->place, connection->event, &connection->out);
            connection->until_wild = 1 + hostile_random_below(&flood->random, 2 * BURST);
            connection->pause_ms = now_ms() + PAUSE_MS;
            return;
        }
        connection->until_wild--;
        hostile_message_allowed(&flood->random, connection->place, connection->event, &connection->event,
                                &connection->out);
    }
}

static bool write_some(struct connection *connection)
{
    struct span rest = buffer_span(&connection->out);
    ssize_t size = send(connection->fd, rest.data, rest.size, MSG_NOSIGNAL);
    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    buffer_consume(&connection->out, (size_t)size);
    return true;
}

/* A pause begins when the bridge has read all. */
static bool has_to_write(struct connection *connection, uint64_t now)
{
    int unread = 0;
    if (connection->pause_ms > 0 && ioctl(connection->fd, SIOCOUTQ, &unread) == 0 && unread > 0)
        connection->pause_ms = now + PAUSE_MS;
    return buffer_size(&connection->out) > 0 ||
           (connection->stage == STAGE_FLOOD && connection->pause_ms <= now);
}

static void serve_connection(struct flood *flood, struct connection *connection, short events)
{
    bool alive = (events & (POLLIN | POLLHUP | POLLERR)) == 0 || read_some(connection);
    if (alive && (events & POLLOUT) != 0) {
        if (buffer_size(&connection->out) == 0)
            make_messages(flood, connection);
        alive = write_some(connection);
    }
    if (!alive)
        close_connection(flood, connection);
}

static void serve_once(struct flood *flood)
{
    struct pollfd polls[GUESTS_MAX + CONNECTIONS_MAX];
    struct connection *of[CONNECTIONS_MAX];
    nfds_t count = 0;
    uint64_t now = now_ms();
    for (size_t i = 0; i < flood->guest_count; i++)
        polls[count++] = (struct pollfd){.fd = flood->guests[i].listener, .events = POLLIN};
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *connection = &flood->connections[i];
        if (connection->stage == STAGE_FREE)
            continue;
        of[count - flood->guest_count] = connection;
        polls[count++] = (struct pollfd){
            .fd = connection->fd, .events = (short)(POLLIN | (has_to_write(connection, now) ? POLLOUT : 0))};
    }
    if (poll(polls, count, PAUSE_MS / 2) < 0 && errno != EINTR)
        die("poll");
    for (nfds_t i = flood->guest_count; i < count; i++) {
        if (polls[i].revents != 0)
            serve_connection(flood, of[i - flood->guest_count], polls[i].revents);
    }
    for (size_t i = 0; i < flood->guest_count; i++) {
        if (polls[i].revents != 0)
            accept_connection(flood, &flood->guests[i]);
    }
}

int main(int argc, char **argv)
{
    if (argc < 4 || argc > 5) {
        fputs("usage: flood_agent FOLDER GUESTS COUNT [SEED]\n", stderr);
        return 2;
    }
    struct flood *flood = calloc(1, sizeof(*flood));
    if (flood == NULL || (flood->secrets = secret_pool_create()) == NULL)
        die("memory");
    flood->guest_count = strtoul(argv[2], NULL, 10);
    flood->wanted = strtoull(argv[3], NULL, 10);
    flood->random.state = argc == 5 ? strtoull(argv[4], NULL, 10) : 1;
    if (flood->guest_count < 1 || flood->guest_count > GUESTS_MAX || flood->random.state == 0) {
        fputs("flood_agent: 1 to 64 guests, and a seed that is not 0\n", stderr);
        return 2;
    }
    noise_key_pair_make(&flood->key);
    for (size_t i = 0; i < flood->guest_count; i++)
        flood->guests[i].listener = listen_at(argv[1], i + 1);
    puts("ready");
    fflush(stdout);
    while (flood->sent < flood->wanted)
        serve_once(flood);
    printf("done: %llu messages, %llu of them wild, %llu handshakes, %llu endings\n",
           (unsigned long long)flood->sent, (unsigned long long)flood->wild,
           (unsigned long long)flood->handshakes, (unsigned long long)flood->endings);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (flood->connections[i].stage != STAGE_FREE)
            close_connection(flood, &flood->connections[i]);
    }
    sodium_memzero(&flood->key, sizeof(flood->key));
    secret_pool_destroy(flood->secrets);
    free(flood);
    return 0;
}
