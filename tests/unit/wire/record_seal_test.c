/* SPDX-License-Identifier: MIT */
/* Sealed records: cut anywhere, changed, dropped, repeated, swapped, moved; across changes of the key. */
#include "protocol/wire/record_seal.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

static const uint8_t KEY[AEAD_KEY_SIZE] = {1, 2, 3}, OTHER_KEY[AEAD_KEY_SIZE] = {1, 2, 4};
static const size_t SIZES[] = {1, 40, 3, 17, 64}; /* of a small stream's records */
#define COUNT      (sizeof(SIZES) / sizeof(SIZES[0]))
#define STREAM_MAX 512

struct fixture {
    struct secret_pool *secrets;
    struct record_key *sealer, *key;
    struct record_opener opener;
    uint8_t stream[STREAM_MAX];
    size_t begins[COUNT + 1]; /* of the records in the stream, and its end */
};

static uint8_t plain[RECORD_PLAIN_MAX];

static void fresh(struct fixture *fixture, enum aead_cipher cipher, const uint8_t *opener_key)
{
    record_opener_finish(&fixture->opener);
    record_key_destroy(fixture->sealer);
    record_key_destroy(fixture->key);
    assert_int_equal(record_key_create(fixture->secrets, cipher, KEY, &fixture->sealer), 0);
    assert_int_equal(record_key_create(fixture->secrets, cipher, opener_key, &fixture->key), 0);
    record_opener_init(&fixture->opener, fixture->key);
}

static void fresh_opener(struct fixture *fixture, enum aead_cipher cipher)
{
    record_opener_finish(&fixture->opener);
    record_key_destroy(fixture->key);
    assert_int_equal(record_key_create(fixture->secrets, cipher, KEY, &fixture->key), 0);
    record_opener_init(&fixture->opener, fixture->key);
}

static uint8_t content(size_t record, size_t i)
{
    return (uint8_t)(record * 31 + i);
}

static void make_stream(struct fixture *fixture)
{
    size_t at = 0;
    for (size_t i = 0; i < COUNT; i++) {
        uint8_t bytes[64];
        size_t size;
        for (size_t k = 0; k < SIZES[i]; k++)
            bytes[k] = content(i, k);
        fixture->begins[i] = at;
        assert_int_equal(record_seal(fixture->sealer, bytes, SIZES[i], fixture->stream + at, &size), 0);
        assert_int_equal(size, SIZES[i] + RECORD_OVERHEAD_SIZE);
        at += size;
    }
    fixture->begins[COUNT] = at;
}

/* Feeds bytes; *records counts those that came out, whose contents must be those of the stream. */
static int feed(struct fixture *fixture, struct span bytes, size_t *records)
{
    while (bytes.size > 0) {
        size_t size = 999, taken = 999;
        int status = record_open(&fixture->opener, bytes, plain, &size, &taken);
        if (status < 0) {
            assert_true(size == 999 && taken == 999); /* outputs are untouched */
            return status;
        }
        assert_in_range(taken, 1, bytes.size);
        bytes = span_of(bytes.data + taken, bytes.size - taken);
        if (size == 0) {
            assert_int_equal(bytes.size, 0);
            assert_false(record_opener_at_boundary(&fixture->opener));
            continue;
        }
        assert_true(record_opener_at_boundary(&fixture->opener));
        assert_in_range(*records, 0, COUNT - 1);
        assert_int_equal(size, SIZES[*records]);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(plain[i], content(*records, i));
        ++*records;
    }
    return 0;
}

static void each_cipher(void (*test)(struct fixture *fixture, enum aead_cipher cipher))
{
    static const enum aead_cipher CIPHERS[] = {AEAD_CHACHA20_POLY1305, AEAD_AES256_GCM};
    size_t tested = 0;
    for (size_t i = 0; i < 2; i++) {
        if ((aead_ciphers() & CIPHERS[i]) == 0)
            continue;
        struct fixture fixture = {.secrets = secret_pool_create()};
        fresh(&fixture, CIPHERS[i], KEY);
        make_stream(&fixture);
        test(&fixture, CIPHERS[i]);
        record_opener_finish(&fixture.opener);
        record_key_destroy(fixture.sealer);
        record_key_destroy(fixture.key);
        secret_pool_destroy(fixture.secrets);
        tested++;
    }
    assert_true(tested >= 1);
}

