/* SPDX-License-Identifier: MIT */
/* send, inbox, accept, decline, transfers, watch, and the small commands over a guest's files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#include "tests/unit/cli/fake_api.h"
#include "tests/unit/cli/fixtures.h"

#define TRANSFER(id, state, rest)                                                                            \
    "{\"id\":\"" id "\",\"kind\":\"drop\",\"from\":{\"vm\":null,\"user\":null,\"paths\":[\"/tmp/a\"]},"      \
    "\"to\":{\"vm\":\"web\",\"user\":null,\"path\":null},\"state\":\"" state "\",\"phase\":\"send\","        \
    "\"files\":{\"total\":2,\"done\":1,\"skipped\":0,\"failed\":0},"                                         \
    "\"bytes\":{\"total\":4096,\"done\":2048,\"moved\":2048},"                                               \
    "\"started\":\"2026-01-31T12:00:00.000Z\",\"ended\":null,\"failures\":[]," rest "}"
#define DONE TRANSFER("ab12", "done", "\"error\":null,\"names\":[\"/home/ann/Downloads/a (1)\\u0007\",null]")
#define WAITING                                                                                              \
    TRANSFER("ab34", "waiting", "\"names\":[],\"error\":{\"code\":\"NOT_CONNECTED\",\"message\":\"x\"}")
#define ITEM                                                                                                 \
    "{\"id\":\"web-1\",\"vm\":\"web\",\"name\":\"ph\\u202eotos\",\"user\":\"ann\",\"roots\":1,\"files\":12," \
    "\"bytes\":3145728,\"created\":\"2026-01-31T12:00:00.000Z\",\"seen\":\"2026-01-31T12:00:00.000Z\","      \
    "\"state\":\"offered\",\"transfer\":null}"
#define ENTRY(name, type, mode, rest)                                                                        \
    "{\"name\":\"" name "\",\"type\":\"" type "\",\"size\":2048,\"mode\":\"" mode "\","                      \
    "\"modified\":\"2026-01-31T12:00:00.000Z\",\"uid\":1000,\"gid\":100,\"target\":" rest "}"
#define EVENT(number, type, rest)                                                                            \
    "event: " type "\nid: " number "\ndata: {\"vm\":\"web\",\"time\":\"2026-01-31T12:00:00.000Z\"," rest     \
    "}\n\n"

static const struct fake_route ROUTES[] = {
    {"POST", "/api/v1/transfers", 201, DONE, FAKE_ANSWER},
    {"GET", "/api/v1/transfers", 200, "{\"transfers\":[" DONE "," WAITING "]}", FAKE_ANSWER},
    {"DELETE", "/api/v1/transfers/ab34", 204, NULL, FAKE_ANSWER},
    {"GET", "/api/v1/inbox", 200, "{\"items\":[" ITEM "]}", FAKE_ANSWER},
    {"GET", "/api/v1/inbox?vm=db", 200, "{\"items\":[]}", FAKE_ANSWER},
    {"POST", "/api/v1/inbox/web-1/accept", 202, DONE, FAKE_ANSWER},
    {"POST", "/api/v1/inbox/web-1/decline", 204, NULL, FAKE_ANSWER},
    {"GET", "/api/v1/vms/web/fs?path=%2Fsrv&user=ann", 200,
     "{\"path\":\"/srv\",\"entries\":[" ENTRY("bin", "folder", "2755", "null") "," ENTRY(
         "tmp", "folder", "1777",
         "null") "," ENTRY("l\\u001bn", "link", "0777",
                           "\"../x\\u0007\"") "," ENTRY("run", "file", "4754", "null") "],"
                                                                                       "\"truncated\":false}",
     FAKE_ANSWER},
    {"GET", "/api/v1/vms/web/fs?path=.", 200, "{\"path\":\"/home/ann\",\"entries\":[],\"truncated\":false}",
     FAKE_ANSWER},
    {"GET", "/api/v1/vms/web/fs?path=many", 200,
     "{\"path\":\"/many\",\"entries\":[" ENTRY("a", "file", "0600", "null") "],\"truncated\":true}",
     FAKE_ANSWER},
    {"GET", "/api/v1/vms/web/fs?path=none", 404, PROBLEM("ENOENT", "no such file", "null"), FAKE_ANSWER},
    {"POST", "/api/v1/vms/web/fs/mkdir", 201, "{\"path\":\"/home/ann/a\"}", FAKE_ANSWER},
    {"POST", "/api/v1/vms/web/fs/move", 200, "{\"path\":\"/home/ann/b\"}", FAKE_ANSWER},
    {"DELETE", "/api/v1/vms/web/fs?path=a&recursive=true", 204, NULL, FAKE_ANSWER},
    {"DELETE", "/api/v1/vms/web/fs?path=a", 409,
     PROBLEM("ENOTEMPTY", "it is not empty", "\"recursive=true removes\""), FAKE_ANSWER},
    {"GET", "/api/v1/vms/web/fs/watch?path=%2Fsrv", 200,
     ": here\n\nevent: change\ndata: "
     "{\"what\":\"created\",\"path\":\"a\\u001bb\",\"folder\":true,\"from\":null}\n\n"
     "event: change\ndata: {\"what\":\"moved\",\"path\":\"new\",\"folder\":false,\"from\":\"old\"}\n\n"
     "event: lost\ndata: {}\n\n",
     FAKE_STREAM},
    {"GET", "/api/v1/vms/web/fs/watch?path=short", 200, ": here\n\n", FAKE_STREAM_END},
    {"GET", "/api/v1/vms/db/fs/watch?path=%2F", 503, PROBLEM("NOT_CONNECTED", "db is away", "null"),
     FAKE_ANSWER},
    {"GET", "/api/v1/events", 200,
     EVENT("1", "transfer.progress", "\"transfer\":" DONE) EVENT("2", "vm.added", "\"x\":1")
         EVENT("3", "transfer.changed", "\"transfer\":" DONE),
     FAKE_STREAM},
    {"GET", "/api/v1/events?since=0", 200, EVENT("1", "inbox.offered", "\"item\":" ITEM), FAKE_STREAM},
    {"GET", "/api/v1/events?vm=web", 200, EVENT("4", "transfer.changed", "\"transfer\":" DONE), FAKE_STREAM},
};

static struct fake_api api;
static struct run run;
static char shown[65536];

#define RUN(...) run_hospes(&run, api.socket, (const char *const[]){__VA_ARGS__, NULL})

static int start(void **state)
{
    fake_api_start(&api, ROUTES, COUNT_OF(ROUTES));
    setenv("TERM", "xterm", 1);
    shown[0] = '\0';
    return chdir("/tmp");
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

/* ---- send and inbox ---- */

