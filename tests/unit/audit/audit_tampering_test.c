/* SPDX-License-Identifier: MIT */
/* Files of a log, changed in every way that comes to mind: what the running bridge and a reader of copies
 * find. */
#include "tests/unit/audit/audit_fixture.h"

#include <fcntl.h>
#include <unistd.h>

#define LINES 4

/* The check of copies: nobody knows the last hash. */
static struct audit_finding verify_copy(const struct audit_fixture *fixture, const char *const *names,
                                        size_t count)
{
    struct audit_verify verify;
    char path[128];
    audit_verify_init(&verify, false);
    for (size_t i = 0; i < count && verify.finding.what == AUDIT_INTACT; i++) {
        audit_fixture_path(fixture, names[i], path);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(audit_verify_file(&verify, fd, AUDIT_VERIFY_ALL), 0);
        close(fd);
    }
    audit_verify_end(&verify, NULL);
    return verify.finding;
}

static void flip(struct audit_fixture *fixture, size_t offset, char mask)
{
    char path[128], byte;
    audit_fixture_path(fixture, "audit.log", path);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
    byte = (char)(byte ^ mask);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
    close(fd);
}

static void each_byte_that_is_flipped_is_found(void **state)
{
    static const char *const NAMES[] = {"audit.log"};
    static const char MASKS[] = {0x01, 0x20, 0x7f};
    struct audit_fixture *fixture = *state;
    size_t size, line = 1;
    for (int i = 0; i < LINES; i++)
        audit_fixture_write(fixture, "PUT /vms/{vm}/ports/{port}");
    char *text = audit_fixture_read(fixture, "audit.log", &size);
    for (size_t offset = 0; offset < size; offset++) {
        for (size_t i = 0; i < sizeof(MASKS); i++) {
            flip(fixture, offset, MASKS[i]);
            struct audit_finding finding = audit_fixture_verify(fixture, NULL);
            if (finding.what == AUDIT_INTACT)
                fail_msg("byte %zu of line %zu", offset, line);
            assert_true(finding.place.line == line || finding.place.line == line + 1);
            if (line < LINES)
                assert_int_not_equal(verify_copy(fixture, NAMES, 1).what, AUDIT_INTACT);
            flip(fixture, offset, MASKS[i]);
        }
        line += text[offset] == '\n';
    }
    assert_int_equal(audit_fixture_verify(fixture, NULL).what, AUDIT_INTACT);
    free(text);
}

/* Copies the log without some of its lines, in an order that the test says. */
static void rearrange(struct audit_fixture *fixture, const char *text, const unsigned *order, size_t count)
{
    char arranged[8192];
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        const char *line = text;
        for (unsigned skipped = 1; skipped < order[i]; skipped++)
            line = strchr(line, '\n') + 1;
        size_t length = (size_t)(strchr(line, '\n') - line) + 1;
        assert_true(size + length < sizeof(arranged));
        memcpy(arranged + size, line, length);
        size += length;
    }
    audit_fixture_put(fixture, "audit.log", arranged, size);
}

static void expect(struct audit_fixture *fixture, const char *text, const unsigned *order, size_t count,
                   enum audit_break what, uint64_t line)
{
    rearrange(fixture, text, order, count);
    struct audit_finding finding = audit_fixture_verify(fixture, NULL);
    assert_string_equal(audit_break_name(finding.what), audit_break_name(what));
    assert_int_equal(finding.place.line, line);
}

static void lines_removed_or_swapped_are_found(void **state)
{
    struct audit_fixture *fixture = *state;
    for (int i = 0; i < LINES; i++)
        audit_fixture_write(fixture, "POST /vms");
    char *text = audit_fixture_read(fixture, "audit.log", NULL);
    expect(fixture, text, (const unsigned[]){2, 3, 4}, 3, AUDIT_MISSING_BEFORE, 1);
    expect(fixture, text, (const unsigned[]){1, 3, 4}, 3, AUDIT_MISSING_BEFORE, 2);
    expect(fixture, text, (const unsigned[]){1, 2, 4}, 3, AUDIT_MISSING_BEFORE, 3);
    expect(fixture, text, (const unsigned[]){1, 2, 3}, 3, AUDIT_MISSING_AFTER, 3);
    expect(fixture, text, (const unsigned[]){1, 3, 2, 4}, 4, AUDIT_MISSING_BEFORE, 2);
    expect(fixture, text, (const unsigned[]){1, 2, 4, 3}, 4, AUDIT_MISSING_BEFORE, 3);
    expect(fixture, text, (const unsigned[]){1}, 0, AUDIT_MISSING_AFTER, 0);
    free(text);
}

