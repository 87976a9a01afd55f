/* SPDX-License-Identifier: MIT */
/* On whose behalf: who is chosen, and that a user's rights are what counts. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/features/files/acting_user.h"
#include "agent/platform/login_sessions.h"
#include "protocol/base/status.h"
#include "tests/unit/agent/files_fixture.h"

#define NOBODY 65534

static const char DESKTOP[] = "# This is private data. Do not parse.\nUID=1000\nUSER=anna\nACTIVE=1\n"
                              "STATE=active\nREMOTE=0\nTYPE=wayland\nCLASS=user\nSEAT=seat0\nREALTIME=500\n";

static bool parses(const char *text, struct login_session *ret)
{
    return login_session_parse(text, strlen(text), ret);
}

static void a_session_file_is_read(void **state)
{
    struct login_session session;
    assert_true(parses(DESKTOP, &session));
    assert_string_equal(session.user, "anna");
    assert_int_equal(session.uid, 1000);
    assert_true(session.active && session.graphical);
    assert_int_equal(session.since_us, 500);
    assert_true(parses("UID=7\nCLASS=user\nTYPE=tty\nACTIVE=0", &session)); /* no newline at its end */
    assert_false(session.active || session.graphical);
}

static void what_is_no_users_session_is_left_out(void **state)
{
    static const char *const TEXTS[] = {"",
                                        "CLASS=user\n",
                                        "UID=1000\n",
                                        "UID=1000\nCLASS=greeter\n",
                                        "UID=1000\nCLASS=manager\n",
                                        "UID=1000\nCLASS=user\nSTATE=closing\n",
                                        "UID=-1\nCLASS=user\n",
                                        "UID=4294967295\nCLASS=user\n",
                                        "UID=10x\nCLASS=user\n",
                                        "UID=\nCLASS=user\n",
                                        "XUID=1000\nCLASS=user\n"};
    struct login_session session;
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
        assert_false(parses(TEXTS[i], &session));
    for (size_t size = 0; size <= sizeof(DESKTOP) - 1; size++) /* cut anywhere: no harm */
        login_session_parse(DESKTOP, size, &session);
}

static void the_active_desktop_comes_first_then_the_oldest_login(void **state)
{
    struct login_session sessions[] = {
        {.uid = 0, .since_us = 1},
        {.uid = 1002, .since_us = 30, .active = true},
        {.uid = 1001, .since_us = 20},
        {.uid = 65534, .since_us = 2},
        {.uid = 1003, .since_us = 40, .graphical = true},
        {.uid = 1000, .since_us = 50, .graphical = true, .active = true},
    };
    assert_int_equal(login_sessions_choose(sessions, 6)->uid, 1000);
    assert_int_equal(login_sessions_choose(sessions, 5)->uid, 1001);
    assert_int_equal(login_sessions_choose(sessions, 2)->uid, 1002);
    assert_null(login_sessions_choose(sessions, 1));
    assert_null(login_sessions_choose(sessions, 0));
}

static void the_one_asked_for_goes_before_the_configured_one(void **state)
{
    struct acting_user user;
    char own[24], problem[TEXT_REASON_MAX + 1] = "";
    snprintf(own, sizeof(own), "%lu", (unsigned long)geteuid());
    assert_int_equal(acting_user_find(own, "no-such-user", &user, problem), 0);
    assert_true(user.identity.is_own);
    assert_int_equal(user.home[0], '/');
    assert_int_equal(acting_user_find("", own, &user, problem), 0);
    assert_true(user.identity.is_own);
    assert_int_equal(acting_user_find("no-such-user", own, &user, problem), UV_ENOENT);
    assert_non_null(strstr(problem, "no-such-user"));
    assert_int_equal(acting_user_find("", "no-such-user", &user, problem), UV_ENOENT);
    assert_int_equal(acting_user_find("", "", &user, problem), 0);
}

static int try_another_user(void *ctx)
{
    struct acting_user user;
    char problem[TEXT_REASON_MAX + 1] = "";
    if (acting_user_find("root", "", &user, problem) != UV_EPERM || strstr(problem, "root") == NULL)
        return 1;
    return acting_user_find("", "", &user, problem) == 0 && user.identity.is_own ? 0 : 2;
}

static void an_agent_that_is_not_root_is_only_itself(void **state)
{
    scratch_run_as(NOBODY, try_another_user, NULL);
}

/* ---- as root: files of nobody ---- */

static struct files_open_message ask_as_nobody(uint8_t operation, const char *path, const char *to)
{
    struct files_open_message open = files_ask(operation, path);
    snprintf(open.user, sizeof(open.user), "%d", NOBODY);
    snprintf(open.to, sizeof(open.to), "%s", to == NULL ? "" : files_full(to));
    return open;
}

