/* SPDX-License-Identifier: MIT */
/* Identities over the API: what a guest's pairing shows, each decision, each mistake, and the events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/status.h"
#include "tests/unit/api/harness.h"

#define WEB_PAIR "/api/v1/vms/web/pair"
#define OFF_PAIR "/api/v1/vms/off/pair"
#define KEY_W    "d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3d3c="
#define KEY_N    "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="

static const char *text_at(const json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

/* The answer's state; other parts are looked at by whoever wants them. */
static void expect_state(struct harness *harness, const char *method, const char *path, const char *body,
                         int status, const char *state)
{
    json_t *json = ask_json(harness, method, path, body, status);
    assert_string_equal(text_at(json, "state"), state);
    json_decref(json);
}

static void the_bridge_tells_its_own_key(void **state)
{
    json_t *json = ask_json(*state, "GET", "/api/v1/identity", NULL, 200);
    assert_string_equal(text_at(json, "key"), FAKE_KEY);
    json_decref(json);
}

static void a_paired_guest_shows_its_key_and_how_it_came(void **state)
{
    json_t *json = ask_json(*state, "GET", WEB_PAIR, NULL, 200);
    assert_string_equal(text_at(json, "state"), "paired");
    assert_string_equal(text_at(json, "key"), KEY_W);
    assert_string_equal(text_at(json, "way"), "firstContact");
    assert_string_equal(text_at(json, "since"), "2026-01-31T12:00:00.123Z");
    assert_true(json_is_null(json_object_get(json, "offeredKey")));
    assert_true(json_is_null(json_object_get(json, "code")));
    assert_true(json_is_false(json_object_get(json, "ephemeral")));
    assert_true(json_is_true(json_object_get(json, "linkIsPrivate")));
    assert_string_equal(text_at(json, "cipher"), "none");
    json_decref(json);
    json = ask_json(*state, "GET", "/api/v1/vms/web", NULL, 200);
    assert_string_equal(text_at(json, "pairing"), "paired");
    assert_string_equal(text_at(json, "cipher"), "none");
    json_decref(json);
    json = ask_json(*state, "GET", "/api/v1/vms/db", NULL, 200);
    assert_string_equal(text_at(json, "pairing"), "none");
    assert_true(json_is_null(json_object_get(json, "cipher")));
    json_decref(json);
}

static void pairing_goes_on_until_the_code_is_answered(void **state)
{
    struct harness *harness = *state;
    struct guest *off = guests_find(&harness->guests, "off");
    off->pairing.has_offered = true;
    memset(off->pairing.offered, 'n', NOISE_KEY_SIZE);
    json_t *json = ask_json(harness, "POST", OFF_PAIR, "{}", 202);
    assert_string_equal(text_at(json, "state"), "comparing");
    assert_string_equal(text_at(json, "code"), FAKE_CODE);
    assert_string_equal(text_at(json, "offeredKey"), KEY_N);
    json_decref(json);
    char message[512];
    ask_problem(harness, "POST", OFF_PAIR, "{\"code\":\"999999\",\"same\":true}", 409, "CONFLICT", message);
    expect_state(harness, "GET", OFF_PAIR, NULL, 200, "comparing");
    json = ask_json(harness, "POST", OFF_PAIR, "{\"code\":\"" FAKE_CODE "\",\"same\":true}", 200);
    assert_string_equal(text_at(json, "state"), "paired");
    assert_string_equal(text_at(json, "key"), KEY_N);
    assert_string_equal(text_at(json, "way"), "code");
    assert_true(json_is_null(json_object_get(json, "code")));
    json_decref(json);
}

static void a_declined_code_pairs_nothing(void **state)
{
    expect_state(*state, "POST", OFF_PAIR, "{}", 202, "comparing");
    expect_state(*state, "POST", OFF_PAIR, "{\"code\":\"" FAKE_CODE "\",\"same\":false}", 200, "none");
    char message[512];
    ask_problem(*state, "POST", OFF_PAIR, "{\"code\":\"" FAKE_CODE "\",\"same\":true}", 409, "CONFLICT",
                message);
}

