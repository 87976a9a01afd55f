/* SPDX-License-Identifier: MIT */
/* Both guests are played by hand. */
#include "services/transfer/junction.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/aead.h"
#include "services/transfer/chunk_check.h"
#include "services/transfer/transfer_link.h"
#include "tests/unit/base/testing.h"

static struct item_pool *pool;
static struct engine *upper, *lower;
static struct item_queue to_upper, to_lower; /* what they produced last */
static struct chunk_check *sender_makes, *receiver_opens;
static struct message message; /* decoded last */
static size_t wakes;
static uint64_t announced; /* entries */

static struct engine_keys keys_of(uint8_t fill)
{
    struct engine_keys keys = {.check = AEAD_CHACHA20_POLY1305};
    memset(keys.check_key, fill, sizeof(keys.check_key));
    return keys;
}

static int setup_with(size_t name_count)
{
    static const char *const NAMES[] = {"wanted"};
    struct engine_keys upper_keys = keys_of(1), lower_keys = keys_of(2);
    memset(&message, 0, sizeof(message));
    wakes = 0;
    announced = 0;
    assert_int_equal(item_pool_create(4, &pool), 0);
    assert_int_equal(chunk_check_create(&upper_keys, &sender_makes), 0);
    assert_int_equal(chunk_check_create(&lower_keys, &receiver_opens), 0);
    return junction_create(pool, &upper_keys, &lower_keys, name_count, NAMES, &upper, &lower);
}

static int setup(void **state)
{
    return setup_with(0);
}

static int setup_named(void **state)
{
    return setup_with(1);
}

static void destroy(struct engine **engine, bool discard)
{
    if (*engine != NULL)
        (*engine)->ops->destroy(*engine, discard);
    *engine = NULL;
}

static int teardown(void **state)
{
    message_finish(&message);
    destroy(&upper, false);
    destroy(&lower, false);
    item_queue_clear(&to_upper, pool);
    item_queue_clear(&to_lower, pool);
    chunk_check_destroy(sender_makes);
    chunk_check_destroy(receiver_opens);
    item_pool_destroy(pool);
    return 0;
}

static int hand_over(struct engine *engine, struct transfer_item *item)
{
    int status = engine->ops->take(engine, item);
    if (status != ENGINE_KEPT)
        item_release(pool, item);
    return status == ENGINE_KEPT ? 0 : status;
}

static int say(struct engine *engine, const struct message *said)
{
    struct transfer_item *item;
    assert_int_equal(item_encode(said, &item), 0);
    return hand_over(engine, item);
}

static int say_data(const char *text, size_t size)
{
    struct transfer_item *item = item_take_data(pool);
    item->size = size;
    memcpy(item->bytes, text, size);
    return hand_over(upper, item);
}

static int say_check(const char *text, size_t size)
{
    struct message check = {.kind = MESSAGE_CHECK};
    chunk_check_make(sender_makes, span_of(text, size), &check.body.check);
    return say(upper, &check);
}

static int say_manifest(const char *name, bool last)
{
    struct manifest_entry entry = {.type = ENTRY_FILE, .size = 5, .mode = 0644};
    struct message manifest = {.kind = MESSAGE_MANIFEST,
                               .body.manifest = {.count = 1, .entries = &entry, .last = last}};
    snprintf(entry.name, sizeof(entry.name), "%s", name);
    manifest.body.manifest.first = announced++;
    return say(upper, &manifest);
}

static void produce(struct engine *engine)
{
    bool more;
    assert_int_equal(engine->ops->produce(engine, engine == upper ? &to_upper : &to_lower, 1 << 20, &more),
                     0);
}

/* The next message that was produced for a guest; its kind. 0: there is none. */
static int heard(struct item_queue *queue)
{
    struct transfer_item *item = item_queue_pop(queue);
    if (item == NULL)
        return 0;
    message_finish(&message);
    memset(&message, 0, sizeof(message));
    assert_int_equal(item->kind, ITEM_MESSAGE);
    assert_int_equal(message_decode(span_of(item->bytes, item->size), &message, &(struct message_head){0}),
                     0);
    item_release(pool, item);
    return message.kind;
}

