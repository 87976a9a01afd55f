/* SPDX-License-Identifier: MIT */
/* Server-sent events, split wherever a network may split them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uv.h>

#include "host-bridge/cli/sse.h"

struct heard {
    char text[512];
    size_t stop_after; /* 0 = never */
    size_t count;
};

static bool hear(void *ctx, const char *type, const char *id, const char *data, size_t size)
{
    struct heard *heard = ctx;
    size_t used = strlen(heard->text);
    assert_int_equal(strlen(data), size);
    snprintf(heard->text + used, sizeof(heard->text) - used, "[%s|%s|%s]", type, id, data);
    return ++heard->count != heard->stop_after;
}

static const char STREAM[] = "event: vm.added\nid: 1\ndata: {\"a\":1}\n\n"
                             ": a comment\n\n"
                             "id: 2\r\ndata:x\r\ndata: y\r\n\r\n"
                             "id: 3\n\n"
                             "unknown: z\nevent\ndata:\n\n"
                             "retry: 5\rdata: q\r\r";
static const char EXPECTED[] = "[vm.added|1|{\"a\":1}][message|2|x\ny][message|3|][message|3|q]";

static void events_are_the_same_split_at_every_byte(void **state)
{
    for (size_t split = 0; split < sizeof(STREAM); split++) {
        struct heard heard = {{0}, 0, 0};
        struct sse sse;
        sse_init(&sse, hear, &heard);
        assert_int_equal(sse_feed(&sse, STREAM, split < sizeof(STREAM) - 1 ? split : sizeof(STREAM) - 1), 0);
        if (split < sizeof(STREAM) - 1)
            assert_int_equal(sse_feed(&sse, STREAM + split, sizeof(STREAM) - 1 - split), 0);
        assert_string_equal(heard.text, EXPECTED);
        assert_string_equal(sse.id, "3");
        sse_finish(&sse);
    }
}

static void a_restart_drops_the_incomplete_event_and_keeps_the_id(void **state)
{
    struct heard heard = {{0}, 0, 0};
    struct sse sse;
    sse_init(&sse, hear, &heard);
    assert_int_equal(sse_feed(&sse, "id: 9\ndata: half\nda", 19), 0);
    sse_restart(&sse);
    assert_int_equal(sse_feed(&sse, "data: whole\n\n", 13), 0);
    assert_string_equal(heard.text, "[message|9|whole]");
    sse_finish(&sse);
}

static void the_reader_can_stop(void **state)
{
    struct heard heard = {{0}, 1, 0};
    struct sse sse;
    sse_init(&sse, hear, &heard);
    assert_int_equal(sse_feed(&sse, "data: a\n\ndata: b\n\n", 18), UV_ECANCELED);
    assert_string_equal(heard.text, "[message||a]");
    sse_finish(&sse);
}

static void an_endless_line_is_refused(void **state)
{
    static char block[65536];
    struct heard heard = {{0}, 0, 0};
    struct sse sse;
    int status = 0;
    memset(block, 'x', sizeof(block));
    sse_init(&sse, hear, &heard);
    for (size_t fed = 0; status == 0 && fed <= SSE_EVENT_MAX; fed += sizeof(block))
        status = sse_feed(&sse, block, sizeof(block));
    assert_int_equal(status, UV_ENOBUFS);
    sse_finish(&sse);
}

static void endless_data_lines_are_refused(void **state)
{
    struct heard heard = {{0}, 0, 0};
    struct sse sse;
    int status = 0;
    sse_init(&sse, hear, &heard);
    for (size_t fed = 0; status == 0 && fed <= SSE_EVENT_MAX; fed += 5)
        status = sse_feed(&sse, "data:1234\n", 10);
    assert_int_equal(status, UV_ENOBUFS);
    sse_finish(&sse);
}

static void too_long_ids_are_not_taken(void **state)
{
    struct heard heard = {{0}, 0, 0};
    struct sse sse;
    char line[128];
    sse_init(&sse, hear, &heard);
    int size = snprintf(line, sizeof(line), "id: 7\nid: %080d\ndata: a\n\n", 5);
    assert_int_equal(sse_feed(&sse, line, (size_t)size), 0);
    assert_string_equal(heard.text, "[message|7|a]");
    sse_finish(&sse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_the_same_split_at_every_byte),
        cmocka_unit_test(a_restart_drops_the_incomplete_event_and_keeps_the_id),
        cmocka_unit_test(the_reader_can_stop),
        cmocka_unit_test(an_endless_line_is_refused),
        cmocka_unit_test(endless_data_lines_are_refused),
        cmocka_unit_test(too_long_ids_are_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
