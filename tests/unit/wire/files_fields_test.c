/* SPDX-License-Identifier: MIT */
/* Fields of the messages of files: which values are refused, and how many items a list may have. Works on
 * encoded samples, one value of which is swapped. Missing and doubled keys are in message_fields_test.c. */
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/sample_messages.h"

#include <msgpack.h>
#include <string.h>

/* Packs a sample with another value behind the first `key` in it, or, where `value` is NULL, with `count`
 * times the first item of the list there. */
struct swap {
    const char *key;
    const msgpack_object *value;
    size_t count;
    bool done;
    msgpack_packer packer;
};

static void swap_list(struct swap *swap, const msgpack_object *list)
{
    assert_int_equal(list->type, MSGPACK_OBJECT_ARRAY);
    msgpack_pack_array(&swap->packer, swap->count);
    for (size_t i = 0; i < swap->count; i++)
        msgpack_pack_object(&swap->packer, list->via.array.ptr[0]);
}

static void swap_object(struct swap *swap, const msgpack_object *object);

static void swap_entry(struct swap *swap, const msgpack_object_kv *entry)
{
    struct span key = span_of(entry->key.via.str.ptr, entry->key.via.str.size);
    msgpack_pack_object(&swap->packer, entry->key);
    if (swap->done || !span_equals(key, span_of_text(swap->key))) {
        swap_object(swap, &entry->val);
        return;
    }
    swap->done = true;
    if (swap->value != NULL)
        msgpack_pack_object(&swap->packer, *swap->value);
    else
        swap_list(swap, &entry->val);
}

static void swap_object(struct swap *swap, const msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_MAP) {
        msgpack_pack_map(&swap->packer, object->via.map.size);
        for (size_t i = 0; i < object->via.map.size; i++)
            swap_entry(swap, &object->via.map.ptr[i]);
    } else if (object->type == MSGPACK_OBJECT_ARRAY) {
        msgpack_pack_array(&swap->packer, object->via.array.size);
        for (size_t i = 0; i < object->via.array.size; i++)
            swap_object(swap, &object->via.array.ptr[i]);
    } else {
        msgpack_pack_object(&swap->packer, *object);
    }
}

static int decode_swapped(const char *sample, struct swap *swap, struct message_head *ret_head)
{
    struct message message;
    struct buffer bytes;
    msgpack_unpacked unpacked;
    msgpack_sbuffer out;
    assert_true(sample_message_named(sample, &message));
    buffer_init(&bytes, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(&message, &bytes), 0);
    message_finish(&message);
    struct span span = buffer_span(&bytes);
    msgpack_unpacked_init(&unpacked);
    assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)span.data, span.size, NULL),
                     MSGPACK_UNPACK_SUCCESS);
    msgpack_sbuffer_init(&out);
    msgpack_packer_init(&swap->packer, &out, msgpack_sbuffer_write);
    swap_object(swap, &unpacked.data);
    if (!swap->done)
        fail_msg("%s has no %s", sample, swap->key);
    int status = message_decode(span_of(out.data, out.size), &message, ret_head);
    if (status == 0)
        message_finish(&message);
    msgpack_sbuffer_destroy(&out);
    msgpack_unpacked_destroy(&unpacked);
    buffer_finish(&bytes);
    return status;
}

static int decode_with_number(const char *sample, const char *key, uint64_t number)
{
    msgpack_object value = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = number};
    return decode_swapped(sample, &(struct swap){.key = key, .value = &value}, NULL);
}

static int decode_with_bytes(const char *sample, const char *key, size_t size)
{
    static const char BYTES[FILES_ATTRIBUTE_MAX + FILES_DIGEST_SIZE];
    msgpack_object value = {.type = MSGPACK_OBJECT_BIN, .via.bin = {.ptr = BYTES, .size = (uint32_t)size}};
    return decode_swapped(sample, &(struct swap){.key = key, .value = &value}, NULL);
}

static int decode_with_text(const char *sample, const char *key, size_t size)
{
    char text[FILES_PATH_MAX + 1];
    memset(text, 'x', sizeof(text));
    msgpack_object value = {.type = MSGPACK_OBJECT_STR, .via.str = {.ptr = text, .size = (uint32_t)size}};
    return decode_swapped(sample, &(struct swap){.key = key, .value = &value}, NULL);
}

