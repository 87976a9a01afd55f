/* SPDX-License-Identifier: MIT */
/* Set-up and raw clients of the API's tests. Clients and server share one thread: each wait of a client polls
 * its own descriptor and the loop's, and turns the loop, so that no test sleeps. */
#include "tests/unit/api/harness.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "protocol/base/clock.h"

#define PATIENCE_MS   20000
#define READ_TIMEOUT  400 /* ms: what the tests of slow clients wait for */
#define HEARTBEAT     50  /* ms */
#define CLIENT_IN_MAX (16 * 1024 * 1024)

static void handle_added(void *ctx, struct guest *guest)
{
    struct harness *harness = ctx;
    api_guest_added(harness->api, guest);
}

static void handle_removed(void *ctx, struct guest *guest)
{
    struct harness *harness = ctx;
    api_guest_removed(harness->api, guest);
}

static int set_up(void **state, uint64_t read_timeout_ms)
{
    signal(SIGPIPE, SIG_IGN);
    struct harness *harness = calloc(1, sizeof(*harness));
    uv_loop_init(&harness->loop);
    fake_guests_init(&harness->guests);
    fake_agent_init(&harness->agent, &harness->loop);
    fake_transfers_init(&harness->transfers);
    fake_inbox_init(&harness->inbox);
    fake_receiving_init(&harness->receiving, &harness->loop, &harness->transfers, &harness->inbox);
    snprintf(harness->folder, sizeof(harness->folder), "/tmp/hospes-api-XXXXXX");
    assert_non_null(mkdtemp(harness->folder));
    snprintf(harness->socket_path, sizeof(harness->socket_path), "%s/run/api.sock", harness->folder);
    snprintf(harness->guest_dir, sizeof(harness->guest_dir), "%s/run/vm", harness->folder);
    char problem[TEXT_REASON_MAX + 1] = "";
    const struct audit_log_options audit = {.folder = harness->folder};
    assert_int_equal(audit_log_open(&audit, &harness->audit, problem), 0);
    const struct api_client other = {.uid = HARNESS_OTHER_UID, .classes = request_classes_all()};
    const struct api_options options = {.socket_path = harness->socket_path,
                                        .guest_socket_dir = harness->guest_dir,
                                        .version = "0.1.0",
                                        .key = FAKE_KEY,
                                        .audit = harness->audit,
                                        .first_event = 100,
                                        .read_timeout_ms = read_timeout_ms,
                                        .wait_timeout_ms = 2 * read_timeout_ms,
                                        .idle_timeout_ms = 2 * read_timeout_ms,
                                        .transfers = &harness->transfers,
                                        .inbox = &harness->inbox,
                                        .receiving = &harness->receiving,
                                        .clients = &other,
                                        .client_count = 1,
                                        .heartbeat_ms = HEARTBEAT};
    problem[0] = '\0';
    int status = api_create(&harness->loop, &harness->guests, &options, &harness->api, problem);
    assert_string_equal(problem, "");
    assert_int_equal(status, 0);
    harness->guests.on_added = handle_added;
    harness->guests.on_removed = handle_removed;
    harness->guests.ctx = harness;
    *state = harness;
    return 0;
}

int harness_setup(void **state)
{
    return set_up(state, 0);
}

int harness_setup_impatient(void **state)
{
    return set_up(state, READ_TIMEOUT);
}

static void handle_api_closed(void *ctx)
{
    *(bool *)ctx = true;
}

void harness_stop(struct harness *harness)
{
    bool closed = false;
    api_close(harness->api, handle_api_closed, &closed);
    assert_false(closed);
    harness->api = NULL;
    uv_run(&harness->loop, UV_RUN_DEFAULT);
    assert_true(closed);
}

int harness_teardown(void **state)
{
    struct harness *harness = *state;
    if (harness->api != NULL)
        harness_stop(harness);
    fake_receiving_close(&harness->receiving);
    uv_run(&harness->loop, UV_RUN_DEFAULT);
    assert_null(harness->agent.jobs);
    fake_agent_finish(&harness->agent);
    assert_int_equal(uv_loop_close(&harness->loop), 0);
    fake_guests_finish(&harness->guests);
    assert_int_not_equal(access(harness->socket_path, F_OK), 0);
    assert_int_equal(rmdir(harness->guest_dir), 0);
    audit_log_close(harness->audit);
    char run[96], audit[96];
    snprintf(audit, sizeof(audit), "%s/audit.log", harness->folder);
    assert_int_equal(unlink(audit), 0);
    snprintf(run, sizeof(run), "%s/run", harness->folder);
    assert_int_equal(rmdir(run), 0);
    assert_int_equal(rmdir(harness->folder), 0);
    free(harness);
    return 0;
}

void harness_turn(struct harness *harness, int fd, short events)
{
    int timeout = uv_backend_timeout(&harness->loop);
    if (timeout < 0 || timeout > 100)
        timeout = 100;
    struct pollfd fds[2] = {{.fd = uv_backend_fd(&harness->loop), .events = POLLIN},
                            {.fd = fd, .events = events}};
    poll(fds, 2, timeout);
    uv_run(&harness->loop, UV_RUN_NOWAIT);
}

/* Clients */