static void send_drops_files_and_says_where_they_are(void **state)
{
    RUN("send", "web", "a:b", "/c");
    expect(0, "web:/home/ann/Downloads/a (1)\\x07\n", "");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/transfers {\"recursive\":true,\"from\":{\"paths\":"
                                         "[\"/tmp/a:b\",\"/c\"]},\"to\":{\"vm\":\"web\"}}"));
    run_finish(&run);
    RUN("send", "web", "a", "--user", "bob", "--quiet", "-v");
    assert_string_equal(run.out, "");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/transfers {\"recursive\":true,\"from\":{\"paths\":"
                                         "[\"/tmp/a\"]},\"to\":{\"vm\":\"web\",\"user\":\"bob\"}}"));
}

static void no_wait_prints_the_id_and_ends(void **state)
{
    RUN("send", "web", "a", "--no-wait");
    expect(0, "ab12\n", "");
    assert_string_equal(run.out, "ab12\n");
    run_finish(&run);
    RUN("accept", "web-1", "--no-wait", "--json");
    expect(0, "{\"id\":\"ab12\",", "");
}

static void a_drop_for_an_absent_guest_waits_and_says_so(void **state)
{
    static const struct fake_route ABSENT[] = {
        {"POST", "/api/v1/transfers", 201, WAITING, FAKE_ANSWER},
        {"GET", "/api/v1/transfers/ab34", 200, DONE, FAKE_ANSWER},
        {"GET", "/api/v1/events?vm=web", 200, NULL, FAKE_STREAM},
    };
    fake_api_kill(&api);
    fake_api_start(&api, ABSENT, COUNT_OF(ABSENT));
    RUN("send", "web", "a");
    expect(0, "web:/home/ann/Downloads", "hospes: waiting for web: not connected\n");
}

