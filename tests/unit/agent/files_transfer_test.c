/* SPDX-License-Identifier: MIT */
/* PUT, GET and LIST with a bridge that has the real engines; offers; what becomes of them when they end
 * early.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "services/transfer/receive/receiver.h"
#include "services/transfer/send/sender.h"
#include "services/transfer/transfer_link.h"
#include "tests/unit/agent/files_fixture.h"

#define NOBODY     65534
#define LARGE_SIZE ((size_t)64 << 20)
#define CUT_AT     (LARGE_SIZE / 2) /* more than the sockets and queues on the way hold */

/* The bridge's end of a transfer. */
static struct host {
    struct stream *stream;
    struct transfer_link *link;
    struct item_pool *pool;
    bool sends, opened, over, closed;
    bool cuts; /* stops at CUT_AT */
    char path[FILES_PATH_MAX + 1];
    size_t path_count;
    const char *paths[4]; /* sends: of what; else of the folder */
    int status;
    char text[TEXT_REASON_MAX + 1];
    struct transfer_counts counts;
} host;

static void note_closed(void *ctx)
{
    host.closed = true;
}

static void note_end(void *ctx, int status, const char *text)
{
    host.over = true;
    host.status = status;
    snprintf(host.text, sizeof(host.text), "%s", text);
    if (host.link != NULL)
        host.counts = transfer_link_engine(host.link)->counts;
}

static void note_progress(void *ctx)
{
    if (host.cuts && transfer_link_engine(host.link)->counts.bytes_moved > CUT_AT)
        host.over = true;
}

static const struct transfer_link_handler LINK_HANDLER = {.on_progress = note_progress, .on_end = note_end};

static void begin(const struct files_opened_message *opened)
{
    struct files_keys keys;
    struct engine_keys engine_keys = {.check = opened->check};
    struct engine *engine;
    struct fs_identity own = fs_identity_own();
    session_keys_of_files(&session_keys, 5, &keys);
    memcpy(engine_keys.check_key, keys.check, sizeof(keys.check));
    memcpy(engine_keys.digest_key, keys.digest, sizeof(keys.digest));
    assert_int_equal(opened->check == 0, session_keys.cipher != 0);
    snprintf(host.path, sizeof(host.path), "%s", opened->path);
    if (host.sends) {
        struct sender_options options = {.pool = host.pool,
                                         .keys = engine_keys,
                                         .path_count = host.path_count,
                                         .paths = host.paths,
                                         .flags = FILES_RECURSIVE};
        assert_int_equal(sender_create(&options, &engine, host.text), 0);
    } else {
        struct receiver_options options = {.pool = host.pool,
                                           .keys = engine_keys,
                                           .folder = host.paths[0],
                                           .id = {{1}},
                                           .flags = FILES_RECURSIVE};
        assert_int_equal(receiver_create(&options, &engine, host.text), 0);
    }
    struct stream *stream = host.stream;
    host.stream = NULL;
    assert_int_equal(transfer_link_create(&uv, stream, engine, &own, &LINK_HANDLER, NULL, &host.link), 0);
    host.opened = true;
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct message message;
    struct message_head head;
    if (type == FRAME_RST) {
        frame_rst_decode(payload, &host.status, host.text);
        host.over = true;
        return;
    }
    assert_int_equal(type, FRAME_MESSAGE);
    assert_int_equal(message_decode(payload, &message, &head), 0);
    assert_int_equal(message.kind, MESSAGE_FILES_OPENED);
    begin(&message.body.files_opened);
    message_finish(&message);
}

static size_t handle_data(void *ctx, struct span bytes)
{
    fail_msg("data before FILES_OPENED");
    return 0;
}

static void handle_stream_end(void *ctx, int status, const char *text)
{
    if (!host.over) /* else the reason came before */
        note_end(ctx, status, text);
}

static const struct stream_handler HANDLER = {
    .on_frame = handle_frame, .on_data = handle_data, .on_end = handle_stream_end};

static void start(bool sends, const struct files_open_message *open, const char *path)
{
    int fds[2];
    struct stream *agents;
    struct stream_fd_options options = {.splice = true};
    host = (struct host){.sends = sends, .pool = host.pool, .path_count = 1, .paths = {path}};
    socket_pair(fds);
    assert_int_equal(stream_fd_create(&loop, fds[0], &options, &host.stream), 0);
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &agents), 0);
    stream_set_handler(host.stream, &HANDLER, NULL);
    files_open(files, &works, agents, &session_keys, 5, open);
}

