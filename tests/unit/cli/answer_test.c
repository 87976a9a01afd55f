/* SPDX-License-Identifier: MIT */
/* From the API's JSON to what is printed, with fields missing or of the wrong type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/event_line.h"
#include "host-bridge/cli/guest_words.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/port_table.h"

static json_t *json(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    assert_non_null(value);
    return value;
}

static void absent_fields_are_the_fallback(void **state)
{
    json_t *object =
        json("{\"a\":{\"b\":\"x\",\"n\":2.5,\"null\":null},\"t\":\"2026-01-31T12:00:00.500Z\",\"i\":7}");
    assert_string_equal(json_view_text(object, "a.b", "-"), "x");
    assert_string_equal(json_view_text(object, "a.c", "-"), "-");
    assert_string_equal(json_view_text(object, "i", "-"), "-");
    assert_string_equal(json_view_text(NULL, "a.b", "-"), "-");
    assert_string_equal(json_view_text(object, "a.b.c.d", "-"), "-");
    assert_null(json_view(object, "a.null"));
    assert_true(isnan(json_view_number(object, "a.b")));
    assert_int_equal(json_view_integer(object, "a.n"), 2);
    assert_int_equal(json_view_integer(object, "i"), 7);
    assert_true(json_view_time(object, "t") == 1769860800000);
    assert_true(json_view_time(object, "a.b") == 0);
    json_decref(object);
}

static char *port_table_text(const char *text)
{
    char *out = NULL;
    size_t size = 0;
    struct terminal terminal = {0};
    json_t *answer = json(text);
    struct table *table = port_table_create(answer);
    FILE *memory = open_memstream(&out, &size);
    assert_int_equal(table_print(table, memory, &terminal, 0), 0);
    fclose(memory);
    table_destroy(table);
    json_decref(answer);
    return out;
}

static void ports_become_rows(void **state)
{
    char *out = port_table_text(
        "{\"ports\":[{\"protocol\":\"tcp\",\"address\":\"0.0.0.0\",\"port\":80,\"process\":{\"pid\":7,"
        "\"name\":"
        "\"nginx\",\"command\":\"nginx\",\"uid\":0,\"unit\":\"nginx.service\",\"container\":null},\"policy\":"
        "\"forward\",\"policyReason\":\"default\",\"forward\":{\"state\":\"active\",\"hostAddress\":\"127.0."
        "0.1\","
        "\"hostPort\":8080,\"url\":\"http://localhost:8080/\",\"reason\":\"80 is held by x\"}},"
        "{\"protocol\":\"udp\",\"address\":\"::\",\"port\":5353,\"process\":null,\"policy\":\"ignore\","
        "\"policyReason\":\"default: mdns\",\"forward\":null}]}");
    assert_string_equal(
        out,
        "PORT  PROTO  ADDRESS  PROCESS    UNIT           POLICY   HOST                    REASON\n"
        "  80  tcp    0.0.0.0  nginx (7)  nginx.service  forward  http://localhost:8080/  80 is held by x\n"
        "5353  udp    ::       –                         ignore   –                       default: mdns\n");
    free(out);
}

static void wrong_types_do_no_harm(void **state)
{
    static const char *const ANSWERS[] = {
        "{}", "{\"ports\":5}",
        "{\"ports\":[1,null,\"x\",[],{\"port\":\"80\",\"process\":[],\"forward\":7,\"policy\":{}}]}",
        "{\"ports\":[{\"port\":1e300,\"process\":{\"pid\":-5,\"name\":\"\\u001b[2J\"},\"forward\":{}}]}"};
    for (size_t i = 0; i < sizeof(ANSWERS) / sizeof(ANSWERS[0]); i++) {
        char *out = port_table_text(ANSWERS[i]);
        assert_null(strchr(out, '\x1b'));
        free(out);
    }
}

static void the_host_side_of_a_forward_is_told(void **state)
{
    static const char *const FORWARDS[][2] = {
        {"{\"state\":\"active\",\"url\":null,\"hostAddress\":\"::1\",\"hostPort\":53}", "[::1]:53"},
        {"{\"state\":\"active\",\"url\":null,\"hostAddress\":\"127.0.0.1\",\"hostPort\":53}", "127.0.0.1:53"},
        {"{\"state\":\"failed\",\"url\":null}", "failed"},
        {"{\"state\":\"blocked\"}", "blocked"}};
    char host[64];
    for (size_t i = 0; i < sizeof(FORWARDS) / sizeof(FORWARDS[0]); i++) {
        json_t *forward = json(FORWARDS[i][0]);
        port_table_host(forward, host, sizeof(host));
        assert_string_equal(host, FORWARDS[i][1]);
        json_decref(forward);
    }
    port_table_host(NULL, host, sizeof(host));
    assert_string_equal(host, "–");
}

static void events_are_told_in_a_line(void **state)
{
    char line[256];
    json_t *data = json("{\"vm\":\"a\",\"reason\":\"no heartbeat\",\"code\":\"SILENT\"}");
    event_line_details("vm.disconnected", data, line, sizeof(line));
    assert_string_equal(line, "no heartbeat (SILENT)");
    json_decref(data);
    data = json("{\"vm\":\"a\",\"state\":\"comparing\",\"code\":\"123456\"}");
    event_line_details("vm.pairing", data, line, sizeof(line));
    assert_string_equal(line, "the code to compare: 123456");
    json_decref(data);
    data =
        json("{\"vm\":\"a\",\"count\":2,\"code\":\"NOT_PAIRED\",\"link\":\"vsock\",\"who\":\"vsock CID 2\"}");
    event_line_details("vm.refused", data, line, sizeof(line));
    assert_string_equal(
        line, "the guest refused 2 connections over vsock, the last one of vsock CID 2 (NOT_PAIRED)");
    json_decref(data);
    data = json("{\"vm\":\"a\",\"state\":\"keyChanged\"}");
    event_line_details("vm.pairing", data, line, sizeof(line));
    assert_string_equal(line, "refused: it has another key than when it was paired");
    json_decref(data);
    data = json("{\"from\":3,\"to\":9}");
    event_line_details("gap", data, line, sizeof(line));
    assert_string_equal(line, "events 3 to 9 are no longer held");
    json_decref(data);
    data = json(
        "{\"forward\":{\"protocol\":\"tcp\",\"guestPort\":80,\"state\":\"failed\",\"reason\":\"held\"}}");
    event_line_details("forward.changed", data, line, sizeof(line));
    assert_string_equal(line, "tcp guest port 80, host failed: held");
    json_decref(data);
}

static void liveness_is_said_in_words(void **state)
{
    json_t *liveness =
        json("{\"vm\":\"alive\",\"agent\":\"silent\",\"requestsPending\":2,\"requestQuietMs\":4200}");
    struct liveness_words words = guest_words_liveness(liveness);
    assert_string_equal(words.text,
                        "the VM is alive, its agent is silent; 2 unanswered, the oldest since 4.2 s");
    assert_int_equal(words.style, STYLE_WARNING);
    json_decref(liveness);
    assert_string_equal(guest_words_liveness(NULL).text,
                        "whether the VM runs is not known, no agent is connected");
}

static void pairing_goes_before_an_old_error(void **state)
{
    json_t *guest = json("{\"pairing\":\"unpaired\",\"error\":{\"code\":\"NOT_PAIRED\",\"message\":\"x\"}}");
    assert_string_equal(guest_words_error(guest), "unpaired here: the bridge stays away from it");
    json_object_set_new(guest, "pairing", json_string("comparing"));
    assert_string_equal(guest_words_error(guest), "a code waits to be compared");
    json_object_set_new(guest, "pairing", json_string("none"));
    assert_string_equal(guest_words_error(guest), "x");
    json_decref(guest);
    assert_true(guest_words_is_distrust("KEY_CHANGED"));
    assert_false(guest_words_is_distrust("") || guest_words_is_distrust("NO_AGENT"));
}

static void what_the_user_typed_is_encoded_in_paths(void **state)
{
    struct api_path path;
    static char long_name[API_PATH_MAX];
    assert_true(api_path_guest(&path, "a/../b c?d#é", "/ports"));
    assert_string_equal(path.text, "/api/v1/vms/a%2F..%2Fb%20c%3Fd%23%C3%A9/ports");
    assert_true(api_path_query(&path, "x", "1&2") && api_path_query(&path, "y", "%"));
    assert_non_null(strstr(path.text, "/ports?x=1%262&y=%25"));
    memset(long_name, 'a', sizeof(long_name) - 1);
    assert_false(api_path_guest(&path, long_name, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_fields_are_the_fallback),
        cmocka_unit_test(ports_become_rows),
        cmocka_unit_test(wrong_types_do_no_harm),
        cmocka_unit_test(the_host_side_of_a_forward_is_told),
        cmocka_unit_test(events_are_told_in_a_line),
        cmocka_unit_test(liveness_is_said_in_words),
        cmocka_unit_test(pairing_goes_before_an_old_error),
        cmocka_unit_test(what_the_user_typed_is_encoded_in_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
