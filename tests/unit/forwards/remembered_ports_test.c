/* SPDX-License-Identifier: MIT */
#include "host-bridge/features/forwards/remembered_ports.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

static void put_finds_replaces_and_tells_what_changed(void **state)
{
    struct remembered_ports ports = {0};
    assert_int_equal(remembered_ports_find(&ports, 5), 0);
    assert_true(remembered_ports_put(&ports, 5, 500));
    assert_true(remembered_ports_put(&ports, 3, 300));
    assert_false(remembered_ports_put(&ports, 5, 500));
    assert_true(remembered_ports_put(&ports, 5, 501));
    assert_int_equal(remembered_ports_find(&ports, 5), 501);
    assert_int_equal(remembered_ports_find(&ports, 3), 300);
    assert_true(remembered_ports_drop(&ports, 5));
    assert_false(remembered_ports_drop(&ports, 5));
    assert_int_equal(remembered_ports_find(&ports, 5), 0);
    remembered_ports_finish(&ports);
}

static void oldest_makes_room_for_the_newest(void **state)
{
    struct remembered_ports ports = {0};
    for (uint32_t group = 1; group <= REMEMBERED_PORTS_MAX; group++)
        assert_true(remembered_ports_put(&ports, group, 1));
    remembered_ports_put(&ports, 1, 1); /* used again: now group 2 is the oldest */
    assert_true(remembered_ports_put(&ports, 5000, 9));
    assert_int_equal(ports.count, REMEMBERED_PORTS_MAX);
    assert_int_equal(remembered_ports_find(&ports, 2), 0);
    assert_int_equal(remembered_ports_find(&ports, 1), 1);
    assert_int_equal(remembered_ports_find(&ports, 5000), 9);
    for (size_t i = 1; i < ports.count; i++)
        assert_true(ports.items[i - 1].group < ports.items[i].group);
    remembered_ports_finish(&ports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put_finds_replaces_and_tells_what_changed),
        cmocka_unit_test(oldest_makes_room_for_the_newest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