static void finish(bool discard)
{
    stream_close(host.stream);
    host.stream = NULL;
    if (host.link != NULL) {
        transfer_link_close(host.link, discard, note_closed, NULL);
        RUN_UNTIL(host.closed);
        host.link = NULL;
    }
}

static void run(void)
{
    RUN_UNTIL(host.over);
    finish(false);
    wait_for_no_work();
}

static void succeeds(void)
{
    run();
    if (host.status != 0)
        fail_msg("%s: %s", status_name(host.status), host.text);
}

static int setup(void **state)
{
    files_fixture_setup(state);
    assert_int_equal(item_pool_create(8, &host.pool), 0);
    mkdir(files_full("host"), 0700);
    mkdir(files_full("guest"), 0755);
    return 0;
}

static int teardown(void **state)
{
    finish(false);
    if (!works.closing)
        files_fixture_end_session();
    item_pool_destroy(host.pool);
    return files_fixture_teardown(state);
}

static struct files_open_message ask_put(const char *to)
{
    struct files_open_message open = files_ask(FILES_PUT, NULL);
    open.flags = FILES_RECURSIVE;
    memset(open.id.bytes, 3, sizeof(open.id.bytes));
    if (to != NULL)
        snprintf(open.to, sizeof(open.to), "%s", files_full(to));
    return open;
}

