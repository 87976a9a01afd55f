/* SPDX-License-Identifier: MIT */
/* services/transfer/send: receivers that break the rules, and how much is ever held. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "tests/unit/transfer/send/send_fixture.h"

#define MIB ((uint64_t)FILES_CHUNK_SIZE)

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* src (0), a (1), b (2) in any order, leave (3); the folder is not settled */
static int set_up(void **state)
{
    struct send_fixture *fixture = malloc(sizeof(*fixture));
    assert_non_null(fixture);
    send_fixture_init(fixture);
    scratch_write_text(&fixture->folder, "src/a", "aaa");
    scratch_write_text(&fixture->folder, "src/b", "bbb");
    assert_int_equal(send_fixture_begin_one(fixture, FILES_RECURSIVE, FILES_LINKS_SKIP, "src"), 0);
    assert_true(send_fixture_produce(fixture) > 0);
    assert_true(fixture->last);
    assert_int_equal(fixture->entry_count, 4);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    send_fixture_finish(*state);
    free(*state);
    return 0;
}

static void need_of_what_was_not_announced_is_malformed(void **state)
{
    assert_int_equal(send_fixture_need(*state, 4, 1, NEED_SEND), STATUS_MALFORMED);
    assert_int_equal(send_fixture_need(*state, 2, 3, NEED_SEND), STATUS_MALFORMED);
    assert_int_equal(send_fixture_need(*state, UINT64_MAX - 1, 1, NEED_SEND), STATUS_MALFORMED);
    assert_int_equal(send_fixture_need(*state, 1, UINT64_MAX - 1, NEED_SEND), STATUS_MALFORMED);
}

static void need_of_what_is_no_file_is_malformed(void **state)
{
    assert_int_equal(send_fixture_need(*state, 0, 1, NEED_SEND), STATUS_MALFORMED);
    assert_int_equal(send_fixture_need(*state, 3, 1, NEED_NOTHING), STATUS_MALFORMED);
}

static void need_told_twice_is_malformed(void **state)
{
    static const uint8_t actions[] = {NEED_SEND, NEED_COMPARE, NEED_NOTHING};
    for (size_t i = 0; i < 3; i++) {
        if (i > 0) {
            tear_down(state);
            set_up(state);
        }
        assert_int_equal(send_fixture_need(*state, 1, 1, actions[i]), 0);
        assert_int_equal(send_fixture_need(*state, 1, 1, NEED_SEND), STATUS_MALFORMED);
    }
}

static void need_of_what_was_sent_is_malformed(void **state)
{
    assert_int_equal(send_fixture_need(*state, 1, 1, NEED_SEND), 0);
    assert_true(send_fixture_produce(*state) > 0);
    assert_int_equal(send_fixture_need(*state, 1, 1, NEED_SEND), STATUS_MALFORMED);
}

static void settling_what_was_not_announced_is_malformed(void **state)
{
    assert_int_equal(send_fixture_settle(*state, 4, 1), STATUS_MALFORMED);
    assert_int_equal(send_fixture_settle(*state, 0, UINT64_MAX), STATUS_MALFORMED);
    assert_int_equal(send_fixture_settle_failed(*state, 4, UV_EIO), STATUS_MALFORMED);
    assert_int_equal(send_fixture_settle_failed(*state, UINT64_MAX, UV_EIO), STATUS_MALFORMED);
}

static void settling_twice_is_malformed(void **state)
{
    assert_int_equal(send_fixture_settle(*state, 0, 1), 0);
    assert_int_equal(send_fixture_settle(*state, 0, 1), STATUS_MALFORMED);
    assert_int_equal(send_fixture_settle_failed(*state, 0, UV_EIO), STATUS_MALFORMED);
    assert_int_equal(send_fixture_settle_failed(*state, 1, UV_EIO), 0);
    assert_int_equal(send_fixture_settle_failed(*state, 1, UV_EIO), STATUS_MALFORMED);
}

static void settling_a_leave_is_malformed(void **state)
{
    assert_int_equal(send_fixture_settle(*state, 3, 1), STATUS_MALFORMED);
}

static void settling_a_file_before_it_was_sent_is_malformed(void **state)
{
    assert_int_equal(send_fixture_settle(*state, 1, 1), STATUS_MALFORMED);
    assert_int_equal(send_fixture_need(*state, 1, 1, NEED_SEND), 0);
    assert_int_equal(send_fixture_settle(*state, 1, 1), STATUS_MALFORMED);
}

