/* SPDX-License-Identifier: MIT */
/* The newest entries, over several files and among lines that are none. */
#include "tests/unit/audit/audit_fixture.h"

#include "host-bridge/audit/audit_tail.h"

static json_t *tail(struct audit_fixture *fixture, size_t limit, const char *guest)
{
    struct audit_snapshot snapshot;
    json_t *entries = NULL;
    assert_int_equal(audit_snapshot_take(fixture->log, &snapshot), 0);
    assert_int_equal(audit_tail_read(&snapshot, limit, guest, &entries), 0);
    audit_snapshot_finish(&snapshot);
    return entries;
}

/* Entries `first` to `last`, in order. */
static void expect(struct audit_fixture *fixture, size_t limit, const char *guest, json_int_t first,
                   json_int_t last)
{
    json_t *entries = tail(fixture, limit, guest);
    assert_int_equal(json_array_size(entries), last - first + 1);
    for (size_t i = 0; i < json_array_size(entries); i++)
        assert_int_equal(json_integer_value(json_object_get(json_array_get(entries, i), "seq")),
                         first + (json_int_t)i);
    json_decref(entries);
}

static void empty_log_has_no_entries(void **state)
{
    expect(*state, 10, "", 1, 0);
}

static void newest_entries_come_last(void **state)
{
    for (int i = 0; i < 20; i++)
        audit_fixture_write(*state, "POST /vms");
    expect(*state, 5, "", 16, 20);
    expect(*state, 20, "", 1, 20);
    expect(*state, 100, "", 1, 20);
}

static void entries_are_found_over_files_and_blocks(void **state)
{
    struct audit_fixture *fixture = *state;
    audit_fixture_close(fixture);
    fixture->file_bytes_max = 600 * 1024; /* more than two of the reader's blocks */
    audit_fixture_open(fixture);
    for (int i = 0; i < 4000; i++)
        audit_fixture_write(fixture, "POST /vms");
    expect(fixture, AUDIT_TAIL_ENTRIES_MAX, "", 3001, 4000);
    expect(fixture, 4000, "", 1, 4000);
}

static void entries_of_one_guest_are_picked(void **state)
{
    struct audit_fixture *fixture = *state;
    audit_fixture_write(fixture, "POST /vms");
    audit_fixture_happen(fixture, "bridge.started");
    audit_fixture_write(fixture, "POST /vms");
    json_t *entries = tail(fixture, 10, "web");
    assert_int_equal(json_array_size(entries), 2);
    json_decref(entries);
    expect(fixture, 10, "db", 1, 0);
}

static void lines_that_are_no_entries_are_left_out(void **state)
{
    struct audit_fixture *fixture = *state;
    size_t size = 700 * 1024;
    char *bytes = malloc(size);
    memset(bytes, 'x', size);
    memcpy(bytes, "{\"action\":\"a\",\"seq\":1}\n[]\n{}\n\n", 30);
    bytes[300 * 1024] = '\n';
    bytes[301 * 1024] = '\n';
    memcpy(bytes + size - 24, "\n{\"action\":\"b\",\"seq\":2}\n", 24);
    audit_fixture_put(fixture, "audit.log", bytes, size);
    free(bytes);
    expect(fixture, 10, "", 1, 2);
}

#define TAIL_TEST(name) cmocka_unit_test_setup_teardown(name, audit_fixture_setup, audit_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TAIL_TEST(empty_log_has_no_entries),
        TAIL_TEST(newest_entries_come_last),
        TAIL_TEST(entries_are_found_over_files_and_blocks),
        TAIL_TEST(entries_of_one_guest_are_picked),
        TAIL_TEST(lines_that_are_no_entries_are_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
