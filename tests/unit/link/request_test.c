/* SPDX-License-Identifier: MIT */
/* Requests: ids, answers, deadlines, and completions that ask again. */
#include "protocol/link/request.h"

#include "protocol/base/status.h"
#include "tests/unit/link/link_fixture.h"

static struct requests requests;

struct asked {
    uint64_t id;
    int done, status;
    bool had_answer;
    struct asked *again;
};

static void on_done(void *ctx, int status, const struct message *answer)
{
    struct asked *asked = ctx;
    asked->done++;
    asked->status = status;
    asked->had_answer = answer != NULL;
    if (asked->again != NULL)
        assert_int_equal(requests_add(&requests, 10, on_done, asked->again, &asked->again->id), 0);
}

static void add(struct asked *asked, uint64_t timeout_ms)
{
    uv_update_time(&uv);
    assert_int_equal(requests_add(&requests, timeout_ms, on_done, asked, &asked->id), 0);
    assert_int_equal(asked->done, 0);
}

static int setup(void **state)
{
    link_fixture_setup(state);
    requests_init(&requests, &uv);
    return 0;
}

static int teardown(void **state)
{
    if (!uv_is_closing((uv_handle_t *)&requests.timer))
        requests_close(&requests, NULL, NULL);
    return link_fixture_teardown(state);
}

static void answers_find_their_requests_in_any_order(void **state)
{
    struct asked a = {0}, b = {0}, c = {0};
    add(&a, 1000);
    add(&b, 1000);
    add(&c, 1000);
    assert_int_equal(requests_pending(&requests), 3);
    struct message answer = {.kind = MESSAGE_PONG, .id = b.id};
    requests_answer(&requests, &answer);
    requests_answer(&requests, &answer); /* twice */
    assert_int_equal(b.done, 1);
    assert_int_equal(b.status, 0);
    assert_true(b.had_answer);
    struct message error = {.kind = MESSAGE_ERROR, .id = a.id};
    error.body.failure.status = STATUS_NOT_ALLOWED;
    requests_answer(&requests, &error);
    assert_int_equal(a.status, STATUS_NOT_ALLOWED);
    assert_true(a.had_answer);
    struct message unknown = {.kind = MESSAGE_PONG, .id = 999};
    requests_answer(&requests, &unknown);
    assert_int_equal(c.done, 0);
    requests_drop(&requests, c.id);
    requests_drop(&requests, c.id);
    assert_int_equal(c.done, 0);
    assert_int_equal(requests_pending(&requests), 0);
    assert_false(uv_is_active((uv_handle_t *)&requests.timer));
}

static void each_request_has_its_own_deadline(void **state)
{
    struct asked slow = {0}, quick = {0};
    add(&slow, 60);
    add(&quick, 10);
    RUN_UNTIL(quick.done == 1);
    assert_int_equal(quick.status, UV_ETIMEDOUT);
    assert_false(quick.had_answer);
    assert_int_equal(slow.done, 0);
    assert_true(requests_oldest_age_ms(&requests) >= 10);
    RUN_UNTIL(slow.done == 1);
    assert_int_equal(requests_oldest_age_ms(&requests), 0);
}

static void a_completion_may_ask_again(void **state)
{
    struct asked late = {0}, answered = {0}, failed = {0};
    struct asked first = {.again = &late}, second = {.again = &answered}, third = {.again = &failed};
    add(&first, 5);
    RUN_UNTIL(first.done == 1);
    assert_int_equal(first.status, UV_ETIMEDOUT);
    assert_int_equal(late.done, 0);
    RUN_UNTIL(late.done == 1);
    add(&second, 1000);
    struct message answer = {.kind = MESSAGE_PONG, .id = second.id};
    requests_answer(&requests, &answer);
    assert_int_not_equal(answered.id, second.id);
    assert_int_equal(requests_pending(&requests), 1);
    add(&third, 1000);
    requests_fail(&requests, STATUS_NOT_CONNECTED);
    assert_int_equal(third.status, STATUS_NOT_CONNECTED);
    assert_int_equal(answered.status, STATUS_NOT_CONNECTED);
    assert_int_equal(failed.done, 0); /* asked while the others failed: it is a new one */
    assert_int_equal(requests_pending(&requests), 1);
    requests_drop(&requests, failed.id);
}

static void too_many_requests_are_refused(void **state)
{
    static struct asked many[REQUESTS_MAX];
    struct asked more = {0};
    for (size_t i = 0; i < REQUESTS_MAX; i++)
        add(&many[i], 1000);
    assert_int_equal(requests_add(&requests, 1000, on_done, &more, &more.id), STATUS_LIMIT);
    requests_close(&requests, NULL, NULL);
    for (size_t i = 0; i < REQUESTS_MAX; i++) {
        assert_int_equal(many[i].done, 1);
        assert_int_equal(many[i].status, STATUS_GONE);
    }
    assert_int_equal(more.done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_find_their_requests_in_any_order, setup, teardown),
        cmocka_unit_test_setup_teardown(each_request_has_its_own_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(a_completion_may_ask_again, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_requests_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
