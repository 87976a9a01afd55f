/* SPDX-License-Identifier: MIT */
/* agent/features/ports/port_table: looks in, deltas and snapshots out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/features/ports/port_table.h"
#include "agent/platform/socket_list.h"

#define EMITTED_MAX 16384

/* What the other side knows, from the messages alone. */
struct mirror {
    struct port_fact *facts;
    size_t count;
    size_t messages;
    size_t largest;
    size_t snapshot_parts;
    bool more;
    uint64_t last_age_ms;
    const char *name; /* what describe says */
    int described;
    const struct port_table *table; /* snapshot from within emit, when set */
};

static size_t find(const struct mirror *mirror, const struct port_key *key)
{
    size_t at = 0;
    while (at < mirror->count && !port_key_equals(&mirror->facts[at].key, key))
        at++;
    return at;
}

static void count_part(void *ctx, const struct ports_message *message)
{
    *(size_t *)ctx += message->opened_count;
}

static void apply(void *ctx, const struct ports_message *message)
{
    struct mirror *mirror = ctx;
    size_t size = message->opened_count + message->closed_count;
    mirror->messages++;
    mirror->largest = size > mirror->largest ? size : mirror->largest;
    if (message->snapshot) {
        if (mirror->snapshot_parts++ == 0)
            mirror->count = 0;
        assert_int_equal(message->closed_count, 0);
        mirror->more = message->more;
    } else {
        assert_true(size > 0);
        assert_false(message->more);
    }
    for (size_t i = 0; i < message->closed_count; i++) {
        size_t at = find(mirror, &message->closed[i]);
        assert_true(at < mirror->count); /* only what is known may close */
        mirror->facts[at] = mirror->facts[--mirror->count];
    }
    for (size_t i = 0; i < message->opened_count; i++) {
        size_t at = find(mirror, &message->opened[i].key);
        if (at == mirror->count)
            assert_true(mirror->count++ < EMITTED_MAX);
        mirror->facts[at] = message->opened[i];
        mirror->last_age_ms = message->opened[i].age_ms;
    }
    if (mirror->table != NULL) {
        size_t known = 0;
        assert_int_equal(port_table_snapshot(mirror->table, 0, count_part, &known), 0);
        assert_int_equal(known, port_table_count(mirror->table));
    }
}

static void describe(void *ctx, const struct port_sighting *sighting, struct port_fact *ret_fact)
{
    struct mirror *mirror = ctx;
    mirror->described++;
    ret_fact->pid = (int32_t)sighting->version;
    snprintf(ret_fact->name, sizeof(ret_fact->name), "%s", mirror->name);
}

struct fixture {
    struct port_table *table;
    struct mirror mirror;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    assert_int_equal(port_table_create(&fixture->table), 0);
    fixture->mirror.facts = calloc(EMITTED_MAX, sizeof(struct port_fact));
    assert_non_null(fixture->mirror.facts);
    fixture->mirror.name = "server";
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    port_table_destroy(fixture->table);
    free(fixture->mirror.facts);
    free(fixture);
    return 0;
}

static struct port_sighting sighting_of(uint8_t protocol, uint16_t port, uint64_t socket)
{
    return (struct port_sighting){.key = {.protocol = protocol, .port = port, .address = {.family = 4}},
                                  .socket = socket,
                                  .version = 1};
}

static uint64_t update(struct fixture *fixture, const struct port_sighting *sightings, size_t count,
                       uint64_t now)
{
    uint64_t due = 1;
    assert_int_equal(port_table_update(fixture->table, sightings, count, now, describe, &fixture->mirror,
                                       apply, &fixture->mirror, &due),
                     0);
    assert_int_equal(fixture->mirror.count, port_table_count(fixture->table));
    return due;
}

static void empty_table_gives_one_empty_snapshot_part(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(port_table_snapshot(fixture->table, 0, apply, &fixture->mirror), 0);
    assert_int_equal(fixture->mirror.snapshot_parts, 1);
    assert_false(fixture->mirror.more);
    assert_int_equal(fixture->mirror.count, 0);
}

static void same_look_tells_nothing_and_asks_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct port_sighting sightings[] = {sighting_of(PORT_TCP, 80, 1), sighting_of(PORT_TCP, 81, 2)};
    assert_int_equal(update(fixture, sightings, 2, 100), 0);
    assert_int_equal(fixture->mirror.messages, 1);
    assert_int_equal(fixture->mirror.described, 2);
    update(fixture, sightings, 2, 200);
    assert_int_equal(fixture->mirror.messages, 1);
    assert_int_equal(fixture->mirror.described, 2);
}