static size_t count_entries(const char *name)
{
    size_t count = 0;
    DIR *all = opendir(files_full(name));
    for (struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (all != NULL)
        closedir(all);
    return count;
}

static void make_large(const char *name)
{
    uint8_t *bytes = malloc(LARGE_SIZE);
    fill_pattern(bytes, LARGE_SIZE, 5);
    scratch_write(&folder, name, bytes, LARGE_SIZE, 0644);
    free(bytes);
}

/* ---- PUT ---- */

static void a_tree_is_put_into_a_folder(void **state)
{
    scratch_write_text(&folder, "host/tree/a", "a");
    scratch_write_text(&folder, "host/tree/b/c", "c");
    struct files_open_message open = ask_put("guest");
    start(true, &open, files_full("host/tree"));
    succeeds();
    assert_string_equal(host.path, files_full("guest"));
    assert_string_equal(scratch_read(&folder, "guest/tree/b/c"), "c");
    assert_int_equal(count_entries("guest"), 1);
}

static void a_sealed_session_needs_no_tags(void **state)
{
    session_keys.cipher = AEAD_CHACHA20_POLY1305;
    scratch_write_text(&folder, "host/a", "text");
    struct files_open_message open = ask_put("guest");
    open.checks = 0;
    start(true, &open, files_full("host/a"));
    succeeds();
    assert_string_equal(scratch_read(&folder, "guest/a"), "text");
    scratch_write_text(&folder, "guest/b", "back");
    open = files_ask(FILES_GET, "guest/b");
    start(false, &open, files_full("host"));
    succeeds();
    assert_string_equal(scratch_read(&folder, "host/b"), "back");
}

static void a_name_that_is_not_there_is_the_single_roots(void **state)
{
    scratch_write_text(&folder, "host/a", "text");
    scratch_write_text(&folder, "host/b", "more");
    struct files_open_message open = ask_put("guest/new");
    start(true, &open, files_full("host/a"));
    succeeds();
    assert_string_equal(host.path, files_full("guest/new"));
    assert_string_equal(scratch_read(&folder, "guest/new"), "text");
    open = ask_put("guest/other");
    start(true, &open, files_full("host/a"));
    host.paths[1] = files_full("host/b");
    host.path_count = 2;
    run();
    assert_true(host.status < 0 || host.counts.failed > 0);
    assert_false(scratch_has(&folder, "guest/b"));
}

static void a_drop_lands_in_the_drop_folder(void **state)
{
    scratch_write_text(&folder, "host/a", "text");
    struct files_open_message open = ask_put(NULL);
    open.flags |= FILES_DROP;
    open.conflict = FILES_RENAME;
    start(true, &open, files_full("host/a"));
    succeeds();
    open.id.bytes[0] = 9;
    start(true, &open, files_full("host/a"));
    succeeds();
    assert_string_equal(host.path, files_full("drop"));
    assert_string_equal(scratch_read(&folder, "drop/a"), "text");
    assert_string_equal(scratch_read(&folder, "drop/a (1)"), "text");
}

static void is_refused(const struct files_open_message *open, int status, const char *words)
{
    start(open->operation == FILES_PUT, open, files_full("host"));
    run();
    assert_false(host.opened);
    if (host.status != status || strstr(host.text, words) == NULL)
        fail_msg("%s \"%s\" instead of %s with \"%s\"", status_name(host.status), host.text,
                 status_name(status), words);
}

static void a_put_that_has_no_place_is_refused(void **state)
{
    struct files_open_message open = ask_put("missing/new");
    is_refused(&open, UV_ENOENT, files_full("missing"));
    open = ask_put("guest/missing/");
    snprintf(open.to, sizeof(open.to), "%s/", files_full("guest/missing"));
    is_refused(&open, UV_ENOTDIR, files_full("guest/missing"));
    open = ask_put(NULL);
    is_refused(&open, STATUS_INVALID, "");
}

static void without_a_cipher_in_common_nothing_is_sent(void **state)
{
    struct files_open_message open = ask_put("guest");
    open.checks = 0;
    is_refused(&open, STATUS_NOT_SUPPORTED, "cipher");
    open = files_ask(FILES_GET, "guest");
    open.checks = 1U << 20;
    is_refused(&open, STATUS_NOT_SUPPORTED, "cipher");
}

static void what_came_stays_for_a_resume_when_the_session_ends(void **state)
{
    make_large("host/large");
    struct files_open_message open = ask_put("guest");
    start(true, &open, files_full("host/large"));
    host.cuts = true;
    RUN_UNTIL(host.over);
    files_fixture_end_session();
    assert_true(scratch_has(&folder, "guest/.hospes-partial"));
    assert_false(scratch_has(&folder, "guest/large"));
}

static void say(const struct message *message)
{
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    assert_int_equal(message_encode(message, &payload), 0);
    peer_write_frame(&peer, FRAME_MESSAGE, buffer_span(&payload).data, buffer_size(&payload));
    buffer_finish(&payload);
}

/* A bridge that has sent one chunk of a file of three, and not a byte more. */
static void put_one_chunk(void)
{
    struct files_open_message open = ask_put("guest");
    struct manifest_entry entry = {
        .type = ENTRY_FILE, .name = "large", .size = 3 * FILES_CHUNK_SIZE, .mode = 0644};
    struct message manifest = {.kind = MESSAGE_MANIFEST}, chunk = {.kind = MESSAGE_CHUNK},
                   check = {.kind = MESSAGE_CHECK};
    struct frame_header header;
    struct buffer payload;
    session_keys.cipher = AEAD_CHACHA20_POLY1305;
    files_open_work(&open);
    expect_opened(NULL);
    manifest.body.manifest = (struct manifest_message){.count = 1, .entries = &entry, .last = true};
    say(&manifest);
    RUN_UNTIL(peer_take_frame(&peer, &header, &payload)); /* it is needed */
    buffer_finish(&payload);
    chunk.body.chunk = (struct chunk_message){.size = FILES_CHUNK_SIZE};
    say(&chunk);
    uint8_t *bytes = calloc(1, FILES_CHUNK_SIZE);
    bytes[7] = 7;
    peer_write_frame(&peer, FRAME_DATA, bytes, FILES_CHUNK_SIZE);
    free(bytes);
    say(&check);
}

static void nothing_stays_of_what_nobody_wants(void **state)
{
    put_one_chunk();
    bridge_gives_up(UV_ECANCELED);
    wait_for_no_work();
    assert_int_equal(count_entries("guest"), 0);
    put_one_chunk();
    peer_hang_up(&peer);
    wait_for_no_work();
    assert_true(scratch_has(&folder, "guest/.hospes-partial"));
}

static void a_put_can_be_given_up_at_any_moment(void **state)
{
    scratch_write_text(&folder, "host/a", "text");
    for (size_t steps = 0; steps < 40; steps++) {
        struct files_open_message open = ask_put("guest");
        start(true, &open, files_full("host/a"));
        for (size_t i = 0; i < steps; i++)
            uv_run(&uv, UV_RUN_NOWAIT);
        finish(steps % 2 == 0);
        wait_for_no_work();
        if (scratch_has(&folder, "guest/a"))
            assert_string_equal(scratch_read(&folder, "guest/a"), "text");
    }
}

/* ---- GET ---- */

static void files_are_got(void **state)
{
    scratch_write_text(&folder, "guest/tree/a", "a");
    struct files_open_message open = files_ask(FILES_GET, "guest/tree");
    open.flags = FILES_RECURSIVE;
    start(false, &open, files_full("host"));
    succeeds();
    assert_string_equal(host.path, files_full("guest/tree"));
    assert_string_equal(scratch_read(&folder, "host/tree/a"), "a");
}

static void a_get_of_nothing_is_refused(void **state)
{
    struct files_open_message open = files_ask(FILES_GET, "guest/missing");
    is_refused(&open, UV_ENOENT, "missing");
    open = files_ask(FILES_GET, NULL);
    is_refused(&open, STATUS_INVALID, "path");
    open = files_ask(FILES_GET, "guest");
    is_refused(&open, UV_EISDIR, "guest");
}

static void a_get_is_broken_off_when_the_session_ends(void **state)
{
    make_large("guest/large");
    struct files_open_message open = files_ask(FILES_GET, "guest/large");
    start(false, &open, files_full("host"));
    host.cuts = true;
    RUN_UNTIL(host.over);
    files_fixture_end_session();
    assert_false(scratch_has(&folder, "host/large"));
}

/* ---- LIST ---- */

static void a_folder_is_listed(void **state)
{
    scratch_write_text(&folder, "guest/a", "abc");
    mkdir(files_full("guest/b"), 0700);
    assert_int_equal(symlink("a", files_full("guest/c")), 0);
    struct files_open_message open = files_ask(FILES_LIST, "guest");
    struct files_opened_message opened;
    size_t seen[ENTRY_LEAVE + 1] = {0};
    files_open_work(&open);
    expect_opened(&opened);
    assert_int_equal(opened.check, 0);
    assert_string_equal(opened.path, files_full("guest"));
    for (bool last = false; !last;) {
        struct frame_header header;
        struct buffer payload;
        struct message message;
        struct message_head head;
        RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
        assert_int_equal(header.type, FRAME_MESSAGE);
        assert_int_equal(message_decode(buffer_span(&payload), &message, &head), 0);
        assert_int_equal(message.kind, MESSAGE_MANIFEST);
        for (size_t i = 0; i < message.body.manifest.count; i++)
            seen[message.body.manifest.entries[i].type]++;
        last = message.body.manifest.last;
        message_finish(&message);
        buffer_finish(&payload);
    }
    expect_done(NULL, NULL);
    expect_fin();
    peer_hang_up(&peer);
    wait_for_no_work();
    assert_int_equal(seen[ENTRY_FILE], 1);
    assert_int_equal(seen[ENTRY_LINK], 1);
    assert_true(seen[ENTRY_FOLDER] >= 1);
}

static void what_is_no_folder_is_not_listed(void **state)
{
    scratch_write_text(&folder, "guest/a", "abc");
    struct files_open_message open = files_ask(FILES_LIST, "guest/a");
    files_open_work(&open);
    assert_non_null(strstr(expect_reset(UV_ENOTDIR), files_full("guest/a")));
    open = files_ask(FILES_LIST, "missing");
    files_open_work(&open);
    assert_non_null(strstr(expect_reset(UV_ENOENT), files_full("missing")));
}

/* ---- offers ---- */

static struct keeper {
    struct fs_identity identity;
    const char *paths[2];
    size_t count;
    int taken_status;
    size_t taken, declined;
} keeper;

static int keeper_paths(void *ctx, uint64_t offer, struct offered_files *ret)
{
    assert_ptr_equal(ctx, &keeper);
    if (offer != 7)
        return STATUS_NOT_FOUND;
    *ret = (struct offered_files){keeper.identity, keeper.count, keeper.paths};
    return 0;
}

static void keeper_taken(void *ctx, uint64_t offer, int status)
{
    assert_int_equal(offer, 7);
    keeper.taken++;
    keeper.taken_status = status;
}

static int keeper_decline(void *ctx, uint64_t offer)
{
    if (offer != 7)
        return STATUS_NOT_FOUND;
    keeper.declined++;
    return 0;
}

static const struct offers_source KEEPER = {
    .paths = keeper_paths, .taken = keeper_taken, .decline = keeper_decline};

static struct files_open_message ask_offer(uint64_t id)
{
    struct files_open_message open = files_ask(FILES_GET, NULL);
    keeper = (struct keeper){
        .identity = fs_identity_own(), .paths = {files_full("guest/a"), files_full("guest/b")}, .count = 2};
    files_set_offers(files, &KEEPER, &keeper);
    open.offer = id;
    return open;
}

static void an_offer_is_taken(void **state)
{
    scratch_write_text(&folder, "guest/a", "a");
    scratch_write_text(&folder, "guest/b", "b");
    struct files_open_message open = ask_offer(7);
    start(false, &open, files_full("host"));
    succeeds();
    assert_string_equal(scratch_read(&folder, "host/b"), "b");
    assert_int_equal(keeper.taken, 1);
    assert_int_equal(keeper.taken_status, 0);
    open = ask_offer(8);
    is_refused(&open, STATUS_NOT_FOUND, "offer");
    assert_int_equal(keeper.taken, 0);
}

static void an_offer_of_which_nothing_can_be_read_is_still_there(void **state)
{
    assert_int_equal(mkdir(files_full("guest/a"), 0755), 0);
    assert_int_equal(mkfifo(files_full("guest/a/pipe"), 0644), 0);
    struct files_open_message open = ask_offer(7);
    keeper.count = 1;
    start(false, &open, files_full("host"));
    succeeds();
    assert_int_equal(keeper.taken, 1);
    assert_int_equal(keeper.taken_status, STATUS_NOT_SUPPORTED);
}

static void an_offer_that_was_not_taken_is_still_there(void **state)
{
    make_large("guest/a");
    scratch_write_text(&folder, "guest/b", "b");
    struct files_open_message open = ask_offer(7);
    start(false, &open, files_full("host"));
    host.cuts = true;
    RUN_UNTIL(host.over);
    finish(false);
    wait_for_no_work();
    assert_int_equal(keeper.taken, 1);
    assert_true(keeper.taken_status < 0);
    open = ask_offer(7);
    open.checks = 0; /* refused by a job, after the offer was found */
    is_refused(&open, STATUS_NOT_SUPPORTED, "cipher");
    assert_int_equal(keeper.taken, 1);
    assert_int_equal(keeper.taken_status, STATUS_NOT_SUPPORTED);
}

static void an_offer_is_declined(void **state)
{
    struct files_open_message open = ask_offer(7);
    open.operation = FILES_DECLINE;
    files_open_work(&open);
    expect_whole(NULL, NULL);
    assert_int_equal(keeper.declined, 1);
    open.offer = 8;
    files_open_work(&open);
    expect_reset(STATUS_NOT_FOUND);
}

/* ---- as root ---- */

static void a_put_for_a_user_belongs_to_the_user(void **state)
{
    struct stat info;
    assert_int_equal(chown(files_full("guest"), NOBODY, NOBODY), 0);
    scratch_write_text(&folder, "host/a", "text");
    struct files_open_message open = ask_put("guest");
    snprintf(open.user, sizeof(open.user), "%d", NOBODY);
    start(true, &open, files_full("host/a"));
    succeeds();
    assert_int_equal(stat(files_full("guest/a"), &info), 0);
    assert_int_equal(info.st_uid, NOBODY);
    open = ask_put("host");
    snprintf(open.user, sizeof(open.user), "%d", NOBODY);
    is_refused(&open, UV_EACCES, "host");
}

static void an_offer_is_read_with_the_rights_of_its_user(void **state)
{
    scratch_write(&folder, "guest/a", "a", 1, 0600);
    scratch_write(&folder, "guest/b", "b", 1, 0644);
    struct files_open_message open = ask_offer(7);
    keeper.identity = (struct fs_identity){.uid = NOBODY, .gid = NOBODY};
    start(false, &open, files_full("host"));
    run();
    assert_false(scratch_has(&folder, "host/a"));
    assert_true(host.status < 0 || host.counts.failed == 1);
}

int main(void)
{
#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        WITH_HOST(a_tree_is_put_into_a_folder),
        WITH_HOST(a_sealed_session_needs_no_tags),
        WITH_HOST(a_name_that_is_not_there_is_the_single_roots),
        WITH_HOST(a_drop_lands_in_the_drop_folder),
        WITH_HOST(a_put_that_has_no_place_is_refused),
        WITH_HOST(without_a_cipher_in_common_nothing_is_sent),
        WITH_HOST(what_came_stays_for_a_resume_when_the_session_ends),
        WITH_HOST(nothing_stays_of_what_nobody_wants),
        WITH_HOST(a_put_can_be_given_up_at_any_moment),
        WITH_HOST(files_are_got),
        WITH_HOST(a_get_of_nothing_is_refused),
        WITH_HOST(a_get_is_broken_off_when_the_session_ends),
        WITH_HOST(a_folder_is_listed),
        WITH_HOST(what_is_no_folder_is_not_listed),
        WITH_HOST(an_offer_is_taken),
        WITH_HOST(an_offer_of_which_nothing_can_be_read_is_still_there),
        WITH_HOST(an_offer_that_was_not_taken_is_still_there),
        WITH_HOST(an_offer_is_declined),
    };
    const struct CMUnitTest as_root[] = {
        WITH_HOST(a_put_for_a_user_belongs_to_the_user),
        WITH_HOST(an_offer_is_read_with_the_rights_of_its_user),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return geteuid() != 0 ? failed : failed + cmocka_run_group_tests(as_root, NULL, NULL);
}