static int say_chunk(void)
{
    struct message chunk = {.kind = MESSAGE_CHUNK, .body.chunk = {.size = 5}};
    return say(upper, &chunk);
}

static void bytes_pass_with_a_tag_of_the_other_connection(void **state)
{
    assert_int_equal(say_manifest("a", true), 0);
    assert_int_equal(say_chunk(), 0);
    assert_int_equal(say_data("hello", 5), 0);
    produce(lower);
    assert_int_equal(heard(&to_lower), MESSAGE_MANIFEST);
    assert_int_equal(heard(&to_lower), MESSAGE_CHUNK);
    assert_int_equal(heard(&to_lower), 0); /* nothing unverified */
    assert_int_equal(say_check("hello", 5), 0);
    produce(lower);
    struct transfer_item *data = item_queue_pop(&to_lower);
    assert_int_equal(data->kind, ITEM_DATA);
    assert_memory_equal(data->bytes, "hello", 5);
    assert_int_equal(heard(&to_lower), MESSAGE_CHECK);
    assert_true(chunk_check_open(receiver_opens, span_of("hello", 5), &message.body.check));
    item_release(pool, data);
    assert_int_equal(lower->counts.bytes_moved, 5);
    assert_int_equal(lower->counts.phase, TRANSFER_SEND);
    assert_string_equal(lower->counts.current, "a");
}

static void bytes_that_are_not_authentic_end_it(void **state)
{
    assert_int_equal(say_chunk(), 0);
    assert_int_equal(say_data("hellO", 5), 0);
    assert_int_equal(say_check("hello", 5), STATUS_AUTHENTICATION_FAILED);
    produce(lower);
    assert_int_equal(heard(&to_lower), MESSAGE_CHUNK);
    assert_int_equal(heard(&to_lower), 0);
}

static void data_and_checks_where_they_do_not_belong_are_refused(void **state)
{
    struct message zero = {.kind = MESSAGE_CHUNK, .body.chunk = {.size = 5, .zero = true}};
    struct message again = {.kind = MESSAGE_FILE_AGAIN};
    assert_int_equal(say_data("x", 1), STATUS_UNEXPECTED);
    assert_int_equal(say_check("x", 1), STATUS_UNEXPECTED);
    assert_int_equal(say(upper, &zero), 0);
    assert_int_equal(say_data("x", 1), STATUS_UNEXPECTED);
    assert_int_equal(say_chunk(), 0);
    assert_int_equal(say_data("x", 1), 0);
    assert_int_equal(say_data("x", 1), STATUS_UNEXPECTED);
    assert_int_equal(say(upper, &again), STATUS_UNEXPECTED); /* between CHUNK and its CHECK */
}

static void each_guest_may_say_its_own_part_only(void **state)
{
    struct message paused = {.kind = MESSAGE_PAUSED, .body.paused = {.status = UV_ENOSPC}};
    struct message totals = {.kind = MESSAGE_TOTALS, .body.totals = {.files = 3, .bytes = 9}};
    struct message ping = {.kind = MESSAGE_PING, .id = 1};
    assert_int_equal(say(upper, &paused), STATUS_UNEXPECTED);
    assert_int_equal(say(lower, &totals), STATUS_UNEXPECTED);
    assert_int_equal(say(upper, &ping), STATUS_UNEXPECTED);
    assert_int_equal(say(lower, &ping), STATUS_UNEXPECTED);
    assert_int_equal(hand_over(lower, item_take_data(pool)), STATUS_UNEXPECTED);
    assert_int_equal(hand_over(upper, item_make_message(span_of("\xc1", 1))), STATUS_MALFORMED);
    assert_int_equal(say(upper, &totals), 0);
    assert_int_equal(say(lower, &paused), 0);
    produce(upper);
    assert_int_equal(heard(&to_upper), MESSAGE_PAUSED);
    assert_int_equal(upper->counts.paused, UV_ENOSPC);
    assert_int_equal(upper->counts.bytes_total, 9);
    assert_true(upper->counts.totals_known);
}

