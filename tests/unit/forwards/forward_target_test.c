/* SPDX-License-Identifier: MIT */
#include "host-bridge/features/forwards/forward_target.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

static struct dial_target target;

static int start(void **state)
{
    forward_target_init(&target, PORT_TCP, 80);
    return 0;
}

static void add(const char *address, bool v6only)
{
    struct port_fact fact = {.key = {.protocol = PORT_TCP, .port = 80}, .v6only = v6only};
    assert_true(ip_address_parse(address, &fact.key.address));
    forward_target_add(&target, &fact);
}

static void assert_addresses(size_t count, const char *const *addresses)
{
    assert_int_equal(target.address_count, count);
    for (size_t i = 0; i < count; i++) {
        char text[46];
        ip_address_format(&target.addresses[i], text);
        assert_string_equal(text, addresses[i]);
    }
}

static void any_v4_is_dialled_on_the_v4_loopback(void **state)
{
    add("0.0.0.0", false);
    assert_addresses(1, (const char *const[]){"127.0.0.1"});
}

static void dual_stack_is_dialled_on_both_loopbacks_v4_first(void **state)
{
    add("::", false);
    assert_addresses(2, (const char *const[]){"127.0.0.1", "::1"});
}

static void v6only_is_dialled_on_the_v6_loopback(void **state)
{
    add("::", true);
    assert_addresses(1, (const char *const[]){"::1"});
}

static void specific_address_is_dialled_itself(void **state)
{
    add("10.1.2.3", false);
    assert_addresses(1, (const char *const[]){"10.1.2.3"});
}

static void loopbacks_go_first_whenever_they_come(void **state)
{
    add("10.1.2.3", false);
    add("fd00::5", false);
    add("127.0.0.7", false);
    add("::1", false);
    add("127.0.0.1", false);
    assert_addresses(4, (const char *const[]){"127.0.0.1", "::1", "127.0.0.7", "10.1.2.3"});
}

static void duplicates_count_once_and_the_maximum_holds(void **state)
{
    add("0.0.0.0", false);
    add("127.0.0.1", false);
    add("10.0.0.1", false);
    add("10.0.0.1", false);
    add("10.0.0.2", false);
    add("10.0.0.3", false);
    add("10.0.0.4", false);
    assert_addresses(4, (const char *const[]){"127.0.0.1", "10.0.0.1", "10.0.0.2", "10.0.0.3"});
}

static void barred_addresses_are_taken_out(void **state)
{
    struct dial_target barred;
    add("::", false);
    add("10.0.0.1", false);
    barred = target;
    barred.address_count = 1;
    forward_target_subtract(&target, &barred);
    assert_addresses(2, (const char *const[]){"::1", "10.0.0.1"});
    forward_target_subtract(&target, &target);
    assert_int_equal(target.address_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(any_v4_is_dialled_on_the_v4_loopback, start),
        cmocka_unit_test_setup(dual_stack_is_dialled_on_both_loopbacks_v4_first, start),
        cmocka_unit_test_setup(v6only_is_dialled_on_the_v6_loopback, start),
        cmocka_unit_test_setup(specific_address_is_dialled_itself, start),
        cmocka_unit_test_setup(loopbacks_go_first_whenever_they_come, start),
        cmocka_unit_test_setup(duplicates_count_once_and_the_maximum_holds, start),
        cmocka_unit_test_setup(barred_addresses_are_taken_out, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
