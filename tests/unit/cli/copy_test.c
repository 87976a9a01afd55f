/* SPDX-License-Identifier: MIT */
/* hospes cp: what is asked of the bridge, how the transfer is followed, and what is said of its end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <jansson.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/cli/fake_api.h"
#include "tests/unit/cli/fixtures.h"

#define TRANSFER(id, state, rest)                                                                            \
    "{\"id\":\"" id "\",\"kind\":\"copy\",\"from\":{\"vm\":null,\"user\":null,\"paths\":[\"/a\"]},"          \
    "\"to\":{\"vm\":\"web\",\"user\":null,\"path\":\".\"},\"state\":\"" state "\",\"phase\":\"send\","       \
    "\"started\":\"2026-01-31T12:00:00.000Z\",\"ended\":\"2026-01-31T12:00:02.000Z\"," rest "}"
#define COUNTS(done, failed)                                                                                 \
    "\"files\":{\"total\":4,\"done\":" done ",\"skipped\":1,\"failed\":" failed "},"                         \
    "\"bytes\":{\"total\":4096,\"done\":2048,\"moved\":2048},\"rate\":1024,\"leftSec\":2,\"error\":null"
#define RUNNING(id)  TRANSFER(id, "running", COUNTS("1", "0") ",\"failures\":[],\"names\":[]")
#define PROGRESS(id) TRANSFER(id, "running", COUNTS("2", "0"))
#define DONE(id)     TRANSFER(id, "done", COUNTS("3", "0") ",\"failures\":[],\"names\":[\"/home/ann/a\"]")
#define LACKING(id)                                                                                          \
    TRANSFER(id, "done",                                                                                     \
             COUNTS("1", "3") ",\"names\":[],\"failures\":["                                                 \
                              "{\"path\":\"a/b\\u001b[2J\",\"code\":\"EACCES\",\"message\":\"no\\u202e\"},"  \
                              "{\"path\":\"a/c\",\"code\":\"EIO\",\"message\":\"input/output error\"}]")
#define BROKEN(id, code, message)                                                                            \
    TRANSFER(id, "failed", "\"failures\":[],\"error\":{\"code\":\"" code "\",\"message\":\"" message "\"}")

#define EVENT(number, type, transfer)                                                                        \
    "event: " type "\nid: " number "\ndata: {\"vm\":\"web\",\"transfer\":" transfer "}\n\n"

#define GUESTS                                                                                               \
    {"GET", "/api/v1/vms/web", 200, GUEST_WEB, FAKE_ANSWER},                                                 \
    {                                                                                                        \
        "GET", "/api/v1/vms/db", 200, GUEST_DB, FAKE_ANSWER                                                  \
    }
#define POSTED(transfer)                                                                                     \
    {                                                                                                        \
        "POST", "/api/v1/transfers", 201, transfer, FAKE_ANSWER                                              \
    }
#define ASKED(id, transfer)                                                                                  \
    {                                                                                                        \
        "GET", "/api/v1/transfers/" id, 200, transfer, FAKE_ANSWER                                           \
    }
#define EVENTS(events, behaviour)                                                                            \
    {                                                                                                        \
        "GET", "/api/v1/events?vm=web", 200, events, behaviour                                               \
    }

static struct fake_api api;
static struct run run;
static char shown[65536];

#define START(...)                                                                                           \
    static const struct fake_route ROUTES[] = {__VA_ARGS__};                                                 \
    fake_api_start(&api, ROUTES, COUNT_OF(ROUTES))
#define RUN(...) run_hospes(&run, api.socket, (const char *const[]){__VA_ARGS__, NULL})

static int start(void **state)
{
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

/* ---- what is asked ---- */

