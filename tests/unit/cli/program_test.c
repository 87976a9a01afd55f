/* SPDX-License-Identifier: MIT */
/* Every command of the program against a Host API: requests made, output, exit status. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "tests/unit/cli/fake_api.h"
#include "tests/unit/cli/fixtures.h"

static const struct fake_route ROUTES[] = {
    {"GET", "/api/v1/health", 200, "{\"status\":\"ok\",\"version\":\"0.1.0\"}", FAKE_ANSWER},
    {"GET", "/api/v1/vms", 200, GUESTS_ANSWER, FAKE_ANSWER},
    {"POST", "/api/v1/vms", 201, GUEST_WEB, FAKE_ANSWER},
    {"GET", "/api/v1/vms/web", 200, GUEST_WEB, FAKE_ANSWER},
    {"DELETE", "/api/v1/vms/web", 204, NULL, FAKE_ANSWER},
    {"GET", "/api/v1/vms/web/health", 200, HEALTH_ANSWER, FAKE_ANSWER},
    {"GET", "/api/v1/vms/db", 200, GUEST_DB, FAKE_ANSWER},
    {"GET", "/api/v1/vms/db/health", 503,
     "{\"error\":{\"code\":\"NOT_CONNECTED\",\"message\":\"\\\"db\\\" is not connected\",\"hint\":\"wait\","
     "\"details\":{\"status\":\"absent\",\"liveness\":{\"vm\":\"unknown\",\"agent\":\"absent\"}}}}",
     FAKE_ANSWER},
    {"GET", "/api/v1/vms/web/ports", 200, PORTS_ANSWER, FAKE_ANSWER},
    {"PUT", "/api/v1/vms/web/ports/80", 200,
     "{\"port\":80,\"protocol\":null,\"policy\":\"block\",\"ports\":[]}", FAKE_ANSWER},
    {"GET", "/api/v1/vms/web/forwards", 200, FORWARDS_ANSWER, FAKE_ANSWER},
    {"POST", "/api/v1/vms/web/forwards", 201, FORWARD_WEB, FAKE_ANSWER},
    {"POST", "/api/v1/vms/db/forwards", 201, FORWARD_FAILED, FAKE_ANSWER},
    {"DELETE", "/api/v1/vms/web/forwards/tcp-80", 204, NULL, FAKE_ANSWER},
    {"DELETE", "/api/v1/vms/web/forwards/static-1", 204, NULL, FAKE_ANSWER},
    {"GET", "/api/v1/vms/web/policy", 200,
     "{\"rules\":[{\"selector\":\"80/tcp\",\"action\":\"block\"},{\"selector\":\"800\",\"action\":\"block\"},"
     "{\"selector\":\"process:vite\",\"action\":\"forward\"}]}",
     FAKE_ANSWER},
    {"PUT", "/api/v1/vms/web/policy", 200, "{\"selector\":\"process:vite\",\"action\":\"ignore\"}",
     FAKE_ANSWER},
    {"DELETE", "/api/v1/vms/web/policy?selector=80%2Ftcp", 204, NULL, FAKE_ANSWER},
    {"DELETE", "/api/v1/vms/web/policy?selector=process%3Avite", 204, NULL, FAKE_ANSWER},
    {"POST", "/api/v1/vms/conflict/forwards", 409, PROBLEM("CONFLICT", "it exists", "\"look\""), FAKE_ANSWER},
    {"POST", "/api/v1/vms/invalid/forwards", 422,
     PROBLEM("INVALID", "bind: no address", "\"GET /api/v1/vms\""), FAKE_ANSWER},
    {"DELETE", "/api/v1/vms/fixed", 403, PROBLEM("NOT_ALLOWED", "it is in the file", "\"edit\""),
     FAKE_ANSWER},
    {"GET", "/api/v1/vms/off/ports", 503, PROBLEM("NOT_CONNECTED", "off is away", "null"), FAKE_ANSWER},
    {"GET", "/api/v1/vms/slow/ports", 504, PROBLEM("ETIMEDOUT", "slow did not answer", "null"), FAKE_ANSWER},
    {"GET", "/api/v1/vms/html/ports", 500, "<html>oops</html>", FAKE_ANSWER},
    {"GET", "/api/v1/vms/evil/ports", 502, PROBLEM("X", "a\\u001b[2Jb", "\"c\\nd\""), FAKE_ANSWER},
    {"GET", "/api/v1/vms/hang/ports", 0, NULL, FAKE_HANG},
    {"GET", "/api/v1/vms/garbage/ports", 0, NULL, FAKE_GARBAGE},
    {"GET", "/api/v1/vms/close/ports", 0, NULL, FAKE_CLOSE},
    {"GET", "/api/v1/vms/cut/ports", 0, NULL, FAKE_CUT},
    {"GET", "/api/v1/vms/huge/ports", 0, NULL, FAKE_HUGE},
    {"GET", "/api/v1/vms/text/ports", 200, "hello", FAKE_ANSWER},
    {"GET", "/api/v1/vms/array/ports", 200, "[]", FAKE_ANSWER},
    {"GET", "/api/v1/vms/empty/ports", 200, NULL, FAKE_ANSWER},
};

static struct fake_api api;
static struct run run;

#define RUN(...) run_hospes(&run, api.socket, (const char *const[]){__VA_ARGS__, NULL})

static int start(void **state)
{
    fake_api_start(&api, ROUTES, COUNT_OF(ROUTES));
    return 0;
}

static int stop(void **state)
{
    run_finish(&run);
    fake_api_stop(&api);
    return 0;
}

static void expect(int status, const char *out, const char *err)
{
    run_expect(&run, status, out, err);
}

static void expect_json(const char *key)
{
    json_error_t error;
    json_t *document = json_loads(run.out, 0, &error);
    assert_non_null(json_object_get(document, key));
    json_decref(document);
    run_finish(&run);
}

static void vms_lists_guests(void **state)
{
    RUN("vms");
    expect(0,
           "NAME  STATE       SINCE                LINK                 AGENT  GUEST               ERROR\n",
           "");
    expect(0, "db    connecting  ", "");
    expect(0, "web-1, Linux 6.1.0\n", "");
    assert_null(strchr(run.out, '\t'));
    assert_null(strchr(run.out, '\x1b'));
}

static void json_is_one_document(void **state)
{
    RUN("vms", "--json");
    expect_json("vms");
    RUN("--json", "status");
    expect_json("bridge");
    RUN("status", "web", "--json");
    expect_json("health");
    RUN("ports", "web", "--json");
    expect_json("ports");
    RUN("forward", "web", "80", "--json");
    expect_json("hostPort");
    RUN("unforward", "web", "8080", "--json");
    expect_json("id");
    RUN("policy", "web", "--json");
    expect_json("rules");
    RUN("policy", "web", "process:vite", "ignore", "--json");
    expect_json("selector");
    RUN("block", "web", "80", "--json");
    expect_json("policy");
    RUN("unblock", "web", "80", "--json");
    expect_json("changed");
    RUN("add", "web", "vsock:3", "--json");
    expect_json("name");
    RUN("remove", "web", "--json");
    expect_json("removed");
}

static void add_sends_the_link_and_says_what_comes_next(void **state)
{
    RUN("add", "web", "vsock:3");
    expect(0, "Added web (vsock:3)", "");
    expect(0, "hospes-agent", "");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/vms {\"name\":\"web\",\"link\":\"vsock:3\"}"));
}

static void quiet_prints_no_confirmations(void **state)
{
    RUN("add", "web", "vsock:3", "--quiet");
    expect(0, "", "");
    assert_string_equal(run.out, "");
}

static void remove_forgets_a_guest(void **state)
{
    RUN("remove", "web");
    expect(0, "Removed web", "");
    assert_true(fake_api_was_asked(&api, "DELETE /api/v1/vms/web"));
}

static void status_shows_all_guests(void **state)
{
    RUN("status");
    expect(0, "Bridge 0.1.0 at ", "");
    expect(0, "web   connected   0.21 ms  1 d 1 h  0.50      1.0 GiB  0.1.0\n", "");
    expect(0, "connected, but nothing answered in time\n", "");
}

static void status_shows_one_guest_in_full(void **state)
{
    RUN("status", "web");
    expect(0, "liveness    the VM is alive, its agent answers\n", "");
    expect(0, "agent       0.1.0 on web-1, Linux 6.1.0 x86_64\n", "");
    expect(0, "memory      1.0 GiB free of 2.0 GiB\n", "");
    expect(0, "disks       /: 5.0 GiB free of 10.0 GiB (ext4)\n", "");
    expect(0, "addresses   10.0.2.15 (eth0)\n", "");
    expect(0, "users       ann on tty1 since ", "");
}

static void status_of_an_absent_guest_is_unreachable(void **state)
{
    RUN("status", "db");
    expect(3, "error       connected, but nothing answered in time (NO_GREETING)\n",
           "hospes: \"db\" is not connected\n  hint: wait\n");
    expect(3, "liveness    whether the VM runs is not known, no agent is connected\n", "hint");
}

static void ports_shows_a_table(void **state)
{
    RUN("ports", "web");
    expect(0, "  80  tcp    0.0.0.0  nginx (7)  nginx.service  forward  http://localhost:8080/", "");
}

static void forward_sends_what_was_asked(void **state)
{
    RUN("forward", "web", "80:8080", "--bind", "127.0.0.2", "--no-fallback");
    expect(0, "tcp port 80 of web is at http://localhost:8080/\n  not on 80 as asked: 80 is held by apache",
           "");
    assert_true(fake_api_was_asked(&api,
                                   "POST /api/v1/vms/web/forwards {\"guestPort\":80,\"protocol\":\"tcp\","
                                   "\"fallback\":false,\"hostPort\":8080,\"bind\":\"127.0.0.2\"}"));
    run_finish(&run);
    RUN("forward", "web", "53", "--udp");
    assert_true(fake_api_was_asked(
        &api, "POST /api/v1/vms/web/forwards {\"guestPort\":53,\"protocol\":\"udp\",\"fallback\":true}"));
}

static void a_forward_that_does_not_listen_is_a_failure(void **state)
{
    RUN("forward", "db", "22:2222");
    expect(1, "", "2222 is held by sshd (pid 9)\n  hint: it is kept");
}

static void unforward_finds_the_forward_by_its_host_port(void **state)
{
    RUN("unforward", "web", "8080");
    expect(0, "Ended the forward of tcp port 80 of web.\n  It was automatic", "");
    assert_true(fake_api_was_asked(&api, "DELETE /api/v1/vms/web/forwards/tcp-80"));
    run_finish(&run);
    RUN("unforward", "web", "2222");
    expect(0, "Ended the forward of tcp port 22 of web.\n", "");
    assert_true(fake_api_was_asked(&api, "DELETE /api/v1/vms/web/forwards/static-1"));
    run_finish(&run);
    RUN("unforward", "web", "9");
    expect(1, "", "no forward of web uses host port 9");
    run_finish(&run);
    RUN("unforward", "web", "8080", "--udp");
    expect(1, "", "no forward of web uses host port 8080");
}

static void policy_lists_sets_and_removes_rules(void **state)
{
    RUN("policy", "web");
    expect(0, "SELECTOR      ACTION\n80/tcp        block\n800           block\nprocess:vite  forward\n", "");
    run_finish(&run);
    RUN("policy", "web", "process:vite", "ignore");
    expect(0, "web: process:vite → ignore", "");
    assert_true(fake_api_was_asked(
        &api, "PUT /api/v1/vms/web/policy {\"selector\":\"process:vite\",\"action\":\"ignore\"}"));
    run_finish(&run);
    RUN("policy", "web", "process:vite", "--remove");
    expect(0, "the rule for process:vite is gone", "");
}

static void block_and_unblock_touch_exactly_one_port(void **state)
{
    RUN("block", "web", "80");
    expect(0, "Port 80 of web is blocked.", "");
    assert_true(fake_api_was_asked(&api, "PUT /api/v1/vms/web/ports/80 {\"policy\":\"block\"}"));
    run_finish(&run);
    RUN("unblock", "web", "80");
    expect(0, "Port 80 of web is no longer blocked.", "");
    assert_true(fake_api_was_asked(&api, "DELETE /api/v1/vms/web/policy?selector=80%2Ftcp"));
    assert_false(fake_api_was_asked(&api, "DELETE /api/v1/vms/web/policy?selector=800"));
    run_finish(&run);
    RUN("unblock", "web", "81");
    expect(0, "Port 81 of web was not blocked.", "");
}

static void wrong_usage_exits_2(void **state)
{
    static const char *const LINES[][5] = {
        {"forward", "web", "0", NULL},
        {"forward", "web", "80:", NULL},
        {"forward", "web", "70000:1", NULL},
        {"forward", "web", "80:8080:1", NULL},
        {"unforward", "web", "x", NULL},
        {"block", "web", "80-90", NULL},
        {"policy", "web", "80", NULL},
        {"policy", "web", "80", "nod", NULL},
        {"policy", "web", "--remove", NULL},
        {"events", "--since", "x", NULL},
        {"help", "nothing", NULL},
        {"vms", "--watch", NULL},
        {"unknown", NULL},
        {"add", "web", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(LINES); i++) {
        run_hospes(&run, api.socket, LINES[i]);
        expect(2, "", "hospes: ");
        expect(2, "", "hint: ");
        if (i + 1 < COUNT_OF(LINES))
            run_finish(&run);
    }
}

static void errors_of_the_api_have_their_exit_status(void **state)
{
    static const struct {
        int status;
        const char *words[4];
        const char *err;
    } CASES[] = {
        {1, {"status", "nobody"}, "hospes: no such path\n"},
        {1, {"forward", "conflict", "80"}, "hospes: it exists\n  hint: look\n"},
        {1, {"forward", "invalid", "80"}, "hospes: bind: no address\n  hint: hospes vms lists"},
        {4, {"remove", "fixed"}, "hospes: it is in the file\n  hint: edit\n"},
        {3, {"ports", "off"}, "hospes: off is away\n"},
        {3, {"ports", "slow"}, "hospes: slow did not answer\n"},
        {1, {"ports", "html"}, "hospes: the bridge failed\n"},
        {1, {"ports", "evil"}, "hospes: a\\x1b[2Jb\n  hint: c\\x0ad\n"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        run_hospes(&run, api.socket, CASES[i].words);
        expect(CASES[i].status, "", CASES[i].err);
        if (i + 1 < COUNT_OF(CASES))
            run_finish(&run);
    }
}

static void broken_answers_are_errors(void **state)
{
    static const struct {
        int status;
        const char *guest, *err;
    } CASES[] = {
        {3, "close", "closed the connection"}, {3, "cut", "closed the connection"},
        {1, "garbage", "does not speak HTTP"}, {1, "text", "not the JSON"},
        {1, "array", "not the JSON"},          {1, "empty", "not the JSON"},
        {1, "huge", "larger than 64 MiB"},     {3, "hang", "did not answer in time"},
    };
    setenv("HOSPES_TIMEOUT", "1", 1);
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        RUN("ports", CASES[i].guest);
        expect(CASES[i].status, "", CASES[i].err);
        if (i + 1 < COUNT_OF(CASES))
            run_finish(&run);
    }
    unsetenv("HOSPES_TIMEOUT");
}

static void an_absent_bridge_is_unreachable(void **state)
{
    RUN("vms", "--socket", "/nonexistent/api.sock");
    expect(3, "", "the bridge does not run: there is no socket (/nonexistent/api.sock)\n  hint: start it");
    run_finish(&run);
    fake_api_kill(&api); /* the socket's file stays */
    RUN("vms");
    expect(3, "", "nothing answers at its socket");
    run_finish(&run);
    RUN("events", "--follow");
    expect(3, "", "nothing answers at its socket");
}