static void check_splits(struct fixture *fixture, enum aead_cipher cipher)
{
    size_t size = fixture->begins[COUNT];
    for (size_t first = 0; first <= size; first++)
        for (size_t second = first; second <= size; second += 7) {
            size_t records = 0;
            fresh_opener(fixture, cipher);
            assert_int_equal(feed(fixture, span_of(fixture->stream, first), &records), 0);
            assert_int_equal(feed(fixture, span_of(fixture->stream + first, second - first), &records), 0);
            assert_int_equal(feed(fixture, span_of(fixture->stream + second, size - second), &records), 0);
            assert_int_equal(records, COUNT);
            assert_true(record_opener_at_boundary(&fixture->opener));
        }
    for (size_t piece = 1; piece < 30; piece++) {
        size_t records = 0;
        fresh_opener(fixture, cipher);
        for (size_t at = 0; at < size; at += piece)
            feed(fixture, span_of(fixture->stream + at, size - at < piece ? size - at : piece), &records);
        assert_int_equal(records, COUNT);
    }
}

static void check_flips(struct fixture *fixture, enum aead_cipher cipher)
{
    size_t record = 0;
    for (size_t i = 0; i < fixture->begins[COUNT]; i++) {
        record += i == fixture->begins[record + 1];
        for (unsigned bit = 0; bit < 8; bit++) {
            size_t records = 0;
            fresh_opener(fixture, cipher);
            fixture->stream[i] ^= (uint8_t)(1u << bit);
            int status = feed(fixture, span_of(fixture->stream, fixture->begins[COUNT]), &records);
            fixture->stream[i] ^= (uint8_t)(1u << bit);
            assert_int_equal(records, record); /* those before it */
            bool in_size = i - fixture->begins[record] < RECORD_HEADER_SIZE;
            if (in_size) /* a larger size waits for bytes that are not there */
                assert_true(status == STATUS_AUTHENTICATION_FAILED || status == STATUS_MALFORMED ||
                            status == STATUS_TOO_LARGE ||
                            (status == 0 && !record_opener_at_boundary(&fixture->opener)));
            else
                assert_int_equal(status, STATUS_AUTHENTICATION_FAILED);
        }
    }
}

/* Feeds the records in this order. */
static int feed_records(struct fixture *fixture, const size_t *order, size_t count, size_t *records)
{
    int status = 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        size_t begin = fixture->begins[order[i]], end = fixture->begins[order[i] + 1];
        status = feed(fixture, span_of(fixture->stream + begin, end - begin), records);
    }
    return status;
}

static void check_order(struct fixture *fixture, enum aead_cipher cipher)
{
    static const struct {
        size_t order[COUNT], opened;
    } CASES[] = {{{1, 2, 3, 4, 4}, 0}, {{0, 2, 3, 4, 4}, 1}, {{0, 1, 1, 2, 3}, 2}, {{0, 0, 1, 2, 3}, 1},
                 {{1, 0, 2, 3, 4}, 0}, {{0, 1, 3, 2, 4}, 2}, {{0, 1, 2, 3, 0}, 4}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        size_t records = 0;
        fresh_opener(fixture, cipher);
        assert_int_equal(feed_records(fixture, CASES[i].order, COUNT, &records),
                         STATUS_AUTHENTICATION_FAILED);
        assert_int_equal(records, CASES[i].opened);
    }
}

static void check_truncation(struct fixture *fixture, enum aead_cipher cipher)
{
    for (size_t size = 0; size < fixture->begins[COUNT]; size++) {
        size_t records = 0, whole = 0;
        bool at_boundary = false;
        while (fixture->begins[whole + 1] <= size)
            whole++;
        at_boundary = fixture->begins[whole] == size;
        fresh_opener(fixture, cipher);
        assert_int_equal(feed(fixture, span_of(fixture->stream, size), &records), 0);
        assert_int_equal(records, whole);
        assert_int_equal(record_opener_at_boundary(&fixture->opener), at_boundary);
    }
}

static void check_other_key(struct fixture *fixture, enum aead_cipher cipher)
{
    size_t records = 0;
    fresh(fixture, cipher, OTHER_KEY);
    assert_int_equal(feed(fixture, span_of(fixture->stream, fixture->begins[COUNT]), &records),
                     STATUS_AUTHENTICATION_FAILED);
    assert_int_equal(records, 0);
}

