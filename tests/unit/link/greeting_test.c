/* SPDX-License-Identifier: MIT */
/* The hybrid-vsock greeting, byte by byte. */
#include "protocol/link/greeting.h"

#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

/* Feeds the text until something else than 0 comes; returns that, and how many bytes it took. */
static int feed(const char *text, size_t *ret_used)
{
    struct greeting greeting;
    greeting_init(&greeting, 5002);
    for (size_t i = 0; text[i] != '\0'; i++) {
        int status = greeting_feed(&greeting, text[i]);
        *ret_used = i + 1;
        if (status != 0)
            return status;
    }
    return 0;
}

static void request_fits_for_the_largest_port(void **state)
{
    struct greeting greeting;
    char request[GREETING_REQUEST_MAX];
    greeting_init(&greeting, 4294967295);
    size_t size = greeting_request(&greeting, request);
    assert_int_equal(size, strlen("CONNECT 4294967295\n"));
    assert_memory_equal(request, "CONNECT 4294967295\n", size);
}

static void good_answers_end_exactly_at_the_newline(void **state)
{
    size_t used;
    assert_int_equal(feed("OK 1\nrest", &used), 1);
    assert_int_equal(used, 5);
    assert_int_equal(feed("OK 1073741824\n", &used), 1);
    assert_int_equal(used, 14);
}

static void an_answer_in_pieces_waits_for_more(void **state)
{
    static const char ANSWER[] = "OK 10737";
    size_t used;
    for (size_t i = 1; i < sizeof(ANSWER); i++) {
        char part[sizeof(ANSWER)] = "";
        memcpy(part, ANSWER, i);
        assert_int_equal(feed(part, &used), 0);
    }
}

static void junk_is_refused_at_its_first_byte(void **state)
{
    static const struct {
        const char *text;
        size_t used;
    } JUNK[] = {{"X", 1},        {"ok 1\n", 1},  {"OX", 2},    {"OK\n", 3},
                {"OK\t1\n", 3},  {"OK x", 4},    {"OK \n", 4}, {"OK 1 2", 5},
                {"OK 1\r\n", 5}, {"OK -1\n", 4}, {"\n", 1},    {"Connection refused\n", 1}};
    for (size_t i = 0; i < sizeof(JUNK) / sizeof(JUNK[0]); i++) {
        size_t used = 0;
        assert_int_equal(feed(JUNK[i].text, &used), STATUS_MALFORMED);
        assert_int_equal(used, JUNK[i].used);
    }
}

static void an_endless_number_is_refused(void **state)
{
    char text[200] = "OK ";
    memset(text + 3, '7', sizeof(text) - 4);
    size_t used;
    assert_int_equal(feed(text, &used), STATUS_MALFORMED);
    assert_int_equal(used, GREETING_ANSWER_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request_fits_for_the_largest_port),
        cmocka_unit_test(good_answers_end_exactly_at_the_newline),
        cmocka_unit_test(an_answer_in_pieces_waits_for_more),
        cmocka_unit_test(junk_is_refused_at_its_first_byte),
        cmocka_unit_test(an_endless_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
