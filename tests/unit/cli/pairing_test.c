/* SPDX-License-Identifier: MIT */
/* hospes pair, unpair and identity, and what the other commands say of guests that are not trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <unistd.h>

#include <jansson.h>

#include "tests/unit/cli/fake_api.h"
#include "tests/unit/cli/fixtures.h"

#define OLD_KEY  "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="
#define NEW_KEY  "bm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm5ubm4="
#define HOST_KEY "aGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGhoaGg="

#define PAIRING(state, key, offered, code)                                                                   \
    "{\"state\":\"" state "\",\"key\":" key ",\"way\":\"firstContact\",\"since\":\"2026-01-31T12:00:00."     \
    "000Z\",\"offeredKey\":" offered ",\"code\":" code                                                       \
    ",\"ephemeral\":false,\"linkIsPrivate\":true,\"cipher\":null}"
#define PAIRED    PAIRING("paired", "\"" OLD_KEY "\"", "null", "null")
#define PAIRED_B  PAIRING("paired", "\"" NEW_KEY "\"", "null", "null")
#define CHANGED   PAIRING("keyChanged", "\"" OLD_KEY "\"", "\"" NEW_KEY "\"", "null")
#define COMPARING PAIRING("comparing", "null", "\"" NEW_KEY "\"", "\"123456\"")
#define UNKNOWN   PAIRING("none", "null", "null", "null")

/* A guest that is not connected; `pairing` as its state. */
#define GUEST_AWAY(name, pairing, error)                                                                     \
    "{\"name\":\"" name "\",\"link\":\"tcp:10.0.0.2\",\"state\":\"connecting\",\"since\":"                   \
    "\"2026-01-31T12:00:00.000Z\",\"agent\":null,\"capabilities\":[],\"error\":" error                       \
    ",\"pairing\":\"" pairing "\",\"cipher\":null}"
#define ERROR(code) "{\"code\":\"" code "\",\"message\":\"said so\"}"
#define PAIR(name)  "/api/v1/vms/" name "/pair"
#define VM(name)    "/api/v1/vms/" name

