/* SPDX-License-Identifier: MIT */
/* Sockets and their files, clients that go, many at once, and the end. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "host-bridge/api/http_server.h"
#include "host-bridge/api/unix_listener.h"
#include "protocol/base/clock.h"
#include "tests/unit/api/harness.h"

#define MANY 200

static size_t open_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 8192; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Until the server has closed what the clients closed. */
static void expect_descriptors(struct harness *harness, size_t count)
{
    uint64_t until = clock_monotonic_ms() + 10000;
    while (open_descriptors() > count) {
        assert_true(clock_monotonic_ms() < until);
        harness_turn(harness, -1, 0);
    }
}

static mode_t mode_of(const char *path)
{
    struct stat facts;
    assert_int_equal(lstat(path, &facts), 0);
    return facts.st_mode & 07777;
}

static void start_health(struct client *client, struct harness *harness)
{
    size_t before = harness->guests.ask_count;
    client_open(client, harness, harness->socket_path);
    client_print(client, "GET /api/v1/vms/web/health HTTP/1.1\r\nHost: x\r\n\r\n");
    while (harness->guests.ask_count == before)
        harness_turn(harness, -1, 0);
}

/* Files */

static void socket_and_folder_are_private(void **state)
{
    struct harness *harness = *state;
    char path[128];
    assert_int_equal(mode_of(harness->socket_path), 0600);
    assert_int_equal(mode_of(harness->guest_dir), 0700);
    snprintf(path, sizeof(path), "%s/run", harness->folder);
    assert_int_equal(mode_of(path), 0700);
    snprintf(path, sizeof(path), "%s/web.sock", harness->guest_dir);
    assert_int_equal(mode_of(path), 0600);
}

/* Opens a listener of our own group on <folder>/<name>, looks at the modes, and closes it. */
static void expect_group_modes(struct harness *harness, const char *name, mode_t folder_mode)
{
    char path[128], folder[128], problem[TEXT_REASON_MAX + 1] = "";
    const gid_t group = getegid();
    struct unix_listener *listener = NULL;
    struct stat facts;
    snprintf(path, sizeof(path), "%s/%s", harness->folder, name);
    snprintf(folder, sizeof(folder), "%s", path);
    *strrchr(folder, '/') = '\0';
    assert_int_equal(unix_listener_open(&harness->loop, path, &group, NULL, NULL, &listener, problem), 0);
    assert_int_equal(mode_of(path), 0660);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_gid, group);
    assert_int_equal(mode_of(folder), folder_mode);
    unix_listener_close(listener, NULL, NULL);
    rmdir(folder);
}

static void socket_of_a_group_lets_it_through_its_folder(void **state)
{
    expect_group_modes(*state, "private/api.sock", 0710);
}

static void folder_that_everybody_may_pass_is_left_to_a_group_as_it_is(void **state)
{
    struct harness *harness = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s/open", harness->folder);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(chmod(path, 0755), 0);
    expect_group_modes(harness, "open/api.sock", 0755);
}

static void note_closed(void *ctx)
{
    *(bool *)ctx = true;
}

/* An API of its own on `path`, closed again; what api_create said. */
static int try_second(const char *path, char problem[static TEXT_REASON_MAX + 1])
{
    const struct api_options options = {.socket_path = path, .version = "2"};
    struct api *second = NULL;
    struct guests none = {0};
    uv_loop_t loop;
    uv_loop_init(&loop);
    int status = api_create(&loop, &none, &options, &second, problem);
    bool closed = status < 0;
    if (status == 0)
        api_close(second, note_closed, &closed);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_true(closed);
    assert_int_equal(uv_loop_close(&loop), 0);
    return status;
}

/* What a process that died leaves behind. */
static void leave_stale_socket(const char *path)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
}

static void live_socket_is_refused_and_goes_on(void **state)
{
    struct harness *harness = *state;
    char problem[TEXT_REASON_MAX + 1] = "";
    assert_int_equal(try_second(harness->socket_path, problem), UV_EADDRINUSE);
    assert_non_null(strstr(problem, harness->socket_path));
    json_decref(ask_json(harness, "GET", "/api/v1/health", NULL, 200));
}

