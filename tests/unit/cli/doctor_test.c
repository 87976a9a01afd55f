/* SPDX-License-Identifier: MIT */
/* hospes doctor on machines in various states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include <jansson.h>

#include "tests/unit/cli/fake_api.h"
#include "tests/unit/cli/fixtures.h"

#define GUEST_FAILING(name, link, state, code)                                                               \
    "{\"name\":\"" name "\",\"link\":\"" link "\",\"state\":\"" state                                        \
    "\",\"since\":\"2026-01-31T12:00:00.000Z\","                                                             \
    "\"agent\":null,\"capabilities\":[],\"error\":{\"code\":\"" code "\",\"message\":\"said so\"}}"

#define HEALTH_ROUTE(version)                                                                                \
    {                                                                                                        \
        "GET", "/api/v1/health", 200, "{\"status\":\"ok\",\"version\":\"" version "\"}", FAKE_ANSWER         \
    }
#define NO_FORWARDS(name)                                                                                    \
    {                                                                                                        \
        "GET", "/api/v1/vms/" name "/forwards", 200, "{\"forwards\":[]}", FAKE_ANSWER                        \
    }

static struct fake_api api;
static struct run run;

#define DOCTOR(routes, ...)                                                                                  \
    do {                                                                                                     \
        fake_api_start(&api, routes, COUNT_OF(routes));                                                      \
        run_hospes(&run, api.socket, (const char *const[]){"doctor", __VA_ARGS__});                          \
    } while (0)

static int stop(void **state)
{
    run_finish(&run);
    fake_api_stop(&api);
    return 0;
}

static void expect(int status, const char *text)
{
    if (run.status != status || strstr(run.out, text) == NULL)
        print_error("status %d, out:\n%s\nerr:\n%s\n", run.status, run.out, run.err);
    assert_int_equal(run.status, status);
    assert_non_null(strstr(run.out, text));
}

static void a_machine_where_nothing_is_set_up_gets_every_step(void **state)
{
    run_hospes(&run, "/nonexistent/api.sock", (const char *const[]){"doctor", NULL});
    expect(3, "fail  bridge: the bridge does not run: there is no socket\n");
    expect(3, "systemctl ");
    expect(3, "-device vhost-vsock-pci,guest-cid=42");
    expect(3, "<vsock model='virtio'><cid auto='no' address='42'/></vsock>");
    expect(3, "\"uds_path\":");
    expect(3, "--vsock cid=3,socket=");
    expect(3, "--device virtio-vsock,port=5002,socketURL=");
    expect(3, "hospes add NAME vsock:42");
    expect(3, "hospes-agent --stdio");
}

static void a_bridge_without_guests_gets_the_next_steps(void **state)
{
    static const struct fake_route ROUTES[] = {HEALTH_ROUTE("0.1.0"),
                                               {"GET", "/api/v1/vms", 200, "{\"vms\":[]}", FAKE_ANSWER}};
    DOCTOR(ROUTES, NULL);
    expect(0, "ok    bridge: runs, version 0.1.0\n");
    expect(0, "ok    permissions: only you can open the socket\n");
    expect(0, "descriptors: the bridge may open ");
    expect(0, "warn  guests: none is configured yet");
    expect(0, "hospes add NAME vsock:42");
}

static void working_guests_need_no_advice(void **state)
{
    static const struct fake_route ROUTES[] = {
        HEALTH_ROUTE("0.1.0"),
        {"GET", "/api/v1/vms", 200, "{\"vms\":[" GUEST_WEB "]}", FAKE_ANSWER},
        {"GET", "/api/v1/vms/web/health", 200, HEALTH_ANSWER, FAKE_ANSWER},
        {"GET", "/api/v1/vms/web/forwards", 200, "{\"forwards\":[" FORWARD_WEB "]}", FAKE_ANSWER}};
    DOCTOR(ROUTES, NULL);
    expect(0, "ok    guest web: connected, agent 0.1.0\n");
    expect(0, "ok    guest web: forwards active: 1 (");
    assert_null(strstr(run.out, "fail  "));
    assert_null(strstr(run.out, "vhost_vsock"));
    assert_null(strstr(run.out, "guest-cid"));
}

static void each_error_gets_its_remedy(void **state)
{
    static const struct fake_route ROUTES[] = {
        HEALTH_ROUTE("0.1.0"),
        {"GET", "/api/v1/vms", 200,
         "{\"vms\":[" GUEST_FAILING("a", "vsock:9", "connecting", "NO_SUCH_VM") "," GUEST_FAILING(
             "b", "serial:/x", "connecting", "NO_GREETING") "," GUEST_FAILING("c", "tcp:h", "disabled",
                                                                              "NEEDS_AUTHENTICATION") "]}",
         FAKE_ANSWER},
        NO_FORWARDS("a"),
        NO_FORWARDS("b"),
        NO_FORWARDS("c")};
    DOCTOR(ROUTES, NULL);
    expect(1, "fail  guest a: no running VM on this host has that CID (vsock:9, NO_SUCH_VM)\n"
              "        The bridge says: said so\n        Start the VM;");
    expect(1, "warn  guest b: the device is open, but no agent answers on it");
    expect(1, "fail  guest c: bridge and agent do not agree on how to prove who they are");
}

static void failed_forwards_and_silent_agents_are_found(void **state)
{
    static const struct fake_route ROUTES[] = {
        HEALTH_ROUTE("0.1.0"),
        {"GET", "/api/v1/vms", 200, "{\"vms\":[" GUEST_WEB "]}", FAKE_ANSWER},
        {"GET", "/api/v1/vms/web/health", 504,
         "{\"error\":{\"code\":\"ETIMEDOUT\",\"message\":\"no "
         "answer\",\"hint\":null,\"details\":{\"liveness\":"
         "{\"vm\":\"alive\",\"agent\":\"silent\"}}}}",
         FAKE_ANSWER},
        {"GET", "/api/v1/vms/web/forwards", 200, FORWARDS_ANSWER, FAKE_ANSWER}};
    DOCTOR(ROUTES, NULL);
    expect(1, "fail  guest web: does not tell its health: no answer\n        the VM is alive, its agent is "
              "silent\n");
    expect(1, "fail  guest web: tcp port 22 is not forwarded: 2222 is held by sshd (pid 9)\n");
    expect(1, "ss -tlnp 'sport = :2222'\n");
}

static void other_versions_are_a_warning(void **state)
{
    static const struct fake_route ROUTES[] = {HEALTH_ROUTE("9.9"),
                                               {"GET", "/api/v1/vms", 200, "{\"vms\":[]}", FAKE_ANSWER}};
    DOCTOR(ROUTES, NULL);
    expect(0, "warn  bridge: runs, version 9.9, but this program is 0.1.0\n");
}

static void an_open_socket_is_a_warning(void **state)
{
    static const struct fake_route ROUTES[] = {HEALTH_ROUTE("0.1.0"),
                                               {"GET", "/api/v1/vms", 200, "{\"vms\":[]}", FAKE_ANSWER}};
    fake_api_start(&api, ROUTES, COUNT_OF(ROUTES));
    char command[160];
    snprintf(command, sizeof(command), "chmod 0666 %s", api.socket);
    assert_int_equal(system(command), 0);
    run_hospes(&run, api.socket, (const char *const[]){"doctor", NULL});
    expect(0, "warn  permissions: other users may open the socket (mode 0666)\n");
}

static void a_bridge_that_hangs_is_unreachable(void **state)
{
    static const struct fake_route ROUTES[] = {{"GET", "/api/v1/health", 0, NULL, FAKE_HANG}};
    setenv("HOSPES_TIMEOUT", "1", 1);
    DOCTOR(ROUTES, NULL);
    unsetenv("HOSPES_TIMEOUT");
    expect(3, "fail  bridge: the bridge did not answer in time\n");
}

static void json_holds_the_findings(void **state)
{
    static const struct fake_route ROUTES[] = {HEALTH_ROUTE("0.1.0"),
                                               {"GET", "/api/v1/vms", 500, "{}", FAKE_ANSWER}};
    json_error_t error;
    DOCTOR(ROUTES, "--json", NULL);
    json_t *document = json_loads(run.out, 0, &error);
    assert_true(json_is_true(json_object_get(document, "bridgeReachable")));
    assert_int_equal(json_integer_value(json_object_get(document, "failures")), 1);
    json_t *first = json_array_get(json_object_get(document, "findings"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "topic")), "socket");
    assert_int_equal(run.status, 1);
    json_decref(document);
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_machine_where_nothing_is_set_up_gets_every_step),
        TEST(a_bridge_without_guests_gets_the_next_steps),
        TEST(working_guests_need_no_advice),
        TEST(each_error_gets_its_remedy),
        TEST(failed_forwards_and_silent_agents_are_found),
        TEST(other_versions_are_a_warning),
        TEST(an_open_socket_is_a_warning),
        TEST(a_bridge_that_hangs_is_unreachable),
        TEST(json_holds_the_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
