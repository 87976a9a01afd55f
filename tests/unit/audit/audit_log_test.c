/* SPDX-License-Identifier: MIT */
/* The log over its life: restarts, crashes, full disks, new files, bursts, and files that are not to be
 * touched. */
#include "tests/unit/audit/audit_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"

static void expect_intact(struct audit_fixture *fixture, uint64_t lines)
{
    uint64_t got;
    struct audit_finding finding = audit_fixture_verify(fixture, &got);
    assert_string_equal(audit_break_name(finding.what), "intact");
    assert_int_equal(got, lines);
}

static void expect_action(struct audit_fixture *fixture, const char *name, unsigned line, const char *action,
                          json_int_t seq)
{
    json_t *json = audit_fixture_line(fixture, name, line);
    assert_string_equal(json_string_value(json_object_get(json, "action")), action);
    assert_int_equal(json_integer_value(json_object_get(json, "seq")), seq);
    json_decref(json);
}

static json_int_t parameter(struct audit_fixture *fixture, unsigned line, const char *key)
{
    json_t *json = audit_fixture_line(fixture, "audit.log", line);
    json_int_t value = json_integer_value(json_object_get(json_object_get(json, "parameters"), key));
    json_decref(json);
    return value;
}

static struct audit_counts counts(struct audit_fixture *fixture)
{
    struct audit_counts got;
    audit_log_counts(fixture->log, &got);
    return got;
}

static void new_log_is_private_and_empty(void **state)
{
    char path[128];
    struct stat facts;
    audit_fixture_path(*state, "audit.log", path);
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(facts.st_mode & 07777, 0600);
    assert_int_equal(facts.st_size, 0);
    expect_intact(*state, 0);
}

static void chain_goes_on_after_a_restart(void **state)
{
    struct audit_fixture *fixture = *state;
    for (int life = 0; life < 3; life++) {
        audit_fixture_write(fixture, "POST /vms");
        audit_fixture_write(fixture, "DELETE /vms/{vm}");
        audit_fixture_close(fixture);
        audit_fixture_open(fixture);
    }
    expect_action(fixture, "audit.log", 6, "DELETE /vms/{vm}", 6);
    expect_intact(fixture, 6);
}

static void unfinished_line_is_ended_and_noted(void **state)
{
    struct audit_fixture *fixture = *state;
    size_t size;
    for (int i = 0; i < 3; i++)
        audit_fixture_write(fixture, "POST /vms");
    audit_fixture_close(fixture);
    char *text = audit_fixture_read(fixture, "audit.log", &size);
    const char *second = strchr(text, '\n') + 1, *third = strchr(second, '\n') + 1;
    size_t before = (size_t)(third - text);
    for (size_t cut = before + 1; cut < size; cut += 7) {
        audit_fixture_put(fixture, "audit.log", text, cut);
        audit_fixture_open(fixture);
        audit_fixture_write(fixture, "POST /vms");
        expect_action(fixture, "audit.log", 4, AUDIT_TORN_ACTION, 4);
        expect_action(fixture, "audit.log", 5, "POST /vms", 5);
        expect_intact(fixture, 5);
        audit_fixture_close(fixture);
    }
    audit_fixture_put(fixture, "audit.log", text, 10); /* nothing but an unfinished line */
    free(text);
    audit_fixture_open(fixture);
    audit_fixture_write(fixture, "POST /vms");
    expect_intact(fixture, 3);
}

static void files_are_changed_and_the_chain_keeps_on(void **state)
{
    struct audit_fixture *fixture = *state;
    audit_fixture_close(fixture);
    fixture->file_bytes_max = 1000;
    audit_fixture_open(fixture);
    for (int i = 0; i < 12; i++) { /* three lines a file */
        audit_fixture_write(fixture, "POST /vms");
        if (i % 5 == 4) {
            audit_fixture_close(fixture);
            audit_fixture_open(fixture);
        }
    }
    char path[128];
    audit_fixture_path(fixture, "audit.log.2", path);
    assert_int_equal(access(path, F_OK), 0);
    expect_intact(fixture, 12);
    for (int i = 0; i < 60; i++)
        audit_fixture_write(fixture, "POST /vms");
    audit_fixture_path(fixture, "audit.log.8", path);
    assert_int_equal(access(path, F_OK), 0);
    audit_fixture_path(fixture, "audit.log.9", path);
    assert_int_not_equal(access(path, F_OK), 0);
    uint64_t lines;
    assert_int_equal(audit_fixture_verify(fixture, &lines).what, AUDIT_INTACT);
    assert_in_range(lines, 24, 40); /* the eldest are gone, and that is no break */
}

