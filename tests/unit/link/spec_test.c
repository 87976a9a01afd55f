/* SPDX-License-Identifier: MIT */
/* Link specifications: every kind, and each refusal with its sentence. */
#include "protocol/link/spec.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

static struct link_spec spec;
static char problem[TEXT_REASON_MAX + 1];

static void dial(const char *text)
{
    assert_int_equal(link_spec_parse_dial(text, &spec, problem), 0);
}

static void refuse(int (*parse)(const char *, struct link_spec *, char *), const char *text, const char *says)
{
    memset(&spec, 0x5a, sizeof(spec));
    struct link_spec before = spec;
    problem[0] = '\0';
    assert_int_equal(parse(text, &spec, problem), STATUS_INVALID);
    assert_memory_equal(&spec, &before, sizeof(spec));
    if (strstr(problem, says) == NULL)
        fail_msg("\"%s\" says \"%s\" and not \"%s\"", text, problem, says);
}

static int parse_dial(const char *text, struct link_spec *ret, char *out)
{
    return link_spec_parse_dial(text, ret, out);
}

static int parse_listen(const char *text, struct link_spec *ret, char *out)
{
    return link_spec_parse_listen(text, ret, out);
}

static void every_kind_of_link_is_parsed(void **state)
{
    dial("vsock:3");
    assert_int_equal(spec.kind, LINK_VSOCK);
    assert_int_equal(spec.cid, 3);
    assert_int_equal(spec.control_port, PORT_CONTROL_DEFAULT);
    assert_int_equal(spec.events_port, PORT_EVENTS_DEFAULT);
    dial("vsock:1:700");
    assert_int_equal(spec.cid, 1);
    assert_int_equal(spec.control_port, 700);
    assert_int_equal(spec.events_port, 701);
    dial("vsock:4294967294:7:7");
    assert_int_equal(spec.cid, 4294967294);
    assert_int_equal(spec.events_port, 7);
    dial("hybrid:/run/v.sock,1,2");
    assert_int_equal(spec.kind, LINK_HYBRID);
    assert_string_equal(spec.path, "/run/v.sock");
    assert_int_equal(spec.events_port, 2);
    dial("unix:/run/a");
    assert_int_equal(spec.kind, LINK_UNIX);
    assert_string_equal(spec.path, "/run/a");
    assert_string_equal(spec.events_path, "");
    dial("unix:/run/a,/run/b");
    assert_string_equal(spec.events_path, "/run/b");
    dial("serial:/dev/virtio-ports/x");
    assert_int_equal(spec.kind, LINK_SERIAL);
    dial("tcp:host");
    assert_int_equal(spec.kind, LINK_TCP);
    dial("exec:ssh -T guest hospes-agent --stdio, and more");
    assert_int_equal(spec.kind, LINK_EXEC);
    assert_string_equal(spec.path, "ssh -T guest hospes-agent --stdio, and more");
}

static void every_kind_of_listener_is_parsed(void **state)
{
    assert_int_equal(link_spec_parse_listen("vsock", &spec, problem), 0);
    assert_int_equal(spec.kind, LINK_VSOCK);
    assert_int_equal(spec.control_port, PORT_CONTROL_DEFAULT);
    assert_int_equal(link_spec_parse_listen("vsock:10:20", &spec, problem), 0);
    assert_int_equal(spec.events_port, 20);
    assert_int_equal(link_spec_parse_listen("unix:a,b", &spec, problem), 0);
    assert_int_equal(spec.kind, LINK_UNIX);
    assert_int_equal(link_spec_parse_listen("serial:/dev/ttyS1", &spec, problem), 0);
    assert_int_equal(spec.kind, LINK_SERIAL);
    assert_int_equal(link_spec_parse_listen("tcp:0.0.0.0:5", &spec, problem), 0);
    assert_int_equal(spec.kind, LINK_TCP);
}

static void expect_tcp(const char *text, const char *host, uint32_t control, uint32_t events)
{
    dial(text);
    assert_int_equal(spec.kind, LINK_TCP);
    assert_string_equal(spec.path, host);
    assert_int_equal(spec.control_port, control);
    assert_int_equal(spec.events_port, events);
}