static void last_close_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct port_sighting sighting = sighting_of(PORT_TCP, 80, 1);
    update(fixture, &sighting, 1, 0);
    update(fixture, NULL, 0, 1);
    assert_int_equal(fixture->mirror.messages, 2);
    assert_int_equal(fixture->mirror.count, 0);
}

static void open_and_close_in_one_look_are_both_told(void **state)
{
    struct fixture *fixture = *state;
    struct port_sighting first = sighting_of(PORT_TCP, 80, 1);
    struct port_sighting second = sighting_of(PORT_TCP, 79, 2);
    update(fixture, &first, 1, 0);
    update(fixture, &second, 1, 1);
    assert_int_equal(fixture->mirror.messages, 2);
    assert_int_equal(fixture->mirror.count, 1);
    assert_int_equal(fixture->mirror.facts[0].key.port, 79);
}

static void changed_facts_are_told_with_their_age(void **state)
{
    struct fixture *fixture = *state;
    struct port_sighting sighting = sighting_of(PORT_TCP, 80, 1);
    update(fixture, &sighting, 1, 1000);
    assert_int_equal(fixture->mirror.last_age_ms, 0);
    sighting.version = 2;
    fixture->mirror.name = "renamed";
    update(fixture, &sighting, 1, 1500);
    assert_int_equal(fixture->mirror.messages, 2);
    assert_string_equal(fixture->mirror.facts[0].name, "renamed");
    assert_int_equal(fixture->mirror.facts[0].pid, 2);
    assert_int_equal(fixture->mirror.last_age_ms, 500);
    sighting.v6only = true;
    update(fixture, &sighting, 1, 1600);
    sighting.uid = 7;
    update(fixture, &sighting, 1, 1700);
    assert_int_equal(fixture->mirror.messages, 4);
    assert_int_equal(fixture->mirror.facts[0].uid, 7);
}

static void another_version_with_the_same_facts_is_not_told(void **state)
{
    struct fixture *fixture = *state;
    struct port_sighting sighting = sighting_of(PORT_TCP, 80, 1);
    uint64_t due;
    update(fixture, &sighting, 1, 0);
    sighting.version = (uint64_t)1 << 32 | 1; /* describe gives the same pid */
    assert_int_equal(port_table_update(fixture->table, &sighting, 1, 5, describe, &fixture->mirror, apply,
                                       &fixture->mirror, &due),
                     0);
    assert_int_equal(fixture->mirror.described, 2);
    assert_int_equal(fixture->mirror.messages, 1);
}

static void restarted_server_is_told_with_a_new_age(void **state)
{
    struct fixture *fixture = *state;
    struct port_sighting sighting = sighting_of(PORT_TCP, 80, 1);
    update(fixture, &sighting, 1, 0);
    sighting.socket = 2;
    update(fixture, &sighting, 1, 9000);
    assert_int_equal(fixture->mirror.messages, 2);
    assert_int_equal(fixture->mirror.last_age_ms, 0);
}

static void table_is_up_to_date_when_it_tells(void **state)
{
    struct fixture *fixture = *state;
    struct port_sighting sightings[] = {sighting_of(PORT_TCP, 80, 1), sighting_of(PORT_TCP, 81, 2)};
    fixture->mirror.table = fixture->table;
    update(fixture, sightings, 2, 0);
    update(fixture, sightings, 1, 1);
    update(fixture, NULL, 0, 2);
    assert_int_equal(fixture->mirror.messages, 3);
}

static void messages_stay_within_their_maximum(void **state)
{
    struct fixture *fixture = *state;
    static struct port_sighting sightings[1000];
    for (size_t i = 0; i < 1000; i++)
        sightings[i] = sighting_of(PORT_TCP, (uint16_t)(i + 1), i + 1);
    update(fixture, sightings, 1000, 0);
    assert_int_equal(fixture->mirror.messages, 8);
    assert_int_equal(fixture->mirror.count, 1000);
    assert_int_equal(port_table_snapshot(fixture->table, 5, apply, &fixture->mirror), 0);
    assert_int_equal(fixture->mirror.snapshot_parts, 8);
    assert_false(fixture->mirror.more);
    assert_int_equal(fixture->mirror.count, 1000);
    assert_int_equal(fixture->mirror.last_age_ms, 5);
    for (size_t i = 0; i < 500; i++)
        sightings[i].socket += 5000;
    update(fixture, sightings, 500, 10); /* half closed, half restarted */
    assert_int_equal(fixture->mirror.count, 500);
    update(fixture, NULL, 0, 20);
    assert_int_equal(fixture->mirror.count, 0);
    assert_int_equal(fixture->mirror.largest, PORTS_A_MESSAGE_MAX);
}

