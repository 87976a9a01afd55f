/* SPDX-License-Identifier: MIT */
/* What a line looks like, and that nothing in it grows without bound. */
#include "tests/unit/audit/audit_fixture.h"

static json_t *format(const struct audit_entry *entry)
{
    struct audit_hash none = audit_hash_none();
    char *line = audit_entry_format(entry, FIXTURE_NOW_MS, 7, &none);
    assert_non_null(line);
    assert_true(strlen(line) <= AUDIT_LINE_MAX);
    for (const char *c = line; *c != '\0'; c++)
        assert_true(*c >= ' ' && *c <= '~');
    json_t *json = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(json);
    free(line);
    return json;
}

static const char *text_at(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void line_has_every_field_in_order(void **state)
{
    json_t *parameters = json_pack("{s:i, s:s, s:b}", "guestPort", 80, "protocol", "udp", "fallback", 0);
    const struct audit_client client = {.pid = 12, .uid = 1000, .executable = "/usr/bin/curl"};
    struct audit_hash none = audit_hash_none();
    char *line = audit_entry_format(&(struct audit_entry){.guest = "web",
                                                          .request_class = "ports",
                                                          .action = "POST /vms/{vm}/forwards",
                                                          .parameters = parameters,
                                                          .result = AUDIT_REFUSED,
                                                          .status = "NOT_ALLOWED",
                                                          .duration_ms = 3,
                                                          .client = &client},
                                    FIXTURE_NOW_MS, 7, &none);
    assert_string_equal(
        line, "{\"time\":\"2026-01-31T12:00:00.123Z\",\"seq\":7,\"guest\":\"web\",\"class\":\"ports\","
              "\"action\":\"POST /vms/{vm}/forwards\",\"parameters\":{\"guestPort\":80,\"protocol\":\"udp\","
              "\"fallback\":false},\"result\":\"refused\",\"status\":\"NOT_ALLOWED\",\"durationMs\":3,"
              "\"client\":{\"pid\":12,\"uid\":1000,\"executable\":\"/usr/bin/curl\"},"
              "\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\"}");
    free(line);
    json_decref(parameters);
}

static void what_is_not_there_is_null(void **state)
{
    json_t *json = format(&(struct audit_entry){.action = "audit.gap", .guest = "", .result = AUDIT_FAILED});
    static const char *const NULLS[] = {"guest", "class", "status", "client"};
    for (size_t i = 0; i < 4; i++)
        assert_true(json_is_null(json_object_get(json, NULLS[i])));
    assert_int_equal(json_object_size(json_object_get(json, "parameters")), 0);
    assert_string_equal(text_at(json, "result"), "failed");
    json_decref(json);
}

static void long_text_is_cut_and_marked(void **state)
{
    char text[AUDIT_TEXT_MAX + 2];
    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    json_t *json = format(&(struct audit_entry){.action = text, .result = AUDIT_DONE});
    assert_int_equal(strlen(text_at(json, "action")), AUDIT_TEXT_MAX + strlen("…"));
    assert_string_equal(text_at(json, "action") + AUDIT_TEXT_MAX, "…");
    json_decref(json);
    text[AUDIT_TEXT_MAX] = '\0';
    json = format(&(struct audit_entry){.action = text, .result = AUDIT_DONE});
    assert_string_equal(text_at(json, "action"), text);
    json_decref(json);
}

static void cut_does_not_split_a_character(void **state)
{
    for (size_t before = AUDIT_TEXT_MAX - 4; before <= AUDIT_TEXT_MAX; before++) {
        char text[AUDIT_TEXT_MAX + 16];
        memset(text, 'a', before);
        snprintf(text + before, 16, "🙂🙂");
        json_t *json = format(&(struct audit_entry){.action = text, .result = AUDIT_DONE});
        const char *shown = text_at(json, "action");
        assert_non_null(strstr(shown, "…"));
        assert_null(strchr(shown, '?'));
        json_decref(json);
    }
}

static void bytes_that_are_no_utf8_are_replaced(void **state)
{
    json_t *json = format(&(struct audit_entry){.action = "a\xff\x1b[31m", .result = AUDIT_DONE});
    assert_string_equal(text_at(json, "action"), "a?\x1b[31m");
    json_decref(json);
}

static void parameters_are_scalars_and_few(void **state)
{
    json_t *parameters = json_pack("{s:[i], s:{}, s:n}", "list", 1, "object", "nothing");
    char long_text[4096], name[16];
    memset(long_text, 1, sizeof(long_text) - 1); /* six characters each in JSON */
    long_text[sizeof(long_text) - 1] = '\0';
    for (int i = 0; i < 2 * AUDIT_PARAMETERS_MAX; i++) {
        snprintf(name, sizeof(name), "p%d", i);
        json_object_set_new(parameters, name, json_string(long_text));
    }
    json_t *json =
        format(&(struct audit_entry){.action = "x", .parameters = parameters, .result = AUDIT_DONE});
    const json_t *shown = json_object_get(json, "parameters");
    assert_int_equal(json_object_size(shown), AUDIT_PARAMETERS_MAX);
    assert_null(json_object_get(shown, "list"));
    assert_null(json_object_get(shown, "object"));
    assert_true(json_is_null(json_object_get(shown, "nothing")));
    json_decref(json);
    json_decref(parameters);
}

static void longest_line_stays_below_the_limit(void **state)
{
    char text[1024], key[AUDIT_NAME_MAX + 1];
    memset(text, 1, sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    json_t *parameters = json_object();
    for (int i = 0; i < AUDIT_PARAMETERS_MAX; i++) {
        memset(key, 2, AUDIT_NAME_MAX);
        key[AUDIT_NAME_MAX] = '\0';
        key[0] = (char)('a' + i);
        json_object_set_new(parameters, key, json_string(text));
    }
    const struct audit_client client = {.pid = INT32_MAX, .uid = UINT32_MAX, .executable = text};
    json_decref(
        format(&(struct audit_entry){text, text, text, parameters, AUDIT_DONE, text, UINT32_MAX, &client}));
    json_decref(parameters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_has_every_field_in_order),
        cmocka_unit_test(what_is_not_there_is_null),
        cmocka_unit_test(long_text_is_cut_and_marked),
        cmocka_unit_test(cut_does_not_split_a_character),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced),
        cmocka_unit_test(parameters_are_scalars_and_few),
        cmocka_unit_test(longest_line_stays_below_the_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
