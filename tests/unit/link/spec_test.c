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
    assert_int_equal(spec.control_port, PORT_CONTROL_DEFAULT);
    dial("tcp:[::1]:9");
    assert_string_equal(spec.path, "[::1]");
    assert_int_equal(spec.control_port, 9);
    dial("tcp:[::1]");
    assert_string_equal(spec.path, "[::1]");
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
    refuse(parse_listen, "tcp:0.0.0.0", "expected tcp:ADDR:PORT");
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
    refuse(parse_dial, "tcp:", "path is empty");
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
        cmocka_unit_test(links_that_are_none_are_refused),
        cmocka_unit_test(numbers_out_of_range_are_refused),
        cmocka_unit_test(paths_that_are_empty_or_too_long_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
