/* SPDX-License-Identifier: MIT */
/* Real files between real engines over real sockets: straight, and through a junction. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "protocol/wire/aead.h"
#include "services/transfer/junction.h"
#include "services/transfer/receive/receiver.h"
#include "services/transfer/send/sender.h"
#include "services/transfer/transfer_link.h"
#include "tests/unit/link/link_fixture.h"

struct mover {
    struct transfer_link *link;
    struct transfer_counts counts; /* at the end */
    size_t ends, closed;
    int status;
    char text[TEXT_REASON_MAX + 1];
};

static struct item_pool *pool;
static struct mover sending, receiving, upper, lower;
static char problem[TEXT_REASON_MAX + 1];
static char from[128], to[128];

static int shell(const char *format)
{
    char command[1024];
    snprintf(command, sizeof(command), "cd %s && %s", directory, format);
    return system(command);
}

static const char MIXED_TREE[] =
    "mkdir -p from/tree/sub/empty from/tree/many to && cd from/tree && touch empty && echo hello > a && "
    "printf x > 'ä b' && chmod 750 a && head -c 3500000 /dev/urandom > large && "
    "head -c 1048576 /dev/urandom > sub/chunk && truncate -s 5M sub/hole && echo end >> sub/hole && "
    "ln -s ../a sub/link && "
    "i=0; while [ $i -lt 120 ]; do echo $i > many/$i; i=$((i+1)); done; touch -d @1000000000 a large";
static const char SAME[] =
    "diff -r --no-dereference from/tree to/tree && (cd from && find . -printf '%p %m %T@ %l\\n' | sort > "
    "../f) "
    "&& (cd to && find . -name .hospes-partial -prune -o -printf '%p %m %T@ %l\\n' | sort > ../t) && "
    "sed -i 1d f t && diff f t";

static int setup(void **state)
{
    link_fixture_setup(state);
    sending = receiving = upper = lower = (struct mover){.link = NULL};
    snprintf(from, sizeof(from), "%s/from/tree", directory);
    snprintf(to, sizeof(to), "%s/to", directory);
    assert_int_equal(shell(MIXED_TREE), 0);
    return item_pool_create(16, &pool);
}

static void handle_closed(void *ctx)
{
    ((struct mover *)ctx)->closed++;
}

static void close_mover(struct mover *mover, bool discard)
{
    if (mover->link != NULL)
        transfer_link_close(mover->link, discard, handle_closed, mover);
    mover->link = NULL;
}

static int teardown(void **state)
{
    close_mover(&sending, false);
    close_mover(&receiving, false);
    close_mover(&upper, false);
    close_mover(&lower, false);
    uv_run(&uv, UV_RUN_DEFAULT);
    item_pool_destroy(pool);
    assert_int_equal(shell("rm -rf from to f t"), 0);
    return link_fixture_teardown(state);
}

static void handle_end(void *ctx, int status, const char *text)
{
    struct mover *mover = ctx;
    struct engine *engine = transfer_link_engine(mover->link);
    mover->ends++;
    mover->status = status;
    memcpy(&mover->counts, &engine->counts, sizeof(mover->counts));
    snprintf(mover->text, sizeof(mover->text), "%s", text);
    for (struct transfer_failure *each = engine->failures; each != NULL; each = each->next)
        print_message("failed: %s: %s\n", each->path, each->text);
    close_mover(mover, false);
}

static const struct transfer_link_handler HANDLER = {.on_end = handle_end};

static struct engine_keys keys_of(uint8_t fill)
{
    struct engine_keys keys = {.check = AEAD_CHACHA20_POLY1305};
    memset(keys.check_key, fill, sizeof(keys.check_key));
    memset(keys.digest_key, fill, sizeof(keys.digest_key));
    return keys;
}

static void drive(struct mover *mover, struct engine *engine, int fd)
{
    struct stream_fd_options options = {.splice = true};
    struct fs_identity identity = fs_identity_own();
    struct stream *stream;
    *mover = (struct mover){.link = NULL};
    assert_int_equal(stream_fd_create(&loop, fd, &options, &stream), 0);
    assert_int_equal(transfer_link_create(&uv, stream, engine, &identity, &HANDLER, mover, &mover->link), 0);
}

static void start_sender(uint8_t key, int fd)
{
    const char *paths[] = {from};
    struct sender_options options = {.pool = pool,
                                     .keys = keys_of(key),
                                     .path_count = 1,
                                     .paths = paths,
                                     .flags = FILES_RECURSIVE,
                                     .links = FILES_LINKS_KEEP};
    struct engine *engine;
    assert_int_equal(sender_create(&options, &engine, problem), 0);
    drive(&sending, engine, fd);
}