static void receiver_may_fail_a_file_at_any_moment(void **state)
{
    struct send_fixture *fixture = *state;
    assert_int_equal(send_fixture_settle_failed(fixture, 1, UV_EACCES), 0); /* before NEED */
    assert_int_equal(send_fixture_need(fixture, 2, 1, NEED_SEND), 0);
    assert_int_equal(send_fixture_settle_failed(fixture, 2, UV_ENOSPC), 0); /* before data */
    assert_int_equal(send_fixture_produce(fixture), 1);                     /* which is not sent then */
    assert_int_equal(fixture->packs, 0);
    assert_int_equal(fixture->entries[1].failed, 0); /* it was not asked for */
    assert_int_equal(fixture->entries[2].failed, UV_ECANCELED);
    assert_int_equal(fixture->engine->counts.failed, 2);
    assert_int_equal(send_fixture_settle(fixture, 0, 1), 0);
    send_fixture_run(fixture);
}

static void file_that_fails_on_its_way_is_ended(void **state)
{
    struct send_fixture *fixture = *state;
    send_fixture_finish(fixture);
    send_fixture_init(fixture);
    char *bytes = calloc(1, 4 * MIB);
    scratch_write(&fixture->folder, "src", bytes, 4 * MIB, 0600);
    free(bytes);
    fixture->budget = 1;
    assert_int_equal(send_fixture_begin_one(fixture, 0, FILES_LINKS_SKIP, "src"), 0);
    send_fixture_scan(fixture);
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_SEND), 0);
    while (fixture->checks < 2)
        assert_true(send_fixture_produce(fixture) > 0);
    assert_int_equal(send_fixture_settle_failed(fixture, 0, UV_ENOSPC), 0);
    assert_int_equal(send_fixture_produce(fixture), 1);
    assert_int_equal(fixture->entries[0].failed, UV_ECANCELED);
    assert_int_equal(fixture->checks, 2);
    assert_int_equal(send_fixture_failure(fixture, "src"), UV_ENOSPC);
    assert_int_equal(fixture->engine->counts.failed, 1);
    send_fixture_run(fixture);
}

static void digests_that_nobody_asked_for_are_malformed(void **state)
{
    struct send_fixture *fixture = *state;
    uint8_t digests[4 * FILES_DIGEST_SIZE] = {0};
    assert_int_equal(send_fixture_digests(fixture, 1, 0, digests, 32, true), STATUS_MALFORMED);
    assert_int_equal(send_fixture_digests(fixture, 0, 0, digests, 32, true), STATUS_MALFORMED);
    assert_int_equal(send_fixture_digests(fixture, 4, 0, digests, 32, true), STATUS_MALFORMED);
    assert_int_equal(send_fixture_need(fixture, 1, 1, NEED_SEND), 0);
    assert_int_equal(send_fixture_digests(fixture, 1, 0, digests, 32, true), STATUS_MALFORMED);
    assert_int_equal(send_fixture_need(fixture, 2, 1, NEED_COMPARE), 0);
    assert_int_equal(send_fixture_digests(fixture, 2, 1, digests, 32, false), STATUS_MALFORMED);
    assert_int_equal(send_fixture_digests(fixture, 2, 0, digests, 64, false), 0);
    assert_int_equal(send_fixture_digests(fixture, 2, 1, digests, 32, false), STATUS_MALFORMED);
    assert_int_equal(send_fixture_digests(fixture, 2, 2, digests, 32, true), 0);
    assert_int_equal(send_fixture_digests(fixture, 2, 3, digests, 32, true), STATUS_MALFORMED);
}

static void digests_without_end_are_not_held(void **state)
{
    struct send_fixture *fixture = *state;
    uint8_t digests[FILES_DIGESTS_BYTES_MAX] = {0};
    assert_int_equal(send_fixture_need(fixture, 1, 2, NEED_COMPARE), 0);
    size_t before = allocated();
    int status = 0;
    for (uint64_t i = 0; status == 0 && i < 1 << 13; i++)
        status = send_fixture_digests(fixture, 1 + i % 2, i / 2 * 128, digests, sizeof(digests), false);
    assert_int_equal(status, UV_EAGAIN);
    assert_true(allocated() - before < 40 << 20);
    assert_true(send_fixture_produce(fixture) > 0); /* the files are done with, and there is room again */
    assert_int_equal(send_fixture_digests(fixture, 1, 0, digests, 32, false), STATUS_MALFORMED);
    send_fixture_settle(fixture, 0, 1);
    send_fixture_run(fixture);
}

