/* SPDX-License-Identifier: MIT */
/* Classes of request: names and sets. */
#include "services/access/request_class.h"

#include <string.h>

#include "tests/unit/base/testing.h"

static void names_are_those_of_the_documentation(void **state)
{
    static const char *const NAMES[] = {"ports", "files", "clipboard", "exec",
                                        "admin", "open",  "apps",      "observe"};
    static const enum request_class CLASSES[] = {CLASS_PORTS, CLASS_FILES, CLASS_CLIPBOARD, CLASS_EXEC,
                                                 CLASS_ADMIN, CLASS_OPEN,  CLASS_APPS,      CLASS_OBSERVE};
    for (size_t i = 0; i < REQUEST_CLASS_COUNT; i++) {
        enum request_class found = CLASS_PORTS;
        assert_string_equal(request_class_name(CLASSES[i]), NAMES[i]);
        assert_true(request_class_parse(NAMES[i], &found));
        assert_int_equal(found, CLASSES[i]);
    }
}

static void numbers_and_names_that_are_none_are_refused(void **state)
{
    enum request_class found = CLASS_EXEC;
    assert_string_equal(request_class_name((enum request_class)0), "?");
    assert_string_equal(request_class_name((enum request_class)(REQUEST_CLASS_COUNT + 1)), "?");
    assert_false(request_class_parse("", &found));
    assert_false(request_class_parse("port", &found));
    assert_false(request_class_parse("Ports", &found));
    assert_false(request_class_parse("everything", &found));
    assert_int_equal(found, CLASS_EXEC);
}

static void each_class_is_switched_alone(void **state)
{
    for (int i = 1; i <= REQUEST_CLASS_COUNT; i++) {
        struct request_classes classes = request_classes_all();
        request_classes_set(&classes, (enum request_class)i, false);
        for (int j = 1; j <= REQUEST_CLASS_COUNT; j++)
            assert_int_equal(request_classes_has(classes, (enum request_class)j), i != j);
        request_classes_set(&classes, (enum request_class)i, true);
        assert_int_equal(classes.bits, request_classes_all().bits);
    }
}

static void an_empty_set_has_nothing(void **state)
{
    struct request_classes classes = {0};
    for (int i = 1; i <= REQUEST_CLASS_COUNT; i++)
        assert_false(request_classes_has(classes, (enum request_class)i));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_those_of_the_documentation),
        cmocka_unit_test(numbers_and_names_that_are_none_are_refused),
        cmocka_unit_test(each_class_is_switched_alone),
        cmocka_unit_test(an_empty_set_has_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