static void start_receiver(uint8_t key, uint32_t flags, int fd)
{
    struct receiver_options options = {.pool = pool,
                                       .keys = keys_of(key),
                                       .folder = to,
                                       .id = {{1, 2, 3}},
                                       .flags = flags,
                                       .links = FILES_LINKS_KEEP};
    struct engine *engine;
    assert_int_equal(receiver_create(&options, &engine, problem), 0);
    drive(&receiving, engine, fd);
}

static void move_straight(uint32_t flags)
{
    int fds[2];
    socket_pair(fds);
    start_sender(1, fds[0]);
    start_receiver(1, flags, fds[1]);
    RUN_UNTIL_WITHIN(60000, sending.ends == 1 && receiving.ends == 1);
    assert_int_equal(sending.status, 0);
    assert_int_equal(receiving.status, 0);
    assert_int_equal(sending.counts.failed + receiving.counts.failed, 0);
}

static void begin_through_junction(uint32_t flags, const char *name)
{
    int above[2], below[2];
    struct engine_keys upper_keys = keys_of(1), lower_keys = keys_of(2);
    struct engine *upper_engine, *lower_engine;
    socket_pair(above);
    socket_pair(below);
    assert_int_equal(junction_create(pool, &upper_keys, &lower_keys, 1, &name, &upper_engine, &lower_engine),
                     0);
    start_sender(1, above[0]);
    drive(&upper, upper_engine, above[1]);
    drive(&lower, lower_engine, below[0]);
    start_receiver(2, flags, below[1]);
}

static void move_through_junction(uint32_t flags, const char *name)
{
    begin_through_junction(flags, name);
    RUN_UNTIL_WITHIN(60000, sending.ends == 1 && receiving.ends == 1 && upper.ends == 1 && lower.ends == 1);
    assert_int_equal(sending.status | receiving.status | upper.status | lower.status, 0);
}

static void a_mixed_tree_arrives_as_it_is(void **state)
{
    move_straight(FILES_RECURSIVE);
    assert_int_equal(shell(SAME), 0);
    assert_int_equal(receiving.counts.files_done, sending.counts.files_done);
}

static void the_second_time_nothing_moves(void **state)
{
    move_straight(FILES_RECURSIVE | FILES_UPDATE);
    move_straight(FILES_RECURSIVE | FILES_UPDATE);
    assert_int_equal(receiving.counts.bytes_moved, 0);
    assert_int_equal(shell(SAME), 0);
}

static void a_mixed_tree_passes_a_junction(void **state)
{
    move_through_junction(FILES_RECURSIVE, "tree");
    assert_int_equal(shell(SAME), 0);
    assert_int_equal(lower.counts.files_done, receiving.counts.files_done);
    assert_int_equal(lower.counts.bytes_moved, sending.counts.bytes_moved);
    assert_int_equal(lower.counts.files_total, lower.counts.files_done);
}

static void a_junction_names_the_roots(void **state)
{
    move_through_junction(FILES_RECURSIVE, "renamed");
    assert_int_equal(shell("mv to/renamed to/tree"), 0);
    assert_int_equal(shell(SAME), 0);
}

/* The receiver would like to compare and is sent everything. */
static void changed_files_pass_a_junction_whole(void **state)
{
    move_through_junction(FILES_RECURSIVE, "tree");
    assert_int_equal(
        shell("cd to/tree && printf y | dd of=large bs=1 seek=2000000 conv=notrunc 2>/dev/null && "
              "printf J > a && touch many/5"),
        0);
    move_through_junction(FILES_RECURSIVE | FILES_CHECKSUM, "tree");
    assert_int_equal(shell(SAME), 0);
}

/* Closed with `discard` anywhere, nothing is left at the receiver. */
static void an_end_that_is_lost_ends_all_others(void **state)
{
    struct mover *const movers[] = {&sending, &upper, &lower, &receiving};
    for (size_t lost = 0; lost < 8; lost++) {
        begin_through_junction(FILES_RECURSIVE, "tree");
        for (size_t i = 0; i < lost * 12; i++)
            uv_run(&uv, UV_RUN_ONCE);
        if (movers[lost % 4]->link != NULL)
            close_mover(movers[lost % 4], lost % 2 == 0);
        RUN_UNTIL_WITHIN(20000, sending.closed + upper.closed + lower.closed + receiving.closed == 4);
        assert_true(shell("test -e to/tree") != 0 || shell(SAME) == 0); /* all or nothing */
        if (lost % 2 == 0)
            assert_int_equal(shell("test ! -e to/.hospes-partial"), 0);
        assert_int_equal(shell("rm -rf to && mkdir to"), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_mixed_tree_arrives_as_it_is),       TEST(the_second_time_nothing_moves),
        TEST(a_mixed_tree_passes_a_junction),      TEST(a_junction_names_the_roots),
        TEST(changed_files_pass_a_junction_whole), TEST(an_end_that_is_lost_ends_all_others),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
