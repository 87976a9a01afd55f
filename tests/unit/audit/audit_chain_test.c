/* SPDX-License-Identifier: MIT */
/* The chain alone: hashes, and what is found in lines that a test makes by hand. */
#include "tests/unit/audit/audit_fixture.h"

#include <inttypes.h>

#define LINES 5

/* A chain of lines as the bridge would write them. */
struct lines {
    size_t count;
    char text[LINES + 2][256];
};

static struct span span_line(const char *line)
{
    return span_of_text(line);
}

static void append(struct lines *lines, uint64_t seq, const char *action, const struct audit_hash *previous)
{
    snprintf(lines->text[lines->count++], 256, "{\"seq\":%" PRIu64 ",\"action\":\"%s\",\"prev\":\"%s\"}", seq,
             action, previous->text);
}

static void make(struct lines *lines)
{
    struct audit_hash hash = audit_hash_none();
    lines->count = 0;
    for (uint64_t seq = 1; seq <= LINES; seq++) {
        append(lines, seq, "POST /vms", &hash);
        hash = audit_hash_line(span_line(lines->text[seq - 1]));
    }
}

static struct audit_finding check(const struct lines *lines, const struct audit_hash *head)
{
    struct audit_chain chain;
    struct audit_finding finding = {AUDIT_INTACT, {0, 0}};
    audit_chain_init(&chain, true);
    for (size_t i = 0; i < lines->count && finding.what == AUDIT_INTACT; i++)
        finding = audit_chain_line(&chain, (struct audit_place){0, i + 1}, span_line(lines->text[i]));
    return finding.what != AUDIT_INTACT ? finding : audit_chain_end(&chain, head);
}

static void expect(const struct lines *lines, enum audit_break what, uint64_t line)
{
    struct audit_finding finding = check(lines, NULL);
    assert_string_equal(audit_break_name(finding.what), audit_break_name(what));
    if (what != AUDIT_INTACT)
        assert_int_equal(finding.place.line, line);
}