static void snapshot_of_exactly_full_parts_ends_with_a_full_part(void **state)
{
    struct fixture *fixture = *state;
    static struct port_sighting sightings[2 * PORTS_A_MESSAGE_MAX];
    size_t count = sizeof(sightings) / sizeof(sightings[0]);
    for (size_t i = 0; i < count; i++)
        sightings[i] = sighting_of(PORT_TCP, (uint16_t)(i + 1), i + 1);
    update(fixture, sightings, count, 0);
    assert_int_equal(port_table_snapshot(fixture->table, 0, apply, &fixture->mirror), 0);
    assert_int_equal(fixture->mirror.snapshot_parts, 2);
    assert_false(fixture->mirror.more);
    assert_int_equal(fixture->mirror.count, count);
}

static void flood_is_left_out_and_never_pushes_out_known_ports(void **state)
{
    struct fixture *fixture = *state;
    static struct port_sighting sightings[PORTS_MAX + 100];
    size_t count = sizeof(sightings) / sizeof(sightings[0]);
    for (size_t i = 0; i < count; i++)
        sightings[i] = sighting_of(PORT_TCP, (uint16_t)(i + 1), i + 1);
    update(fixture, &sightings[count - 1], 1, 0); /* the last in order is known first */
    update(fixture, sightings, count, 1);
    assert_int_equal(fixture->mirror.count, PORTS_MAX);
    assert_int_equal(port_table_left_out(fixture->table), 100);
    assert_true(find(&fixture->mirror, &sightings[count - 1].key) < fixture->mirror.count);
    update(fixture, sightings, 50, 2);
    assert_int_equal(port_table_left_out(fixture->table), 0);
}

static void ephemeral_udp_port_is_held_back_until_it_has_lived(void **state)
{
    struct fixture *fixture = *state;
    struct port_sighting sighting = sighting_of(PORT_UDP, 40000, 1);
    port_table_set_ephemeral(fixture->table, 32768, 60999);
    assert_int_equal(update(fixture, &sighting, 1, 100), 100 + PORT_TABLE_UDP_HOLD_MS);
    assert_int_equal(fixture->mirror.messages, 0);
    assert_int_equal(port_table_snapshot(fixture->table, 200, apply, &fixture->mirror), 0);
    assert_int_equal(fixture->mirror.count, 0);
    fixture->mirror.messages = 0;
    assert_int_equal(update(fixture, NULL, 0, 300), 0); /* gone untold */
    assert_int_equal(fixture->mirror.messages, 0);
    update(fixture, &sighting, 1, 400);
    assert_int_equal(update(fixture, &sighting, 1, 400 + PORT_TABLE_UDP_HOLD_MS), 0);
    assert_int_equal(fixture->mirror.messages, 1);
    assert_int_equal(fixture->mirror.last_age_ms, PORT_TABLE_UDP_HOLD_MS);
}

static void other_ports_are_not_held_back(void **state)
{
    struct fixture *fixture = *state;
    struct port_sighting sightings[] = {sighting_of(PORT_TCP, 40000, 1), sighting_of(PORT_UDP, 5353, 2)};
    port_table_set_ephemeral(fixture->table, 32768, 60999);
    assert_int_equal(update(fixture, sightings, 2, 0), 0);
    assert_int_equal(fixture->mirror.count, 2);
}

/* Any sequence of looks leaves the other side with what the last look saw. */
static void mirror_follows_random_looks(void **state)
{
    struct fixture *fixture = *state;
    uint32_t random = 12345;
    for (int round = 0; round < 300; round++) {
        struct port_sighting sightings[400];
        size_t count = 0;
        for (uint16_t port = 1; port <= 400; port++) {
            random = random * 1664525 + 1013904223;
            if (random >> 24 < 100)
                sightings[count++] = sighting_of(PORT_TCP, port, 1 + (random >> 8) % 3);
        }
        update(fixture, sightings, count, (uint64_t)round);
        assert_int_equal(fixture->mirror.count, count);
        for (size_t i = 0; i < count; i++)
            assert_true(find(&fixture->mirror, &sightings[i].key) < count);
    }
}

#define table_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        table_test(empty_table_gives_one_empty_snapshot_part),
        table_test(same_look_tells_nothing_and_asks_nothing),
        table_test(last_close_is_told),
        table_test(open_and_close_in_one_look_are_both_told),
        table_test(changed_facts_are_told_with_their_age),
        table_test(another_version_with_the_same_facts_is_not_told),
        table_test(restarted_server_is_told_with_a_new_age),
        table_test(table_is_up_to_date_when_it_tells),
        table_test(messages_stay_within_their_maximum),
        table_test(snapshot_of_exactly_full_parts_ends_with_a_full_part),
        table_test(flood_is_left_out_and_never_pushes_out_known_ports),
        table_test(ephemeral_udp_port_is_held_back_until_it_has_lived),
        table_test(other_ports_are_not_held_back),
        table_test(mirror_follows_random_looks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
