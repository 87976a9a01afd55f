/* SPDX-License-Identifier: MIT */
/* Single fields: missing, twice, of the wrong type, out of range. Works on encoded samples, whose map entries
 * are repacked one by one. */
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/sample_messages.h"

#include <msgpack.h>
#include <string.h>
#include <uv.h>

/* Required keys of each sample's body, and of the maps in its lists. */
static const struct {
    const char *sample;
    const char *keys;
} REQUIRED[] = {
    {"hello_control", " version versionMin role "},
    {"hello_events", " version versionMin role "},
    {"welcome", " version session "},
    {"refuse", " status "},
    {"error", " status "},
    {"channel_open", " session protocol port addresses "},
    {"health", " address "},
    {"ports_snapshot", " protocol address port uid "},
    {"ports_delta", " protocol address port uid "},
    {"auth", " message "},
    {"join", " session connection proof "},
    {"refusals", " count status "},
    {"offers_snapshot", " snapshot more id name roots "}, /* PORTS ends a snapshot, so neither stands alone */
    {"offers_delta", " id name roots "},
    {"files_open_put", " session operation id paths "},
    {"files_open_all", " session operation id paths path "},
    {"manifest", " first type name "}, /* "leave" has no name here */
    {"pack", " entry "},
    {"chunk", " entry size "},
    {"chunk_zero", " entry size "},
    {"chunk_zeroes", " entry size zero "}, /* too large for bytes */
    {"check", " tag "},
    {"check_empty", " tag "},
    {"keep", " entry size "},
    {"file_end", " entry "},
    {"attribute", " entry name value "},
    {"file_failed", " entry status "},
    {"file_again", " entry "},
    {"left_out", " status "},
    {"need", " first count action "},
    {"digests", " entry digests "},
    {"settled", " first count entry status "},
    {"paused", " status "},
    {"files_done", " digest "},
    {"files_done_written", " digest "},
    {"changes", " what path "},
};

static bool is_required(const char *sample, const msgpack_object_str *key)
{
    char word[64] = " ";
    strncat(word, key->ptr, key->size);
    strcat(word, " ");
    for (size_t i = 0; i < sizeof(REQUIRED) / sizeof(REQUIRED[0]); i++) {
        if (strcmp(REQUIRED[i].sample, sample) == 0)
            return strstr(REQUIRED[i].keys, word) != NULL;
    }
    return false;
}

enum field_change { CHANGE_REMOVE, CHANGE_TWICE, CHANGE_TO_NIL, CHANGE_ADD_UNKNOWN };

/* Walks to the `target`-th entry of all maps and packs the tree with that entry changed. */
struct rewrite {
    msgpack_packer packer;
    size_t target, at;
    enum field_change change;
    msgpack_object_str key; /* of the changed entry */
};

static void rewrite_object(struct rewrite *rewrite, const msgpack_object *object);

static void rewrite_map(struct rewrite *rewrite, const msgpack_object_map *map)
{
    size_t first = rewrite->at;
    rewrite->at += map->size;
    size_t target =
        rewrite->target >= first && rewrite->target < first + map->size ? rewrite->target - first : SIZE_MAX;
    size_t size = map->size;
    if (target != SIZE_MAX && rewrite->change == CHANGE_REMOVE)
        size--;
    if (target != SIZE_MAX && (rewrite->change == CHANGE_TWICE || rewrite->change == CHANGE_ADD_UNKNOWN))
        size++;
    msgpack_pack_map(&rewrite->packer, size);
    for (size_t i = 0; i < map->size; i++) {
        const msgpack_object_kv *entry = &map->ptr[i];
        if (i == target) {
            rewrite->key = entry->key.via.str;
            if (rewrite->change == CHANGE_REMOVE)
                continue;
            if (rewrite->change == CHANGE_TWICE) {
                msgpack_pack_object(&rewrite->packer, entry->key);
                msgpack_pack_object(&rewrite->packer, entry->val);
            }
            if (rewrite->change == CHANGE_ADD_UNKNOWN) {
                msgpack_pack_str(&rewrite->packer, 4);
                msgpack_pack_str_body(&rewrite->packer, "hint", 4);
                msgpack_pack_array(&rewrite->packer, 1);
                msgpack_pack_nil(&rewrite->packer);
            }
        }
        msgpack_pack_object(&rewrite->packer, entry->key);
        if (i == target && rewrite->change == CHANGE_TO_NIL)
            msgpack_pack_nil(&rewrite->packer);
        else
            rewrite_object(rewrite, &entry->val);
    }
}