static int decode_with_count(const char *sample, const char *key, size_t count)
{
    return decode_swapped(sample, &(struct swap){.key = key, .count = count}, NULL);
}

static void numbers_outside_their_range_are_refused(void **state)
{
    static const struct {
        const char *sample, *key;
        uint64_t min, max;
    } RANGES[] = {
        {"offers_delta", "id", 1, UINT64_MAX},
        {"offers_delta", "roots", 1, UINT64_MAX},
        {"files_open_put", "operation", FILES_PUT, FILES_DECLINE},
        {"files_open_put", "conflict", 0, FILES_FAIL},
        {"files_open_put", "links", 0, FILES_LINKS_FOLLOW},
        {"files_open_put", "checks", 0, UINT32_MAX},
        {"files_open_all", "mode", 0, 4095},
        {"files_opened", "check", 0, 2},
        {"files_opened", "type", 0, ENTRY_LINK},
        {"files_opened", "size", 0, INT64_MAX},
        {"files_opened", "mode", 0, 4095},
        {"files_opened", "mtimeS", 0, INT64_MAX},
        {"files_opened", "mtimeNs", 0, 999999999},
        {"manifest", "type", ENTRY_FOLDER, ENTRY_LEAVE},
        {"manifest", "mode", 0, 4095},
        {"manifest", "mtimeS", 0, INT64_MAX},
        {"manifest", "mtimeNs", 0, 999999999},
        {"manifest", "uid", 0, UINT32_MAX},
        {"manifest", "gid", 0, UINT32_MAX},
        {"manifest", "size", 0, INT64_MAX},
        {"manifest", "first", 0, UINT64_MAX - 4},
        {"pack", "size", 0, FILES_CHUNK_SIZE},
        {"pack", "mtimeNs", 0, 999999999},
        {"chunk", "size", 1, FILES_CHUNK_SIZE},
        {"chunk_zero", "size", 1, FILES_CHUNK_SIZE - 1},
        {"chunk_zeroes", "size", 1, INT64_MAX},
        {"keep", "size", 1, INT64_MAX - 2 * FILES_CHUNK_SIZE},
        {"keep", "offset", 0, INT64_MAX - 17},
        {"file_end", "size", 0, INT64_MAX},
        {"file_end", "mtimeNs", 0, 999999999},
        {"need", "action", NEED_SEND, NEED_NOTHING},
        {"need", "count", 1, UINT64_MAX},
        {"need", "first", 0, UINT64_MAX - 12},
        {"digests", "first", 0, INT64_MAX / FILES_CHUNK_SIZE},
        {"settled", "count", 1, UINT64_MAX},
        {"settled", "first", 0, UINT64_MAX - 256},
        {"changes", "what", CHANGE_CREATED, CHANGE_MOVED},
    };
    for (size_t i = 0; i < sizeof(RANGES) / sizeof(RANGES[0]); i++) {
        const char *sample = RANGES[i].sample, *key = RANGES[i].key;
        assert_int_equal(decode_with_number(sample, key, RANGES[i].min), 0);
        assert_int_equal(decode_with_number(sample, key, RANGES[i].max), 0);
        if (RANGES[i].min > 0)
            assert_int_equal(decode_with_number(sample, key, RANGES[i].min - 1), STATUS_MALFORMED);
        if (RANGES[i].max < UINT64_MAX)
            assert_int_equal(decode_with_number(sample, key, RANGES[i].max + 1), STATUS_MALFORMED);
    }
}

static void times_before_1970_are_taken_and_sizes_below_0_are_not(void **state)
{
    const msgpack_object value = {.type = MSGPACK_OBJECT_NEGATIVE_INTEGER, .via.i64 = INT64_MIN};
    struct swap time = {.key = "mtimeS", .value = &value}, size = {.key = "size", .value = &value};
    assert_int_equal(decode_swapped("manifest", &time, NULL), 0);
    assert_int_equal(decode_swapped("manifest", &size, NULL), STATUS_MALFORMED);
}

