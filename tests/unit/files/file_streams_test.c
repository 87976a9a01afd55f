/* SPDX-License-Identifier: MIT */
/* file_read and file_write by themselves: what is given and taken, what ends them, what they hold. The other
 * pieces of work, and both over HTTP, are in tests/unit/api. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/features/files/file_read.h"
#include "host-bridge/features/files/file_write.h"
#include "protocol/base/status.h"
#include "tests/unit/files/fake_agent.h"

struct bench {
    uv_loop_t loop;
    struct fake_agent agent;
    struct files_io io;
    int opened, bytes, rooms, ends;
    int status;
    uint64_t size; /* written */
};

static int open_files(void *ctx, const struct files_open_message *open,
                      const struct files_dial_handler *handler, void *handler_ctx, struct files_dial **ret)
{
    return files_dial(NULL, open, handler, handler_ctx, ret);
}

static int set_up(void **state)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    uv_loop_init(&bench->loop);
    fake_agent_init(&bench->agent, &bench->loop);
    bench->io = (struct files_io){.open = open_files, .cancel = files_dial_cancel};
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *bench = *state;
    fake_agent_go_on(&bench->agent);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_null(bench->agent.jobs);
    fake_agent_finish(&bench->agent);
    assert_int_equal(uv_loop_close(&bench->loop), 0);
    free(bench);
    return 0;
}

/* ---- reading ---- */

static void handle_opened(void *ctx, const struct files_opened_message *opened)
{
    struct bench *bench = ctx;
    bench->opened++;
}

static void handle_bytes(void *ctx)
{
    struct bench *bench = ctx;
    bench->bytes++;
}

static void handle_failed(void *ctx, int status, const char *text)
{
    struct bench *bench = ctx;
    bench->ends++;
    bench->status = status;
}

static const struct file_read_handler READER = {handle_opened, handle_bytes, handle_failed};

static uint64_t take_all(struct bench *bench, struct file_read *read, size_t piece, uint64_t offset)
{
    static uint8_t bytes[65536];
    uint64_t taken = 0;
    for (;;) {
        ssize_t size = file_read_take(read, bytes, piece);
        if (size == UV_EOF || bench->ends > 0)
            return taken;
        if (size == 0)
            uv_run(&bench->loop, UV_RUN_ONCE);
        for (ssize_t i = 0; i < size; i++)
            assert_int_equal(bytes[i], fake_agent_byte(offset + taken + (uint64_t)i));
        taken += (uint64_t)size;
    }
}

static void bytes_come_whole_in_pieces_of_any_size(void **state)
{
    struct bench *bench = *state;
    struct file_read *read;
    static const size_t PIECES[] = {1, 13, 65536};
    bench->agent.size = 700000;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(file_read_begin(&bench->io, "", "/a", 5, 0, &READER, bench, &read), 0);
        assert_int_equal(take_all(bench, read, PIECES[i], 5), 699995);
        file_read_close(read);
    }
    assert_int_equal(bench->opened, 3);
    assert_int_equal(bench->ends, 0);
}

static void a_reader_that_takes_nothing_holds_a_bounded_part(void **state)
{
    struct bench *bench = *state;
    struct file_read *read;
    bench->agent.size = 100 * 1024 * 1024;
    assert_int_equal(file_read_begin(&bench->io, "", "/a", 0, 0, &READER, bench, &read), 0);
    for (int i = 0; i < 500; i++)
        uv_run(&bench->loop, UV_RUN_NOWAIT);
    assert_true(bench->agent.sent < 4 * 1024 * 1024);
    file_read_close(read);
}

static void a_file_that_shrinks_is_a_failure(void **state)
{
    struct bench *bench = *state;
    struct file_read *read;
    bench->agent.size = 100;
    bench->agent.sends = 99;
    assert_int_equal(file_read_begin(&bench->io, "", "/a", 0, 0, &READER, bench, &read), 0);
    take_all(bench, read, 10, 0);
    assert_int_equal(bench->status, STATUS_CHANGED);
    file_read_close(read);
}

/* ---- writing ---- */

static void handle_room(void *ctx)
{
    struct bench *bench = ctx;
    bench->rooms++;
}

static void handle_done(void *ctx, int status, const char *text, const struct file_written *written)
{
    struct bench *bench = ctx;
    bench->ends++;
    bench->status = status;
    bench->size = status == 0 ? written->size : 0;
}

static const struct file_write_handler WRITER = {handle_room, handle_done};

static struct file_write *begin_write(struct bench *bench)
{
    struct file_write *write;
    const struct file_write_request request = {.user = "", .path = "/a"};
    assert_int_equal(file_write_begin(&bench->loop, &bench->io, &request, &WRITER, bench, &write), 0);
    return write;
}

static void nothing_is_taken_before_the_guest_has_opened(void **state)
{
    struct bench *bench = *state;
    struct file_write *write = begin_write(bench);
    assert_int_equal(file_write_give(write, "abc", 3), 0);
    while (bench->rooms == 0)
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_int_equal(file_write_give(write, "abc", 3), 3);
    file_write_end(write);
    while (bench->ends == 0)
        uv_run(&bench->loop, UV_RUN_ONCE);
    assert_int_equal(bench->status, 0);
    assert_int_equal(bench->size, 3);
    file_write_close(write);
}

static void a_guest_that_takes_nothing_bounds_what_is_held(void **state)
{
    struct bench *bench = *state;
    static uint8_t bytes[65536];
    uint64_t given = 0;
    bench->agent.takes_nothing = true;
    struct file_write *write = begin_write(bench);
    for (int i = 0; i < 300; i++) {
        given += file_write_give(write, bytes, sizeof(bytes));
        uv_run(&bench->loop, UV_RUN_NOWAIT);
    }
    assert_true(given < 4 * 1024 * 1024);
    assert_int_equal(bench->ends, 0);
    file_write_close(write);
}

static void closing_while_a_worker_hashes_is_safe(void **state)
{
    struct bench *bench = *state;
    static uint8_t bytes[FILE_WRITE_BLOCK_BYTES];
    for (int i = 0; i < 20; i++) {
        struct file_write *write = begin_write(bench);
        int rooms = bench->rooms;
        while (bench->rooms == rooms)
            uv_run(&bench->loop, UV_RUN_ONCE);
        assert_int_equal(file_write_give(write, bytes, sizeof(bytes)), sizeof(bytes));
        file_write_close(write);
    }
    assert_int_equal(bench->ends, 0);
}

static void a_failure_of_the_guest_is_told_once(void **state)
{
    struct bench *bench = *state;
    static uint8_t bytes[FILE_WRITE_BLOCK_BYTES];
    bench->agent.fails_at = 1;
    struct file_write *write = begin_write(bench);
    while (bench->ends == 0) {
        file_write_give(write, bytes, sizeof(bytes));
        uv_run(&bench->loop, UV_RUN_ONCE);
    }
    assert_int_equal(bench->status, UV_ENOSPC);
    file_write_close(write);
    uv_run(&bench->loop, UV_RUN_DEFAULT);
    assert_int_equal(bench->ends, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_come_whole_in_pieces_of_any_size),
        TEST(a_reader_that_takes_nothing_holds_a_bounded_part),
        TEST(a_file_that_shrinks_is_a_failure),
        TEST(nothing_is_taken_before_the_guest_has_opened),
        TEST(a_guest_that_takes_nothing_bounds_what_is_held),
        TEST(closing_while_a_worker_hashes_is_safe),
        TEST(a_failure_of_the_guest_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