static void a_copy_names_both_ends_and_its_options(void **state)
{
    START(GUESTS, POSTED(DONE("t1")));
    RUN("cp", "notes", "web:dir");
    expect(0, "", "");
    assert_string_equal(run.out, "");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/transfers {\"from\":{\"paths\":[\"/tmp/notes\"]},"
                                         "\"to\":{\"vm\":\"web\",\"path\":\"dir\"}}"));
    run_finish(&run);
    RUN("cp", "-ru", "--checksum", "--resume", "--owner", "--attributes", "--links=keep", "--rename",
        "--user", "ann", "web:~/a", "web:/b", "sub/");
    expect(0, "", "");
    assert_true(fake_api_was_asked(
        &api, "POST /api/v1/transfers {\"recursive\":true,\"update\":true,\"checksum\":true,\"resume\":true,"
              "\"owner\":true,\"attributes\":true,\"links\":\"keep\",\"conflict\":\"rename\","
              "\"from\":{\"vm\":\"web\",\"user\":\"ann\",\"paths\":[\"a\",\"/b\"]},"
              "\"to\":{\"path\":\"/tmp/sub/\"}}"));
    run_finish(&run);
    RUN("cp", "-n", "./a:b", "/c", "web:");
    expect(0, "", "");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/transfers {\"conflict\":\"fail\",\"from\":{\"paths\":"
                                         "[\"/tmp/a:b\",\"/c\"]},\"to\":{\"vm\":\"web\",\"path\":\".\"}}"));
    run_finish(&run);
    RUN("cp", "web:a", "web:b", "web:to");
    expect(0, "", "");
    assert_true(
        fake_api_was_asked(&api, "POST /api/v1/transfers {\"from\":{\"vm\":\"web\",\"paths\":[\"a\",\"b\"]},"
                                 "\"to\":{\"vm\":\"web\",\"path\":\"to/\"}}"));
}

static void more_paths_than_the_bridge_takes_go_in_parts(void **state)
{
    static char names[100][8];
    const char *words[104] = {"cp"};
    size_t count = 1;
    START(GUESTS, POSTED(DONE("t1")));
    for (size_t i = 0; i < 65; i++) {
        snprintf(names[i], sizeof(names[i]), "f%zu", i);
        words[count++] = names[i];
    }
    words[count] = "web:to";
    run_hospes(&run, api.socket, words);
    expect(0, "", "");
    assert_true(fake_api_was_asked(&api, "POST /api/v1/transfers {\"from\":{\"paths\":[\"/tmp/f64\"]},"
                                         "\"to\":{\"vm\":\"web\",\"path\":\"to/\"}}"));
}

static void wrong_usage_exits_2_and_says_what_is_right(void **state)
{
    static const struct {
        const char *words[6], *err;
    } CASES[] = {
        {{"cp", "a", "b"}, "both sides are on this host\n  hint: write NAME:PATH"},
        {{"cp", "a", "b c:d"},
         "no name of a guest\n  hint: a path of this host with a colon in it is written ./a:b"},
        {{"cp", "web:a", "b", "web:c"}, "not all in the same place: \"b\""},
        {{"cp", "-", "web:dir/"}, "\"web:dir/\" names a folder\n  hint: name the file"},
        {{"cp", "-", "web:"}, "names a folder"},
        {{"cp", "-", "-"}, "both sides are on this host"},
        {{"cp", "-", "b"}, "\"b\" names no guest"},
        {{"cp", "-", "a", "web:b"}, "- stands for one file"},
        {{"cp", "a", "-", "web:b"}, "- stands for one file"},
        {{"cp", "-n", "-", "web:b"}, "--no-clobber is not for standard input"},
        {{"cp", "web:b", "-", "--resume"}, "--resume is not for standard input"},
        {{"cp", "--links", "all", "a", "web:b"}, "--links needs skip, keep or follow"},
        {{"cp", "-n", "--rename", "a", "web:b"}, "exclude each other"},
        {{"cp", "-rq", "a", "web:b"}, "unknown option \"-q\""},
        {{"cp", "web:a"}, "cp needs SRC... DST"},
    };
    START(GUESTS, POSTED(DONE("t1")));
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        run_finish(&run);
        run_hospes(&run, api.socket, CASES[i].words);
        expect(2, "", CASES[i].err);
    }
}