static void belongs_to_nobody(const char *name)
{
    struct stat info;
    assert_int_equal(lstat(files_full(name), &info), 0);
    assert_int_equal(info.st_uid, NOBODY);
}

static void what_is_made_belongs_to_the_user(void **state)
{
    mkdir(files_full("open"), 0755);
    assert_int_equal(chown(files_full("open"), NOBODY, NOBODY), 0);
    struct files_open_message open = ask_as_nobody(FILES_WRITE, NULL, "open/a");
    files_open_work(&open);
    expect_opened(NULL);
    bridge_says_fin();
    expect_done(NULL, NULL);
    belongs_to_nobody("open/a");
    open = ask_as_nobody(FILES_MAKE, "open/b", NULL);
    files_open_work(&open);
    expect_whole(NULL, NULL);
    belongs_to_nobody("open/b");
    open = ask_as_nobody(FILES_REMOVE, "open/b", NULL);
    files_open_work(&open);
    expect_whole(NULL, NULL);
}

static void is_denied(const struct files_open_message *open)
{
    files_open_work(open);
    expect_reset(UV_EACCES);
    wait_for_no_work();
}

static void what_the_user_may_not_is_denied(void **state)
{
    scratch_write(&folder, "secret", "s", 1, 0600);
    scratch_write(&folder, "public", "p", 1, 0644);
    mkdir(files_full("closed"), 0700);
    scratch_write(&folder, "closed/a", "a", 1, 0666);
    struct files_open_message open = ask_as_nobody(FILES_READ, "secret", NULL);
    is_denied(&open);
    open = ask_as_nobody(FILES_READ, "closed/a", NULL);
    is_denied(&open);
    open = ask_as_nobody(FILES_WRITE, NULL, "public");
    is_denied(&open);
    open = ask_as_nobody(FILES_WRITE, NULL, "new");
    is_denied(&open);
    open = ask_as_nobody(FILES_WRITE, NULL, "closed/a");
    is_denied(&open);
    open = ask_as_nobody(FILES_MAKE, "new", NULL);
    is_denied(&open);
    open = ask_as_nobody(FILES_MOVE, "public", "moved");
    is_denied(&open);
    open = ask_as_nobody(FILES_REMOVE, "public", NULL);
    is_denied(&open);
    open = ask_as_nobody(FILES_REMOVE, "closed", NULL);
    open.flags = FILES_RECURSIVE;
    is_denied(&open);
    assert_string_equal(scratch_read(&folder, "public"), "p");
    assert_true(scratch_has(&folder, "closed/a"));
    struct buffer data;
    open = ask_as_nobody(FILES_READ, "public", NULL);
    files_open_work(&open);
    expect_opened(NULL);
    expect_data(&data);
    assert_int_equal(buffer_size(&data), 1);
    buffer_finish(&data);
}

/* In a folder where the user may write, a file that the user may not write to is not replaced. */
static void a_file_that_is_read_only_for_the_user_stays(void **state)
{
    mkdir(files_full("open"), 0755);
    assert_int_equal(chown(files_full("open"), NOBODY, NOBODY), 0);
    scratch_write(&folder, "open/a", "old", 3, 0644);
    struct files_open_message open = ask_as_nobody(FILES_WRITE, NULL, "open/a");
    is_denied(&open);
    assert_string_equal(scratch_read(&folder, "open/a"), "old");
}

/* The threads that worked for a user are root's again. */
static void works_of_two_users_do_not_mix(void **state)
{
    scratch_write(&folder, "secret", "s", 1, 0600);
    for (int i = 0; i < 20; i++) {
        struct files_open_message open = ask_as_nobody(FILES_READ, "secret", NULL);
        is_denied(&open);
        struct buffer data;
        open = files_ask(FILES_READ, "secret");
        files_open_work(&open);
        expect_opened(NULL);
        expect_data(&data);
        buffer_finish(&data);
        peer_hang_up(&peer);
        wait_for_no_work();
    }
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, files_fixture_setup, files_fixture_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_file_is_read),
        cmocka_unit_test(what_is_no_users_session_is_left_out),
        cmocka_unit_test(the_active_desktop_comes_first_then_the_oldest_login),
        cmocka_unit_test(the_one_asked_for_goes_before_the_configured_one),
    };
    const struct CMUnitTest as_root[] = {
        cmocka_unit_test(an_agent_that_is_not_root_is_only_itself),
        WITH_FILES(what_is_made_belongs_to_the_user),
        WITH_FILES(what_the_user_may_not_is_denied),
        WITH_FILES(a_file_that_is_read_only_for_the_user_stays),
        WITH_FILES(works_of_two_users_do_not_mix),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return geteuid() != 0 ? failed : failed + cmocka_run_group_tests(as_root, NULL, NULL);
}
