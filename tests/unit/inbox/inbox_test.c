/* SPDX-License-Identifier: MIT */
/* The table of offers: deltas, snapshots, floods, and what its owner is told. */
#include "host-bridge/features/inbox/inbox.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

static struct inbox *inbox;
static size_t offered, accepted, gone, by_rule;
static char last[96];
static bool take_at_accept;

static void on_item(void *ctx, const struct inbox_item *item, const char *what)
{
    offered += strcmp(what, "offered") == 0;
    accepted += strcmp(what, "accepted") == 0;
    gone += strcmp(what, "gone") == 0;
    snprintf(last, sizeof(last), "%s", item->id);
}

static void on_accept(void *ctx, const struct inbox_item *item, const struct inbox_rule *rule)
{
    by_rule++;
    if (take_at_accept)
        assert_int_equal(inbox_taking(inbox, item->id, "0123"), 0);
}

static void open_inbox(const struct inbox_rule *rules, size_t count)
{
    struct inbox_news news = {.on_item = on_item, .on_accept = on_accept};
    offered = accepted = gone = by_rule = 0;
    take_at_accept = false;
    assert_int_equal(inbox_create(rules, count, &news, &inbox), 0);
}

static int setup(void **state)
{
    open_inbox(NULL, 0);
    return 0;
}

static int teardown(void **state)
{
    inbox_destroy(inbox);
    return 0;
}

static struct offer make_offer(uint64_t id)
{
    return (struct offer){.id = id, .name = "a.png", .user = "lui", .roots = 1, .files = 1, .bytes = 100};
}

static void apply(const char *vm, uint64_t id, bool snapshot)
{
    struct offer offer = make_offer(id);
    struct offers_message message = {
        .sequence = 5, .snapshot = snapshot, .more = snapshot, .offer_count = 1, .offers = &offer};
    inbox_apply(inbox, vm, &message);
}

static void withdraw(const char *vm, uint64_t id)
{
    struct offer_id gone_id = {id};
    struct offers_message message = {.gone_count = 1, .gone = &gone_id};
    inbox_apply(inbox, vm, &message);
}

static void offers_come_and_go(void **state)
{
    apply("web", 1, false);
    apply("web", UINT64_MAX, false);
    apply("db", 1, false);
    assert_int_equal(inbox_count(inbox), 3);
    assert_int_equal(offered, 3);
    assert_string_equal(inbox_at(inbox, 0)->id, "web-1");
    assert_string_equal(inbox_at(inbox, 1)->id, "web-18446744073709551615");
    assert_string_equal(inbox_at(inbox, 2)->vm, "db");
    assert_ptr_equal(inbox_find(inbox, "db-1"), inbox_at(inbox, 2));
    assert_null(inbox_find(inbox, "db-2"));
    withdraw("web", 1);
    withdraw("web", 7);  /* never offered */
    withdraw("mail", 1); /* never heard of */
    assert_int_equal(gone, 1);
    assert_string_equal(last, "web-1");
    assert_int_equal(inbox_count(inbox), 2);
}

static void the_same_offer_is_told_once_and_changed_facts_again(void **state)
{
    apply("web", 1, false);
    apply("web", 1, false);
    assert_int_equal(offered, 1);
    struct offer offer = make_offer(1);
    offer.bytes = 200;
    struct offers_message message = {.offer_count = 1, .offers = &offer};
    inbox_apply(inbox, "web", &message);
    assert_int_equal(offered, 2);
    assert_int_equal(inbox_at(inbox, 0)->offer.bytes, 200);
    assert_int_equal(inbox_count(inbox), 1);
}

static void a_snapshot_counts_when_it_has_ended(void **state)
{
    apply("web", 1, false);
    apply("db", 9, false);
    apply("web", 2, true);
    apply("web", 3, true);
    assert_int_equal(inbox_count(inbox), 2);
    inbox_snapshot_end(inbox, "web");
    assert_int_equal(inbox_count(inbox), 3);
    assert_null(inbox_find(inbox, "web-1"));
    assert_non_null(inbox_find(inbox, "web-2"));
    assert_non_null(inbox_find(inbox, "web-3"));
    assert_non_null(inbox_find(inbox, "db-9"));
    inbox_snapshot_end(inbox, "web"); /* without OFFERS: nothing is offered any more */
    assert_int_equal(inbox_count(inbox), 1);
    inbox_snapshot_end(inbox, "never heard of");
}

