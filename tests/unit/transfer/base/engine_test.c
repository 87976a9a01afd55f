/* SPDX-License-Identifier: MIT */
#include "services/transfer/engine.h"

#include <string.h>
#include <uv.h>

#include "tests/unit/base/testing.h"

static void failures_are_kept_newest_first_with_copies_of_their_texts(void **state)
{
    struct engine engine = {.ops = NULL};
    char text[] = "no", path[] = "a/b";
    engine_note_failure(&engine, UV_EACCES, text, path);
    memset(text, 'x', 2);
    memset(path, 'x', 3);
    engine_note_failure(&engine, UV_EIO, "", "c");
    assert_string_equal(engine.failures->path, "c");
    assert_string_equal(engine.failures->text, "");
    assert_int_equal(engine.failures->next->status, UV_EACCES);
    assert_string_equal(engine.failures->next->text, "no");
    assert_string_equal(engine.failures->next->path, "a/b");
    assert_null(engine.failures->next->next);
    assert_int_equal(engine.counts.failed, 2);
    transfer_failures_free(engine.failures);
}

static void failures_beyond_the_maximum_are_only_counted(void **state)
{
    struct engine engine = {.ops = NULL};
    for (size_t i = 0; i < TRANSFER_FAILURES_MAX + 5; i++) {
        engine_note_failure(&engine, UV_EIO, "t", "p");
        if (i == 10) { /* somebody looked */
            transfer_failures_free(engine.failures);
            engine.failures = NULL;
        }
    }
    size_t kept = 0;
    for (struct transfer_failure *each = engine.failures; each != NULL; each = each->next)
        kept++;
    assert_int_equal(kept, TRANSFER_FAILURES_MAX - 11);
    assert_int_equal(engine.failures_told, TRANSFER_FAILURES_MAX);
    assert_int_equal(engine.counts.failed, TRANSFER_FAILURES_MAX + 5);
    transfer_failures_free(engine.failures);
}

static int refuse(struct engine *engine)
{
    return UV_EPROTO;
}

static void fin_goes_to_the_kind_of_engine(void **state)
{
    static const struct engine_ops OPS = {.take_fin = refuse};
    struct engine engine = {.ops = &OPS};
    assert_int_equal(engine_take_fin(&engine), UV_EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_are_kept_newest_first_with_copies_of_their_texts),
        cmocka_unit_test(failures_beyond_the_maximum_are_only_counted),
        cmocka_unit_test(fin_goes_to_the_kind_of_engine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