static void done_before_everything_is_settled_is_unexpected(void **state)
{
    struct send_fixture *fixture = *state;
    assert_int_equal(send_fixture_tell_done(fixture), STATUS_UNEXPECTED);
    assert_int_equal(send_fixture_settle(fixture, 0, 1), 0);
    assert_int_equal(send_fixture_tell_done(fixture), STATUS_UNEXPECTED);
    assert_int_equal(engine_take_fin(fixture->engine), STATUS_UNEXPECTED);
    assert_false(fixture->engine->says_fin);
}

static void done_before_the_whole_manifest_is_unexpected(void **state)
{
    struct send_fixture *fixture = *state;
    send_fixture_finish(fixture);
    send_fixture_init(fixture);
    scratch_write_text(&fixture->folder, "src", "x");
    assert_int_equal(send_fixture_begin_one(fixture, 0, FILES_LINKS_SKIP, "src"), 0);
    assert_int_equal(send_fixture_tell_done(fixture), STATUS_UNEXPECTED);
}

static void nothing_may_come_after_done(void **state)
{
    struct send_fixture *fixture = *state;
    send_fixture_run(fixture);
    assert_int_equal(send_fixture_tell_done(fixture), STATUS_UNEXPECTED);
    assert_int_equal(send_fixture_settle(fixture, 0, 1), STATUS_UNEXPECTED);
}

static void messages_of_another_kind_are_unexpected(void **state)
{
    struct send_fixture *fixture = *state;
    struct message message = {.kind = MESSAGE_FILE_END};
    assert_int_equal(send_fixture_tell(fixture, &message), STATUS_UNEXPECTED);
    message.kind = MESSAGE_PING;
    assert_int_equal(send_fixture_tell(fixture, &message), STATUS_UNEXPECTED);
    message.kind = MESSAGE_MANIFEST;
    assert_int_equal(send_fixture_tell(fixture, &message), STATUS_UNEXPECTED);
}

static int take_bytes(struct send_fixture *fixture, enum item_kind kind, const void *bytes, size_t size)
{
    struct transfer_item *item = item_make_message(span_of(bytes, size));
    assert_non_null(item);
    item->kind = kind;
    int status = fixture->engine->ops->take(fixture->engine, item);
    item->kind = ITEM_MESSAGE;
    item_release(fixture->pool, item);
    return status;
}

static void data_and_rubbish_are_refused(void **state)
{
    assert_int_equal(take_bytes(*state, ITEM_DATA, "data", 4), STATUS_UNEXPECTED);
    assert_int_equal(take_bytes(*state, ITEM_MESSAGE, "\xc1", 1), STATUS_MALFORMED);
    assert_int_equal(take_bytes(*state, ITEM_MESSAGE, "\x93\xcd\x03\xe7\x00\x80", 6), STATUS_UNEXPECTED);
}

static void pause_is_shown_until_it_is_over(void **state)
{
    struct send_fixture *fixture = *state;
    struct message message = {.kind = MESSAGE_PAUSED};
    message.body.paused.status = UV_ENOSPC;
    assert_int_equal(send_fixture_tell(fixture, &message), 0);
    assert_int_equal(fixture->engine->counts.paused, UV_ENOSPC);
    message.body.paused.over = true;
    assert_int_equal(send_fixture_tell(fixture, &message), 0);
    assert_int_equal(fixture->engine->counts.paused, 0);
}

static void window_is_never_exceeded_by_a_receiver_that_is_silent(void **state)
{
    struct send_fixture *fixture = *state;
    send_fixture_finish(fixture);
    send_fixture_init(fixture);
    char name[64];
    for (int i = 0; i < FILES_WINDOW + 500; i++) {
        snprintf(name, sizeof(name), "src/%d", i);
        scratch_write(&fixture->folder, name, "", 0, 0600);
    }
    assert_int_equal(send_fixture_begin_one(fixture, FILES_RECURSIVE, FILES_LINKS_SKIP, "src"), 0);
    while (send_fixture_produce(fixture) > 0)
        ;
    assert_int_equal(fixture->unsettled_max, FILES_WINDOW);
    assert_false(fixture->last);
    send_fixture_run(fixture);
    assert_int_equal(fixture->unsettled_max, FILES_WINDOW);
    assert_int_equal(fixture->engine->counts.files_done, FILES_WINDOW + 500);
}