static void crash_between_two_files_keeps_the_chain(void **state)
{
    struct audit_fixture *fixture = *state;
    char from[128], to[128];
    for (int i = 0; i < 3; i++)
        audit_fixture_write(fixture, "POST /vms");
    audit_fixture_close(fixture);
    audit_fixture_path(fixture, "audit.log", from);
    audit_fixture_path(fixture, "audit.log.1", to);
    assert_int_equal(rename(from, to), 0);
    audit_fixture_open(fixture);
    audit_fixture_write(fixture, "POST /vms");
    expect_action(fixture, "audit.log", 1, "POST /vms", 4);
    expect_intact(fixture, 4);
}

/* A limit on the file's size stands for a full disk: writes are cut short, then fail. */
static void limit_file_size(rlim_t size)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size < limit.rlim_max ? size : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void full_disk_loses_lines_and_says_how_many(void **state)
{
    struct audit_fixture *fixture = *state;
    size_t size;
    signal(SIGXFSZ, SIG_IGN);
    audit_fixture_write(fixture, "POST /vms");
    free(audit_fixture_read(fixture, "audit.log", &size));
    limit_file_size(size + 20); /* 20 bytes of the next line fit, and are taken back */
    for (int i = 0; i < 5; i++)
        audit_fixture_write(fixture, "POST /vms");
    limit_file_size(RLIM_INFINITY);
    size_t after;
    free(audit_fixture_read(fixture, "audit.log", &after));
    assert_int_equal(after, size);
    assert_int_equal(fixture->troubles, 1);
    assert_non_null(strstr(fixture->trouble, "can't be written"));
    assert_int_equal(counts(fixture).lost, 5);
    audit_fixture_write(fixture, "DELETE /vms/{vm}");
    assert_int_equal(fixture->troubles, 2);
    assert_non_null(strstr(fixture->trouble, "written again"));
    expect_action(fixture, "audit.log", 2, "audit.gap", 2);
    assert_int_equal(parameter(fixture, 2, "lost"), 5);
    expect_action(fixture, "audit.log", 3, "DELETE /vms/{vm}", 3);
    assert_int_equal(counts(fixture).lines, 3);
    expect_intact(fixture, 3);
}

static void burst_is_cut_and_counted(void **state)
{
    struct audit_fixture *fixture = *state;
    audit_fixture_close(fixture);
    fixture->burst_max = 3;
    audit_fixture_open(fixture);
    for (int i = 0; i < 10; i++)
        audit_fixture_happen(fixture, "agent.refused");
    audit_fixture_write(fixture, "POST /vms"); /* a client's request is always written */
    assert_int_equal(counts(fixture).lost, 7);
    expect_action(fixture, "audit.log", 4, "POST /vms", 4);
    audit_fixture_now_ms += 1000;
    audit_log_settle(fixture->log);
    expect_action(fixture, "audit.log", 5, "audit.limited", 5);
    assert_int_equal(parameter(fixture, 5, "leftOut"), 7);
    audit_fixture_happen(fixture, "agent.refused");
    expect_action(fixture, "audit.log", 6, "agent.refused", 6);
    expect_intact(fixture, 6);
}

static void refusals_of_clients_are_bounded_too(void **state)
{
    struct audit_fixture *fixture = *state;
    const struct audit_client client = {.pid = 1, .uid = 2};
    for (int i = 0; i < AUDIT_BURST_MAX + 5; i++)
        audit_event(fixture->log, &(struct audit_entry){
                                      .action = "api.refused", .result = AUDIT_REFUSED, .client = &client});
    assert_int_equal(counts(fixture).lines, AUDIT_BURST_MAX);
    assert_int_equal(counts(fixture).lost, 5);
}

