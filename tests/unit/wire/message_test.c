/* SPDX-License-Identifier: MIT */
/* Messages whole: round trips, envelopes, limits. Single fields are in message_fields_test.c, the bodies of
 * the messages of files in files_messages_test.c. */
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/wire/sample_messages.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

static void encode_sample(size_t index, struct buffer *out)
{
    struct message message;
    const char *name;
    assert_true(sample_message(index, &message, &name));
    buffer_init(out, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(&message, out), 0);
    message_finish(&message);
}

static size_t sample_count(void)
{
    struct message message;
    const char *name;
    size_t count = 0;
    while (sample_message(count, &message, &name)) {
        message_finish(&message);
        count++;
    }
    return count;
}

#define SAME_NUMBER(field)  assert_true(a->field == b->field)
#define SAME_TEXT(field)    assert_string_equal(a->field, b->field)
#define SAME_SESSION(field) assert_memory_equal(&a->field, &b->field, SESSION_ID_SIZE)

static void check_same_capabilities(const struct capability_list *a, const struct capability_list *b)
{
    SAME_NUMBER(count);
    for (size_t i = 0; i < a->count; i++)
        SAME_TEXT(names[i]);
}

static void check_same_hello(const struct hello_message *a, const struct hello_message *b)
{
    SAME_NUMBER(version);
    SAME_NUMBER(version_min);
    SAME_NUMBER(role);
    SAME_TEXT(software);
    SAME_TEXT(link);
    check_same_capabilities(&a->capabilities, &b->capabilities);
    SAME_SESSION(session);
    SAME_NUMBER(cursor.epoch);
    SAME_NUMBER(cursor.sequence);
}

static void check_same_welcome(const struct welcome_message *a, const struct welcome_message *b)
{
    SAME_NUMBER(version);
    SAME_TEXT(software);
    SAME_TEXT(os);
    SAME_TEXT(arch);
    SAME_TEXT(hostname);
    SAME_TEXT(machine_id);
    SAME_TEXT(boot_id);
    check_same_capabilities(&a->capabilities, &b->capabilities);
    SAME_SESSION(session);
    SAME_NUMBER(cursor.epoch);
    SAME_NUMBER(cursor.sequence);
    SAME_NUMBER(resumed);
}

static void check_same_health(const struct health_message *a, const struct health_message *b)
{
    SAME_NUMBER(uptime_ms);
    SAME_NUMBER(agent_uptime_ms);
    SAME_NUMBER(realtime_ms);
    for (size_t i = 0; i < 3; i++)
        SAME_NUMBER(load[i]);
    SAME_NUMBER(memory_total);
    SAME_NUMBER(memory_available);
    SAME_NUMBER(disk_count);
    SAME_NUMBER(address_count);
    SAME_NUMBER(user_count);
    for (size_t i = 0; i < a->disk_count; i++) {
        SAME_TEXT(disks[i].mount);
        SAME_TEXT(disks[i].type);
        SAME_NUMBER(disks[i].total);
        SAME_NUMBER(disks[i].available);
    }
    for (size_t i = 0; i < a->address_count; i++) {
        SAME_TEXT(addresses[i].interface);
        assert_true(ip_address_equals(&a->addresses[i].address, &b->addresses[i].address));
    }
    for (size_t i = 0; i < a->user_count; i++) {
        SAME_TEXT(users[i].name);
        SAME_TEXT(users[i].seat);
        SAME_NUMBER(users[i].since_ms);
    }
}

static void check_same_open(const struct channel_open_message *a, const struct channel_open_message *b)
{
    SAME_SESSION(session);
    SAME_NUMBER(target.protocol);
    SAME_NUMBER(target.port);
    SAME_NUMBER(target.address_count);
    for (size_t i = 0; i < a->target.address_count; i++)
        assert_true(ip_address_equals(&a->target.addresses[i], &b->target.addresses[i]));
}