static void a_drop_that_the_bridge_forgot_is_a_failure(void **state)
{
    static const struct fake_route FORGOTTEN[] = {
        {"POST", "/api/v1/transfers", 201, WAITING, FAKE_ANSWER},
        {"GET", "/api/v1/transfers/ab34", 404, PROBLEM("NOT_FOUND", "no such transfer", "null"), FAKE_ANSWER},
        {"GET", "/api/v1/events?vm=web", 200, NULL, FAKE_STREAM},
    };
    fake_api_kill(&api);
    fake_api_start(&api, FORGOTTEN, COUNT_OF(FORGOTTEN));
    RUN("send", "web", "a", "--quiet");
    expect(1, "", "hospes: no such transfer\n");
}

static void inbox_lists_what_is_offered(void **state)
{
    RUN("inbox");
    expect(0, "", "");
    assert_string_equal(run.out,
                        "ID     GUEST  NAME          BY   FILES     SIZE  OFFERED              STATE\n"
                        "web-1  web    ph\\u202eotos  ann     12  3.0 MiB  2026-01-31 12:00:00  offered\n");
    run_finish(&run);
    RUN("inbox", "db");
    expect(0, "Nothing is offered.\n", "");
    run_finish(&run);
    RUN("inbox", "--json");
    expect(0, "\"items\"", "");
}

static void accept_and_decline_name_the_item(void **state)
{
    RUN("accept", "web-1", "--to", "sub");
    expect(0, "Downloads", "");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/inbox/web-1/accept {\"to\":\"/tmp/sub\"}"));
    run_finish(&run);
    RUN("decline", "web-1");
    expect(0, "Declined web-1.\n", "");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/inbox/web-1/decline"));
    run_finish(&run);
    RUN("accept", "../x");
    expect(1, "", "no such path");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/inbox/..%2Fx/accept {}"));
}

/* ---- transfers ---- */

static void transfers_are_a_table(void **state)
{
    RUN("transfers");
    expect(0, "", "");
    assert_string_equal(run.out, "ID    FROM    TO                 STATE                           "
                                 "PROGRESS                  STARTED\n"
                                 "ab12  /tmp/a  web's drop folder  done                            "
                                 "50 %, 2.0 KiB of 4.0 KiB  2026-01-31 12:00:00\n"
                                 "ab34  /tmp/a  web's drop folder  waiting for web: not connected  "
                                 "50 %, 2.0 KiB of 4.0 KiB  2026-01-31 12:00:00\n");
}

static void cancel_takes_the_beginning_of_an_id(void **state)
{
    RUN("transfers", "cancel", "ab3");
    expect(0, "Cancelled ab34.\n", "");
    assert_true(fake_api_was_asked(&api, "DELETE /api/v1/transfers/ab34"));
    run_finish(&run);
    RUN("transfers", "cancel", "ab");
    expect(1, "", "several transfers' ids begin with \"ab\"");
    run_finish(&run);
    RUN("transfers", "cancel", "x");
    expect(1, "", "no transfer has the id \"x\"");
    run_finish(&run);
    RUN("transfers", "cancel");
    expect(2, "", "cancel needs an ID");
    run_finish(&run);
    RUN("transfers", "stop", "ab12");
    expect(2, "", "unexpected argument \"stop\"");
}