void client_open(struct client *client, struct harness *harness, const char *path)
{
    *client = (struct client){.harness = harness};
    buffer_init(&client->in, CLIENT_IN_MAX);
    client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    while (connect(client->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        assert_int_equal(errno, EAGAIN); /* the backlog is full */
        harness_turn(harness, -1, 0);
    }
}

void client_close(struct client *client)
{
    close(client->fd);
    buffer_finish(&client->in);
}

/* Takes in what is there. */
static void pull(struct client *client)
{
    uint8_t *tail;
    for (;;) {
        assert_int_equal(buffer_reserve(&client->in, 65536, &tail), 0);
        ssize_t size = recv(client->fd, tail, 65535, 0);
        if (size > 0) {
            buffer_commit(&client->in, (size_t)size);
            continue;
        }
        client->eof |= size == 0 || errno != EAGAIN;
        return;
    }
}

bool client_send(struct client *client, const void *bytes, size_t size)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    while (size > 0) {
        ssize_t sent = send(client->fd, bytes, size, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes = (const char *)bytes + sent;
            size -= (size_t)sent;
            continue;
        }
        if (errno != EAGAIN)
            return false;
        assert_true(clock_monotonic_ms() < until);
        harness_turn(client->harness, client->fd, POLLOUT);
    }
    return true;
}

void client_print(struct client *client, const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    assert_true(size >= 0);
    assert_true(client_send(client, text, (size_t)size));
    free(text);
}

const char *client_text(struct client *client)
{
    uint8_t *tail;
    assert_int_equal(buffer_reserve(&client->in, 1, &tail), 0);
    *tail = '\0';
    return (const char *)client->in.storage + client->in.start;
}

/* More bytes, or the end. */
static void wait_more(struct client *client, uint64_t until)
{
    size_t before = buffer_size(&client->in);
    while (buffer_size(&client->in) == before && !client->eof) {
        if (clock_monotonic_ms() >= until)
            fail_msg("nothing came; so far: %.300s", client_text(client));
        harness_turn(client->harness, client->fd, POLLIN);
        pull(client);
    }
}

void client_expect(struct client *client, const char *text)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    while (strstr(client_text(client), text) == NULL) {
        if (client->eof)
            fail_msg("ended before \"%s\": %.300s", text, client_text(client));
        wait_more(client, until);
    }
}

void client_expect_end(struct client *client)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    while (!client->eof)
        wait_more(client, until);
}

/* Responses */

static void take_bytes(struct client *client, char **body, size_t *size, size_t count, uint64_t until)
{
    while (buffer_size(&client->in) < count && !client->eof)
        wait_more(client, until);
    assert_true(buffer_size(&client->in) >= count);
    *body = realloc(*body, *size + count + 1);
    memcpy(*body + *size, client_text(client), count);
    *size += count;
    (*body)[*size] = '\0';
    buffer_consume(&client->in, count);
}

static void take_chunks(struct client *client, struct response *ret, uint64_t until)
{
    for (;;) {
        client_expect(client, "\r\n");
        char *end;
        size_t count = strtoul(client_text(client), &end, 16);
        buffer_consume(&client->in, (size_t)(end - client_text(client)) + 2);
        take_bytes(client, &ret->body, &ret->size, count, until);
        client_expect(client, "\r\n");
        buffer_consume(&client->in, 2);
        if (count == 0)
            return;
    }
}

void client_response(struct client *client, bool has_body, struct response *ret)
{
    uint64_t until = clock_monotonic_ms() + PATIENCE_MS;
    *ret = (struct response){.body = calloc(1, 1)};
    client_expect(client, "\r\n\r\n");
    size_t size = (size_t)(strstr(client_text(client), "\r\n\r\n") - client_text(client)) + 4;
    assert_true(size < sizeof(ret->head));
    memcpy(ret->head, client_text(client), size);
    buffer_consume(&client->in, size);
    ret->status = atoi(ret->head + strlen("HTTP/1.1 "));
    const char *length = strcasestr(ret->head, "\r\nContent-Length: ");
    if (has_body && length != NULL)
        take_bytes(client, &ret->body, &ret->size, strtoul(length + 18, NULL, 10), until);
    else if (has_body && strcasestr(ret->head, "chunked") != NULL)
        take_chunks(client, ret, until);
    if (strcasestr(ret->head, "application/json") != NULL && has_body) {
        ret->json = json_loads(ret->body, 0, NULL);
        assert_non_null(ret->json);
    }
}

void response_finish(struct response *response)
{
    free(response->body);
    json_decref(response->json);
}

void ask(struct harness *harness, const char *method, const char *path, const char *body,
         struct response *ret)
{
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "%s %s HTTP/1.1\r\nHost: x\r\n", method, path);
    if (body != NULL)
        client_print(&client, "Content-Length: %zu\r\n", strlen(body));
    client_print(&client, "\r\n%s", body == NULL ? "" : body);
    client_response(&client, strcmp(method, "HEAD") != 0, ret);
    client_close(&client);
}

json_t *ask_json(struct harness *harness, const char *method, const char *path, const char *body, int status)
{
    struct response response;
    ask(harness, method, path, body, &response);
    if (response.status != status)
        fail_msg("%s %s: %d instead of %d: %s", method, path, response.status, status, response.body);
    json_t *json = json_incref(response.json);
    response_finish(&response);
    return json;
}

void ask_problem(struct harness *harness, const char *method, const char *path, const char *body, int status,
                 const char *code, char message[static 512])
{
    json_t *json = ask_json(harness, method, path, body, status);
    const json_t *error = json_object_get(json, "error");
    assert_non_null(error);
    assert_string_equal(json_string_value(json_object_get(error, "code")), code);
    assert_non_null(json_object_get(error, "hint"));
    snprintf(message, 512, "%s", json_string_value(json_object_get(error, "message")));
    json_decref(json);
}