static void roots_are_called_as_they_must_be(void **state)
{
    assert_int_equal(say_manifest("../evil", false), 0);
    produce(lower);
    assert_int_equal(heard(&to_lower), MESSAGE_MANIFEST);
    assert_string_equal(message.body.manifest.entries[0].name, "wanted");
    assert_int_equal(message.body.manifest.entries[0].mode, 0644);
    assert_int_equal(say_manifest("more", true), STATUS_NOT_ALLOWED);
}

static void who_wants_to_compare_is_sent_the_whole_file(void **state)
{
    struct need_run runs[] = {{0, 1, NEED_COMPARE}, {1, 1, NEED_NOTHING}};
    struct message need = {.kind = MESSAGE_NEED, .body.need = {.count = 2, .runs = runs}};
    struct message digests = {.kind = MESSAGE_DIGESTS,
                              .body.digests = {.size = FILES_DIGEST_SIZE, .last = true}};
    assert_int_equal(say_manifest("a", false), 0);
    assert_int_equal(say_manifest("b", true), 0);
    assert_int_equal(say(lower, &need), 0);
    assert_int_equal(say(lower, &digests), 0);
    produce(upper);
    assert_int_equal(heard(&to_upper), MESSAGE_NEED);
    assert_int_equal(message.body.need.count, 2);
    assert_int_equal(message.body.need.runs[0].action, NEED_SEND);
    assert_int_equal(message.body.need.runs[1].action, NEED_NOTHING);
    assert_int_equal(heard(&to_upper), 0);
    assert_int_equal(upper->counts.skipped, 1);
    assert_int_equal(upper->counts.files_done, 1);
    assert_int_equal(upper->counts.files_total, 2);
}

static void say_settled(uint64_t first, uint64_t count)
{
    struct settled_run run = {first, count};
    struct message settled = {.kind = MESSAGE_SETTLED, .body.settled = {.count = 1, .runs = &run}};
    assert_int_equal(say(lower, &settled), 0);
}

static int say_done(void)
{
    struct files_path names[1] = {{"/secret/place"}};
    struct message done = {.kind = MESSAGE_FILES_DONE,
                           .body.files_done = {.files = 1, .name_count = 1, .names = names}};
    return say(lower, &done);
}

static void settled_entries_are_counted_once_and_failures_have_paths(void **state)
{
    struct file_failed_message failed = {.entry = 1, .status = UV_EACCES, .text = "no"};
    struct message settled = {.kind = MESSAGE_SETTLED,
                              .body.settled = {.failed_count = 1, .failed = &failed}};
    assert_int_equal(say_manifest("a", false), 0);
    assert_int_equal(say_manifest("b", true), 0);
    say_settled(0, UINT64_MAX / 2); /* 0 and 1, and many that were never announced */
    say_settled(0, 1);
    produce(lower);
    assert_int_equal(lower->counts.files_done, 2);
    assert_int_equal(lower->counts.bytes_done, 10);
    assert_int_equal(lower->counts.phase, TRANSFER_FINISH);
    assert_int_equal(say(lower, &settled), 0);
    assert_null(lower->failures); /* settled before */
    teardown(NULL);
    setup(NULL);
    assert_int_equal(say_manifest("a", false), 0);
    assert_int_equal(say_manifest("b", true), 0);
    assert_int_equal(say(lower, &settled), 0);
    assert_string_equal(lower->failures->path, "b");
    assert_string_equal(lower->failures->text, "no");
    produce(lower);
    assert_int_equal(lower->counts.failed, 1);
}

