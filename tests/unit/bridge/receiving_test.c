/* SPDX-License-Identifier: MIT */
/* From an offer to files on the host, and what declining comes to. */
#include "host-bridge/receiving.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/transfers/transfers_fixture.h"

static struct inbox *inbox;
static struct receiving *receiving;
static bool closed;
static size_t declined;
static int decline_status;
static char downloads[128];

static void on_item(void *ctx, const struct inbox_item *item, const char *what)
{
    if (receiving != NULL && strcmp(what, "offered") == 0)
        receiving_item_offered(receiving, item);
}

static void on_accept(void *ctx, const struct inbox_item *item, const struct inbox_rule *rule)
{
    assert_int_equal(receiving_accept_by_rule(receiving, item, rule, problem), 0);
}

static struct inbox_rule rule = {.max_bytes = 1000, .name = (char[]){"rule*"}};

static int setup(void **state)
{
    transfers_fixture_setup(state);
    snprintf(downloads, sizeof(downloads), "%s/Downloads", host);
    struct inbox_news news = {.on_item = on_item, .on_accept = on_accept};
    assert_int_equal(inbox_create(&rule, 1, &news, &inbox), 0);
    struct receiving_options options = {
        .loop = &uv, .inbox = inbox, .transfers = transfers, .downloads = downloads, .open = fake_guest_open};
    assert_int_equal(receiving_create(&options, &receiving), 0);
    declined = 0;
    return 0;
}

static void on_closed(void *ctx)
{
    closed = true;
}

static void close_receiving(void)
{
    closed = false;
    receiving_close(receiving, on_closed, NULL);
    receiving = NULL;
    assert_false(closed);
    RUN_UNTIL(closed);
}

static int teardown(void **state)
{
    if (receiving != NULL)
        close_receiving();
    inbox_destroy(inbox);
    return transfers_fixture_teardown(state);
}

static void offer(uint64_t id, const char *name)
{
    struct offer offered = {.id = id, .user = "lui", .roots = 1, .bytes = 10};
    snprintf(offered.name, sizeof(offered.name), "%s", name);
    struct offers_message message = {.offer_count = 1, .offers = &offered};
    inbox_apply(inbox, "one", &message);
}

static void an_accepted_offer_lands_in_the_guests_folder(void **state)
{
    const struct transfer *transfer, *again;
    put_file(below(guests[0].home, "offer-3"), 5000, 1, 0755);
    offer(3, "a.png");
    assert_int_equal(receiving_accept(receiving, "one-3", NULL, FILES_RENAME, &transfer, problem), 0);
    const struct inbox_item *item = inbox_find(inbox, "one-3");
    assert_int_equal(item->state, INBOX_TAKING);
    assert_string_equal(item->transfer, transfer->id);
    assert_int_equal(receiving_accept(receiving, "one-3", NULL, FILES_RENAME, &again, problem),
                     STATUS_CONFLICT);
    RUN_TO_END(transfer);
    assert_int_equal(transfer->state, TRANSFER_DONE);
    assert_true(path_exists(below(downloads, "one/offer-3")));
    assert_string_equal(guests[0].last.user, "lui");
    receiving_transfer_changed(receiving, transfer, "changed");
    assert_int_equal(item->state, INBOX_TAKING); /* until the guest says that it is gone */
}

static void an_offer_goes_where_one_says(void **state)
{
    const struct transfer *transfer;
    put_file(below(guests[0].home, "offer-3"), 5000, 1, 0644);
    offer(3, "a.png");
    assert_int_equal(receiving_accept(receiving, "one-3", "relative", FILES_RENAME, &transfer, problem),
                     STATUS_INVALID);
    assert_int_equal(inbox_find(inbox, "one-3")->state, INBOX_OFFERED);
    assert_int_equal(
        receiving_accept(receiving, "one-3", below(host, "else"), FILES_RENAME, &transfer, problem), 0);
    RUN_TO_END(transfer);
    assert_true(path_exists(below(host, "else/offer-3")));
    assert_int_equal(receiving_accept(receiving, "one-4", NULL, FILES_RENAME, &transfer, problem),
                     STATUS_NOT_FOUND);
}

static void a_take_that_fails_is_offered_again(void **state)
{
    const struct transfer *transfer;
    offer(3, "a.png"); /* there is no such file */
    assert_int_equal(receiving_accept(receiving, "one-3", NULL, FILES_RENAME, &transfer, problem), 0);
    RUN_TO_END(transfer);
    assert_int_equal(transfer->state, TRANSFER_FAILED);
    receiving_transfer_changed(receiving, transfer, "changed");
    assert_int_equal(inbox_find(inbox, "one-3")->state, INBOX_OFFERED);
}