static void a_guest_that_is_not_connected_is_unreachable_at_once(void **state)
{
    START(GUESTS, POSTED(DONE("t1")));
    RUN("cp", "a", "db:b");
    expect(3, "",
           "hospes: db is not connected: connected, but nothing answered in time\n  hint: hospes status db");
    run_finish(&run);
    RUN("cp", "web:a", "db:b");
    expect(3, "", "db is not connected");
    run_finish(&run);
    RUN("cp", "a", "none:b");
    expect(1, "", "no such path");
    assert_false(fake_api_was_asked(&api, "POST /api/v1/transfers {\"from\":{\"paths\":[\"/tmp/a\"]},"
                                          "\"to\":{\"vm\":\"db\",\"path\":\"b\"}}"));
}

static void names_that_are_no_text_are_refused_and_not_dropped(void **state)
{
    START(GUESTS, POSTED(DONE("t1")));
    RUN("cp", "a\xff", "web:b");
    expect(1, "", "hospes: a\\xff: the name is not valid UTF-8\n");
    run_finish(&run);
    RUN("cp", "a", "web:b\xff");
    expect(1, "", "hospes: b\\xff: the name is not valid UTF-8\n");
    run_finish(&run);
    RUN("cp", "a", "web:b", "--user", "\xff");
    expect(2, "", "the name of the guest or of the user is not valid UTF-8\n");
    run_finish(&run);
    RUN("send", "\xff", "a");
    expect(2, "", "the name of the guest or of the user is not valid UTF-8\n");
    run_finish(&run);
    RUN("cp", "no such folder/..", "web:b");
    expect(1, "", "hospes: no such folder/..: No such file or directory\n");
}

static void what_the_bridge_refuses_has_its_exit_status(void **state)
{
    START(GUESTS, {"POST", "/api/v1/transfers", 403,
                   PROBLEM("NOT_ALLOWED", "not your files", "\"PUT and GET /api/v1/vms/{vm}/files move\""),
                   FAKE_ANSWER});
    RUN("cp", "a", "web:b");
    expect(4, "", "hospes: not your files\n  hint: single files: hospes cp - NAME:PATH < FILE");
}

/* ---- how it is followed ---- */

static void the_events_lead_to_the_end(void **state)
{
    START(GUESTS, POSTED(RUNNING("t1")), ASKED("t1", RUNNING("t1")),
          EVENTS(EVENT("1", "transfer.changed", BROKEN("t9", "EIO", "of another one")) EVENT(
                     "2", "transfer.progress", PROGRESS("t1")) EVENT("3", "transfer.changed", DONE("t1")),
                 FAKE_STREAM));
    RUN("cp", "a", "web:b", "--json");
    expect(0, "", "");
    char expected[4096];
    json_t *lines[3] = {json_loads(RUNNING("t1"), 0, NULL), json_loads(PROGRESS("t1"), 0, NULL),
                        json_loads(DONE("t1"), 0, NULL)};
    expected[0] = '\0';
    for (size_t i = 0; i < 3; i++) {
        char *line = json_dumps(lines[i], JSON_COMPACT);
        strcat(strcat(expected, line), "\n");
        free(line);
        json_decref(lines[i]);
    }
    assert_string_equal(run.out, expected);
}

static void what_ended_before_the_stream_began_has_ended(void **state)
{
    START(GUESTS, POSTED(RUNNING("t1")), ASKED("t1", DONE("t1")), EVENTS(NULL, FAKE_STREAM));
    RUN("cp", "-v", "a", "web:b");
    expect(0, "Copied 3 files, 1 unchanged: 2.0 KiB in 2.0 s, 1.0 KiB/s.\n", "");
}

static void a_stream_that_breaks_is_read_on(void **state)
{
    START(GUESTS, POSTED(RUNNING("t1")), ASKED("t1", RUNNING("t1")),
          EVENTS(EVENT("1", "transfer.progress", PROGRESS("t1")), FAKE_STREAM_END),
          EVENTS(EVENT("2", "transfer.changed", DONE("t1")), FAKE_STREAM_RESUMED));
    RUN("cp", "a", "web:b");
    expect(0, "", "hospes: the bridge went away; waiting for it\n");
    run_finish(&run);
    RUN("cp", "a", "web:b", "--quiet");
    expect(0, "", "");
}