static const struct fake_route ROUTES[] = {
    {"GET", "/api/v1/identity", 200, "{\"key\":\"" HOST_KEY "\"}", FAKE_ANSWER},
    {"GET", VM("web"), 200, GUEST_WEB, FAKE_ANSWER},
    {"GET", PAIR("web"), 200, PAIRED, FAKE_ANSWER},
    {"POST", PAIR("web"), 200, PAIRED, FAKE_ANSWER},
    {"DELETE", PAIR("web"), 200, PAIRING("unpaired", "null", "null", "null"), FAKE_ANSWER},
    {"GET", VM("changed"), 200, GUEST_AWAY("changed", "keyChanged", ERROR("KEY_CHANGED")), FAKE_ANSWER},
    {"GET", PAIR("changed"), 200, CHANGED, FAKE_ANSWER},
    {"POST", PAIR("changed"), 200, PAIRED_B, FAKE_ANSWER},
    {"GET", VM("far"), 200, GUEST_AWAY("far", "comparing", "null"), FAKE_ANSWER},
    {"GET", PAIR("far"), 200, COMPARING, FAKE_ANSWER},
    {"POST", PAIR("far"), 200, PAIRED_B, FAKE_ANSWER},
    {"GET", VM("slow"), 200, GUEST_AWAY("slow", "comparing", "null"), FAKE_ANSWER},
    {"GET", PAIR("slow"), 200, COMPARING, FAKE_ANSWER},
    {"POST", PAIR("slow"), 202, COMPARING, FAKE_ANSWER},
    {"GET", VM("waiting"), 200, GUEST_AWAY("waiting", "none", "null"), FAKE_ANSWER},
    {"GET", PAIR("waiting"), 200, UNKNOWN, FAKE_ANSWER},
    {"POST", PAIR("waiting"), 202, UNKNOWN, FAKE_ANSWER},
    {"GET", VM("refusing"), 200, GUEST_AWAY("refusing", "none", ERROR("NOT_PAIRED")), FAKE_ANSWER},
    {"GET", PAIR("refusing"), 200, UNKNOWN, FAKE_ANSWER},
    {"POST", PAIR("refusing"), 202, UNKNOWN, FAKE_ANSWER},
    {"GET", VM("gone"), 200, GUEST_AWAY("gone", "none", ERROR("ECONNREFUSED")), FAKE_ANSWER},
    {"GET", PAIR("gone"), 200, UNKNOWN, FAKE_ANSWER},
    {"POST", PAIR("gone"), 202, UNKNOWN, FAKE_ANSWER},
    {"GET", "/api/v1/health", 200, "{\"status\":\"ok\",\"version\":\"0.1.0\"}", FAKE_ANSWER},
    {"GET", "/api/v1/vms", 200,
     "{\"vms\":[" GUEST_AWAY("changed", "keyChanged", ERROR("KEY_CHANGED")) "," GUEST_AWAY(
         "new", "none", ERROR("CODE_NEEDED")) "," GUEST_AWAY("refusing", "none", ERROR("NOT_PAIRED")) "]}",
     FAKE_ANSWER},
    {"GET", VM("changed") "/health", 503,
     "{\"error\":{\"code\":\"NOT_CONNECTED\",\"message\":\"changed is not connected\",\"hint\":null,"
     "\"details\":{\"status\":\"absent\",\"code\":\"KEY_CHANGED\",\"error\":\"x\"}}}",
     FAKE_ANSWER},
    {"GET", VM("changed") "/forwards", 200, "{\"forwards\":[]}", FAKE_ANSWER},
    {"GET", VM("new") "/forwards", 200, "{\"forwards\":[]}", FAKE_ANSWER},
    {"GET", PAIR("new"), 200, UNKNOWN, FAKE_ANSWER},
    {"GET", VM("refusing") "/forwards", 200, "{\"forwards\":[]}", FAKE_ANSWER},
    {"POST", "/api/v1/vms", 201, GUEST_WEB, FAKE_ANSWER},
};

static struct fake_api api;
static struct run run;

static int start(void **state)
{
    fake_api_start(&api, ROUTES, sizeof(ROUTES) / sizeof(ROUTES[0]));
    return 0;
}

static int stop(void **state)
{
    run_finish(&run);
    fake_api_stop(&api);
    return 0;
}

#define HOSPES(...)                                                                                          \
    do {                                                                                                     \
        run_finish(&run);                                                                                    \
        run_hospes(&run, api.socket, (const char *const[]){__VA_ARGS__, NULL});                              \
    } while (0)

static void expect(int status, const char *out, const char *err)
{
    bool good = run.status == status && strstr(run.out, out) != NULL && strstr(run.err, err) != NULL;
    if (!good)
        print_error("status %d, out:\n%s\nerr:\n%s\n", run.status, run.out, run.err);
    assert_true(good);
}

static void a_guest_with_a_known_key_is_said_to_be_paired(void **state)
{
    HOSPES("pair", "web");
    expect(0, "web is paired (first contact, key " OLD_KEY ").\n", "");
    assert_true(fake_api_was_asked(&api, "POST " PAIR("web") " {}"));
    HOSPES("pair", "web", "--quiet");
    assert_string_equal(run.out, "");
    HOSPES("pair", "web", "--json");
    json_t *json = json_loads(run.out, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "key")), OLD_KEY);
    json_decref(json);
}

static void a_changed_key_without_a_person_is_refused_with_the_command(void **state)
{
    HOSPES("pair", "changed");
    expect(4, "", "  then: " OLD_KEY " (first contact, ");
    expect(4, "", "  now:  " NEW_KEY "\n");
    expect(4, "", "hint: hospes pair changed --accept " NEW_KEY "\n");
    assert_false(fake_api_was_asked(&api, "POST " PAIR("changed") " {}"));
    HOSPES("pair", "changed", "--json");
    expect(4, "\"offeredKey\": \"" NEW_KEY "\"", "--accept " NEW_KEY);
}