static void a_changed_key_is_a_conflict_until_it_is_accepted(void **state)
{
    struct harness *harness = *state;
    struct guest *web = guests_find(&harness->guests, "web");
    web->pairing.has_offered = true;
    memset(web->pairing.offered, 'n', NOISE_KEY_SIZE);
    expect_state(harness, "GET", WEB_PAIR, NULL, 200, "keyChanged");
    json_t *json = ask_json(harness, "POST", WEB_PAIR, "{}", 409);
    const json_t *error = json_object_get(json, "error");
    assert_string_equal(text_at(error, "code"), "CONFLICT");
    assert_non_null(strstr(text_at(error, "hint"), "offeredKey"));
    json_decref(json);
    json = ask_json(harness, "POST", WEB_PAIR, "{\"accept\":\"" KEY_N "\"}", 200);
    assert_string_equal(text_at(json, "state"), "paired");
    assert_string_equal(text_at(json, "key"), KEY_N);
    assert_string_equal(text_at(json, "way"), "accepted");
    json_decref(json);
}

static void no_key_of_an_ephemeral_guest_is_accepted(void **state)
{
    struct harness *harness = *state;
    guests_find(&harness->guests, "web")->pairing.ephemeral = true;
    char message[512];
    ask_problem(harness, "POST", WEB_PAIR, "{\"accept\":\"" KEY_N "\"}", 409, "CONFLICT", message);
}

static void an_ephemeral_guest_that_is_connected_is_settled(void **state)
{
    struct harness *harness = *state;
    struct guest *web = guests_find(&harness->guests, "web");
    web->pairing = (struct guest_pairing){.ephemeral = true};
    expect_state(harness, "POST", WEB_PAIR, "{}", 200, "none");
    web->state = GUEST_CONNECTING;
    expect_state(harness, "POST", WEB_PAIR, "{}", 202, "none");
}

static void unpair_forgets_and_pair_begins_anew(void **state)
{
    json_t *json = ask_json(*state, "DELETE", WEB_PAIR, NULL, 200);
    assert_string_equal(text_at(json, "state"), "unpaired");
    assert_true(json_is_null(json_object_get(json, "key")));
    assert_true(json_is_null(json_object_get(json, "way")));
    assert_true(json_is_null(json_object_get(json, "since")));
    json_decref(json);
    expect_state(*state, "POST", WEB_PAIR, "{}", 202, "none");
}

static void decisions_that_make_no_sense_are_refused(void **state)
{
    static const char *const BAD[] = {
        "{\"accept\":\"short\"}",
        "{\"accept\":5}",
        "{\"accept\":\"" KEY_N "\",\"same\":true}",
        "{\"accept\":\"" KEY_N "\",\"code\":\"123456\",\"same\":true}",
        "{\"code\":\"123456\"}",
        "{\"same\":true}",
        "{\"code\":\"12345\",\"same\":true}",
        "{\"code\":\"1234567\",\"same\":true}",
        "{\"code\":\"12345x\",\"same\":true}",
        "{\"code\":123456,\"same\":true}",
        "{\"code\":\"123456\",\"same\":\"yes\"}",
        "{\"yes\":true}",
        "[]",
    };
    char message[512];
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
        ask_problem(*state, "POST", WEB_PAIR, BAD[i], 422, "INVALID", message);
    ask_problem(*state, "POST", WEB_PAIR, "", 400, "MALFORMED", message);
    ask_problem(*state, "POST", "/api/v1/vms/none/pair", "{}", 404, "NOT_FOUND", message);
    expect_state(*state, "GET", WEB_PAIR, NULL, 200, "paired");
}