static void what_is_no_socket_is_said_so(void **state)
{
    RUN("vms", "--socket", api.log);
    assert_int_equal(run.status, 3);
    run_finish(&run);
    static char long_path[200];
    memset(long_path, 'a', sizeof(long_path) - 1);
    RUN("vms", "--socket", long_path);
    expect(2, "", "longer than 107 bytes");
}

static void guests_with_odd_names_can_not_change_the_request(void **state)
{
    RUN("ports", "../vms?x=1#y HTTP/1.1");
    expect(1, "", "no such path");
    assert_true(fake_api_was_asked(&api, "GET /api/v1/vms/..%2Fvms%3Fx%3D1%23y%20HTTP%2F1.1/ports"));
}

static void help_and_version_need_no_bridge(void **state)
{
    RUN("--version", "--socket", "/nonexistent");
    expect(0, "hospes 0.1.0\n", "");
    run_finish(&run);
    RUN("help", "forward");
    expect(0, "Usage: hospes forward NAME GUESTPORT[:HOSTPORT] [OPTION]...\n", "");
    run_finish(&run);
    RUN("--help");
    expect(0, "  unforward NAME HOSTPORT ", "");
    run_finish(&run);
    run_hospes(&run, api.socket, (const char *const[]){NULL});
    expect(2, "", "Usage: hospes");
    run_finish(&run);
    RUN("--commands");
    expect(0, "option\tforward\t--bind\tADDR\t", "");
}