static void both_fins_pass_behind_the_last_word(void **state)
{
    const struct files_path *names;
    assert_int_equal(say_manifest("a", true), 0);
    assert_int_equal(say_done(), STATUS_UNEXPECTED); /* not settled */
    say_settled(0, 1);
    assert_int_equal(engine_take_fin(upper), STATUS_UNEXPECTED);
    assert_int_equal(say_done(), 0);
    assert_int_equal(say_done(), STATUS_UNEXPECTED);
    assert_true(lower->is_done);
    assert_int_equal(engine_take_fin(upper), STATUS_UNEXPECTED); /* it has not heard it */
    produce(upper);
    assert_int_equal(heard(&to_upper), MESSAGE_SETTLED);
    assert_int_equal(heard(&to_upper), MESSAGE_FILES_DONE);
    assert_int_equal(message.body.files_done.name_count, 0);
    assert_int_equal(message.body.files_done.files, 1);
    assert_int_equal(junction_names(lower, &names), 1);
    assert_string_equal(names[0].path, "/secret/place");
    assert_int_equal(engine_take_fin(lower), STATUS_UNEXPECTED);
    assert_int_equal(engine_take_fin(upper), 0);
    assert_true(upper->is_done);
    produce(upper);
    assert_false(upper->says_fin);
    produce(lower);
    assert_true(lower->says_fin);
    assert_int_equal(engine_take_fin(lower), 0);
    produce(upper);
    assert_true(upper->says_fin);
}

static void count_wake(void *ctx)
{
    wakes++;
}

static void a_full_queue_refuses_until_it_was_emptied(void **state)
{
    static char chunk[FILES_CHUNK_SIZE];
    upper->ops->set_wake(upper, count_wake, NULL);
    int status = 0;
    size_t chunks = 0;
    while (chunks < 100 && (status = say_chunk()) == 0) {
        assert_int_equal(say_data(chunk, sizeof(chunk)), 0);
        assert_int_equal(say_check(chunk, sizeof(chunk)), 0);
        chunks++;
    }
    assert_int_equal(status, UV_EAGAIN);
    assert_int_equal(chunks, 2 * TRANSFER_IN_MAX / FILES_CHUNK_SIZE);
    assert_int_equal(wakes, 0);
    for (size_t i = 0; wakes == 0 && i < chunks; i++) {
        produce(lower);
        item_queue_clear(&to_lower, pool);
    }
    assert_int_equal(wakes, 1);
    assert_int_equal(say_chunk(), 0);
}

static void what_one_takes_wakes_the_other(void **state)
{
    lower->ops->set_wake(lower, count_wake, NULL);
    assert_int_equal(say_manifest("a", false), 0);
    assert_int_equal(say_manifest("b", false), 0);
    assert_int_equal(wakes, 1); /* it is told that there is something, once */
    produce(lower);
    assert_int_equal(say_manifest("c", false), 0);
    assert_int_equal(wakes, 2);
}

static void a_side_that_is_gone_ends_the_other_in_its_way(void **state)
{
    struct item_queue out = {0};
    bool more;
    lower->ops->set_wake(lower, count_wake, NULL);
    destroy(&upper, true);
    assert_int_equal(wakes, 1);
    assert_int_equal(lower->ops->produce(lower, &out, 1000, &more), UV_ECANCELED);
    teardown(NULL);
    setup(NULL);
    destroy(&lower, false);
    assert_int_equal(upper->ops->produce(upper, &out, 1000, &more), UV_ECONNRESET);
    assert_int_equal(say_manifest("a", true), UV_ECONNRESET);
    assert_true(strlen(upper->problem) > 0);
}

static void a_receiver_that_is_done_may_go(void **state)
{
    assert_int_equal(say_manifest("a", true), 0);
    say_settled(0, 1);
    assert_int_equal(say_done(), 0);
    destroy(&lower, false);
    produce(upper);
    assert_int_equal(engine_take_fin(upper), 0);
    produce(upper);
    assert_true(upper->says_fin);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_pass_with_a_tag_of_the_other_connection),
        TEST(bytes_that_are_not_authentic_end_it),
        TEST(data_and_checks_where_they_do_not_belong_are_refused),
        TEST(each_guest_may_say_its_own_part_only),
        cmocka_unit_test_setup_teardown(roots_are_called_as_they_must_be, setup_named, teardown),
        TEST(who_wants_to_compare_is_sent_the_whole_file),
        TEST(settled_entries_are_counted_once_and_failures_have_paths),
        TEST(both_fins_pass_behind_the_last_word),
        TEST(a_full_queue_refuses_until_it_was_emptied),
        TEST(what_one_takes_wakes_the_other),
        TEST(a_side_that_is_gone_ends_the_other_in_its_way),
        TEST(a_receiver_that_is_done_may_go),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
