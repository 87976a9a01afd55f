/* SPDX-License-Identifier: MIT */
/* The admin socket: requests and answers, the pairing dialogue, and clients that mean no good. The client
 * side is written by hand here and runs in the same loop's pauses. */
#include "agent/trust/admin_server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/trust/admin_socket.h"
#include "protocol/base/status.h"
#include "services/identity/key_text.h"
#include "tests/unit/agent/trust_fixture.h"
#include "tests/unit/base/testing.h"

#define NOBODY        65534
#define ANSWER_MAX    65536
#define PATIENCE_TICK 10
#define PATIENCE      1000 /* ticks */

static struct trust_fixture *f;
static char answer[ANSWER_MAX];

static int setup(void **state)
{
    trust_fixture_setup(state);
    f = *state;
    f->options.admin_socket = f->admin_socket;
    assert_int_equal(trust_fixture_start(f), 0);
    assert_non_null(f->trust->admin);
    return 0;
}

static void turn(void)
{
    uv_run(&f->loop, UV_RUN_NOWAIT);
}

static int dial(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    strncpy(address.sun_path, f->admin_socket, sizeof(address.sun_path) - 1);
    for (int i = 0; connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0; i++) {
        assert_int_equal(errno, EAGAIN); /* the backlog is full */
        assert_true(i < PATIENCE);
        turn();
    }
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Turns the loop until a line has come: without its end, in `answer`. False: the agent has closed. */
static bool hear(int fd)
{
    size_t size = 0;
    for (int i = 0; i < PATIENCE; i++) {
        turn();
        struct pollfd wanted = {.fd = fd, .events = POLLIN};
        if (poll(&wanted, 1, PATIENCE_TICK) <= 0)
            continue;
        while (size < sizeof(answer) - 1) {
            ssize_t got = recv(fd, answer + size, 1, 0);
            if (got == 0 || (got < 0 && errno == ECONNRESET))
                return false;
            if (got < 0)
                break;
            if (answer[size] == '\n') {
                answer[size] = '\0';
                return true;
            }
            size++;
        }
    }
    fail_msg("no answer within %d ms", PATIENCE * PATIENCE_TICK);
    return false;
}

static void says(const char *what)
{
    if (strstr(answer, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", answer, what);
}

/* One request, its answer, and the end of the connection. */
static void ask(const char *request)
{
    int fd = dial();
    say(fd, request);
    assert_true(hear(fd));
    char kept[ANSWER_MAX];
    memcpy(kept, answer, sizeof(kept));
    assert_false(hear(fd));
    memcpy(answer, kept, sizeof(kept));
    close(fd);
}

static void the_socket_is_the_owners_alone(void **state)
{
    assert_int_equal(scratch_mode(&f->folder, "run/admin.sock"), 0600);
    assert_int_equal(scratch_mode(&f->folder, "run"), 0700);
    trust_fixture_stop(f);
    assert_false(scratch_has(&f->folder, "run/admin.sock"));
}

static void requests_have_answers(void **state)
{
    char request[300];
    ask("{\"request\":\"identity\"}\n");
    char own[KEY_TEXT_SIZE];
    key_text_format(trust_key(f->trust)->public_key, own);
    says(own);
    ask("{\"request\":\"hosts\"}\n");
    says(own);
    says("\"hosts\":[]");
    says("\"broken\":false");
    snprintf(request, sizeof(request),
             "{\"request\":\"trust\",\"key\":\"%s\",\"name\":\"the \\u001b[31moffice\"}\n",
             fixture_key_text(4));
    ask(request);
    assert_string_equal(answer, "{\"saved\":true}");
    assert_int_equal(trust_fixture_judge(f, 4, 0), 0);
    ask("{\"request\":\"hosts\"}\n");
    says(fixture_key_text(4));
    says("\"way\":\"accepted\"");
    says("\"name\":\"the \\u001B[31moffice\"");
    snprintf(request, sizeof(request), "{\"request\":\"forget\",\"key\":\"%s\"}\n", fixture_key_text(4));
    ask(request);
    assert_string_equal(answer, "{\"saved\":true}");
    assert_int_equal(f->forgotten, 1);
    ask(request);
    says("\"status\":\"NOT_FOUND\"");
    ask("{\"request\":\"forget\",\"all\":true}\n");
    assert_string_equal(answer, "{\"saved\":true}");
}

static void requests_that_make_no_sense_are_told_so(void **state)
{
    static const char *const REQUESTS[] = {
        "\n",
        "garbage\n",
        "[]\n",
        "{}\n",
        "7\n",
        "{\"request\":7}\n",
        "{\"request\":\"reboot\"}\n",
        "{\"request\":\"answer\",\"code\":\"123456\",\"same\":true}\n",
        "{\"request\":\"trust\"}\n",
        "{\"request\":\"trust\",\"key\":\"AAAA\"}\n",
        "{\"request\":\"trust\",\"key\":7}\n",
        "{\"request\":\"forget\"}\n",
        "{\"request\":\"forget\",\"all\":\"yes\"}\n",
        "{\"request\":\"hosts\",\"request\":\"identity\"}\n",
        "{\"request\":\"hosts\"} more\n",
        "\xff\xfe\n",
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
    };
    for (size_t i = 0; i < sizeof(REQUESTS) / sizeof(REQUESTS[0]); i++) {
        ask(REQUESTS[i]);
        says("{\"error\":");
    }
    char request[300], name[TEXT_NAME_MAX + 2];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    snprintf(request, sizeof(request), "{\"request\":\"trust\",\"key\":\"%s\",\"name\":\"%s\"}\n",
             fixture_key_text(4), name);
    ask(request);
    says("63 bytes");
    assert_int_equal(f->trust->hosts.known.count, 0);
}

static void a_request_may_come_in_pieces(void **state)
{
    static const char REQUEST[] = "{\"request\":\"hosts\"}\n";
    int fd = dial();
    for (const char *byte = REQUEST; *byte != '\0'; byte++) {
        assert_int_equal(send(fd, byte, 1, MSG_NOSIGNAL), 1);
        turn();
    }
    assert_true(hear(fd));
    says("\"hosts\":[]");
    close(fd);
}

static void a_long_line_is_refused(void **state)
{
    char line[ADMIN_LINE_MAX];
    memset(line, 'x', sizeof(line));
    int fd = dial();
    assert_int_equal(send(fd, line, sizeof(line), MSG_NOSIGNAL), sizeof(line));
    assert_true(hear(fd));
    says("TOO_LARGE");
    assert_false(hear(fd));
    close(fd);
    fd = dial(); /* one that never stops */
    for (int i = 0; i < PATIENCE; i++) {
        if (send(fd, line, sizeof(line), MSG_NOSIGNAL) < 0 && errno != EAGAIN)
            break;
        turn();
    }
    assert_int_not_equal(send(fd, line, sizeof(line), MSG_NOSIGNAL), sizeof(line));
    close(fd);
    ask("{\"request\":\"hosts\"}\n");
}

static void silent_clients_are_few_and_do_not_last(void **state)
{
    int silent[ADMIN_CLIENTS_MAX];
    trust_fixture_stop(f);
    f->options.admin_socket = NULL;
    assert_int_equal(trust_fixture_start(f), 0);
    assert_int_equal(admin_server_create(f->trust, f->admin_socket, 300, &f->trust->admin, f->problem), 0);
    for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++) {
        silent[i] = dial();
        say(silent[i], "{\"request\":"); /* half a line */
    }
    turn();
    int fd = dial();
    assert_true(hear(fd));
    says("too many clients");
    close(fd);
    for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++) {
        assert_false(hear(silent[i])); /* closed by the agent */
        close(silent[i]);
    }
    ask("{\"request\":\"hosts\"}\n");
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void thousands_of_connections_leave_nothing_behind(void **state)
{
    ask("{\"request\":\"hosts\"}\n");
    size_t before = count_descriptors();
    for (int i = 0; i < 3000; i++) {
        int fd = dial();
        if (i % 3 == 0) /* may be closed already: too many clients */
            send(fd, "{\"request\":\"hosts\"}\n", 20, MSG_NOSIGNAL);
        if (i % 5 == 0)
            turn();
        close(fd);
    }
    for (int i = 0; count_descriptors() != before; i++) {
        assert_true(i < PATIENCE);
        turn();
    }
    ask("{\"request\":\"hosts\"}\n");
}

static void a_client_that_leaves_before_its_answer_does_no_harm(void **state)
{
    for (int i = 0; i < 50; i++) {
        int fd = dial();
        say(fd, i % 2 == 0 ? "{\"request\":\"hosts\"}\n" : "{\"request\":\"pair\"}\n");
        shutdown(fd, SHUT_RD);
        close(fd);
        turn();
        turn();
        turn();
    }
    ask("{\"request\":\"hosts\"}\n");
}

/* A stranger's connection, while this process serves. The exit status of the child. */
static int dial_as_nobody(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        char byte;
        strncpy(address.sun_path, f->admin_socket, sizeof(address.sun_path) - 1);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
            _exit(9);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
            _exit(errno == EACCES ? 10 : 11);
        send(fd, "{\"request\":\"hosts\"}\n", 20, MSG_NOSIGNAL);
        ssize_t got = recv(fd, &byte, 1, 0);
        _exit(got == 0 || (got < 0 && errno == ECONNRESET) ? 0 : 12);
    }
    int status;
    while (waitpid(child, &status, WNOHANG) == 0)
        turn();
    return WEXITSTATUS(status);
}

static void another_user_is_refused_by_rights_and_by_credentials(void **state)
{
    if (geteuid() != 0) /* only root can become another user */
        return;
    assert_int_equal(dial_as_nobody(), 10);
    assert_int_equal(chmod(f->folder.path, 0755), 0);
    assert_int_equal(chmod(scratch_path(&f->folder, "run"), 0755), 0);
    assert_int_equal(dial_as_nobody(), 10);
    assert_int_equal(chmod(f->admin_socket, 0666), 0);
    assert_int_equal(dial_as_nobody(), 0);
    assert_non_null(strstr(f->log, "refused a connection to the admin socket of uid 65534"));
}

/* ---- the socket's file ---- */

static void a_second_agent_does_not_take_the_socket(void **state)
{
    int fd = -1;
    assert_int_equal(admin_socket_listen(f->admin_socket, &fd, f->problem), UV_EADDRINUSE);
    assert_non_null(strstr(f->problem, "another agent"));
    assert_int_equal(fd, -1);
    ask("{\"request\":\"hosts\"}\n");
}

static void a_socket_that_was_left_behind_is_taken_over(void **state)
{
    int left, fd;
    const char *path = scratch_path(&f->folder, "left.sock");
    assert_int_equal(admin_socket_listen(path, &left, f->problem), 0);
    close(left);
    assert_true(scratch_has(&f->folder, "left.sock"));
    assert_int_equal(admin_socket_connect(path, &fd), UV_ECONNREFUSED);
    assert_int_equal(admin_socket_listen(path, &left, f->problem), 0);
    assert_int_equal(admin_socket_connect(path, &fd), 0);
    close(fd);
    close(left);
}

static void what_is_no_socket_is_left_alone(void **state)
{
    int fd;
    scratch_write_text(&f->folder, "file.sock", "precious");
    assert_int_equal(admin_socket_listen(scratch_path(&f->folder, "file.sock"), &fd, f->problem), UV_EEXIST);
    assert_string_equal(scratch_read(&f->folder, "file.sock"), "precious");
    assert_int_equal(symlink("/nonexistent", scratch_path(&f->folder, "link.sock")), 0);
    assert_int_equal(admin_socket_listen(scratch_path(&f->folder, "link.sock"), &fd, f->problem), UV_EEXIST);
    char path[200];
    memset(path, 'x', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(admin_socket_listen(path, &fd, f->problem), UV_ENAMETOOLONG);
}

static void a_folder_that_others_change_gets_no_socket(void **state)
{
    int fd;
    assert_int_equal(mkdir(scratch_path(&f->folder, "open"), 0700), 0);
    assert_int_equal(chmod(scratch_path(&f->folder, "open"), 0777), 0);
    assert_int_equal(admin_socket_listen(scratch_path(&f->folder, "open/admin.sock"), &fd, f->problem),
                     STATUS_NOT_ALLOWED);
}

static void an_agent_without_admin_socket_goes_on(void **state)
{
    trust_fixture_stop(f);
    assert_int_equal(chmod(scratch_path(&f->folder, "run"), 0777), 0);
    assert_int_equal(trust_fixture_start(f), 0);
    assert_null(f->trust->admin);
    assert_non_null(strstr(f->log, "no admin socket"));
}

/* ---- pairing ---- */

static char heard;
static struct pairing *pairing;

static void note_answer(void *ctx, bool same)
{
    heard = same ? 'y' : 'n';
}

static int begin(const char *code)
{
    struct trust_claim claim = {.key = fixture_key(3), .link = "tcp"};
    heard = '-';
    return trust_begin_pairing(f->trust, &claim, code, note_answer, NULL, &pairing);
}

static int open_window(void)
{
    int fd = dial();
    say(fd, "{\"request\":\"pair\"}\n");
    assert_true(hear(fd));
    assert_string_equal(answer, "{\"state\":\"waiting\",\"seconds\":300}");
    return fd;
}

static void wait_for_answer(void)
{
    for (int i = 0; heard == '-'; i++) {
        assert_true(i < PATIENCE);
        turn();
    }
}

static void a_pairing_goes_from_code_to_paired(void **state)
{
    assert_int_equal(begin("123456"), STATUS_CODE_NEEDED);
    int fd = open_window();
    assert_int_equal(begin("123456"), 0);
    assert_true(hear(fd));
    says("\"state\":\"code\",\"code\":\"123456\"");
    says(fixture_key_text(3));
    says("\"link\":\"tcp\"");
    say(fd, "{\"request\":\"answer\",\"code\":\"123456\",\"same\":true}\n");
    wait_for_answer();
    assert_int_equal(heard, 'y');
    pairing_pin(pairing);
    pairing_end(pairing);
    assert_true(hear(fd));
    assert_string_equal(answer, "{\"state\":\"paired\"}");
    assert_false(hear(fd));
    close(fd);
    assert_int_equal(trust_fixture_judge(f, 3, 0), 0);
}

static void a_no_is_told_to_both(void **state)
{
    static const char *const NOS[] = {"{\"request\":\"answer\",\"code\":\"123456\",\"same\":false}\n",
                                      "{\"request\":\"answer\",\"code\":\"123456\"}\n",
                                      "{\"request\":\"answer\",\"code\":\"123456\",\"same\":\"true\"}\n"};
    for (size_t i = 0; i < sizeof(NOS) / sizeof(NOS[0]); i++) {
        int fd = open_window();
        assert_int_equal(begin("123456"), 0);
        assert_true(hear(fd));
        say(fd, NOS[i]);
        wait_for_answer();
        assert_int_equal(heard, 'n');
        pairing_end(pairing);
        assert_true(hear(fd));
        assert_string_equal(answer, "{\"state\":\"declined\"}");
        close(fd);
    }
    assert_int_equal(f->trust->hosts.known.count, 0);
}

static void a_yes_counts_for_the_code_that_it_names(void **state)
{
    int fd = open_window();
    assert_int_equal(begin("111111"), 0);
    assert_true(hear(fd));
    pairing_end(pairing); /* the host goes, another one comes */
    assert_int_equal(begin("222222"), 0);
    say(fd, "{\"request\":\"answer\",\"code\":\"111111\",\"same\":true}\n");
    assert_true(hear(fd));
    assert_string_equal(answer, "{\"state\":\"lost\"}");
    assert_true(hear(fd));
    says("222222");
    for (int i = 0; i < 20; i++)
        turn();
    assert_int_equal(heard, '-');
    say(fd, "{\"request\":\"answer\",\"code\":\"222222\",\"same\":true}\n");
    wait_for_answer();
    assert_int_equal(heard, 'y');
    pairing_end(pairing);
    close(fd);
}

static void an_owner_that_leaves_declines(void **state)
{
    int fd = open_window();
    assert_int_equal(begin("123456"), 0);
    close(fd);
    wait_for_answer();
    assert_int_equal(heard, 'n');
    pairing_end(pairing);
    assert_int_equal(begin("123456"), STATUS_CODE_NEEDED);
}

static void one_owner_waits_at_a_time(void **state)
{
    int fd = open_window();
    ask("{\"request\":\"pair\"}\n");
    says("\"status\":\"EBUSY\"");
    assert_int_equal(begin("123456"), 0); /* the first one still waits */
    assert_true(hear(fd));
    says("123456");
    pairing_end(pairing);
    close(fd);
}

static void garbage_while_waiting_ends_the_window(void **state)
{
    int fd = open_window();
    assert_int_equal(begin("123456"), 0);
    assert_true(hear(fd));
    say(fd, "{\"request\":\"pair\"}\n");
    assert_true(hear(fd));
    says("\"error\"");
    assert_false(hear(fd));
    close(fd);
    wait_for_answer();
    assert_int_equal(heard, 'n');
    pairing_end(pairing);
}

static void closing_ends_the_clients(void **state)
{
    int fd = open_window(), other = dial();
    assert_int_equal(begin("123456"), 0);
    turn();
    trust_fixture_stop(f);
    assert_int_equal(heard, 'n');
    pairing_end(pairing);
    assert_true(hear(fd)); /* the code was on its way */
    assert_false(hear(fd));
    assert_false(hear(other));
    close(fd);
    close(other);
}

int main(void)
{
#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, setup, trust_fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(the_socket_is_the_owners_alone),
        WITH_SERVER(requests_have_answers),
        WITH_SERVER(requests_that_make_no_sense_are_told_so),
        WITH_SERVER(a_request_may_come_in_pieces),
        WITH_SERVER(a_long_line_is_refused),
        WITH_SERVER(silent_clients_are_few_and_do_not_last),
        WITH_SERVER(thousands_of_connections_leave_nothing_behind),
        WITH_SERVER(a_client_that_leaves_before_its_answer_does_no_harm),
        WITH_SERVER(another_user_is_refused_by_rights_and_by_credentials),
        WITH_SERVER(a_second_agent_does_not_take_the_socket),
        WITH_SERVER(a_socket_that_was_left_behind_is_taken_over),
        WITH_SERVER(what_is_no_socket_is_left_alone),
        WITH_SERVER(a_folder_that_others_change_gets_no_socket),
        WITH_SERVER(an_agent_without_admin_socket_goes_on),
        WITH_SERVER(a_pairing_goes_from_code_to_paired),
        WITH_SERVER(a_no_is_told_to_both),
        WITH_SERVER(a_yes_counts_for_the_code_that_it_names),
        WITH_SERVER(an_owner_that_leaves_declines),
        WITH_SERVER(one_owner_waits_at_a_time),
        WITH_SERVER(garbage_while_waiting_ends_the_window),
        WITH_SERVER(closing_ends_the_clients),
    };
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
