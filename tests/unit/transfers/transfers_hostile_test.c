/* SPDX-License-Identifier: MIT */
/* Guests that answer with what they should not: the transfer fails with a reason, and nothing lands anywhere.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/transfers/transfers_fixture.h"

static const struct transfer *copy;

static void say_garbage(struct stream *stream)
{
    stream_send(stream, FRAME_MESSAGE, span_of("garbage", 7));
}

static void say_data(struct stream *stream)
{
    uint8_t bytes[FRAME_HEADER_SIZE + 4] = {0};
    stream_write(stream, bytes, 4);
    say_garbage(stream);
}

static void say_fin(struct stream *stream)
{
    stream_send(stream, FRAME_FIN, span_of(NULL, 0));
}

static void say_datagram(struct stream *stream)
{
    stream_send(stream, FRAME_DATAGRAM, span_of("x", 1));
}

static void say_other_message(struct stream *stream)
{
    struct message message = {.kind = MESSAGE_FILES_OPENED};
    stream_send_message(stream, &message);
}

static void say_cancelled(struct stream *stream)
{
    uint8_t payload[FRAME_RST_MAX];
    stream_send(stream, FRAME_RST, span_of(payload, frame_rst_encode(UV_ECANCELED, "no", payload)));
}

static void announce_a_way_out(struct stream *stream)
{
    struct manifest_entry entry = {.type = ENTRY_FILE, .name = "../../escaped", .size = 0};
    struct message message = {.kind = MESSAGE_MANIFEST};
    message.body.manifest = (struct manifest_message){.count = 1, .entries = &entry, .last = true};
    stream_send_message(stream, &message);
    say_fin(stream);
}

static void say_all_is_done(struct stream *stream)
{
    struct files_path name = {"/etc/passwd"};
    struct message message = {.kind = MESSAGE_FILES_DONE};
    message.body.files_done = (struct files_done_message){.name_count = 1, .names = &name};
    stream_send_message(stream, &message);
    say_fin(stream);
}

static void (*const MISBEHAVIOURS[])(struct stream *stream) = {
    say_garbage,   say_data,           say_fin,        say_datagram, say_other_message,
    say_cancelled, announce_a_way_out, say_all_is_done};
#define COUNT (sizeof(MISBEHAVIOURS) / sizeof(MISBEHAVIOURS[0]))

static void expect_failure(void)
{
    RUN_TO_END(copy);
    if (copy->state == TRANSFER_DONE) /* of a name that may not be only the entry fails */
        assert_int_equal(copy->counts.failed, 1);
    else
        assert_true(copy->state == TRANSFER_FAILED && copy->error < 0);
    RUN_UNTIL(guests[0].visits + guests[1].visits == 0);
    assert_int_equal(transfers_cancel(transfers, copy->id, false), 0);
}

static void hostile_receivers_fail_the_copy(void **state)
{
    put_file(below(host, "a"), 3 * 1024 * 1024, 1, 0644);
    for (size_t i = 0; i < COUNT; i++) {
        guests[0].misbehave = MISBEHAVIOURS[i];
        assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
        expect_failure();
    }
}

static void hostile_senders_leave_nothing_in_place(void **state)
{
    put_folder(below(host, "in"));
    for (size_t i = 0; i < COUNT; i++) {
        guests[0].misbehave = MISBEHAVIOURS[i];
        assert_int_equal(add_copy("one", "a", "", below(host, "in"), 0, &copy), 0);
        expect_failure();
        assert_false(path_exists(below(host, "in/a")));
        assert_false(path_exists(below(host, "escaped")));
        assert_false(path_exists(below(directory, "escaped")));
    }
}

static void hostile_guests_at_either_end_fail_the_copy_between_guests(void **state)
{
    put_file(below(guests[1].home, "a"), 3 * 1024 * 1024, 1, 0644);
    for (size_t i = 0; i < COUNT; i++) {
        guests[0].misbehave = MISBEHAVIOURS[i];
        guests[1].resolved = false;
        assert_int_equal(add_copy("one", "a", "two", "b", 0, &copy), 0);
        expect_failure();
        assert_false(path_exists(below(guests[1].home, "b")));
        assert_int_equal(add_copy("two", "a", "one", ".", 0, &copy), 0);
        expect_failure();
    }
}

static void more_than_the_rule_allows_ends_a_take(void **state)
{
    char *to[] = {(char[128]){""}};
    strcpy(to[0], below(host, "in"));
    put_file(below(guests[0].home, "offer-1"), 20 * 1024 * 1024, 1, 0644);
    struct transfer_request request = {.kind = TRANSFER_TAKE,
                                       .from = {.vm = "one"},
                                       .to = {.path_count = 1, .paths = to},
                                       .offer = 1,
                                       .bytes_max = 1000};
    assert_int_equal(transfers_add(transfers, &request, &copy, problem), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_FAILED);
    assert_int_equal(copy->error, STATUS_TOO_LARGE);
    RUN_UNTIL(guests[0].visits == 0 && entries_in(below(host, "in")) == 0);
}

static void just_what_the_rule_allows_is_taken(void **state)
{
    char *to[] = {(char[128]){""}};
    strcpy(to[0], below(host, "in"));
    put_file(below(guests[0].home, "offer-1"), 3 * 1024 * 1024, 1, 0644);
    struct transfer_request request = {.kind = TRANSFER_TAKE,
                                       .from = {.vm = "one"},
                                       .to = {.path_count = 1, .paths = to},
                                       .offer = 1,
                                       .bytes_max = 3 * 1024 * 1024};
    assert_int_equal(transfers_add(transfers, &request, &copy, problem), 0);
    RUN_TO_END(copy);
    assert_int_equal(copy->state, TRANSFER_DONE);
    assert_int_equal(copy->counts.bytes_done, request.bytes_max);
}

static void a_guest_that_says_nothing_does_not_stop_the_others(void **state)
{
    const struct transfer *other;
    guests[0].hangs = true;
    put_file(below(host, "a"), 10, 1, 0644);
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &copy), 0);
    assert_int_equal(add_copy("", below(host, "a"), "two", ".", 0, &other), 0);
    RUN_TO_END(other);
    assert_int_equal(other->state, TRANSFER_DONE);
    assert_int_equal(copy->state, TRANSFER_RUNNING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSFERS_TEST(hostile_receivers_fail_the_copy),
        TRANSFERS_TEST(hostile_senders_leave_nothing_in_place),
        TRANSFERS_TEST(hostile_guests_at_either_end_fail_the_copy_between_guests),
        TRANSFERS_TEST(more_than_the_rule_allows_ends_a_take),
        TRANSFERS_TEST(just_what_the_rule_allows_is_taken),
        TRANSFERS_TEST(a_guest_that_says_nothing_does_not_stop_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