static void a_rule_takes_it_and_holds_the_guest_to_its_limit(void **state)
{
    put_file(below(guests[0].home, "offer-4"), 900, 1, 0644);
    put_file(below(guests[0].home, "offer-5"), 9000000, 1, 0644); /* it said 10 bytes */
    offer(4, "rule a");
    offer(5, "rule b");
    assert_int_equal(transfers_count(transfers), 2);
    RUN_TO_END(transfers_at(transfers, 0));
    RUN_TO_END(transfers_at(transfers, 1));
    assert_int_equal(transfers_at(transfers, 0)->state, TRANSFER_DONE);
    assert_int_equal(transfers_at(transfers, 1)->error, STATUS_TOO_LARGE);
    assert_false(path_exists(below(downloads, "one/offer-5")));
}

static void an_offer_is_joined_with_the_transfer_that_takes_it_already(void **state)
{
    const struct transfer *transfer;
    guests[0].up = false;
    assert_int_equal(add_take("one", 3, below(host, "in"), &transfer), 0);
    offer(3, "rule"); /* the rule must not take it twice */
    assert_int_equal(transfers_count(transfers), 1);
    assert_int_equal(inbox_find(inbox, "one-3")->state, INBOX_TAKING);
    assert_string_equal(inbox_find(inbox, "one-3")->transfer, transfer->id);
}

static void on_declined(void *ctx, int status, const char *text)
{
    declined++;
    decline_status = status;
}

static void say_done(struct stream *stream)
{
    struct message message = {.kind = MESSAGE_FILES_DONE};
    stream_send_message(stream, &message);
    stream_send(stream, FRAME_FIN, span_of(NULL, 0));
}

static void say_done_twice(struct stream *stream)
{
    struct message message = {.kind = MESSAGE_FILES_DONE};
    stream_send_message(stream, &message);
    say_done(stream);
}

static void say_no(struct stream *stream)
{
    uint8_t payload[FRAME_RST_MAX];
    stream_send(stream, FRAME_RST, span_of(payload, frame_rst_encode(STATUS_NOT_FOUND, "no", payload)));
}

static void say_fin(struct stream *stream)
{
    stream_send(stream, FRAME_FIN, span_of(NULL, 0));
}

static void say_garbage(struct stream *stream)
{
    stream_send(stream, FRAME_MESSAGE, span_of("garbage", 7));
}

static void expect_declined(void (*answer)(struct stream *stream), int status)
{
    size_t before = declined;
    guests[0].misbehave = answer;
    assert_int_equal(receiving_decline(receiving, "one-3", on_declined, NULL), 0);
    assert_int_equal(declined, before);
    RUN_UNTIL(declined == before + 1);
    assert_int_equal(decline_status, status);
    assert_int_equal(guests[0].last.operation, FILES_DECLINE);
    assert_int_equal(guests[0].last.offer, 3);
    RUN_UNTIL(guests[0].visits == 0);
}

static void declining_waits_for_the_guests_word(void **state)
{
    offer(3, "a.png");
    expect_declined(say_done, 0);
    expect_declined(say_no, STATUS_NOT_FOUND);
    expect_declined(say_fin, STATUS_UNEXPECTED);
    expect_declined(say_done_twice, STATUS_UNEXPECTED);
    expect_declined(say_garbage, STATUS_MALFORMED);
    guests[0].refuse = STATUS_NOT_ALLOWED;
    expect_declined(NULL, STATUS_NOT_ALLOWED);
}

static void what_can_not_be_declined_is_said_at_once(void **state)
{
    const struct transfer *transfer;
    assert_int_equal(receiving_decline(receiving, "one-3", on_declined, NULL), STATUS_NOT_FOUND);
    offer(3, "a.png");
    guests[0].up = false;
    assert_int_equal(receiving_decline(receiving, "one-3", on_declined, NULL), STATUS_NOT_CONNECTED);
    assert_int_equal(receiving_accept(receiving, "one-3", NULL, FILES_RENAME, &transfer, problem), 0);
    assert_int_equal(receiving_decline(receiving, "one-3", on_declined, NULL), STATUS_CONFLICT);
    assert_int_equal(declined, 0);
}

static void closing_answers_whoever_still_waits(void **state)
{
    offer(3, "a.png");
    guests[0].hangs = true;
    for (size_t i = 0; i < RECEIVING_DECLINES_MAX; i++)
        assert_int_equal(receiving_decline(receiving, "one-3", on_declined, NULL), 0);
    assert_int_equal(receiving_decline(receiving, "one-3", on_declined, NULL), STATUS_LIMIT);
    uv_run(&uv, UV_RUN_NOWAIT);
    assert_int_equal(declined, 0);
    close_receiving();
    assert_int_equal(declined, RECEIVING_DECLINES_MAX);
    assert_int_equal(decline_status, STATUS_GONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_accepted_offer_lands_in_the_guests_folder),
        TEST(an_offer_goes_where_one_says),
        TEST(a_take_that_fails_is_offered_again),
        TEST(a_rule_takes_it_and_holds_the_guest_to_its_limit),
        TEST(an_offer_is_joined_with_the_transfer_that_takes_it_already),
        TEST(declining_waits_for_the_guests_word),
        TEST(what_can_not_be_declined_is_said_at_once),
        TEST(closing_answers_whoever_still_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
