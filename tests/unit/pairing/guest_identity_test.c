/* SPDX-License-Identifier: MIT */
/* The keys of a guest's identity: read, checked against the link, written back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/guest_identity.h"
#include "protocol/base/status.h"

#define KEY "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="

static json_t *json(const char *text)
{
    json_t *value = json_loads(text, 0, NULL);
    assert_non_null(value);
    return value;
}

static void nothing_said_is_the_default_and_is_not_written(void **state)
{
    struct guest_identity_options options = {.ephemeral = true};
    const char *field;
    char problem[TEXT_REASON_MAX + 1];
    json_t *object = json("{\"name\":\"web\",\"link\":5}");
    assert_int_equal(guest_identity_load(&options, object, &field, problem), 0);
    assert_false(options.has_key || options.ephemeral);
    assert_null(options.psk_file);
    assert_int_equal(options.sealing, SEALING_AUTO);
    assert_null(guest_identity_save(&options));
    json_decref(object);
}

static void what_is_written_is_what_was_read(void **state)
{
    static const char *const TEXTS[] = {
        "{\"key\":\"" KEY "\",\"pskFile\":\"/etc/psk\",\"encryption\":\"always\"}",
        "{\"ephemeral\":true,\"encryption\":\"never\"}",
        "{\"pskFile\":\"/etc/psk\"}",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        struct guest_identity_options options;
        const char *field;
        char problem[TEXT_REASON_MAX + 1];
        json_t *object = json(TEXTS[i]);
        assert_int_equal(guest_identity_load(&options, object, &field, problem), 0);
        json_t *saved = guest_identity_save(&options);
        assert_true(json_equal(saved, object));
        json_decref(saved);
        json_decref(object);
    }
}

static void bad_values_name_their_field(void **state)
{
    static const char *const BAD[][2] = {
        {"{\"key\":\"short\"}", "key"},
        {"{\"key\":7}", "key"},
        {"{\"key\":null}", "key"},
        {"{\"pskFile\":\"relative\"}", "pskFile"},
        {"{\"pskFile\":\"\"}", "pskFile"},
        {"{\"pskFile\":[]}", "pskFile"},
        {"{\"encryption\":\"sometimes\"}", "encryption"},
        {"{\"encryption\":true}", "encryption"},
        {"{\"ephemeral\":\"yes\"}", "ephemeral"},
        {"{\"ephemeral\":1}", "ephemeral"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct guest_identity_options options = {.psk_file = "/kept"};
        const char *field = "";
        char problem[TEXT_REASON_MAX + 1] = "";
        json_t *object = json(BAD[i][0]);
        assert_int_equal(guest_identity_load(&options, object, &field, problem), STATUS_INVALID);
        assert_string_equal(field, BAD[i][1]);
        assert_string_not_equal(problem, "");
        assert_string_equal(options.psk_file, "/kept");
        json_decref(object);
    }
}

static void links_that_can_be_overheard_are_never_plain(void **state)
{
    static const struct {
        const char *link;
        int never;
    } CASES[] = {
        {"tcp:10.0.0.2", STATUS_INVALID},
        {"tcp:10.0.0.2:5002", STATUS_INVALID},
        {"exec:ssh dev x", STATUS_INVALID},
        {"vsock:3", 0},
        {"unix:/run/a.sock", 0},
        {"hybrid:/run/a.sock", 0},
        {"serial:/run/a.sock", 0},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct guest_identity_options options = {.sealing = SEALING_NEVER};
        const char *field = "";
        char problem[TEXT_REASON_MAX + 1];
        assert_int_equal(guest_identity_check(&options, CASES[i].link, &field, problem), CASES[i].never);
        assert_string_equal(field, CASES[i].never == 0 ? "" : "encryption");
        options.sealing = SEALING_ALWAYS;
        assert_int_equal(guest_identity_check(&options, CASES[i].link, &field, problem), 0);
    }
}

static void a_key_and_ephemeral_exclude_each_other(void **state)
{
    struct guest_identity_options options = {.has_key = true, .ephemeral = true};
    const char *field = "";
    char problem[TEXT_REASON_MAX + 1];
    assert_int_equal(guest_identity_check(&options, "vsock:3", &field, problem), STATUS_INVALID);
    assert_string_equal(field, "ephemeral");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_the_default_and_is_not_written),
        cmocka_unit_test(what_is_written_is_what_was_read),
        cmocka_unit_test(bad_values_name_their_field),
        cmocka_unit_test(links_that_can_be_overheard_are_never_plain),
        cmocka_unit_test(a_key_and_ephemeral_exclude_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