static void file_removed_from_the_middle_is_found(void **state)
{
    static const char *const LEFT[] = {"audit.log.3", "audit.log.1", "audit.log"};
    struct audit_fixture *fixture = *state;
    audit_fixture_close(fixture);
    fixture->file_bytes_max = 1000;
    audit_fixture_open(fixture);
    for (int i = 0; i < 16; i++)
        audit_fixture_write(fixture, "POST /vms");
    assert_int_equal(audit_fixture_verify(fixture, NULL).what, AUDIT_INTACT);
    char path[128];
    audit_fixture_path(fixture, "audit.log.2", path);
    assert_int_equal(unlink(path), 0);
    struct audit_finding finding = audit_fixture_verify(fixture, NULL);
    assert_string_equal(audit_break_name(finding.what), "missing before");
    assert_int_equal(finding.place.line, 1);
    finding = verify_copy(fixture, LEFT, 3);
    assert_int_equal(finding.what, AUDIT_MISSING_BEFORE);
    assert_int_equal(finding.place.file, 1);
}

static void eldest_file_removed_is_found_while_none_was_rotated_away(void **state)
{
    struct audit_fixture *fixture = *state;
    audit_fixture_close(fixture);
    fixture->file_bytes_max = 1000;
    audit_fixture_open(fixture);
    for (int i = 0; i < 12; i++)
        audit_fixture_write(fixture, "POST /vms");
    char path[128];
    audit_fixture_path(fixture, "audit.log.2", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(audit_fixture_verify(fixture, NULL).what, AUDIT_MISSING_BEFORE);
}

static void log_that_was_removed_is_made_anew_and_shows_it(void **state)
{
    struct audit_fixture *fixture = *state;
    char path[128];
    for (int i = 0; i < 3; i++)
        audit_fixture_write(fixture, "POST /vms");
    audit_fixture_path(fixture, "audit.log", path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(audit_fixture_verify(fixture, NULL).what, AUDIT_MISSING_AFTER);
    audit_fixture_write(fixture, "POST /vms");
    uint64_t lines;
    struct audit_finding finding = audit_fixture_verify(fixture, &lines);
    assert_int_equal(finding.what, AUDIT_MISSING_BEFORE);
    assert_int_equal(finding.place.line, 1);
    json_t *line = audit_fixture_line(fixture, "audit.log", 1);
    assert_int_equal(json_integer_value(json_object_get(line, "seq")), 4);
    json_decref(line);
}

static void line_without_end_does_not_take_memory(void **state)
{
    struct audit_fixture *fixture = *state;
    audit_fixture_write(fixture, "POST /vms");
    size_t size = 8 * 1024 * 1024;
    char *bytes = malloc(size);
    memset(bytes, 'x', size);
    audit_fixture_put(fixture, "audit.log", bytes, size);
    free(bytes);
    struct audit_finding finding = audit_fixture_verify(fixture, NULL);
    assert_int_equal(finding.what, AUDIT_NOT_JSON);
    assert_int_equal(finding.place.line, 1);
}

#define TAMPERING_TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, audit_fixture_setup, audit_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TAMPERING_TEST(each_byte_that_is_flipped_is_found),
        TAMPERING_TEST(lines_removed_or_swapped_are_found),
        TAMPERING_TEST(file_removed_from_the_middle_is_found),
        TAMPERING_TEST(eldest_file_removed_is_found_while_none_was_rotated_away),
        TAMPERING_TEST(log_that_was_removed_is_made_anew_and_shows_it),
        TAMPERING_TEST(line_without_end_does_not_take_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