/* A folder of 200,000 names for few files, since making them is what takes long. */
static void make_many(struct send_fixture *fixture, int count)
{
    char first[300], name[340];
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "src/%d/x", i / 20000);
        if (i % 20000 == 0) {
            scratch_write_text(&fixture->folder, name, "text");
            snprintf(first, sizeof(first), "%s", scratch_path(&fixture->folder, name));
            continue;
        }
        snprintf(name, sizeof(name), "%s/src/%d/%d", fixture->folder.path, i / 20000, i);
        assert_int_equal(link(first, name), 0);
    }
}

/* Answers what is new, without looking at the rest again. */
static void answer_from(struct send_fixture *fixture, size_t *settled)
{
    size_t count = fixture->entry_count;
    while (*settled < count && fixture->entries[*settled].settled)
        ++*settled;
    for (size_t i = *settled; i < count; i++) {
        struct got_entry *entry = &fixture->entries[i];
        if (!entry->answered)
            assert_int_equal(send_fixture_need(fixture, i, 1, NEED_SEND), 0);
        else if (entry->complete && !entry->settled)
            assert_int_equal(send_fixture_settle(fixture, i, 1), 0);
    }
}

static void memory_is_bounded_for_200000_entries(void **state)
{
    struct send_fixture *fixture = *state;
    send_fixture_finish(fixture);
    send_fixture_init(fixture);
    make_many(fixture, 200000);
    fixture->forgets = true;
    size_t settled = 0, held_max = 0;
    size_t before = allocated();
    assert_int_equal(send_fixture_begin_one(fixture, FILES_RECURSIVE, FILES_LINKS_SKIP, "src"), 0);
    fixture->entry_capacity = 210000;
    fixture->entries = calloc(fixture->entry_capacity, sizeof(*fixture->entries));
    size_t own = fixture->entry_capacity * sizeof(*fixture->entries);
    for (int count = 1; count > 0 || settled < fixture->entry_count;) {
        assert_true((count = send_fixture_produce(fixture)) >= 0);
        size_t held = allocated() - before - own;
        held_max = held > held_max ? held : held_max;
        answer_from(fixture, &settled);
    }
    assert_int_equal(fixture->engine->counts.files_done, 200000);
    assert_int_equal(fixture->unsettled, 0);
    assert_true(held_max < 16 << 20);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(need_of_what_was_not_announced_is_malformed),
        WITH_FIXTURE(need_of_what_is_no_file_is_malformed),
        WITH_FIXTURE(need_told_twice_is_malformed),
        WITH_FIXTURE(need_of_what_was_sent_is_malformed),
        WITH_FIXTURE(settling_what_was_not_announced_is_malformed),
        WITH_FIXTURE(settling_twice_is_malformed),
        WITH_FIXTURE(settling_a_leave_is_malformed),
        WITH_FIXTURE(settling_a_file_before_it_was_sent_is_malformed),
        WITH_FIXTURE(receiver_may_fail_a_file_at_any_moment),
        WITH_FIXTURE(file_that_fails_on_its_way_is_ended),
        WITH_FIXTURE(digests_that_nobody_asked_for_are_malformed),
        WITH_FIXTURE(digests_without_end_are_not_held),
        WITH_FIXTURE(done_before_everything_is_settled_is_unexpected),
        WITH_FIXTURE(done_before_the_whole_manifest_is_unexpected),
        WITH_FIXTURE(nothing_may_come_after_done),
        WITH_FIXTURE(messages_of_another_kind_are_unexpected),
        WITH_FIXTURE(data_and_rubbish_are_refused),
        WITH_FIXTURE(pause_is_shown_until_it_is_over),
        WITH_FIXTURE(window_is_never_exceeded_by_a_receiver_that_is_silent),
        WITH_FIXTURE(memory_is_bounded_for_200000_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