static void a_stream_that_is_cut_is_read_on(void **state)
{
    START(GUESTS, POSTED(RUNNING("t1")), ASKED("t1", RUNNING("t1")),
          EVENTS(EVENT("1", "transfer.progress", PROGRESS("t1")), FAKE_STREAM_CUT),
          EVENTS(EVENT("2", "transfer.changed", DONE("t1")), FAKE_STREAM_RESUMED));
    RUN("cp", "a", "web:b", "--quiet");
    expect(0, "", "");
}

static void an_end_that_is_told_in_short_is_asked_for_in_full(void **state)
{
    START(GUESTS, POSTED(RUNNING("t1")), ASKED("t1", LACKING("t1")),
          EVENTS(EVENT("1", "transfer.progress", TRANSFER("t1", "done", COUNTS("1", "3"))), FAKE_STREAM));
    RUN("cp", "a", "web:b");
    expect(1, "", "a/c: input/output error\n");
}

static void a_transfer_that_somebody_removes_was_cancelled(void **state)
{
    START(
        GUESTS, POSTED(RUNNING("t1")), ASKED("t1", RUNNING("t1")),
        EVENTS("event: gap\nid: 1\ndata: {}\n\n" EVENT("2", "transfer.removed", RUNNING("t1")), FAKE_STREAM));
    RUN("cp", "a", "web:b");
    expect(1, "", "hospes: it was cancelled\n");
}

static void a_bridge_that_forgot_the_copy_is_asked_to_resume_it(void **state)
{
    static const struct fake_route BEFORE[] = {
        GUESTS, POSTED(RUNNING("t1")), ASKED("t1", RUNNING("t1")),
        EVENTS(EVENT("1", "transfer.progress", PROGRESS("t1")), FAKE_STREAM)};
    static const struct fake_route AFTER[] = {
        GUESTS, POSTED(PROGRESS("t2")), ASKED("t2", PROGRESS("t2")),
        EVENTS(EVENT("1", "transfer.changed", DONE("t2")), FAKE_STREAM_RESUMED)};
    int fd = -1;
    fake_api_start(&api, BEFORE, COUNT_OF(BEFORE));
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"cp", "-v", "a", "web:b", NULL}, 100, &fd);
    assert_true(run_terminal_shows(fd, "50 %  2.0 KiB of 4.0 KiB  1.0 KiB/s  2 s left  3 of 4 files", shown,
                                   sizeof(shown)));
    fake_api_kill(&api);
    assert_true(run_terminal_shows(fd, "went away", shown, sizeof(shown)));
    fake_api_start(&api, AFTER, COUNT_OF(AFTER));
    assert_true(run_terminal_shows(fd, "Copied 3 files", shown, sizeof(shown)));
    assert_int_equal(run_wait(pid), 0);
    assert_true(fake_api_was_asked(&api, "POST /api/v1/transfers {\"from\":{\"paths\":[\"/tmp/a\"]},"
                                         "\"to\":{\"vm\":\"web\",\"path\":\"b\"},\"resume\":true}"));
    close(fd);
}

static void an_interrupt_keeps_what_is_there(void **state)
{
    START(GUESTS, POSTED(RUNNING("t1")), ASKED("t1", RUNNING("t1")), EVENTS(NULL, FAKE_STREAM),
          {"DELETE", "/api/v1/transfers/t1?keep=true", 204, NULL, FAKE_ANSWER});
    int fd = -1;
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"cp", "-r", "a", "web:b", NULL}, 100, &fd);
    assert_true(run_terminal_shows(fd, "sending", shown, sizeof(shown)));
    kill(pid, SIGINT);
    assert_true(run_terminal_shows(fd, "stopped; hospes cp -r --resume … goes on", shown, sizeof(shown)));
    assert_int_equal(run_wait(pid), 128 + SIGINT);
    assert_true(fake_api_was_asked(&api, "DELETE /api/v1/transfers/t1?keep=true"));
    close(fd);
}