static void a_changed_key_is_accepted_by_option(void **state)
{
    const char *line = "POST " PAIR("changed") " {\"accept\":\"" NEW_KEY "\"}";
    HOSPES("pair", "changed", "--accept", NEW_KEY);
    expect(0, "changed is paired (first contact, key " NEW_KEY ").\n", "");
    assert_true(fake_api_was_asked(&api, line));
    HOSPES("pair", "changed", "--yes");
    expect(0, "changed is paired", "now:  " NEW_KEY);
}

static pid_t on_terminal(const char *guest, int *ret_fd)
{
    return run_on_terminal(api.socket, (const char *const[]){"pair", guest, NULL}, 200, ret_fd);
}

static void type(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* What the terminal shows in the end must have `text`. */
static void expect_end(int fd, pid_t pid, int status, char *out, size_t room, const char *text)
{
    if (!run_terminal_shows(fd, text, out, room))
        fail_msg("the terminal shows no \"%s\": %s", text, out);
    while (run_terminal_shows(fd, "\001", out, room)) /* until its end */
        continue;
    assert_int_equal(run_wait(pid), status);
    close(fd);
}

static void a_changed_key_is_asked_about_on_a_terminal(void **state)
{
    char out[8192] = "";
    int fd;
    pid_t pid = on_terminal("changed", &fd);
    assert_true(run_terminal_shows(fd, "Accept the new key? [y/N] ", out, sizeof(out)));
    type(fd, "n\n");
    expect_end(fd, pid, 4, out, sizeof(out), "the old key stays");
    assert_false(fake_api_was_asked(&api, "POST " PAIR("changed") " {\"accept\":\"" NEW_KEY "\"}"));
    out[0] = '\0';
    pid = on_terminal("changed", &fd);
    assert_true(run_terminal_shows(fd, "Accept the new key? [y/N] ", out, sizeof(out)));
    type(fd, "yes\n");
    expect_end(fd, pid, 0, out, sizeof(out), "changed is paired");
    assert_true(fake_api_was_asked(&api, "POST " PAIR("changed") " {\"accept\":\"" NEW_KEY "\"}"));
}

static void a_code_without_a_person_is_shown_and_refused(void **state)
{
    HOSPES("pair", "far");
    expect(4, "", "a person must compare the code: 123 456\n");
    expect(4, "", "hospes pair far --code 123456\n");
    assert_false(fake_api_was_asked(&api, "POST " PAIR("far") " {}")); /* it would end the comparison */
    HOSPES("pair", "far", "--yes");
    expect(4, "", "a person must compare the code");
}

static void the_code_of_a_script_agrees_only_when_it_is_ours(void **state)
{
    HOSPES("pair", "far", "--code", "123 456");
    expect(0, "far is paired", "");
    assert_true(fake_api_was_asked(&api, "POST " PAIR("far") " {\"code\":\"123456\",\"same\":true}"));
    HOSPES("pair", "far", "--code", "123457");
    expect(4, "", "the codes differ: declined");
    assert_true(fake_api_was_asked(&api, "POST " PAIR("far") " {\"code\":\"123456\",\"same\":false}"));
}

static void a_code_begins_no_comparison(void **state)
{
    HOSPES("pair", "waiting", "--code", "123456");
    expect(1, "", "no code is being compared with waiting");
    assert_false(fake_api_was_asked(&api, "POST " PAIR("waiting") " {}"));
}

static void what_is_no_code_is_a_usage_error(void **state)
{
    static const char *const BAD[] = {"12345", "1234567", "12345a", "-12345", "１２３４５６"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        char option[64];
        snprintf(option, sizeof(option), "--code=%s", BAD[i]);
        HOSPES("pair", "far", option);
        expect(2, "", "is no code of 6 digits");
    }
    HOSPES("pair", "far", "--code", "123456", "--accept", NEW_KEY);
    expect(2, "", "exclude each other");
}

static void a_code_is_asked_about_on_a_terminal(void **state)
{
    char out[8192] = "";
    int fd;
    pid_t pid = on_terminal("far", &fd);
    assert_true(run_terminal_shows(fd, "show the same? [y/N] ", out, sizeof(out)));
    assert_non_null(strstr(out, "Compare: 123 456"));
    type(fd, "y\n");
    expect_end(fd, pid, 0, out, sizeof(out), "far is paired");
    out[0] = '\0';
    pid = on_terminal("far", &fd);
    assert_true(run_terminal_shows(fd, "show the same? [y/N] ", out, sizeof(out)));
    type(fd, "\n");
    expect_end(fd, pid, 4, out, sizeof(out), "declined: nothing is paired");
    assert_true(fake_api_was_asked(&api, "POST " PAIR("far") " {\"code\":\"123456\",\"same\":false}"));
}

static void an_interrupt_declines_the_code(void **state)
{
    const char *declined = "POST " PAIR("slow") " {\"code\":\"123456\",\"same\":false}";
    char out[8192] = "";
    int fd;
    pid_t pid = on_terminal("slow", &fd);
    assert_true(run_terminal_shows(fd, "show the same? [y/N] ", out, sizeof(out)));
    type(fd, "\003");
    assert_int_equal(run_wait(pid), 128 + SIGINT);
    close(fd);
    assert_true(fake_api_was_asked(&api, declined));
}

static void an_interrupt_while_the_guest_has_not_answered_declines(void **state)
{
    char out[8192] = "";
    int fd;
    pid_t pid = on_terminal("slow", &fd);
    assert_true(run_terminal_shows(fd, "show the same? [y/N] ", out, sizeof(out)));
    type(fd, "y\n");
    assert_true(run_terminal_shows(fd, "waiting for an answer", out, sizeof(out)));
    assert_true(fake_api_was_asked(&api, "POST " PAIR("slow") " {\"code\":\"123456\",\"same\":true}"));
    type(fd, "\003");
    assert_int_equal(run_wait(pid), 128 + SIGINT);
    close(fd);
    assert_true(fake_api_was_asked(&api, "POST " PAIR("slow") " {\"code\":\"123456\",\"same\":false}"));
}

static void waiting_ends_at_an_interrupt(void **state)
{
    char out[8192] = "";
    int fd;
    pid_t pid = on_terminal("waiting", &fd);
    assert_true(run_terminal_shows(fd, "waiting for an answer", out, sizeof(out)));
    type(fd, "\003");
    assert_int_equal(run_wait(pid), 128 + SIGINT);
    close(fd);
}

static void a_guest_that_refuses_this_host_is_told_what_to_type(void **state)
{
    HOSPES("pair", "refusing");
    expect(4, "", "hint: in the guest: sudo hospes-agent trust " HOST_KEY "\n");
    expect(4, "", "(NOT_PAIRED)");
}

static void a_guest_that_is_away_can_not_be_paired(void **state)
{
    HOSPES("pair", "gone");
    expect(3, "", "(ECONNREFUSED)");
    HOSPES("pair", "nobody");
    expect(1, "", "no such path");
}

static void unpair_forgets_the_key(void **state)
{
    HOSPES("unpair", "web");
    expect(0, "web is unpaired", "");
    assert_true(fake_api_was_asked(&api, "DELETE " PAIR("web")));
    HOSPES("unpair", "web", "--json");
    expect(0, "\"state\": \"unpaired\"", "");
}

static void identity_prints_the_key_alone(void **state)
{
    HOSPES("identity");
    assert_string_equal(run.out, HOST_KEY "\n");
    HOSPES("identity", "--json");
    expect(0, "\"key\": \"" HOST_KEY "\"", "");
}

static void lists_of_guests_say_what_to_type_about_trust(void **state)
{
    static const char *const COMMANDS[] = {"vms", "status"};
    for (size_t i = 0; i < 2; i++) {
        HOSPES(COMMANDS[i]);
        expect(0, "\nchanged: hospes pair changed\n", "");
        expect(0, "\nnew: in the guest: sudo hospes-agent pair; then here: hospes pair new\n", "");
        expect(0, "\nrefusing: in the guest: sudo hospes-agent trust " HOST_KEY "\n", "");
        HOSPES(COMMANDS[i], "--quiet");
        assert_null(strstr(run.out, "hospes pair"));
    }
    HOSPES("vms", "--json");
    json_t *json = json_loads(run.out, 0, NULL);
    assert_non_null(json);
    json_decref(json);
}

static void status_of_a_guest_that_is_not_trusted_is_a_refusal(void **state)
{
    HOSPES("status", "changed");
    expect(4, "(KEY_CHANGED)", "hint: hospes pair changed\n");
}

static void doctor_shows_both_keys(void **state)
{
    HOSPES("doctor");
    expect(1, "guest changed: the guest has another key than when it was paired", "");
    expect(1, "The key it was paired with:  " OLD_KEY "\n", "");
    expect(1, "The key that it shows now:   " NEW_KEY "\n", "");
    expect(1, "What to type:  hospes pair changed\n", "");
    expect(1, "What to type:  in the guest: sudo hospes-agent trust " HOST_KEY "\n", "");
}

static void add_sends_what_is_known_of_the_identity(void **state)
{
    char secret[128], line[512];
    snprintf(secret, sizeof(secret), "%s/log", api.folder); /* any file: the bridge reads it */
    HOSPES("add", "far", "tcp:10.0.0.2", "--key", NEW_KEY, "--encryption", "always", "--psk-file", secret);
    expect(0, "Added far", "");
    snprintf(line, sizeof(line),
             "POST /api/v1/vms {\"name\":\"far\",\"link\":\"tcp:10.0.0.2\",\"key\":\"" NEW_KEY
             "\",\"pskFile\":\"%s\",\"encryption\":\"always\"}",
             secret);
    assert_true(fake_api_was_asked(&api, line));
    HOSPES("add", "tmp", "vsock:9", "--ephemeral");
    assert_true(fake_api_was_asked(
        &api, "POST /api/v1/vms {\"name\":\"tmp\",\"link\":\"vsock:9\",\"ephemeral\":true}"));
    HOSPES("add", "far", "tcp:10.0.0.2", "--psk-file", "/nonexistent/secret");
    expect(2, "", "/nonexistent/secret: No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    setenv("TERM", "xterm", 1);
    const struct CMUnitTest tests[] = {
        TEST(a_guest_with_a_known_key_is_said_to_be_paired),
        TEST(a_changed_key_without_a_person_is_refused_with_the_command),
        TEST(a_changed_key_is_accepted_by_option),
        TEST(a_changed_key_is_asked_about_on_a_terminal),
        TEST(a_code_without_a_person_is_shown_and_refused),
        TEST(the_code_of_a_script_agrees_only_when_it_is_ours),
        TEST(a_code_begins_no_comparison),
        TEST(what_is_no_code_is_a_usage_error),
        TEST(a_code_is_asked_about_on_a_terminal),
        TEST(an_interrupt_declines_the_code),
        TEST(an_interrupt_while_the_guest_has_not_answered_declines),
        TEST(waiting_ends_at_an_interrupt),
        TEST(a_guest_that_refuses_this_host_is_told_what_to_type),
        TEST(a_guest_that_is_away_can_not_be_paired),
        TEST(unpair_forgets_the_key),
        TEST(identity_prints_the_key_alone),
        TEST(lists_of_guests_say_what_to_type_about_trust),
        TEST(status_of_a_guest_that_is_not_trusted_is_a_refusal),
        TEST(doctor_shows_both_keys),
        TEST(add_sends_what_is_known_of_the_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
