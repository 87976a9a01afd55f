/* SPDX-License-Identifier: MIT */
/* Real sockets of this process and of a child, found again through /proc. */
#include "host-bridge/platform/port_holder.h"
#include "host-bridge/platform/port_privilege.h"
#include "tests/unit/forwards/network.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool find(uint8_t protocol, const char *address, uint16_t port, char *out)
{
    struct ip_address parsed;
    assert_true(ip_address_parse(address, &parsed));
    return port_holder_find(protocol, &parsed, 1, port, out);
}

static void holder_is_named_with_its_pid(void **state)
{
    char text[PORT_HOLDER_TEXT_MAX + 1] = "", expected[64];
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_NAME, "ng\x1bnx");
        network_hold(4, SOCK_STREAM, 8080);
        if (write(ready[1], "", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_true(find(PORT_TCP, "127.0.0.1", 8080, text));
    snprintf(expected, sizeof(expected), "ng?nx (pid %d)", child);
    assert_string_equal(text, expected);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ready[0]);
    close(ready[1]);
}

static void only_what_conflicts_is_found(void **state)
{
    char text[PORT_HOLDER_TEXT_MAX + 1] = "untouched";
    int tcp = network_hold(6, SOCK_STREAM, 8080);
    assert_false(find(PORT_TCP, "127.0.0.1", 8080, text));
    assert_false(find(PORT_TCP, "::1", 8081, text));
    assert_false(find(PORT_UDP, "::1", 8080, text));
    assert_string_equal(text, "untouched");
    assert_true(find(PORT_TCP, "::1", 8080, text));
    assert_true(find(PORT_TCP, "::", 8080, text));
    close(tcp);
    int udp = network_hold(4, SOCK_DGRAM, 8080);
    assert_true(find(PORT_UDP, "127.0.0.1", 8080, text));
    close(udp);
}

static void low_ports_lack_privilege_only_without_the_capability(void **state)
{
    uint16_t first = port_privilege_first_free();
    assert_int_equal(first, 1024); /* a new network namespace's default, and nearly everybody's */
    assert_false(port_privilege_lacking(1023));
    network_set_privilege(false);
    assert_true(port_privilege_lacking(1023));
    assert_false(port_privilege_lacking(1024));
    network_set_privilege(true);
}

int main(void)
{
    network_isolate();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holder_is_named_with_its_pid),
        cmocka_unit_test(only_what_conflicts_is_found),
        cmocka_unit_test(low_ports_lack_privilege_only_without_the_capability),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
