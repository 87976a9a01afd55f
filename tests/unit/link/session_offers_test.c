/* SPDX-License-Identifier: MIT */
/* OFFERS in the event feed: numbered with the other events, and in a snapshot before PORTS, which end it. */
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/link/session_fixture.h"

static void send_offers(uint64_t id, bool snapshot)
{
    struct offer offer = {.id = 1, .name = "a.txt", .roots = 1};
    struct message offers = {.kind = MESSAGE_OFFERS, .id = id};
    offers.body.offers = (struct offers_message){
        .sequence = id, .snapshot = snapshot, .more = snapshot, .offer_count = 1, .offers = &offer};
    fake_connection_send(fake_agent_connection(&agent, ROLE_EVENTS), &offers);
}

static void send_ports(uint64_t id, bool snapshot, bool more)
{
    fake_connection_send_ports(fake_agent_connection(&agent, ROLE_EVENTS), id, snapshot, more, 80);
}

/* Up, and the snapshot, numbered with the cursor's sequence (0), is still to come. */
static void come_up_without_snapshot(void)
{
    start_agent(true);
    agent.no_snapshot = true;
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.ups == 1);
}

static void expect_loss(void)
{
    size_t downs = told.downs, ups = told.ups;
    RUN_AGENT_UNTIL(told.downs == downs + 1);
    assert_int_equal(told.status, STATUS_MALFORMED);
    RUN_AGENT_UNTIL(told.ups == ups + 1);
}

static void offers_come_in_their_place_among_the_events(void **state)
{
    come_up_without_snapshot();
    send_offers(10, true);
    send_offers(10, true);
    send_ports(10, true, true);
    send_ports(10, true, false);
    send_offers(11, false);
    send_ports(12, false, false);
    send_offers(13, false);
    RUN_AGENT_UNTIL(told.events == 7);
    static const uint64_t IDS[] = {10, 10, 10, 10, 11, 12, 13};
    assert_memory_equal(told.event_ids, IDS, sizeof(IDS));
    assert_int_equal(told.downs, 0);
}

static void a_snapshot_of_offers_alone_does_not_end(void **state)
{
    come_up_without_snapshot();
    send_offers(10, true);
    send_offers(11, false);
    expect_loss();
    send_offers(10, true);
    send_ports(11, false, false);
    expect_loss();
    send_offers(10, true);
    send_ports(11, true, false);
    expect_loss();
}

static void offers_behind_the_ports_of_a_snapshot_end_the_link(void **state)
{
    come_up_without_snapshot();
    send_ports(10, true, true);
    send_offers(10, true);
    expect_loss();
    send_offers(10, true);
    send_ports(10, true, true);
    send_offers(10, true);
    expect_loss();
}

static void a_delta_of_offers_before_the_snapshot_ends_the_link(void **state)
{
    come_up_without_snapshot();
    send_offers(11, false);
    expect_loss();
    send_ports(10, true, false);
    send_offers(12, false); /* one is missing */
    expect_loss();
}

static void a_link_lost_within_the_offers_of_a_snapshot_starts_over(void **state)
{
    come_up_without_snapshot();
    send_ports(10, true, false);
    send_offers(11, true);
    RUN_AGENT_UNTIL(told.events == 2);
    fake_agent_hang_up(&agent);
    RUN_AGENT_UNTIL(told.ups == 2);
    assert_int_equal(fake_agent_connection(&agent, ROLE_EVENTS)->hello.cursor.epoch, 0);
}

#define TEST(name) SESSION_TEST(name), SESSION_TEST_SEALED(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(offers_come_in_their_place_among_the_events),
        TEST(a_snapshot_of_offers_alone_does_not_end),
        TEST(offers_behind_the_ports_of_a_snapshot_end_the_link),
        TEST(a_delta_of_offers_before_the_snapshot_ends_the_link),
        TEST(a_link_lost_within_the_offers_of_a_snapshot_starts_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