static int feed_header(struct fixture *fixture, enum aead_cipher cipher, uint32_t size, size_t piece)
{
    const uint8_t header[] = {(uint8_t)(size >> 24), (uint8_t)(size >> 16), (uint8_t)(size >> 8),
                              (uint8_t)size};
    size_t records = 0;
    int status = 0;
    fresh_opener(fixture, cipher);
    for (size_t at = 0; at < sizeof(header) && status == 0; at += piece)
        status = feed(fixture, span_of(header + at, piece), &records);
    return status;
}

static void check_sizes(struct fixture *fixture, enum aead_cipher cipher)
{
    static const uint32_t GOOD[] = {17, 18, 1000, RECORD_PLAIN_MAX + 16};
    static const uint32_t LARGE[] = {RECORD_PLAIN_MAX + 17, 0x7fffffff, 0x80000000, 0xffffffff};
    for (size_t piece = 1; piece <= 4; piece *= 2) {
        for (uint32_t size = 0; size <= 16; size++)
            assert_int_equal(feed_header(fixture, cipher, size, piece), STATUS_MALFORMED);
        for (size_t i = 0; i < sizeof(LARGE) / sizeof(LARGE[0]); i++)
            assert_int_equal(feed_header(fixture, cipher, LARGE[i], piece), STATUS_TOO_LARGE);
        for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++)
            assert_int_equal(feed_header(fixture, cipher, GOOD[i], piece), 0);
    }
}

static void check_large(struct fixture *fixture, enum aead_cipher cipher)
{
    static uint8_t bytes[RECORD_PLAIN_MAX], record[RECORD_SIZE_MAX];
    static const size_t CUTS[] = {0, 1, 3, 4, 5, 100, 65535, 65536, RECORD_SIZE_MAX - 1};
    fresh(fixture, cipher, KEY);
    for (size_t i = 0; i < sizeof(CUTS) / sizeof(CUTS[0]); i++) {
        size_t record_size, size = 0, taken = 0;
        memset(bytes, (int)i, sizeof(bytes));
        assert_int_equal(record_seal(fixture->sealer, bytes, sizeof(bytes), record, &record_size), 0);
        assert_int_equal(record_size, RECORD_SIZE_MAX);
        assert_int_equal(record_open(&fixture->opener, span_of(record, CUTS[i]), plain, &size, &taken), 0);
        assert_true(size == 0 && taken == CUTS[i]);
        assert_true(buffer_size(&fixture->opener.partial) <= RECORD_SIZE_MAX);
        assert_int_equal(
            record_open(&fixture->opener, span_of(record + taken, record_size - taken), plain, &size, &taken),
            0);
        assert_int_equal(size, sizeof(bytes));
        assert_memory_equal(plain, bytes, sizeof(bytes));
        assert_null(fixture->opener.partial.storage); /* silence may follow */
    }
}

/* Seals and opens `count` records of a number each. */
static void exchange_numbers(struct fixture *fixture, uint32_t first, uint32_t count)
{
    for (uint32_t number = first; number < first + count; number++) {
        uint8_t record[sizeof(number) + RECORD_OVERHEAD_SIZE];
        size_t record_size, size, taken;
        uint32_t opened;
        assert_int_equal(
            record_seal(fixture->sealer, (const uint8_t *)&number, sizeof(number), record, &record_size), 0);
        assert_int_equal(record_open(&fixture->opener, span_of(record, record_size), plain, &size, &taken),
                         0);
        assert_int_equal(size, sizeof(number));
        memcpy(&opened, plain, sizeof(opened));
        assert_int_equal(opened, number);
    }
}