static void the_bar_is_drawn_in_place_and_removed(void **state)
{
    START(GUESTS, POSTED(RUNNING("t1")), ASKED("t1", RUNNING("t1")),
          EVENTS(EVENT("1", "transfer.progress",
                       TRANSFER("t1", "waiting", "\"error\":{\"code\":\"NOT_CONNECTED\",\"message\":\"x\"}")),
                 FAKE_STREAM),
          {"DELETE", "/api/v1/transfers/t1?keep=true", 204, NULL, FAKE_ANSWER});
    int fd = -1;
    pid_t pid = run_on_terminal(api.socket, (const char *const[]){"cp", "a", "web:b", NULL}, 100, &fd);
    assert_true(run_terminal_shows(fd, "waiting for web: not connected\r\n", shown, sizeof(shown)));
    kill(pid, SIGTERM);
    assert_true(run_terminal_shows(fd, "\x1b[1A\r\x1b[J", shown, sizeof(shown)));
    assert_int_equal(run_wait(pid), 128 + SIGTERM);
    close(fd);
}

/* ---- what is said of the end ---- */

static void failures_are_listed_and_escaped(void **state)
{
    START(GUESTS, POSTED(LACKING("t1")));
    RUN("cp", "-r", "a", "web:b");
    assert_int_equal(run.status, 1);
    assert_string_equal(run.out, "");
    assert_string_equal(run.err,
                        "a/c: input/output error\n"
                        "a/b\\x1b[2J: no\\u202e\n"
                        "… and 1 more\n"
                        "hospes: 3 of 4 files were not copied\n"
                        "  hint: in the guest it is done on behalf of a user: --user names another one\n");
}

static void a_failed_transfer_has_the_status_of_its_reason(void **state)
{
    START(GUESTS, POSTED(BROKEN("t1", "NOT_CONNECTED", "web is gone\\u0007")));
    RUN("cp", "a", "web:b");
    expect(3, "", "hospes: web is gone\\x07\n  hint: hospes status");
    run_finish(&run);
    fake_api_kill(&api);
    static const struct fake_route REFUSED[] = {GUESTS, POSTED(BROKEN("t1", "EACCES", "permission denied"))};
    fake_api_start(&api, REFUSED, COUNT_OF(REFUSED));
    RUN("cp", "a", "web:b");
    expect(4, "", "hospes: permission denied\n");
    run_finish(&run);
    fake_api_kill(&api);
    static const struct fake_route ODD[] = {GUESTS, POSTED(BROKEN("t1", "EIO", "broken"))};
    fake_api_start(&api, ODD, COUNT_OF(ODD));
    RUN("cp", "a", "web:b");
    expect(1, "", "hospes: broken\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_copy_names_both_ends_and_its_options),
        TEST(more_paths_than_the_bridge_takes_go_in_parts),
        TEST(wrong_usage_exits_2_and_says_what_is_right),
        TEST(a_guest_that_is_not_connected_is_unreachable_at_once),
        TEST(names_that_are_no_text_are_refused_and_not_dropped),
        TEST(what_the_bridge_refuses_has_its_exit_status),
        TEST(the_events_lead_to_the_end),
        TEST(what_ended_before_the_stream_began_has_ended),
        TEST(a_stream_that_breaks_is_read_on),
        TEST(a_stream_that_is_cut_is_read_on),
        TEST(an_end_that_is_told_in_short_is_asked_for_in_full),
        TEST(a_transfer_that_somebody_removes_was_cancelled),
        TEST(a_bridge_that_forgot_the_copy_is_asked_to_resume_it),
        TEST(an_interrupt_keeps_what_is_there),
        TEST(the_bar_is_drawn_in_place_and_removed),
        TEST(failures_are_listed_and_escaped),
        TEST(a_failed_transfer_has_the_status_of_its_reason),
    };
    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