static void what_was_left_out_is_told_at_the_end(void **state)
{
    struct audit_fixture *fixture = *state;
    for (int i = 0; i < AUDIT_BURST_MAX + 5; i++)
        audit_fixture_happen(fixture, "agent.refused");
    audit_fixture_close(fixture);
    audit_fixture_open(fixture);
    expect_action(fixture, "audit.log", AUDIT_BURST_MAX + 1, "audit.limited", AUDIT_BURST_MAX + 1);
    expect_intact(fixture, AUDIT_BURST_MAX + 1);
}

static void clock_that_goes_back_does_not_stop_the_log(void **state)
{
    struct audit_fixture *fixture = *state;
    audit_fixture_now_ms -= 3600 * 1000;
    for (int i = 0; i < 2; i++)
        audit_fixture_happen(fixture, "agent.refused");
    assert_int_equal(counts(fixture).lines, 2);
}

static void no_log_takes_events_quietly(void **state)
{
    audit_event(NULL, &(struct audit_entry){.action = "x", .result = AUDIT_DONE});
}

/* ---- files that are refused ---- */

static void expect_refused(struct audit_fixture *fixture, int status)
{
    const struct audit_log_options options = {.folder = fixture->folder};
    struct audit_log *log = NULL;
    char problem[TEXT_REASON_MAX + 1] = "";
    assert_int_equal(audit_log_open(&options, &log, problem), status);
    assert_null(log);
    assert_true(strlen(problem) > 10);
}

static void what_is_no_regular_file_of_ours_is_refused(void **state)
{
    struct audit_fixture *fixture = *state;
    char path[128], other[128];
    audit_fixture_close(fixture);
    audit_fixture_path(fixture, "audit.log", path);
    audit_fixture_path(fixture, "other", other);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(symlink("other", path), 0);
    expect_refused(fixture, STATUS_NOT_ALLOWED);
    unlink(path);
    assert_int_equal(link(other, path), 0);
    expect_refused(fixture, STATUS_NOT_ALLOWED);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused(fixture, STATUS_NOT_ALLOWED);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    expect_refused(fixture, STATUS_NOT_ALLOWED);
    rmdir(path);
    audit_fixture_put(fixture, "audit.log", "", 0);
    assert_int_equal(chmod(path, 0622), 0);
    expect_refused(fixture, STATUS_NOT_ALLOWED);
}

static void two_bridges_do_not_share_a_log(void **state)
{
    expect_refused(*state, UV_EBUSY);
}

static void rotated_file_that_is_a_pipe_stops_nobody(void **state)
{
    struct audit_fixture *fixture = *state;
    char path[128];
    audit_fixture_close(fixture);
    audit_fixture_path(fixture, "audit.log.1", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    audit_fixture_open(fixture);
    audit_fixture_write(fixture, "POST /vms");
    struct audit_snapshot snapshot;
    assert_int_equal(audit_snapshot_take(fixture->log, &snapshot), STATUS_NOT_ALLOWED);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, audit_fixture_setup, audit_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(new_log_is_private_and_empty),
        LOG_TEST(chain_goes_on_after_a_restart),
        LOG_TEST(unfinished_line_is_ended_and_noted),
        LOG_TEST(files_are_changed_and_the_chain_keeps_on),
        LOG_TEST(crash_between_two_files_keeps_the_chain),
        LOG_TEST(full_disk_loses_lines_and_says_how_many),
        LOG_TEST(burst_is_cut_and_counted),
        LOG_TEST(refusals_of_clients_are_bounded_too),
        LOG_TEST(what_was_left_out_is_told_at_the_end),
        LOG_TEST(clock_that_goes_back_does_not_stop_the_log),
        LOG_TEST(no_log_takes_events_quietly),
        LOG_TEST(what_is_no_regular_file_of_ours_is_refused),
        LOG_TEST(two_bridges_do_not_share_a_log),
        LOG_TEST(rotated_file_that_is_a_pipe_stops_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