static void check_same_ports(const struct ports_message *a, const struct ports_message *b)
{
    SAME_NUMBER(sequence);
    SAME_NUMBER(snapshot);
    SAME_NUMBER(more);
    SAME_NUMBER(ephemeral_low);
    SAME_NUMBER(ephemeral_high);
    SAME_NUMBER(opened_count);
    SAME_NUMBER(closed_count);
    for (size_t i = 0; i < a->opened_count; i++) {
        assert_true(port_key_equals(&a->opened[i].key, &b->opened[i].key));
        SAME_NUMBER(opened[i].v6only);
        SAME_NUMBER(opened[i].uid);
        SAME_NUMBER(opened[i].pid);
        SAME_TEXT(opened[i].name);
        SAME_TEXT(opened[i].command);
        SAME_TEXT(opened[i].unit);
        SAME_TEXT(opened[i].container);
        SAME_NUMBER(opened[i].age_ms);
    }
    for (size_t i = 0; i < a->closed_count; i++)
        assert_true(port_key_equals(&a->closed[i], &b->closed[i]));
}

static void check_same_body(const struct message *a, const struct message *b)
{
    if (a->kind == MESSAGE_HELLO)
        check_same_hello(&a->body.hello, &b->body.hello);
    else if (a->kind == MESSAGE_WELCOME)
        check_same_welcome(&a->body.welcome, &b->body.welcome);
    else if (a->kind == MESSAGE_HEALTH)
        check_same_health(a->body.health, b->body.health);
    else if (a->kind == MESSAGE_CHANNEL_OPEN)
        check_same_open(&a->body.channel_open, &b->body.channel_open);
    else if (a->kind == MESSAGE_PORTS)
        check_same_ports(&a->body.ports, &b->body.ports);
    else if (a->kind == MESSAGE_REFUSE || a->kind == MESSAGE_ERROR) {
        SAME_NUMBER(body.failure.status);
        SAME_TEXT(body.failure.text);
    }
}

static void every_kind_round_trips(void **state)
{
    struct message message;
    const char *name;
    bool kinds[256] = {false};
    for (size_t i = 0; sample_message(i, &message, &name); i++) {
        struct buffer bytes;
        encode_sample(i, &bytes);
        struct message decoded;
        struct message_head head;
        assert_int_equal(message_decode(buffer_span(&bytes), &decoded, &head), 0);
        assert_int_equal(decoded.kind, message.kind);
        assert_true(decoded.id == message.id);
        assert_int_equal(head.kind, message.kind);
        assert_true(head.id == message.id);
        check_same_body(&message, &decoded);
        kinds[message.kind] = true;
        message_finish(&decoded);
        message_finish(&message);
        buffer_finish(&bytes);
    }
    for (uint64_t kind = 0; kind < 256; kind++)
        assert_int_equal(kinds[kind], strcmp(message_kind_name(kind), "?") != 0);
    assert_string_equal(message_kind_name(UINT64_MAX), "?");
}

static void the_largest_ports_message_fits_everywhere(void **state)
{
    struct message message;
    sample_largest_ports(&message);
    struct buffer bytes;
    buffer_init(&bytes, MUX_MESSAGE_MAX);
    assert_int_equal(message_encode(&message, &bytes), 0);
    struct message decoded;
    assert_int_equal(message_decode(buffer_span(&bytes), &decoded, NULL), 0);
    check_same_body(&message, &decoded);
    message_finish(&decoded);
    message_finish(&message);
    buffer_finish(&bytes);
}

static void truncation_at_every_byte_is_refused(void **state)
{
    for (size_t i = 0; i < sample_count(); i++) {
        struct buffer bytes;
        encode_sample(i, &bytes);
        struct span all = buffer_span(&bytes);
        struct message message;
        for (size_t cut = 0; cut < all.size; cut++)
            assert_int_equal(message_decode(span_of(all.data, cut), &message, NULL), STATUS_MALFORMED);
        assert_int_equal(buffer_append(&bytes, "\0", 1), 0);
        assert_int_equal(message_decode(buffer_span(&bytes), &message, NULL), STATUS_MALFORMED);
        buffer_finish(&bytes);
    }
}

/* Whatever is accepted must encode again: then every assertion of the encoder held. */
static void any_changed_byte_is_refused_or_still_a_message(void **state)
{
    for (size_t i = 0; i < sample_count(); i++) {
        struct buffer bytes, again;
        encode_sample(i, &bytes);
        buffer_init(&again, FRAME_MESSAGE_MAX);
        for (size_t at = 0; at < buffer_size(&bytes); at++) {
            uint8_t *byte = bytes.storage + bytes.start + at;
            uint8_t original = *byte;
            for (unsigned value = 0; value < 256; value++) {
                *byte = (uint8_t)value;
                struct message message;
                int status = message_decode(buffer_span(&bytes), &message, NULL);
                if (status == 0) {
                    assert_int_equal(message_encode(&message, &again), 0);
                    buffer_finish(&again);
                    message_finish(&message);
                } else {
                    assert_true(status == STATUS_MALFORMED || status == STATUS_TOO_LARGE ||
                                status == STATUS_NOT_SUPPORTED);
                }
            }
            *byte = original;
        }
        buffer_finish(&bytes);
    }
}