/* BLAKE2b with 32 bytes of output, as b2sum -l 256 computes it. */
static void hash_is_blake2b_256_in_hexadecimal(void **state)
{
    struct audit_hash hash = audit_hash_line(span_of_text("abc"));
    assert_string_equal(hash.text, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    hash = audit_hash_none();
    assert_int_equal(strspn(hash.text, "0"), AUDIT_HASH_TEXT_SIZE);
}

static void untouched_lines_are_intact(void **state)
{
    struct lines lines;
    make(&lines);
    expect(&lines, AUDIT_INTACT, 0);
}

static void changed_line_is_named_and_not_the_one_behind_it(void **state)
{
    for (size_t i = 0; i < LINES - 1; i++) {
        struct lines lines;
        make(&lines);
        strstr(lines.text[i], "POST")[0] = 'Q';
        expect(&lines, AUDIT_CHANGED, i + 1);
    }
}

static void changed_hash_is_laid_to_the_line_that_carries_it(void **state)
{
    for (size_t i = 0; i < LINES - 1; i++) {
        struct lines lines;
        make(&lines);
        char *digit = strstr(lines.text[i], "\"prev\":\"") + 8;
        *digit = *digit == 'f' ? 'e' : 'f';
        expect(&lines, AUDIT_CHANGED, i + 1);
    }
}

static void missing_line_is_found_before_the_next(void **state)
{
    for (size_t gone = 0; gone < LINES - 1; gone++) {
        struct lines lines;
        make(&lines);
        memmove(lines.text[gone], lines.text[gone + 1], (LINES - gone - 1) * sizeof(lines.text[0]));
        lines.count--;
        expect(&lines, AUDIT_MISSING_BEFORE, gone + 1);
    }
}

static void swapped_lines_are_found(void **state)
{
    for (size_t i = 0; i < LINES - 1; i++) {
        struct lines lines;
        char kept[256];
        make(&lines);
        memcpy(kept, lines.text[i], sizeof(kept));
        memcpy(lines.text[i], lines.text[i + 1], sizeof(kept));
        memcpy(lines.text[i + 1], kept, sizeof(kept));
        expect(&lines, AUDIT_MISSING_BEFORE, i + 1);
    }
}

static void repeated_line_is_found(void **state)
{
    struct lines lines;
    make(&lines);
    memmove(lines.text[3], lines.text[2], (LINES - 2) * sizeof(lines.text[0]));
    lines.count++;
    expect(&lines, AUDIT_CHANGED, 4);
}

static void lines_missing_at_the_end_are_found_by_who_knows_the_last_hash(void **state)
{
    struct lines lines;
    make(&lines);
    struct audit_hash head = audit_hash_line(span_line(lines.text[LINES - 1]));
    assert_int_equal(check(&lines, &head).what, AUDIT_INTACT);
    lines.count--;
    struct audit_finding finding = check(&lines, &head);
    assert_int_equal(finding.what, AUDIT_MISSING_AFTER);
    assert_int_equal(finding.place.line, LINES - 1);
    assert_int_equal(check(&lines, NULL).what, AUDIT_INTACT);
    lines.count = 0;
    assert_int_equal(check(&lines, &head).what, AUDIT_MISSING_AFTER);
}

static void unfinished_line_is_accepted_where_the_next_accounts_for_it(void **state)
{
    struct lines lines;
    make(&lines);
    lines.count = 3;
    struct audit_hash hash = audit_hash_line(span_line(lines.text[2]));
    snprintf(lines.text[lines.count++], 256, "{\"seq\":4,\"acti");
    expect(&lines, AUDIT_NOT_JSON, 4); /* nobody has noted it yet */
    hash = audit_hash_line(span_line(lines.text[3]));
    append(&lines, 5, AUDIT_TORN_ACTION, &hash);
    expect(&lines, AUDIT_INTACT, 0);
    lines.text[3][3] = 'x';
    expect(&lines, AUDIT_NOT_JSON, 4);
    lines.count--;
    append(&lines, 5, "POST /vms", &hash); /* a line like any other accounts for nothing */
    lines.text[3][3] = 'e';
    expect(&lines, AUDIT_NOT_JSON, 4);
}

static void json_that_is_no_entry_is_a_changed_line(void **state)
{
    static const char *const OTHERS[] = {
        "[]", "7", "{}", "{\"seq\":0,\"action\":\"x\",\"prev\":\"\"}", "{\"seq\":1,\"seq\":1}", "\"text\""};
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        struct lines lines;
        make(&lines);
        snprintf(lines.text[2], 256, "%s", OTHERS[i]);
        struct audit_finding finding = check(&lines, NULL);
        assert_int_not_equal(finding.what, AUDIT_INTACT);
        assert_int_equal(finding.place.line, 3);
    }
}

static void first_line_must_be_number_one_where_nothing_was_rotated_away(void **state)
{
    struct lines lines;
    struct audit_chain chain;
    make(&lines);
    audit_chain_init(&chain, true);
    assert_int_equal(audit_chain_line(&chain, (struct audit_place){0, 1}, span_line(lines.text[1])).what,
                     AUDIT_MISSING_BEFORE);
    audit_chain_init(&chain, false);
    assert_int_equal(audit_chain_line(&chain, (struct audit_place){0, 1}, span_line(lines.text[1])).what,
                     AUDIT_INTACT);
    assert_int_equal(chain.first_seq, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_is_blake2b_256_in_hexadecimal),
        cmocka_unit_test(untouched_lines_are_intact),
        cmocka_unit_test(changed_line_is_named_and_not_the_one_behind_it),
        cmocka_unit_test(changed_hash_is_laid_to_the_line_that_carries_it),
        cmocka_unit_test(missing_line_is_found_before_the_next),
        cmocka_unit_test(swapped_lines_are_found),
        cmocka_unit_test(repeated_line_is_found),
        cmocka_unit_test(lines_missing_at_the_end_are_found_by_who_knows_the_last_hash),
        cmocka_unit_test(unfinished_line_is_accepted_where_the_next_accounts_for_it),
        cmocka_unit_test(json_that_is_no_entry_is_a_changed_line),
        cmocka_unit_test(first_line_must_be_number_one_where_nothing_was_rotated_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
