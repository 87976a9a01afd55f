/* SPDX-License-Identifier: MIT */
/* When something in the outbox is settled, and what is left alone. */
#include "agent/features/offers/outbox_state.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/base/testing.h"

static struct outbox_state state;
static char said[256];
static uint64_t now;
static struct outbox_signature first = {.inode = 1, .bytes = 5, .mtime_ns = 7},
                               other = {.inode = 1, .bytes = 6, .mtime_ns = 8};

static void handle_settled(void *ctx, struct outbox_entry *entry)
{
    snprintf(said + strlen(said), sizeof(said) - strlen(said), "+%s ", entry->name);
}

static void handle_withdrawn(void *ctx, uint64_t offer)
{
    snprintf(said + strlen(said), sizeof(said) - strlen(said), "-%d ", (int)offer);
}

static const struct outbox_handler HANDLER = {handle_settled, handle_withdrawn};

/* A look that finds "a" with this signature (NULL: nothing); whether another is needed, and what was said. */
static bool look(const struct outbox_signature *signature)
{
    said[0] = '\0';
    outbox_state_begin(&state);
    if (signature != NULL)
        outbox_state_see(&state, "a", signature, now);
    return outbox_state_end(&state, now, &HANDLER, NULL);
}

static int setup(void **ignored)
{
    now = 1000;
    return 0;
}

static int teardown(void **ignored)
{
    outbox_state_finish(&state);
    return 0;
}

static void offer_it(void)
{
    look(&first);
    now += OUTBOX_SETTLE_MS;
    assert_false(look(&first));
    assert_string_equal(said, "+a ");
    outbox_state_find(&state, "a")->offer = 9;
}

static void what_two_looks_see_alike_is_offered(void **ignored)
{
    assert_true(look(&first));
    assert_string_equal(said, "");
    now += OUTBOX_SETTLE_MS - 1;
    assert_true(look(&first));
    assert_string_equal(said, "");
    now++;
    assert_false(look(&first));
    assert_string_equal(said, "+a ");
    now += 5000;
    assert_false(look(&first));
    assert_string_equal(said, "");
}

static void what_is_written_to_is_waited_for(void **ignored)
{
    assert_true(look(&first));
    now += OUTBOX_SETTLE_MS;
    assert_true(look(&other));
    assert_string_equal(said, "");
    now += OUTBOX_SETTLE_MS;
    assert_false(look(&other));
    assert_string_equal(said, "+a ");
}

static void an_offer_whose_file_changed_is_withdrawn_and_made_anew(void **ignored)
{
    offer_it();
    now += 100;
    assert_true(look(&other));
    assert_string_equal(said, "-9 ");
    now += OUTBOX_SETTLE_MS;
    assert_false(look(&other));
    assert_string_equal(said, "+a ");
}

static void an_offer_whose_file_went_is_withdrawn(void **ignored)
{
    offer_it();
    now += 100;
    assert_false(look(NULL));
    assert_string_equal(said, "-9 ");
    assert_int_equal(state.count, 0);
}

static void what_was_declined_is_offered_again_only_when_it_changes(void **ignored)
{
    offer_it();
    struct outbox_entry *entry = outbox_state_find_offer(&state, 9);
    entry->offer = 0;
    entry->stage = OUTBOX_KEPT;
    now += 10000;
    assert_false(look(&first));
    assert_string_equal(said, "");
    now += 100;
    assert_true(look(&other));
    now += OUTBOX_SETTLE_MS;
    assert_false(look(&other));
    assert_string_equal(said, "+a ");
}

static void hidden_temporary_and_half_loaded_names_are_left_alone(void **ignored)
{
    static const char *const IGNORED[] = {".a",      "a~",    "a.part",       "a.partial",
                                          "a.part1", "a.tmp", "a.crdownload", "Sent"};
    static const char *const TAKEN[] = {"a", "a.txt", "part", "tmp", "sent", "a.tmp.txt", "Sent.zip"};
    for (size_t i = 0; i < sizeof(IGNORED) / sizeof(IGNORED[0]); i++)
        assert_true(outbox_name_is_ignored(IGNORED[i]));
    for (size_t i = 0; i < sizeof(TAKEN) / sizeof(TAKEN[0]); i++)
        assert_false(outbox_name_is_ignored(TAKEN[i]));
}

static void there_are_never_more_than_the_limit(void **ignored)
{
    char name[32];
    outbox_state_begin(&state);
    for (int i = 0; i < OUTBOX_ENTRIES_MAX + 10; i++) {
        snprintf(name, sizeof(name), "%d", i);
        outbox_state_see(&state, name, &first, now);
    }
    assert_int_equal(state.count, OUTBOX_ENTRIES_MAX);
}

static void what_was_offered_before_is_taken_as_it_is(void **ignored)
{
    outbox_state_adopt(&state, "a", 9);
    assert_false(look(&first));
    assert_string_equal(said, "");
    assert_int_equal(outbox_state_find_offer(&state, 9)->stage, OUTBOX_OFFERED);
    now += 5000;
    outbox_state_adopt(&state, "a", 10);
    assert_false(look(&first));
    assert_string_equal(said, "");
    now += 5000;
    assert_true(look(&other));
    assert_string_equal(said, "-9 ");
}

static void what_was_offered_before_and_is_gone_is_withdrawn(void **ignored)
{
    outbox_state_adopt(&state, "a", 9);
    assert_false(look(NULL));
    assert_string_equal(said, "-9 ");
    assert_int_equal(state.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_two_looks_see_alike_is_offered, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_written_to_is_waited_for, setup, teardown),
        cmocka_unit_test_setup_teardown(an_offer_whose_file_changed_is_withdrawn_and_made_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_offer_whose_file_went_is_withdrawn, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_declined_is_offered_again_only_when_it_changes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(hidden_temporary_and_half_loaded_names_are_left_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(there_are_never_more_than_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_offered_before_is_taken_as_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_offered_before_and_is_gone_is_withdrawn, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