static void rewrite_object(struct rewrite *rewrite, const msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_MAP) {
        rewrite_map(rewrite, &object->via.map);
    } else if (object->type == MSGPACK_OBJECT_ARRAY) {
        msgpack_pack_array(&rewrite->packer, object->via.array.size);
        for (size_t i = 0; i < object->via.array.size; i++)
            rewrite_object(rewrite, &object->via.array.ptr[i]);
    } else {
        msgpack_pack_object(&rewrite->packer, *object);
    }
}

static int decode_status(const msgpack_sbuffer *bytes)
{
    struct message message;
    int status = message_decode(span_of(bytes->data, bytes->size), &message, NULL);
    if (status == 0)
        message_finish(&message);
    return status;
}

static int expected_status(const char *sample, const struct rewrite *rewrite)
{
    switch (rewrite->change) {
    case CHANGE_REMOVE:
        /* without "snapshot", "more" has nothing to say; without a low end, a high end alone is fine */
        if (strcmp(sample, "ports_snapshot") == 0 && rewrite->target == 0)
            return STATUS_MALFORMED;
        if (strcmp(sample, "ports_snapshot") == 0 && rewrite->target == 3)
            return STATUS_MALFORMED;
        return is_required(sample, &rewrite->key) ? STATUS_MALFORMED : 0;
    case CHANGE_TWICE:
    case CHANGE_TO_NIL:
        return STATUS_MALFORMED;
    case CHANGE_ADD_UNKNOWN:
        return 0;
    }
    return 0;
}

static size_t change_all_entries(const char *name, const msgpack_object *root, enum field_change change)
{
    size_t entries = 0;
    for (size_t target = 0;; target++) {
        msgpack_sbuffer out;
        msgpack_sbuffer_init(&out);
        struct rewrite rewrite = {.target = target, .change = change};
        msgpack_packer_init(&rewrite.packer, &out, msgpack_sbuffer_write);
        rewrite_object(&rewrite, root);
        entries = rewrite.at;
        if (rewrite.key.ptr != NULL) {
            int status = decode_status(&out);
            if (status != expected_status(name, &rewrite))
                fail_msg("%s: change %d of %.*s gave %d", name, change, (int)rewrite.key.size,
                         rewrite.key.ptr, status);
        }
        msgpack_sbuffer_destroy(&out);
        if (rewrite.key.ptr == NULL)
            return entries;
    }
}

static void change_all_samples(enum field_change change)
{
    struct message message;
    const char *name;
    size_t entries = 0;
    for (size_t i = 0; sample_message(i, &message, &name); i++) {
        struct buffer bytes;
        buffer_init(&bytes, FRAME_MESSAGE_MAX);
        assert_int_equal(message_encode(&message, &bytes), 0);
        message_finish(&message);
        msgpack_unpacked unpacked;
        msgpack_unpacked_init(&unpacked);
        struct span span = buffer_span(&bytes);
        assert_int_equal(msgpack_unpack_next(&unpacked, (const char *)span.data, span.size, NULL),
                         MSGPACK_UNPACK_SUCCESS);
        entries += change_all_entries(name, &unpacked.data, change);
        msgpack_unpacked_destroy(&unpacked);
        buffer_finish(&bytes);
    }
    assert_true(entries > 200);
}

static void a_missing_key_is_refused_when_required_and_else_a_default(void **state)
{
    change_all_samples(CHANGE_REMOVE);
}

static void a_duplicated_key_is_refused(void **state)
{
    change_all_samples(CHANGE_TWICE);
}

static void a_value_of_the_wrong_type_is_refused(void **state)
{
    change_all_samples(CHANGE_TO_NIL);
}

static void unknown_keys_are_skipped_everywhere(void **state)
{
    change_all_samples(CHANGE_ADD_UNKNOWN);
}

/* Encodes CHANNEL_OPEN by hand with the given port, protocol and address. */
static int decode_open(int64_t port, int64_t protocol, size_t address_size, size_t address_count)
{
    static const char ZEROES[64];
    msgpack_sbuffer out;
    msgpack_sbuffer_init(&out);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
    msgpack_pack_array(&packer, 3);
    msgpack_pack_int(&packer, MESSAGE_CHANNEL_OPEN);
    msgpack_pack_int(&packer, 0);
    msgpack_pack_map(&packer, 4);
    msgpack_pack_str(&packer, 7);
    msgpack_pack_str_body(&packer, "session", 7);
    msgpack_pack_bin(&packer, 16);
    msgpack_pack_bin_body(&packer, ZEROES, 16);
    msgpack_pack_str(&packer, 8);
    msgpack_pack_str_body(&packer, "protocol", 8);
    msgpack_pack_int64(&packer, protocol);
    msgpack_pack_str(&packer, 4);
    msgpack_pack_str_body(&packer, "port", 4);
    msgpack_pack_int64(&packer, port);
    msgpack_pack_str(&packer, 9);
    msgpack_pack_str_body(&packer, "addresses", 9);
    msgpack_pack_array(&packer, address_count);
    for (size_t i = 0; i < address_count; i++) {
        msgpack_pack_bin(&packer, address_size);
        msgpack_pack_bin_body(&packer, ZEROES, address_size);
    }
    int status = decode_status(&out);
    msgpack_sbuffer_destroy(&out);
    return status;
}