#define DECODE(bytes, head) message_decode(span_of(bytes, sizeof(bytes) - 1), &message, head)

static void an_unknown_kind_is_named_in_the_head(void **state)
{
    struct message message;
    struct message_head head = {0, 0};
    assert_int_equal(DECODE("\x93\xcd\x03\xe7\xcd\x01\x02\x81\xa1x\x90", &head), STATUS_NOT_SUPPORTED);
    assert_int_equal(head.kind, 999);
    assert_int_equal(head.id, 258);
    assert_string_equal(message_kind_name(head.kind), "?");
    assert_int_equal(DECODE("\x93\0\0\xc0", &head), STATUS_NOT_SUPPORTED);
}

static void an_envelope_of_another_shape_is_refused(void **state)
{
    struct message message;
    struct message_head head = {77, 78};
    assert_int_equal(DECODE("", &head), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x80", &head), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x92\4\1", &head), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x94\4\1\x80\x80", &head), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\xff\1\x80", &head), STATUS_MALFORMED); /* kind -1 */
    assert_int_equal(DECODE("\x93\4\xff\x80", &head), STATUS_MALFORMED); /* id -1 */
    assert_int_equal(DECODE("\x93\xa1\4\1\x80", &head), STATUS_MALFORMED);
    assert_int_equal(head.kind, 77);
    assert_int_equal(DECODE("\x93\4\1\x90", &head), STATUS_MALFORMED); /* the body is no map */
    assert_int_equal(DECODE("\x93\4\1\xc0", &head), STATUS_MALFORMED);
    assert_int_equal(DECODE("\x93\4\1\x81\1\2", &head), STATUS_MALFORMED); /* a key that is no text */
    assert_int_equal(DECODE("\x93\4\1\x81\xa1x\2", &head), 0);
}

static void a_payload_above_the_limit_is_refused_unread(void **state)
{
    uint8_t *bytes = calloc(1, FRAME_MESSAGE_MAX + 1);
    assert_non_null(bytes);
    struct message message;
    assert_int_equal(message_decode(span_of(bytes, FRAME_MESSAGE_MAX + 1), &message, NULL), STATUS_TOO_LARGE);
    free(bytes);
}

static void encode_above_the_buffers_limit_leaves_it_as_it_was(void **state)
{
    struct message message;
    sample_largest_ports(&message);
    struct buffer bytes;
    buffer_init(&bytes, 1000);
    assert_int_equal(buffer_append(&bytes, "before", 6), 0);
    assert_int_equal(message_encode(&message, &bytes), UV_ENOBUFS);
    assert_true(span_equals(buffer_span(&bytes), span_of_text("before")));
    buffer_finish(&bytes);
    message_finish(&message);
}

static void capabilities_are_found_by_name_and_bounded(void **state)
{
    static struct capability_list list;
    assert_false(capability_list_has(&list, "ports"));
    assert_true(capability_list_add(&list, "ports"));
    assert_true(capability_list_has(&list, "ports"));
    assert_false(capability_list_has(&list, "port"));
    for (size_t i = 1; i < CAPABILITIES_MAX; i++)
        assert_true(capability_list_add(&list, "other"));
    assert_false(capability_list_add(&list, "one too many"));
    assert_int_equal(list.count, CAPABILITIES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_round_trips),
        cmocka_unit_test(the_largest_ports_message_fits_everywhere),
        cmocka_unit_test(truncation_at_every_byte_is_refused),
        cmocka_unit_test(any_changed_byte_is_refused_or_still_a_message),
        cmocka_unit_test(an_unknown_kind_is_named_in_the_head),
        cmocka_unit_test(an_envelope_of_another_shape_is_refused),
        cmocka_unit_test(a_payload_above_the_limit_is_refused_unread),
        cmocka_unit_test(encode_above_the_buffers_limit_leaves_it_as_it_was),
        cmocka_unit_test(capabilities_are_found_by_name_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
