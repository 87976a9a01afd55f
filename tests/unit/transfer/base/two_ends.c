/* SPDX-License-Identifier: MIT */
/* Makes ends, and closes them. */
#include "tests/unit/transfer/base/two_ends.h"

#include <stdio.h>
#include <string.h>

#include "protocol/link/stream_fd.h"

struct item_pool *pool;
struct one_end giver, taker;

static void handle_closed(void *ctx)
{
    ((struct one_end *)ctx)->closed++;
}

void end_close(struct one_end *end, bool discard)
{
    struct transfer_link *link = end->link;
    end->link = NULL;
    transfer_link_close(link, discard, handle_closed, end);
}

static void handle_progress(void *ctx)
{
    struct one_end *end = ctx;
    assert_non_null(end->link); /* no callback after the close */
    assert_int_equal(end->ends, 0);
    end->progress++;
    end->moved_told = transfer_link_engine(end->link)->counts.bytes_moved;
    if ((end->close_at & AT_PROGRESS) != 0)
        end_close(end, end->discards);
}

static void handle_end(void *ctx, int status, const char *text)
{
    struct one_end *end = ctx;
    assert_non_null(end->link);
    transfer_link_engine(end->link); /* at rest */
    end->ends++;
    end->status = status;
    snprintf(end->text, sizeof(end->text), "%s", text);
    if ((end->close_at & AT_LINK_END) != 0)
        end_close(end, end->discards);
}

static const struct transfer_link_handler HANDLER = {.on_progress = handle_progress, .on_end = handle_end};

int two_ends_setup(void **state)
{
    link_fixture_setup(state);
    fake_loop_thread = uv_thread_self();
    memset(&giver, 0, sizeof(giver));
    memset(&taker, 0, sizeof(taker));
    giver.script.is_giver = true;
    return item_pool_create(8, &pool);
}

static void finish(struct one_end *end)
{
    atomic_store(&end->script.held, false);
    if (end->link != NULL)
        end_close(end, false);
}

static void check(const struct one_end *end)
{
    assert_true(end->ends <= 1);
    assert_int_equal(end->script.destroyed, end->closed);
    assert_false(end->script.on_loop_thread);
    assert_false(end->script.overlapped);
    assert_false(end->script.wrong_data);
}

int two_ends_teardown(void **state)
{
    size_t links = (giver.link != NULL) + (taker.link != NULL) + giver.closed + taker.closed;
    finish(&giver);
    finish(&taker);
    RUN_UNTIL(giver.closed + taker.closed >= links ||
              (giver.link == NULL && taker.link == NULL && links == 0));
    uv_run(&uv, UV_RUN_DEFAULT);
    check(&giver);
    check(&taker);
    item_pool_destroy(pool);
    return link_fixture_teardown(state);
}

void two_ends_renew(void)
{
    void *state = NULL;
    two_ends_teardown(&state);
    two_ends_setup(&state);
}

void end_create(struct one_end *end, struct stream *stream)
{
    struct engine *engine = fake_engine_create(pool, &end->script);
    struct fs_identity identity = fs_identity_own();
    assert_non_null(engine);
    assert_int_equal(transfer_link_create(&uv, stream, engine, &identity, &HANDLER, end, &end->link), 0);
    assert_int_equal(end->progress + end->ends, 0);
}

struct stream *socket_stream(int fd, bool splice)
{
    struct stream_fd_options options = {.splice = splice};
    struct stream *stream;
    assert_int_equal(stream_fd_create(&loop, fd, &options, &stream), 0);
    return stream;
}

void two_ends_connect(size_t chunks, size_t chunk_size)
{
    int fds[2];
    socket_pair(fds);
    giver.script.chunks = taker.script.chunks = chunks;
    giver.script.chunk_size = taker.script.chunk_size = chunk_size;
    end_create(&giver, socket_stream(fds[0], true));
    end_create(&taker, socket_stream(fds[1], true));
}