static void completion_asks_the_bridge(void **state)
{
    static const struct {
        const char *words, *completions;
    } CASES[] = {
        {"ports ''", "db web "},     {"ports --json w", "web "},
        {"forward web ''", "80 "},   {"un", "unforward unblock unpair "},
        {"events --f", "--follow "}, {"policy web 80 b", "block "},
        {"cp -r we", "web: "},       {"cp web : /x we", "web: "},
        {"send we", "web "},         {"rm --recursive d", "db: "},
        {"cp --links k", "keep "},   {"cp --links keep --u", "--update --user "},
        {"transfers c", "cancel "},  {"status --socket /nonexistent ''", ""},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        char command[1024], out[256] = "";
        snprintf(command, sizeof(command),
                 "PATH=\"%s:$PATH\" HOSPES_SOCKET=%s bash --norc -c '. \"$0\"/hospes.bash; "
                 "COMP_WORDS=(hospes \"$@\"); "
                 "COMP_CWORD=$#; _hospes; printf \"%%s \" \"${COMPREPLY[@]}\"' %s %s",
                 HOSPES_PROGRAM_FOLDER, api.socket, HOSPES_COMPLETIONS, CASES[i].words);
        FILE *shell = popen(command, "re");
        assert_non_null(shell);
        size_t size = fread(out, 1, sizeof(out) - 1, shell);
        assert_int_equal(pclose(shell), 0);
        out[size == 1 && out[0] == ' ' ? 0 : size] = '\0'; /* printf without words prints one space */
        assert_string_equal(out, CASES[i].completions);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(vms_lists_guests),
        TEST(json_is_one_document),
        TEST(add_sends_the_link_and_says_what_comes_next),
        TEST(quiet_prints_no_confirmations),
        TEST(remove_forgets_a_guest),
        TEST(status_shows_all_guests),
        TEST(status_shows_one_guest_in_full),
        TEST(status_of_an_absent_guest_is_unreachable),
        TEST(ports_shows_a_table),
        TEST(forward_sends_what_was_asked),
        TEST(a_forward_that_does_not_listen_is_a_failure),
        TEST(unforward_finds_the_forward_by_its_host_port),
        TEST(policy_lists_sets_and_removes_rules),
        TEST(block_and_unblock_touch_exactly_one_port),
        TEST(wrong_usage_exits_2),
        TEST(errors_of_the_api_have_their_exit_status),
        TEST(broken_answers_are_errors),
        TEST(an_absent_bridge_is_unreachable),
        TEST(what_is_no_socket_is_said_so),
        TEST(guests_with_odd_names_can_not_change_the_request),
        TEST(help_and_version_need_no_bridge),
        TEST(completion_asks_the_bridge),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