static void check_ratchet(struct fixture *fixture, enum aead_cipher cipher)
{
    static uint8_t last_records[3][1 + RECORD_OVERHEAD_SIZE];
    fresh(fixture, cipher, KEY);
    exchange_numbers(fixture, 0, RECORDS_A_KEY - 1);
    for (size_t i = 0; i < 3; i++) { /* the last one of the first key, and two of the second */
        size_t size;
        assert_int_equal(record_seal(fixture->sealer, (const uint8_t *)"x", 1, last_records[i], &size), 0);
    }
    size_t size, taken;
    struct span second = span_of(last_records[1], sizeof(last_records[1]));
    assert_int_equal(record_open(&fixture->opener, second, plain, &size, &taken),
                     STATUS_AUTHENTICATION_FAILED);
    for (size_t i = 0; i < 3; i++) {
        struct span record = span_of(last_records[i], sizeof(last_records[i]));
        assert_int_equal(record_open(&fixture->opener, record, plain, &size, &taken), 0);
        assert_int_equal(record_open(&fixture->opener, record, plain, &size, &taken),
                         STATUS_AUTHENTICATION_FAILED);
    }
    exchange_numbers(fixture, 2 + RECORDS_A_KEY, RECORDS_A_KEY + 2); /* into the third key */
}

/* A record with the same number and text under the first and the second key. */
static void check_keys_differ(struct fixture *fixture, enum aead_cipher cipher)
{
    uint8_t first[1 + RECORD_OVERHEAD_SIZE], record[1 + RECORD_OVERHEAD_SIZE];
    size_t size, taken;
    fresh(fixture, cipher, KEY);
    record_seal(fixture->sealer, (const uint8_t *)"x", 1, first, &size);
    for (size_t i = 0; i < RECORDS_A_KEY; i++)
        record_seal(fixture->sealer, (const uint8_t *)"x", 1, record, &size);
    assert_memory_not_equal(first, record, sizeof(first));
    assert_int_equal(record_open(&fixture->opener, span_of(record, sizeof(record)), plain, &size, &taken),
                     STATUS_AUTHENTICATION_FAILED);
    assert_int_equal(record_open(&fixture->opener, span_of(first, sizeof(first)), plain, &size, &taken), 0);
}

static void check_storage_stays(struct fixture *fixture, enum aead_cipher cipher)
{
    const uint8_t *storage = NULL;
    fresh(fixture, cipher, KEY);
    make_stream(fixture);
    for (size_t i = 0; i + 1 < COUNT; i++) { /* each piece ends one byte into the next record */
        size_t begin = fixture->begins[i] + (i > 0), end = fixture->begins[i + 1] + 1, records = i;
        assert_int_equal(feed(fixture, span_of(fixture->stream + begin, end - begin), &records), 0);
        assert_int_equal(records, i + 1);
        if (storage != NULL)
            assert_ptr_equal(fixture->opener.partial.storage, storage);
        storage = fixture->opener.partial.storage;
    }
    assert_non_null(storage);
}

#define for_each_cipher(name, check)                                                                         \
    static void name(void **state)                                                                           \
    {                                                                                                        \
        each_cipher(check);                                                                                  \
    }

for_each_cipher(a_stream_may_be_cut_anywhere, check_splits)
    for_each_cipher(a_change_of_any_bit_is_noticed, check_flips)
        for_each_cipher(dropped_repeated_and_swapped_records_are_noticed, check_order)
            for_each_cipher(a_cut_stream_is_not_at_a_boundary, check_truncation)
                for_each_cipher(a_record_does_not_open_on_another_connection, check_other_key)
                    for_each_cipher(sizes_out_of_range_are_refused_at_once, check_sizes)
                        for_each_cipher(the_largest_record_passes_and_leaves_no_storage, check_large)
                            for_each_cipher(both_sides_change_the_key_at_the_same_record, check_ratchet)
                                for_each_cipher(keys_differ_after_the_change, check_keys_differ)
                                    for_each_cipher(storage_stays_while_records_come_in_pieces,
                                                    check_storage_stays)

                                        int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_may_be_cut_anywhere),
        cmocka_unit_test(a_change_of_any_bit_is_noticed),
        cmocka_unit_test(dropped_repeated_and_swapped_records_are_noticed),
        cmocka_unit_test(a_cut_stream_is_not_at_a_boundary),
        cmocka_unit_test(a_record_does_not_open_on_another_connection),
        cmocka_unit_test(sizes_out_of_range_are_refused_at_once),
        cmocka_unit_test(the_largest_record_passes_and_leaves_no_storage),
        cmocka_unit_test(both_sides_change_the_key_at_the_same_record),
        cmocka_unit_test(keys_differ_after_the_change),
        cmocka_unit_test(storage_stays_while_records_come_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