static void a_new_guest_may_come_with_its_identity(void **state)
{
    struct harness *harness = *state;
    json_decref(ask_json(harness, "POST", "/api/v1/vms",
                         "{\"name\":\"far\",\"link\":\"tcp:10.0.0.2\",\"key\":\"" KEY_N
                         "\",\"pskFile\":\"/etc/psk\",\"encryption\":\"always\"}",
                         201));
    const struct guest *far = guests_find(&harness->guests, "far");
    uint8_t key[NOISE_KEY_SIZE];
    memset(key, 'n', sizeof(key));
    assert_true(far->identity.has_key);
    assert_memory_equal(far->identity.key, key, sizeof(key));
    assert_int_equal(far->identity.sealing, SEALING_ALWAYS);
    assert_string_equal(far->psk_file, "/etc/psk");
    json_decref(ask_json(harness, "POST", "/api/v1/vms",
                         "{\"name\":\"tmp\",\"link\":\"vsock:9\",\"ephemeral\":true}", 201));
    assert_true(guests_find(&harness->guests, "tmp")->identity.ephemeral);
}

static void a_bad_identity_of_a_new_guest_names_the_field(void **state)
{
    static const char *const BAD[][2] = {
        {"\"key\":\"short\"", "key: "},
        {"\"pskFile\":\"relative\"", "pskFile: "},
        {"\"encryption\":\"never\"", "encryption: "}, /* it is a tcp: link */
        {"\"encryption\":\"maybe\"", "encryption: "},
        {"\"ephemeral\":1", "ephemeral: "},
        {"\"ephemeral\":true,\"key\":\"" KEY_N "\"", "ephemeral: "},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        char body[256], message[512];
        snprintf(body, sizeof(body), "{\"name\":\"far\",\"link\":\"tcp:10.0.0.2\",%s}", BAD[i][0]);
        ask_problem(*state, "POST", "/api/v1/vms", body, 422, "INVALID", message);
        assert_memory_equal(message, BAD[i][1], strlen(BAD[i][1]));
    }
}

static void each_change_is_told_once(void **state)
{
    struct harness *harness = *state;
    struct guest *web = guests_find(&harness->guests, "web");
    struct client client;
    client_open(&client, harness, harness->socket_path);
    client_print(&client, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n");
    client_expect(&client, "\r\n\r\n");
    api_pairing_changed(harness->api, web);
    api_pairing_changed(harness->api, web); /* nothing new */
    snprintf(web->pairing.code, sizeof(web->pairing.code), "000042");
    api_pairing_changed(harness->api, web);
    snprintf(web->pairing.code, sizeof(web->pairing.code), "000043");
    api_pairing_changed(harness->api, web);
    guest_unpair(web);
    api_pairing_changed(harness->api, web);
    client_expect(&client, "\"state\":\"unpaired\"");
    const char *text = client_text(&client);
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, "event: vm.pairing\n")) != NULL; at++)
        count++;
    assert_int_equal(count, 4);
    assert_non_null(strstr(text, "\"state\":\"paired\""));
    assert_non_null(strstr(text, "\"state\":\"comparing\",\"code\":\"000042\""));
    assert_non_null(strstr(text, "\"code\":\"000043\""));
    client_close(&client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, harness_setup, harness_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_bridge_tells_its_own_key),
        TEST(a_paired_guest_shows_its_key_and_how_it_came),
        TEST(pairing_goes_on_until_the_code_is_answered),
        TEST(a_declined_code_pairs_nothing),
        TEST(a_changed_key_is_a_conflict_until_it_is_accepted),
        TEST(no_key_of_an_ephemeral_guest_is_accepted),
        TEST(an_ephemeral_guest_that_is_connected_is_settled),
        TEST(unpair_forgets_and_pair_begins_anew),
        TEST(decisions_that_make_no_sense_are_refused),
        TEST(a_new_guest_may_come_with_its_identity),
        TEST(a_bad_identity_of_a_new_guest_names_the_field),
        TEST(each_change_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
