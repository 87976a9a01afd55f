/* SPDX-License-Identifier: MIT */
#include "services/transfer/transfer_item.h"

#include <string.h>

#include "tests/unit/base/testing.h"

static struct item_pool *pool;

static int setup(void **state)
{
    return item_pool_create(2, &pool);
}

static int teardown(void **state)
{
    item_pool_destroy(pool);
    return 0;
}

static void data_items_have_room_for_a_header_before_aligned_bytes(void **state)
{
    struct transfer_item *item = item_take_data(pool);
    assert_non_null(item);
    assert_int_equal(item->kind, ITEM_DATA);
    assert_int_equal(item->size, 0);
    assert_int_equal(item->capacity, FILES_CHUNK_SIZE);
    assert_int_equal((uintptr_t)item->bytes % 4096, 0);
    memset(item->bytes - FRAME_HEADER_SIZE, 0xff, FRAME_HEADER_SIZE + item->capacity);
    assert_int_equal(item->capacity, FILES_CHUNK_SIZE); /* the head is not there */
    item_release(pool, item);
}

static void released_data_items_are_used_again(void **state)
{
    struct transfer_item *items[3];
    for (size_t i = 0; i < 3; i++)
        items[i] = item_take_data(pool);
    items[1]->size = 5;
    item_release(pool, items[0]);
    item_release(pool, items[1]);
    item_release(pool, items[2]); /* one more than is kept: freed */
    struct transfer_item *again = item_take_data(pool);
    assert_ptr_equal(again, items[1]);
    assert_int_equal(again->size, 0);
    struct transfer_item *other = item_take_data(pool);
    assert_ptr_equal(other, items[0]);
    item_release(pool, again);
    item_release(pool, other);
    item_release(pool, NULL);
}

static void messages_are_copied_with_room_before_them(void **state)
{
    char text[] = "payload";
    struct transfer_item *item = item_make_message(span_of_text(text));
    memset(text, 0, sizeof(text));
    assert_int_equal(item->kind, ITEM_MESSAGE);
    assert_int_equal(item->size, 7);
    memset(item->bytes - FRAME_HEADER_SIZE, 0xff, FRAME_HEADER_SIZE);
    assert_memory_equal(item->bytes, "payload", 7);
    item_release(pool, item);
}

static void encoded_items_decode_again(void **state)
{
    struct message message = {.kind = MESSAGE_FILE_AGAIN, .body.file_again.entry = 77}, back;
    struct transfer_item *item;
    assert_int_equal(item_encode(&message, &item), 0);
    assert_int_equal(message_decode(span_of(item->bytes, item->size), &back, &(struct message_head){0}), 0);
    assert_int_equal(back.body.file_again.entry, 77);
    message_finish(&back);
    item_release(pool, item);
}

static void queues_keep_the_order_and_count_bytes(void **state)
{
    struct item_queue a = {0}, b = {0};
    item_queue_push(&a, item_make_message(span_of("1", 1)));
    item_queue_push(&b, item_make_message(span_of("22", 2)));
    item_queue_push(&b, item_make_message(span_of("333", 3)));
    item_queue_move(&a, &b);
    assert_null(b.first);
    assert_int_equal(b.count + b.bytes, 0);
    item_queue_move(&a, &b); /* nothing */
    item_queue_push(&b, item_make_message(span_of("4444", 4)));
    item_queue_move(&b, &a); /* behind what is there */
    assert_int_equal(b.count, 4);
    assert_int_equal(b.bytes, 10);
    static const size_t SIZES[] = {4, 1, 2, 3};
    for (size_t i = 0; i < 3; i++) {
        struct transfer_item *item = item_queue_pop(&b);
        assert_int_equal(item->size, SIZES[i]);
        item_release(pool, item);
    }
    assert_int_equal(b.bytes, 3);
    item_queue_clear(&b, pool);
    assert_null(item_queue_pop(&b));
    assert_int_equal(b.count + b.bytes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(data_items_have_room_for_a_header_before_aligned_bytes),
        TEST(released_data_items_are_used_again),
        TEST(messages_are_copied_with_room_before_them),
        TEST(encoded_items_decode_again),
        TEST(queues_keep_the_order_and_count_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