static void watched_transfers_are_drawn_in_place(void **state)
{
    int fd = -1;
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"transfers", "--watch", NULL}, 200, &fd);
    assert_true(run_terminal_shows(fd, "ab34", shown, sizeof(shown)));
    kill(pid, SIGINT);
    assert_int_equal(run_wait(pid), 0);
    close(fd);
}

static void watched_transfers_are_lines_elsewhere(void **state)
{
    int fd = -1;
    setenv("TERM", "dumb", 1);
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"transfers", "--watch", NULL}, 200, &fd);
    assert_true(run_terminal_shows(fd, "transfer.changed  /tmp/a → web's drop folder, done, 50 %", shown,
                                   sizeof(shown)));
    assert_null(strstr(shown, "transfer.progress"));
    assert_null(strstr(shown, "vm.added"));
    kill(pid, SIGINT);
    assert_int_equal(run_wait(pid), 0);
    close(fd);
}

static void events_say_what_is_offered(void **state)
{
    RUN("events");
    expect(0, "inbox.offered     ph\\u202eotos from web (12 files, 3.0 MiB), offered\n", "");
}

/* ---- the guest's files ---- */

static void ls_is_like_ls(void **state)
{
    RUN("ls", "web:/srv", "--user", "ann");
    expect(0, "", "");
    assert_string_equal(run.out, "MODE         UID  GID     SIZE  MODIFIED             NAME\n"
                                 "drwxr-sr-x  1000  100        –  2026-01-31 12:00:00  bin/\n"
                                 "drwxrwxrwt  1000  100        –  2026-01-31 12:00:00  tmp/\n"
                                 "lrwxrwxrwx  1000  100  2.0 KiB  2026-01-31 12:00:00  l\\x1bn → ../x\\x07\n"
                                 "-rwsr-xr--  1000  100  2.0 KiB  2026-01-31 12:00:00  run\n");
    run_finish(&run);
    RUN("ls", "web:");
    expect(0, "/home/ann is empty.\n", "");
    run_finish(&run);
    RUN("ls", "web:many");
    expect(1, "-rw-------", "there is more in it than is shown");
    run_finish(&run);
    RUN("ls", "web:none");
    expect(1, "", "hospes: no such file\n");
    run_finish(&run);
    RUN("ls", "web:/srv", "--user", "ann", "--json");
    expect(0, "\"truncated\": false", "");
}

static void mkdir_mv_and_rm_ask_for_what_they_are_told(void **state)
{
    RUN("mkdir", "-p", "web:~/a");
    expect(0, "Made web:/home/ann/a\n", "");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/vms/web/fs/mkdir {\"path\":\"a\",\"parents\":true}"));
    run_finish(&run);
    RUN("mv", "web:a", "web:b", "--user", "ann");
    expect(0, "Moved to web:/home/ann/b\n", "");
    assert_true(fake_api_was_asked(
        &api,
        "POST /api/v1/vms/web/fs/move {\"from\":\"a\",\"to\":\"b\",\"replace\":true,\"user\":\"ann\"}"));
    run_finish(&run);
    RUN("mv", "-n", "web:a", "web:b", "--json");
    expect(0, "\"path\": \"/home/ann/b\"", "");
    assert_true(fake_api_was_asked(
        &api, "POST /api/v1/vms/web/fs/move {\"from\":\"a\",\"to\":\"b\",\"replace\":false}"));
    run_finish(&run);
    RUN("rm", "-r", "web:a");
    expect(0, "Removed web:a\n", "");
    run_finish(&run);
    RUN("rm", "web:a");
    expect(1, "", "hospes: it is not empty\n  hint: hospes rm -r removes what is in it, too\n");
}