static void ports_outside_1_to_65535_are_refused(void **state)
{
    assert_int_equal(decode_open(1, PORT_TCP, 4, 1), 0);
    assert_int_equal(decode_open(65535, PORT_TCP, 4, 1), 0);
    assert_int_equal(decode_open(0, PORT_TCP, 4, 1), STATUS_MALFORMED);
    assert_int_equal(decode_open(-1, PORT_TCP, 4, 1), STATUS_MALFORMED);
    assert_int_equal(decode_open(65536, PORT_TCP, 4, 1), STATUS_MALFORMED);
    assert_int_equal(decode_open(70000, PORT_TCP, 4, 1), STATUS_MALFORMED);
    assert_int_equal(decode_open(INT64_MAX, PORT_TCP, 4, 1), STATUS_MALFORMED);
    assert_int_equal(decode_open(INT64_MIN, PORT_TCP, 4, 1), STATUS_MALFORMED);
}

static void unknown_protocols_and_families_are_refused(void **state)
{
    assert_int_equal(decode_open(80, PORT_UDP, 16, 1), 0);
    assert_int_equal(decode_open(80, 0, 4, 1), STATUS_MALFORMED);
    assert_int_equal(decode_open(80, 3, 4, 1), STATUS_MALFORMED);
    assert_int_equal(decode_open(80, 257, 4, 1), STATUS_MALFORMED);
    for (size_t size = 0; size < 64; size++)
        assert_int_equal(decode_open(80, PORT_TCP, size, 1), size == 4 || size == 16 ? 0 : STATUS_MALFORMED);
}

static void address_counts_are_limited(void **state)
{
    assert_int_equal(decode_open(80, PORT_TCP, 4, 0), STATUS_MALFORMED);
    assert_int_equal(decode_open(80, PORT_TCP, 4, DIAL_ADDRESSES_MAX), 0);
    assert_int_equal(decode_open(80, PORT_TCP, 4, DIAL_ADDRESSES_MAX + 1), STATUS_TOO_LARGE);
    assert_int_equal(decode_open(80, PORT_TCP, 4, 260), STATUS_TOO_LARGE);
}

/* [REFUSE, 0, {"status": -10003, "text": text}] */
static int decode_refuse_text(const char *text, size_t size)
{
    msgpack_sbuffer out;
    msgpack_sbuffer_init(&out);
    msgpack_packer packer;
    msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
    msgpack_sbuffer_write(&out, "\x93\3\0\x82\xa6status\xd1\xd8\xed\xa4text", 4 + 7 + 3 + 5);
    msgpack_pack_str(&packer, size);
    msgpack_pack_str_body(&packer, text, size);
    int status = decode_status(&out);
    msgpack_sbuffer_destroy(&out);
    return status;
}

static void text_must_be_utf8_without_nul_and_within_its_limit(void **state)
{
    char text[TEXT_REASON_MAX + 1];
    memset(text, 'x', sizeof(text));
    assert_int_equal(decode_refuse_text(text, TEXT_REASON_MAX), 0);
    assert_int_equal(decode_refuse_text(text, TEXT_REASON_MAX + 1), STATUS_TOO_LARGE);
    assert_int_equal(decode_refuse_text("", 0), 0);
    assert_int_equal(decode_refuse_text("a\0b", 3), STATUS_MALFORMED);
    assert_int_equal(decode_refuse_text("\xc0\xaf", 2), STATUS_MALFORMED);
    assert_int_equal(decode_refuse_text("\xed\xa0\x80", 3), STATUS_MALFORMED);
    assert_int_equal(decode_refuse_text("\xe2\x82", 2), STATUS_MALFORMED);
}

#define DECODE(bytes) message_decode(span_of(bytes, sizeof(bytes) - 1), &message, NULL)