static void chunks_lie_on_their_borders_and_within_a_file(void **state)
{
    assert_int_equal(decode_with_number("chunk", "offset", 0), 0);
    assert_int_equal(decode_with_number("chunk", "offset", FILES_CHUNK_SIZE + 1), STATUS_MALFORMED);
    assert_int_equal(decode_with_number("chunk", "offset", FILES_CHUNK_SIZE / 2), STATUS_MALFORMED);
    assert_int_equal(decode_with_number("chunk", "offset", UINT64_C(1) << 63), STATUS_MALFORMED);
    assert_int_equal(decode_with_number("chunk", "offset", UINT64_MAX - (FILES_CHUNK_SIZE - 1)),
                     STATUS_MALFORMED);
    assert_int_equal(decode_with_number("chunk_zeroes", "size", UINT64_MAX), STATUS_MALFORMED);
}

static void ranges_of_a_read_lie_within_a_file(void **state)
{
    assert_int_equal(decode_with_number("files_open_all", "offset", 0), 0);
    assert_int_equal(decode_with_number("files_open_all", "offset", (UINT64_C(1) << 40) + 1),
                     STATUS_MALFORMED);
    assert_int_equal(decode_with_number("files_open_all", "length", UINT64_MAX), STATUS_MALFORMED);
}

static void a_pack_has_no_more_bytes_than_a_chunk(void **state)
{
    assert_int_equal(decode_with_count("pack", "files", 256), 0); /* of 4096 bytes each */
    struct message message = {.kind = MESSAGE_PACK};
    const char bytes[] = "\x93\x43\0\x81\xa5"
                         "files\x92\x82\xa5"
                         "entry\0\xa4size\xce\0\x10\0\0\x82\xa5"
                         "entry\1\xa4size\1";
    assert_int_equal(message_decode(span_of(bytes, sizeof(bytes) - 1), &message, NULL), STATUS_MALFORMED);
}

static void bytes_have_the_sizes_that_mean_something(void **state)
{
    for (size_t size = 0; size <= FILES_CHECK_SIZE; size++)
        assert_int_equal(decode_with_bytes("check", "tag", size),
                         size == 0 || size == FILES_CHECK_SIZE ? 0 : STATUS_MALFORMED);
    assert_int_equal(decode_with_bytes("check", "tag", FILES_CHECK_SIZE + 1), STATUS_TOO_LARGE);
    for (size_t size = 0; size <= FILES_DIGEST_SIZE; size++)
        assert_int_equal(decode_with_bytes("files_done", "digest", size),
                         size == 0 || size == FILES_DIGEST_SIZE ? 0 : STATUS_MALFORMED);
    assert_int_equal(decode_with_bytes("files_done", "digest", 2 * FILES_DIGEST_SIZE), STATUS_TOO_LARGE);
    assert_int_equal(decode_with_bytes("digests", "digests", 0), 0);
    assert_int_equal(decode_with_bytes("digests", "digests", FILES_DIGEST_SIZE + 1), STATUS_MALFORMED);
    assert_int_equal(decode_with_bytes("digests", "digests", FILES_DIGESTS_BYTES_MAX), 0);
    assert_int_equal(decode_with_bytes("digests", "digests", FILES_DIGESTS_BYTES_MAX + FILES_DIGEST_SIZE),
                     STATUS_TOO_LARGE);
    assert_int_equal(decode_with_bytes("attribute", "value", 0), 0);
    assert_int_equal(decode_with_bytes("attribute", "value", FILES_ATTRIBUTE_MAX), 0);
    assert_int_equal(decode_with_bytes("attribute", "value", FILES_ATTRIBUTE_MAX + 1), STATUS_TOO_LARGE);
    assert_int_equal(decode_with_bytes("files_open_put", "id", FILES_ID_SIZE), 0);
    assert_int_equal(decode_with_bytes("files_open_put", "id", FILES_ID_SIZE - 1), STATUS_MALFORMED);
    assert_int_equal(decode_with_bytes("files_open_put", "id", FILES_ID_SIZE + 1), STATUS_MALFORMED);
}

