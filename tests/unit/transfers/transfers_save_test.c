/* SPDX-License-Identifier: MIT */
/* What survives a restart of the bridge, and what a state file may hold. */
#include <string.h>

#include "tests/unit/transfers/transfers_fixture.h"

#define LARGE (32 * 1024 * 1024)

static const struct transfer *made;

static void restart(void)
{
    json_t *saved = transfers_save(transfers);
    assert_non_null(saved);
    transfers_fixture_reopen();
    assert_int_equal(transfers_load(transfers, saved, problem), 0);
    json_decref(saved);
}

static void a_drop_goes_on_after_a_restart(void **state)
{
    char id[33];
    put_file(below(host, "a"), LARGE, 1, 0644);
    assert_int_equal(add_drop(below(host, "a"), "one", &made), 0);
    memcpy(id, made->id, sizeof(id));
    RUN_UNTIL(made->counts.bytes_moved > 0);
    uint64_t started = made->started_ms;
    restart();
    RUN_UNTIL(guests[0].visits == 0);
    made = transfers_find(transfers, id);
    assert_non_null(made);
    assert_int_equal(made->kind, TRANSFER_DROP);
    assert_true(made->started_ms == started);
    RUN_TO_END(made);
    assert_int_equal(made->state, TRANSFER_DONE);
    assert_memory_equal(&guests[0].last.flags, &(uint32_t){FILES_RECURSIVE | FILES_DROP | FILES_RESUME},
                        sizeof(uint32_t));
    assert_true(trees_are_equal(below(host, "a"), below(guests[0].home, "a")));
    assert_int_equal(entries_in(guests[0].home), 1);
}

static void a_take_goes_on_after_a_restart(void **state)
{
    put_file(below(guests[0].home, "offer-18446744073709551615"), LARGE, 1, 0755);
    guests[0].up = false;
    assert_int_equal(add_take("one", UINT64_MAX, below(host, "in"), &made), 0);
    RUN_UNTIL(made->error == STATUS_NOT_CONNECTED);
    guests[0].up = true;
    restart();
    made = transfers_at(transfers, 0);
    assert_int_equal(made->kind, TRANSFER_TAKE);
    assert_true(made->offer == UINT64_MAX);
    RUN_TO_END(made);
    assert_int_equal(made->state, TRANSFER_DONE);
    assert_true(path_exists(below(host, "in/offer-18446744073709551615")));
}

static void copies_and_what_has_ended_are_not_kept(void **state)
{
    const struct transfer *ended;
    put_file(below(host, "a"), 10, 1, 0644);
    assert_int_equal(add_drop(below(host, "a"), "one", &ended), 0);
    RUN_TO_END(ended);
    guests[0].up = false;
    assert_int_equal(add_copy("", below(host, "a"), "one", ".", 0, &made), 0);
    restart();
    assert_int_equal(transfers_count(transfers), 0);
}

static void expect_refusal(const char *text, const char *words)
{
    json_t *state = json_loads(text, 0, NULL);
    assert_non_null(state);
    assert_int_equal(transfers_load(transfers, state, problem), STATUS_MALFORMED);
    if (strstr(problem, words) == NULL)
        fail_msg("%s", problem);
    assert_int_equal(transfers_count(transfers), 0);
    json_decref(state);
}

#define ID          "\"id\":\"00112233445566778899aabbccddeeff\""
#define DROP        "{" ID ",\"kind\":\"drop\",\"paths\":[\"/a\"],\"toVm\":\"one\"}"
#define LIST(items) "{\"version\":1,\"transfers\":[" items "]}"

static void loading_is_strict_and_all_or_nothing(void **state)
{
    expect_refusal("[]", "an object");
    expect_refusal("{}", "version");
    expect_refusal("{\"version\":2}", "version");
    expect_refusal("{\"version\":1,\"transfers\":{}}", "a list");
    expect_refusal(LIST("1"), "transfers[0]");
    expect_refusal(LIST("{}"), "transfers[0].kind");
    expect_refusal(LIST("{\"kind\":\"copy\"}"), "kind");
    expect_refusal(LIST(DROP ",{\"kind\":\"drop\",\"paths\":[\"/a\"],\"toVm\":\"one\"}"), "transfers[1].id");
    expect_refusal(LIST(DROP "," DROP), "no other transfer");
    expect_refusal(LIST("{" ID ",\"kind\":\"drop\",\"paths\":[\"a\"],\"toVm\":\"one\"}"), "absolute");
    expect_refusal(LIST("{" ID ",\"kind\":\"drop\",\"paths\":[1],\"toVm\":\"one\"}"), "paths");
    expect_refusal(LIST("{" ID ",\"kind\":\"drop\",\"paths\":[\"/a\"],\"toVm\":\"one\",\"x\":1}"), "unknown");
    expect_refusal(LIST("{" ID ",\"kind\":\"drop\",\"paths\":[\"/a\"],\"toVm\":\"one\",\"flags\":128}"),
                   "flag");
    expect_refusal(LIST("{" ID ",\"kind\":\"take\",\"fromVm\":\"one\",\"to\":\"/in\",\"offer\":\"-1\"}"),
                   "offer");
    expect_refusal(LIST("{" ID ",\"kind\":\"take\",\"fromVm\":\"one\",\"to\":\"/in\"}"), "offer");
    json_t *good = json_loads(LIST(DROP), 0, NULL);
    guests[0].up = false;
    assert_int_equal(transfers_load(transfers, good, problem), 0);
    assert_int_equal(transfers_count(transfers), 1);
    assert_string_equal(transfers_at(transfers, 0)->id, "00112233445566778899aabbccddeeff");
    json_decref(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSFERS_TEST(a_drop_goes_on_after_a_restart),
        TRANSFERS_TEST(a_take_goes_on_after_a_restart),
        TRANSFERS_TEST(copies_and_what_has_ended_are_not_kept),
        TRANSFERS_TEST(loading_is_strict_and_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