static void tcp_links_have_a_name_or_an_address_and_one_port_or_two(void **state)
{
    expect_tcp("tcp:vm.local", "vm.local", 5002, 5002);
    expect_tcp("tcp:vm_1.local:9", "vm_1.local", 9, 9);
    expect_tcp("tcp:192.0.2.7:9:10", "192.0.2.7", 9, 10);
    expect_tcp("tcp:b\xc3\xbc"
               "cher.example:65535:1",
               "b\xc3\xbc"
               "cher.example",
               65535, 1);
    expect_tcp("tcp:[::1]", "::1", 5002, 5002);
    expect_tcp("tcp:[::1]:9", "::1", 9, 9);
    expect_tcp("tcp:[2001:db8::7]:9:10", "2001:db8::7", 9, 10);
    expect_tcp("tcp:[fe80::1%eth0]:9", "fe80::1%eth0", 9, 9);
    assert_int_equal(link_spec_parse_listen("tcp:[::]:9:10", &spec, problem), 0);
    assert_string_equal(spec.path, "::");
    assert_int_equal(spec.control_port, 9);
    assert_int_equal(spec.events_port, 10);
    assert_int_equal(link_spec_parse_listen("tcp:0.0.0.0:9", &spec, problem), 0);
    assert_string_equal(spec.path, "0.0.0.0");
    assert_int_equal(spec.events_port, 9);
}

static void tcp_links_with_other_hosts_are_refused(void **state)
{
    static const char BRACKETS[] = "no IPv6 address stands in the brackets";
    refuse(parse_dial, "tcp:", "expected tcp:HOST[:CONTROL[:EVENTS]]");
    refuse(parse_dial, "tcp::5002", "expected tcp:HOST[:CONTROL[:EVENTS]]");
    refuse(parse_dial, "tcp:::1", "stands in brackets, as in tcp:[::1]:5002");
    refuse(parse_dial, "tcp:fe80::1%eth0", "stands in brackets");
    refuse(parse_dial, "tcp:2001:db8:0:0:0:0:0:7", "stands in brackets");
    refuse(parse_dial, "tcp:[]", BRACKETS);
    refuse(parse_dial, "tcp:[::1", BRACKETS);
    refuse(parse_dial, "tcp:[host]", BRACKETS);
    refuse(parse_dial, "tcp:[192.0.2.7]", BRACKETS);
    refuse(parse_dial, "tcp:[::1%]", BRACKETS);
    refuse(parse_dial, "tcp:[::1%an-interface-name-too-long]", BRACKETS);
    refuse(parse_dial, "tcp:[::1]5002", "expected tcp:HOST");
    refuse(parse_dial, "tcp:a b", "neither a name nor an address");
    refuse(parse_dial, "tcp:-x", "neither a name nor an address");
    refuse(parse_dial, "tcp:.x", "neither a name nor an address");
    refuse(parse_dial, "tcp:user@host", "neither a name nor an address");
    refuse(parse_dial, "tcp:a/b:5002", "neither a name nor an address");
    refuse(parse_dial, "tcp:h:1:2:3", "port must be 1 to 65535");
    refuse(parse_dial, "tcp:h:1:0", "port must be 1 to 65535");
    refuse(parse_dial, "tcp:h:1:", "port must be 1 to 65535");
    refuse(parse_dial, "tcp:h: 1", "port must be 1 to 65535");
    char text[300];
    snprintf(text, sizeof(text), "tcp:%0253d:7", 0);
    dial(text);
    snprintf(text, sizeof(text), "tcp:%0254d:7", 0);
    refuse(parse_dial, text, "neither a name");
    refuse(parse_listen, "tcp:0.0.0.0", "expected tcp:ADDR:PORT");
    refuse(parse_listen, "tcp:[::]", "expected tcp:ADDR:PORT");
    refuse(parse_listen, "tcp:localhost:5002", "a numeric address");
    refuse(parse_listen, "tcp:*:5002", "a numeric address");
    refuse(parse_listen, "tcp::::5002", "a numeric address");
    refuse(parse_listen, "tcp:0.0.0.0:0", "port must be 1 to 65535");
    refuse(parse_listen, "tcp:0.0.0.0:1:65536", "port must be 1 to 65535");
}