static void stale_socket_is_replaced(void **state)
{
    struct harness *harness = *state;
    char path[128], problem[TEXT_REASON_MAX + 1] = "";
    snprintf(path, sizeof(path), "%s/stale.sock", harness->folder);
    leave_stale_socket(path);
    assert_int_equal(try_second(path, problem), 0);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void file_that_is_no_socket_is_left_alone(void **state)
{
    struct harness *harness = *state;
    char path[128], problem[TEXT_REASON_MAX + 1] = "";
    snprintf(path, sizeof(path), "%s/letter", harness->folder);
    fclose(fopen(path, "w"));
    assert_int_equal(try_second(path, problem), UV_EEXIST);
    assert_int_equal(unlink(path), 0);
}

static void folder_that_others_may_write_is_refused(void **state)
{
    struct harness *harness = *state;
    char folder[96], path[128], problem[TEXT_REASON_MAX + 1] = "";
    snprintf(folder, sizeof(folder), "%s/open", harness->folder);
    snprintf(path, sizeof(path), "%s/api.sock", folder);
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(try_second(path, problem), UV_EPERM);
    assert_int_equal(rmdir(folder), 0);
}

static void path_that_is_too_long_is_named(void **state)
{
    char path[300], problem[TEXT_REASON_MAX + 1] = "";
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(try_second(path, problem), UV_ENAMETOOLONG);
    assert_string_not_equal(problem, "");
}

static void folder_that_cannot_be_made_is_named(void **state)
{
    char problem[TEXT_REASON_MAX + 1] = "";
    assert_true(try_second("/proc/none/api.sock", problem) < 0);
    assert_non_null(strstr(problem, "/proc/none"));
}

static void socket_that_somebody_replaced_is_not_removed(void **state)
{
    struct harness *harness = *state;
    assert_int_equal(unlink(harness->socket_path), 0);
    leave_stale_socket(harness->socket_path);
    harness_stop(harness);
    assert_int_equal(unlink(harness->socket_path), 0);
}

static void guest_socket_comes_and_goes_with_its_guest(void **state)
{
    struct harness *harness = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s/new.sock", harness->guest_dir);
    assert_int_not_equal(access(path, F_OK), 0);
    json_decref(ask_json(harness, "POST", "/api/v1/vms", "{\"name\":\"new\",\"link\":\"vsock:9\"}", 201));
    assert_int_equal(access(path, F_OK), 0);
    assert_null(ask_json(harness, "DELETE", "/api/v1/vms/new", NULL, 204));
    assert_int_not_equal(access(path, F_OK), 0);
}

static void guest_removed_under_an_open_connection_is_404(void **state)
{
    struct harness *harness = *state;
    char path[128];
    snprintf(path, sizeof(path), "%s/db.sock", harness->guest_dir);
    struct client client;
    client_open(&client, harness, path);
    client_print(&client, "GET /api/v1/ports HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&client, "HTTP/1.1 200");
    assert_null(ask_json(harness, "DELETE", "/api/v1/vms/db", NULL, 204));
    client_print(&client, "GET /api/v1/ports HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&client, "HTTP/1.1 404");
    client_close(&client);
}

/* Clients that go */

static void client_that_goes_while_it_waits_frees_everything(void **state)
{
    struct harness *harness = *state;
    size_t before = open_descriptors();
    struct client client;
    start_health(&client, harness);
    client_close(&client);
    expect_descriptors(harness, before);
    fake_answer(&harness->guests, 0); /* comes for nobody */
    json_decref(ask_json(harness, "GET", "/api/v1/health", NULL, 200));
}

/* Whether it is obeyed is open: the HTTP library looks at the hang-up before the bytes. */
static void client_that_sends_and_goes_at_once_leaves_nothing(void **state)
{
    struct harness *harness = *state;
    size_t before = open_descriptors();
    for (int i = 0; i < 20; i++) {
        struct client client;
        client_open(&client, harness, harness->socket_path);
        client_print(&client, "GET /api/v1/vms/web/health HTTP/1.1\r\nHost: x\r\n\r\n");
        for (int turns = 0; turns < i; turns++)
            uv_run(&harness->loop, UV_RUN_NOWAIT);
        client_close(&client);
    }
    expect_descriptors(harness, before);
}

static void reader_of_events_that_goes_is_noticed_at_once(void **state)
{
    struct harness *harness = *state;
    size_t before = open_descriptors();
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&client, "\r\n\r\n");
    client_close(&client);
    expect_descriptors(harness, before);
}

static void client_that_goes_in_the_midst_of_its_body_is_noticed(void **state)
{
    struct harness *harness = *state;
    size_t before = open_descriptors();
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{");
    client_close(&client);
    expect_descriptors(harness, before);
}

/* Many */

static void two_hundred_clients_are_served_at_once(void **state)
{
    struct harness *harness = *state;
    static struct client clients[MANY];
    for (int i = 0; i < MANY; i++)
        start_health(&clients[i], harness);
    for (int i = 0; i < MANY; i += 2) /* every other one goes */
        client_close(&clients[i]);
    json_decref(ask_json(harness, "GET", "/api/v1/health", NULL, 200)); /* nobody blocks another */
    fake_answer(&harness->guests, 0);
    for (int i = 1; i < MANY; i += 2) {
        struct response response;
        client_response(&clients[i], true, &response);
        assert_int_equal(response.status, 200);
        response_finish(&response);
        client_close(&clients[i]);
    }
}

static void client_above_the_limit_is_told_so(void **state)
{
    struct harness *harness = *state;
    static struct client clients[HTTP_SERVER_CONNECTIONS_MAX];
    size_t before = open_descriptors();
    for (int i = 0; i < HTTP_SERVER_CONNECTIONS_MAX; i++) {
        client_open(&clients[i], harness, harness->socket_path);
        client_print(&clients[i], "GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n");
        client_expect(&clients[i], "\"ok\"");
    }
    struct client more;
    struct response response;
    client_open(&more, harness, harness->socket_path);
    client_response(&more, true, &response);
    assert_int_equal(response.status, 503);
    assert_string_equal(json_string_value(json_object_get(json_object_get(response.json, "error"), "code")),
                        "LIMIT");
    response_finish(&response);
    client_expect_end(&more);
    client_close(&more);
    for (int i = 0; i < HTTP_SERVER_CONNECTIONS_MAX; i++)
        client_close(&clients[i]);
    expect_descriptors(harness, before);
    json_decref(ask_json(harness, "GET", "/api/v1/health", NULL, 200));
}

/* The end */

static void stop_answers_those_who_wait_and_ends_streams(void **state)
{
    struct harness *harness = *state;
    struct client waiting, reading, idle, half;
    start_health(&waiting, harness);
    client_open(&reading, harness, harness->socket_path);
    client_print(&reading, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&reading, "\r\n\r\n");
    client_open(&idle, harness, harness->socket_path);
    client_open(&half, harness, harness->socket_path);
    client_print(&half, "POST /api/v1/vms HTTP/1.1\r\nHost: x\r\nContent-Length: 90\r\n\r\n{");
    for (int i = 0; i < 5; i++)
        uv_run(&harness->loop, UV_RUN_NOWAIT);
    harness_stop(harness);
    client_expect(&waiting, "HTTP/1.1 503");
    client_expect(&waiting, "the bridge is stopping");
    client_expect_end(&waiting);
    client_expect_end(&reading);
    assert_non_null(strstr(client_text(&reading), "\r\n0\r\n\r\n")); /* ended in order */
    client_expect_end(&idle);
    client_expect_end(&half);
    client_close(&waiting);
    client_close(&reading);
    client_close(&idle);
    client_close(&half);
    fake_answer(&harness->guests, 0); /* the agent answers after the end */
}

static void stop_with_requests_not_yet_seen_is_clean(void **state)
{
    struct harness *harness = *state;
    struct client clients[20];
    for (int i = 0; i < 20; i++) {
        client_open(&clients[i], harness, harness->socket_path);
        client_print(&clients[i], i % 2 == 0 ? "GET /api/v1/vms/web/health HTTP/1.1\r\nHost: x\r\n\r\n"
                                             : "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
        if (i == 10)
            uv_run(&harness->loop, UV_RUN_NOWAIT); /* some are accepted and not read */
    }
    harness_stop(harness);
    for (int i = 0; i < 20; i++) {
        client_expect_end(&clients[i]);
        client_close(&clients[i]);
    }
}

int main(void)
{
#define API_TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)
    const struct CMUnitTest tests[] = {
        API_TEST(socket_and_folder_are_private),
        API_TEST(socket_of_a_group_lets_it_through_its_folder),
        API_TEST(folder_that_everybody_may_pass_is_left_to_a_group_as_it_is),
        API_TEST(live_socket_is_refused_and_goes_on),
        API_TEST(stale_socket_is_replaced),
        API_TEST(file_that_is_no_socket_is_left_alone),
        API_TEST(folder_that_others_may_write_is_refused),
        API_TEST(path_that_is_too_long_is_named),
        API_TEST(folder_that_cannot_be_made_is_named),
        API_TEST(socket_that_somebody_replaced_is_not_removed),
        API_TEST(guest_socket_comes_and_goes_with_its_guest),
        API_TEST(guest_removed_under_an_open_connection_is_404),
        API_TEST(client_that_goes_while_it_waits_frees_everything),
        API_TEST(client_that_sends_and_goes_at_once_leaves_nothing),
        API_TEST(reader_of_events_that_goes_is_noticed_at_once),
        API_TEST(client_that_goes_in_the_midst_of_its_body_is_noticed),
        API_TEST(two_hundred_clients_are_served_at_once),
        API_TEST(client_above_the_limit_is_told_so),
        API_TEST(stop_answers_those_who_wait_and_ends_streams),
        API_TEST(stop_with_requests_not_yet_seen_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
