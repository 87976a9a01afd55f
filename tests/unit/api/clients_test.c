/* SPDX-License-Identifier: MIT */
/* Who may ask for what: the list of users, and that no route is without a class. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/api/clients.h"
#include "host-bridge/api/router.h"
#include "tests/unit/api/harness.h"

static struct request_classes classes_of(enum request_class one)
{
    struct request_classes classes = {0};
    request_classes_set(&classes, one, true);
    return classes;
}

static void own_user_and_root_have_every_class(void **state)
{
    struct request_classes classes = {0};
    assert_true(clients_find(NULL, 0, 1000, 1000, &classes));
    assert_int_equal(classes.bits, request_classes_all().bits);
    classes.bits = 0;
    assert_true(clients_find(NULL, 0, 1000, 0, &classes));
    assert_int_equal(classes.bits, request_classes_all().bits);
}

static void strangers_are_not_let_in(void **state)
{
    struct request_classes classes = {0};
    const struct api_client listed = {1001, classes_of(CLASS_PORTS)};
    assert_false(clients_find(NULL, 0, 1000, 1001, &classes));
    assert_false(clients_find(&listed, 1, 1000, 1002, &classes));
    assert_false(clients_find(&listed, 1, 0, 1000, &classes)); /* root's bridge is root's alone */
    assert_int_equal(classes.bits, 0);
}

static void listed_users_have_their_classes_and_no_others(void **state)
{
    struct request_classes classes = {0};
    const struct api_client listed[] = {{1001, classes_of(CLASS_PORTS)}, {1002, classes_of(CLASS_ADMIN)}};
    assert_true(clients_find(listed, 2, 1000, 1002, &classes));
    for (int i = 1; i <= REQUEST_CLASS_COUNT; i++)
        assert_int_equal(request_classes_has(classes, (enum request_class)i), i == CLASS_ADMIN);
}

static void each_route_has_a_class(void **state)
{
    size_t count;
    const struct route *routes = router_routes(&count);
    assert_true(count > 20);
    for (size_t i = 0; i < count; i++) {
        if (routes[i].class < 1 || routes[i].class > REQUEST_CLASS_COUNT)
            fail_msg("%s %s has no class", routes[i].method, routes[i].pattern);
    }
}

static void whatever_changes_something_is_audited_and_is_no_observation(void **state)
{
    size_t count;
    const struct route *routes = router_routes(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(routes[i].method, "GET") == 0)
            continue;
        assert_true(route_is_audited(&routes[i]));
        if (routes[i].class == CLASS_OBSERVE)
            fail_msg("%s %s is no observation", routes[i].method, routes[i].pattern);
    }
}

static void health_says_the_classes_of_the_client(void **state)
{
    json_t *json = ask_json(*state, "GET", "/api/v1/health", NULL, 200);
    const json_t *classes = json_object_get(json, "classes");
    assert_int_equal(json_array_size(classes), REQUEST_CLASS_COUNT);
    assert_string_equal(json_string_value(json_array_get(classes, 0)), "ports");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_user_and_root_have_every_class),
        cmocka_unit_test(strangers_are_not_let_in),
        cmocka_unit_test(listed_users_have_their_classes_and_no_others),
        cmocka_unit_test(each_route_has_a_class),
        cmocka_unit_test(whatever_changes_something_is_audited_and_is_no_observation),
        cmocka_unit_test_setup_teardown(health_says_the_classes_of_the_client, harness_setup,
                                        harness_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