static void a_snapshot_that_breaks_off_changes_nothing(void **state)
{
    apply("web", 1, false);
    apply("web", 2, true);
    inbox_link_lost(inbox, "web");
    assert_int_equal(inbox_count(inbox), 1);
    apply("web", 3, true);
    inbox_snapshot_end(inbox, "web");
    assert_int_equal(inbox_count(inbox), 1);
    assert_non_null(inbox_find(inbox, "web-3"));
}

static void what_is_taken_stays_taken_over_a_snapshot(void **state)
{
    apply("web", 1, false);
    assert_int_equal(inbox_taking(inbox, "web-1", "0011"), 0);
    assert_int_equal(accepted, 1);
    apply("web", 1, true);
    inbox_snapshot_end(inbox, "web");
    assert_int_equal(inbox_at(inbox, 0)->state, INBOX_TAKING);
    assert_string_equal(inbox_at(inbox, 0)->transfer, "0011");
    assert_int_equal(inbox_taking(inbox, "web-1", NULL), 0);
    assert_int_equal(inbox_at(inbox, 0)->state, INBOX_OFFERED);
    assert_string_equal(inbox_at(inbox, 0)->transfer, "");
    assert_int_equal(offered, 2);
    assert_int_equal(inbox_taking(inbox, "web-2", NULL), STATUS_NOT_FOUND);
}

static void a_guest_that_is_removed_takes_its_offers_along(void **state)
{
    apply("web", 1, false);
    apply("db", 1, false);
    apply("web", 2, false);
    inbox_guest_removed(inbox, "web");
    inbox_guest_removed(inbox, "mail");
    assert_int_equal(gone, 2);
    assert_int_equal(inbox_count(inbox), 1);
    assert_string_equal(inbox_at(inbox, 0)->id, "db-1");
}

static void a_flood_of_offers_is_bounded_for_each_guest(void **state)
{
    for (uint64_t id = 1; id <= 10 * OFFERS_MAX; id++)
        apply("web", id, false);
    assert_int_equal(inbox_count(inbox), OFFERS_MAX);
    apply("db", 1, false); /* others have their own */
    assert_int_equal(inbox_count(inbox), OFFERS_MAX + 1);
    for (uint64_t id = 1; id <= 10 * OFFERS_MAX; id++)
        apply("web", 10000 + id, true);
    inbox_snapshot_end(inbox, "web");
    assert_int_equal(inbox_count(inbox), OFFERS_MAX + 1);
    withdraw("web", 10001);
    apply("web", 99999, false); /* there is room again */
    assert_non_null(inbox_find(inbox, "web-99999"));
}

static void a_rule_accepts_an_offer_once(void **state)
{
    struct inbox_rule rule = {.max_bytes = 1000};
    inbox_destroy(inbox);
    open_inbox(&rule, 1);
    take_at_accept = true;
    apply("web", 1, false);
    assert_int_equal(by_rule, 1);
    assert_int_equal(inbox_at(inbox, 0)->state, INBOX_TAKING);
    inbox_taking(inbox, "web-1", NULL); /* it failed: people decide */
    apply("web", 1, true);
    inbox_snapshot_end(inbox, "web");
    assert_int_equal(by_rule, 1);
}

static void the_folder_of_a_guest_lies_below_the_downloads(void **state)
{
    char folder[FILES_PATH_MAX + 1];
    static char longest[FILES_PATH_MAX + 1];
    assert_int_equal(inbox_folder("/home/me/Downloads", "web", folder), 0);
    assert_string_equal(folder, "/home/me/Downloads/web");
    assert_int_equal(inbox_folder("/", "web", folder), 0);
    assert_string_equal(folder, "/web");
    memset(longest, 'a', sizeof(longest) - 1);
    assert_true(inbox_folder(longest, "web", folder) < 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(offers_come_and_go),
        TEST(the_same_offer_is_told_once_and_changed_facts_again),
        TEST(a_snapshot_counts_when_it_has_ended),
        TEST(a_snapshot_that_breaks_off_changes_nothing),
        TEST(what_is_taken_stays_taken_over_a_snapshot),
        TEST(a_guest_that_is_removed_takes_its_offers_along),
        TEST(a_flood_of_offers_is_bounded_for_each_guest),
        TEST(a_rule_accepts_an_offer_once),
        TEST(the_folder_of_a_guest_lies_below_the_downloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