static void wrong_usage_exits_2(void **state)
{
    static const struct {
        const char *words[5], *err;
    } CASES[] = {
        {{"ls", "web"}, "\"web\" names no guest\n  hint: write NAME:PATH"},
        {{"rm", "-r", "web:"}, "this would remove the home folder"},
        {{"rm", "/tmp/a"}, "\"/tmp/a\" names no guest"},
        {{"mv", "web:a", "db:a"}, "mv stays within one guest\n  hint: hospes cp"},
        {{"cat", ":a"}, "\":a\" is no path"},
        {{"mkdir", "w b:a"}, "no name of a guest"},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        run_finish(&run);
        run_hospes(&run, api.socket, CASES[i].words);
        expect(2, "", CASES[i].err);
    }
    static char path[5000] = "web:";
    memset(path + 4, '%', sizeof(path) - 5);
    run_finish(&run);
    RUN("ls", path);
    expect(2, "", "a path is too long");
}

/* ---- watch ---- */

static void watch_prints_a_line_for_each_change(void **state)
{
    int fd = -1;
    setenv("NO_COLOR", "1", 1);
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"watch", "web", "/srv", NULL}, 200, &fd);
    assert_true(run_terminal_shows(fd, "  lost      changes were missed here", shown, sizeof(shown)));
    assert_non_null(strstr(shown, "  created   a\\x1bb/\r\n"));
    assert_non_null(strstr(shown, "  moved     old → new\r\n"));
    kill(pid, SIGINT);
    assert_int_equal(run_wait(pid), 0);
    close(fd);
    unsetenv("NO_COLOR");
}

static void watch_prints_objects_with_json(void **state)
{
    int fd = -1;
    pid_t pid =
        run_on_terminal(api.socket, (const char *const[]){"watch", "web", "/srv", "--json", NULL}, 200, &fd);
    assert_true(run_terminal_shows(fd, "{\"type\":\"lost\",\"timeMs\":", shown, sizeof(shown)));
    assert_non_null(strstr(shown, "{\"what\":\"moved\",\"path\":\"new\",\"folder\":false,\"from\":\"old\","
                                  "\"type\":\"change\",\"timeMs\":"));
    kill(pid, SIGTERM);
    assert_int_equal(run_wait(pid), 0);
    close(fd);
}

static void a_watch_that_broke_says_that_changes_were_missed(void **state)
{
    int fd = -1;
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"watch", "web", "short", NULL}, 200, &fd);
    assert_true(run_terminal_shows(fd, "went away; waiting for it", shown, sizeof(shown)));
    assert_true(run_terminal_shows(fd, "changes were missed here", shown, sizeof(shown)));
    kill(pid, SIGINT);
    assert_int_equal(run_wait(pid), 0);
    close(fd);
}

static void a_watch_of_an_absent_guest_fails_at_once(void **state)
{
    RUN("watch", "db", "/");
    expect(3, "", "hospes: db is away\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(send_drops_files_and_says_where_they_are),
        TEST(no_wait_prints_the_id_and_ends),
        TEST(a_drop_for_an_absent_guest_waits_and_says_so),
        TEST(a_drop_that_the_bridge_forgot_is_a_failure),
        TEST(inbox_lists_what_is_offered),
        TEST(accept_and_decline_name_the_item),
        TEST(transfers_are_a_table),
        TEST(cancel_takes_the_beginning_of_an_id),
        TEST(watched_transfers_are_drawn_in_place),
        TEST(watched_transfers_are_lines_elsewhere),
        TEST(events_say_what_is_offered),
        TEST(ls_is_like_ls),
        TEST(mkdir_mv_and_rm_ask_for_what_they_are_told),
        TEST(wrong_usage_exits_2),
        TEST(watch_prints_a_line_for_each_change),
        TEST(watch_prints_objects_with_json),
        TEST(a_watch_that_broke_says_that_changes_were_missed),
        TEST(a_watch_of_an_absent_guest_fails_at_once),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