static void links_that_are_none_are_refused(void **state)
{
    refuse(parse_dial, "", "is no link");
    refuse(parse_dial, "vsock", "is no link");
    refuse(parse_dial, "stdio:", "is no link");
    refuse(parse_dial, "/run/a", "is no link");
    refuse(parse_listen, "", "is no listener");
    refuse(parse_listen, "exec:true", "is no listener");
    refuse(parse_listen, "hybrid:/run/a", "is no listener");
}

static void numbers_out_of_range_are_refused(void **state)
{
    refuse(parse_dial, "vsock:", "expected vsock:CID");
    refuse(parse_dial, "vsock:x", "expected vsock:CID");
    refuse(parse_dial, "vsock:-1", "expected vsock:CID");
    refuse(parse_dial, "vsock: 3", "expected vsock:CID");
    refuse(parse_dial, "vsock:4294967295", "expected vsock:CID");
    refuse(parse_dial, "vsock:99999999999999999999", "expected vsock:CID");
    refuse(parse_dial, "vsock:3:", "expected vsock:CID");
    refuse(parse_dial, "vsock:3:0", "expected vsock:CID");
    refuse(parse_dial, "vsock:3:1:0", "expected vsock:CID");
    refuse(parse_dial, "vsock:3:1:2:3", "expected vsock:CID");
    refuse(parse_dial, "vsock:3:4294967294",
           "expected vsock:CID"); /* its events port would be the wildcard */
    refuse(parse_dial, "vsock:3:4294967295:1", "expected vsock:CID");
    refuse(parse_dial, "vsock:0", "names no guest");
    refuse(parse_dial, "vsock:2", "names no guest");
    refuse(parse_dial, "hybrid:/a,x", "expected hybrid:PATH");
    refuse(parse_dial, "hybrid:/a,1,2,3", "expected hybrid:PATH");
    refuse(parse_dial, "tcp:h:0", "port must be 1 to 65535");
    refuse(parse_dial, "tcp:h:65536", "port must be 1 to 65535");
    refuse(parse_dial, "tcp:h:", "port must be 1 to 65535");
    refuse(parse_listen, "vsock:0", "expected vsock[:CONTROL");
    refuse(parse_listen, "vsockx", "expected vsock[:CONTROL");
    refuse(parse_listen, "vsock,1", "expected vsock[:CONTROL");
}

static void paths_that_are_empty_or_too_long_are_refused(void **state)
{
    char text[LINK_TEXT_MAX + 64];
    refuse(parse_dial, "unix:", "path is empty");
    refuse(parse_dial, "unix:/a,", "path is empty");
    refuse(parse_dial, "unix:,/a", "path is empty");
    refuse(parse_dial, "hybrid:", "path is empty");
    refuse(parse_dial, "hybrid:,1", "path is empty");
    refuse(parse_dial, "serial:", "path is empty");
    refuse(parse_dial, "exec:", "path is empty");
    refuse(parse_listen, "unix:", "path is empty");
    snprintf(text, sizeof(text), "unix:%0107d", 0);
    assert_int_equal(link_spec_parse_dial(text, &spec, problem), 0);
    snprintf(text, sizeof(text), "unix:%0108d", 0);
    refuse(parse_dial, text, "longer than 107 bytes");
    snprintf(text, sizeof(text), "unix:a,%0108d", 0);
    refuse(parse_listen, text, "longer than 107 bytes");
    snprintf(text, sizeof(text), "exec:%0*d", LINK_TEXT_MAX, 0);
    assert_int_equal(link_spec_parse_dial(text, &spec, problem), 0);
    snprintf(text, sizeof(text), "exec:%0*d", LINK_TEXT_MAX + 1, 0);
    refuse(parse_dial, text, "longer than 1023 bytes");
    snprintf(text, sizeof(text), "%0*d", LINK_TEXT_MAX, 0); /* a problem that quotes it is cut, not overrun */
    refuse(parse_dial, text, "0000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_link_is_parsed),
        cmocka_unit_test(every_kind_of_listener_is_parsed),
        cmocka_unit_test(tcp_links_have_a_name_or_an_address_and_one_port_or_two),
        cmocka_unit_test(tcp_links_with_other_hosts_are_refused),
        cmocka_unit_test(links_that_are_none_are_refused),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(paths_that_are_empty_or_too_long_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