static void texts_are_limited(void **state)
{
    static const struct {
        const char *sample, *key;
        size_t max;
    } TEXTS[] = {
        {"offers_delta", "name", FILES_NAME_MAX},   {"offers_delta", "user", TEXT_NAME_MAX},
        {"files_open_put", "user", TEXT_NAME_MAX},  {"files_open_put", "to", FILES_PATH_MAX},
        {"files_open_all", "path", FILES_PATH_MAX}, {"files_opened", "path", FILES_PATH_MAX},
        {"manifest", "name", FILES_NAME_MAX},       {"manifest", "target", FILES_LINK_MAX},
        {"attribute", "name", FILES_NAME_MAX},      {"file_failed", "text", TEXT_REASON_MAX},
        {"settled", "text", TEXT_REASON_MAX},       {"paused", "text", TEXT_REASON_MAX},
        {"files_done", "path", FILES_PATH_MAX},     {"changes", "path", FILES_LINK_MAX},
        {"changes", "from", FILES_LINK_MAX},
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        assert_int_equal(decode_with_text(TEXTS[i].sample, TEXTS[i].key, TEXTS[i].max), 0);
        assert_int_equal(decode_with_text(TEXTS[i].sample, TEXTS[i].key, TEXTS[i].max + 1), STATUS_TOO_LARGE);
    }
    assert_int_equal(decode_with_text("manifest", "name", 0), STATUS_MALFORMED);
}

static void lists_are_limited(void **state)
{
    static const struct {
        const char *sample, *key;
        size_t max;
    } LISTS[] = {
        {"offers_delta", "offers", OFFERS_A_MESSAGE_MAX},
        {"offers_delta", "gone", OFFERS_GONE_A_MESSAGE_MAX},
        {"files_open_all", "paths", FILES_PATHS_MAX},
        {"manifest", "entries", FILES_ENTRIES_A_MESSAGE_MAX},
        {"pack", "files", FILES_ENTRIES_A_MESSAGE_MAX},
        {"need", "runs", FILES_ENTRIES_A_MESSAGE_MAX},
        {"settled", "runs", FILES_ENTRIES_A_MESSAGE_MAX},
        {"settled", "failed", FILES_FAILURES_A_MESSAGE_MAX},
        {"files_done", "names", FILES_PATHS_MAX},
        {"changes", "changes", FILES_CHANGES_A_MESSAGE_MAX},
    };
    for (size_t i = 0; i < sizeof(LISTS) / sizeof(LISTS[0]); i++) {
        assert_int_equal(decode_with_count(LISTS[i].sample, LISTS[i].key, 0), 0);
        assert_int_equal(decode_with_count(LISTS[i].sample, LISTS[i].key, LISTS[i].max), 0);
        assert_int_equal(decode_with_count(LISTS[i].sample, LISTS[i].key, LISTS[i].max + 1),
                         STATUS_TOO_LARGE);
    }
}

static void unknown_flags_are_not_supported_and_leave_the_head(void **state)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        struct message_head head = {0, 0};
        msgpack_object value = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = UINT64_C(1) << bit};
        struct swap swap = {.key = "flags", .value = &value};
        assert_int_equal(decode_swapped("files_open_all", &swap, &head),
                         (FILES_FLAGS_ALL >> bit & 1) != 0 ? 0 : STATUS_NOT_SUPPORTED);
        assert_int_equal(head.kind, MESSAGE_FILES_OPEN);
    }
}

static void offers_of_a_snapshot_never_end_it_and_take_nothing_back(void **state)
{
    struct message message;
#define DECODE(bytes) message_decode(span_of(bytes, sizeof(bytes) - 1), &message, NULL)
    assert_int_equal(DECODE("\x93\x32\1\x82\xa8snapshot\xc3\xa4more\xc3"), 0);
    assert_true(message.body.offers.sequence == 1);
    assert_int_equal(DECODE("\x93\x32\1\x81\xa8snapshot\xc3"), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\x32\1\x81\xa4more\xc3"), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\x32\1\x83\xa8snapshot\xc3\xa4more\xc3\xa4gone\x91\x81\xa2id\1"),
                     STATUS_MALFORMED);
#undef DECODE
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_outside_their_range_are_refused),
        cmocka_unit_test(times_before_1970_are_taken_and_sizes_below_0_are_not),
        cmocka_unit_test(chunks_lie_on_their_borders_and_within_a_file),
        cmocka_unit_test(ranges_of_a_read_lie_within_a_file),
        cmocka_unit_test(a_pack_has_no_more_bytes_than_a_chunk),
        cmocka_unit_test(bytes_have_the_sizes_that_mean_something),
        cmocka_unit_test(texts_are_limited),
        cmocka_unit_test(lists_are_limited),
        cmocka_unit_test(unknown_flags_are_not_supported_and_leave_the_head),
        cmocka_unit_test(offers_of_a_snapshot_never_end_it_and_take_nothing_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