static void failure_status_must_be_an_error(void **state)
{
    struct message message;
    assert_int_equal(DECODE("\x93\6\1\x81\xa6status\0"), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\6\1\x81\xa6status\5"), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\6\1\x81\xa6status\xd3\xff\xff\xff\xff\0\0\0\0"), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\6\1\x81\xa6status\xff"), 0);
    assert_int_equal(message.body.failure.status, UV_EIO);
    assert_int_equal(DECODE("\x93\6\1\x81\xa6status\xd1\xd5\x06"), 0);
    assert_int_equal(message.body.failure.status, UV_ECONNREFUSED);
}

static void rules_between_fields_are_checked(void **state)
{
    struct message message;
    /* version 1, versionMin 2 */
    assert_int_equal(DECODE("\x93\1\0\x83\xa7version\1\xaaversionMin\2\xa4role\1"), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\1\0\x83\xa7version\0\xaaversionMin\0\xa4role\1"), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\1\0\x83\xa7version\1\xaaversionMin\1\xa4role\3"), STATUS_MALFORMED);
    /* a delta can't have more parts, a snapshot can't close */
    assert_int_equal(DECODE("\x93\x30\1\x81\xa4more\xc3"), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\x30\1\x82\xa8snapshot\xc3\xa6"
                            "closed\x91\x83\xa8protocol\1\xa7"
                            "address\xc4\4\0\0\0\0\xa4port\1"),
                     STATUS_MALFORMED);
    /* a port range upside down */
    assert_int_equal(DECODE("\x93\x30\1\x82\xac"
                            "ephemeralLow\2\xad"
                            "ephemeralHigh\1"),
                     STATUS_MALFORMED);
}

static void lists_of_a_ports_message_are_limited(void **state)
{
    for (size_t count = PORTS_A_MESSAGE_MAX; count <= PORTS_A_MESSAGE_MAX + 1; count++) {
        msgpack_sbuffer out;
        msgpack_sbuffer_init(&out);
        msgpack_packer packer;
        msgpack_packer_init(&packer, &out, msgpack_sbuffer_write);
        msgpack_sbuffer_write(&out,
                              "\x93\x30\1\x81\xa6"
                              "closed",
                              4 + 7);
        msgpack_pack_array(&packer, count);
        for (size_t i = 0; i < count; i++)
            msgpack_sbuffer_write(&out,
                                  "\x83\xa8protocol\1\xa7"
                                  "address\xc4\4\0\0\0\0\xa4port\1",
                                  1 + 10 + 8 + 6 + 6);
        assert_int_equal(decode_status(&out), count <= PORTS_A_MESSAGE_MAX ? 0 : STATUS_TOO_LARGE);
        msgpack_sbuffer_destroy(&out);
    }
}

static void loads_must_be_three_finite_numbers(void **state)
{
    struct message message;
#define LOADS(values) "\x93\x11\1\x81\xa4load" values
#define HALF          "\xca\x3f\0\0\0"
    assert_int_equal(DECODE(LOADS("\x93" HALF HALF "\1")), 0);
    assert_true(message.body.health->load[0] == 0.5 && message.body.health->load[2] == 1);
    message_finish(&message);
    assert_int_equal(DECODE(LOADS("\x92" HALF HALF)), STATUS_MALFORMED);
    assert_int_equal(DECODE(LOADS("\x94" HALF HALF HALF HALF)), STATUS_TOO_LARGE);
    assert_int_equal(DECODE(LOADS("\x93" HALF HALF "\xca\xbf\0\0\0")), STATUS_MALFORMED);   /* -0.5 */
    assert_int_equal(DECODE(LOADS("\x93" HALF HALF "\xca\x7f\x80\0\0")), STATUS_MALFORMED); /* infinite */
    assert_int_equal(DECODE(LOADS("\x93" HALF HALF "\xca\x7f\xc0\0\0")), STATUS_MALFORMED); /* no number */
    assert_int_equal(DECODE(LOADS("\x93" HALF HALF "\xff")), STATUS_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_key_is_refused_when_required_and_else_a_default),
        cmocka_unit_test(a_duplicated_key_is_refused),
        cmocka_unit_test(a_value_of_the_wrong_type_is_refused),
        cmocka_unit_test(unknown_keys_are_skipped_everywhere),
        cmocka_unit_test(ports_outside_1_to_65535_are_refused),
        cmocka_unit_test(unknown_protocols_and_families_are_refused),
        cmocka_unit_test(address_counts_are_limited),
        cmocka_unit_test(text_must_be_utf8_without_nul_and_within_its_limit),
        cmocka_unit_test(failure_status_must_be_an_error),
        cmocka_unit_test(rules_between_fields_are_checked),
        cmocka_unit_test(lists_of_a_ports_message_are_limited),
        cmocka_unit_test(loads_must_be_three_finite_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
