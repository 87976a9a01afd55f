/* SPDX-License-Identifier: MIT */
/* WATCH with a watcher that is told what to tell. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/base/status.h"
#include "tests/unit/agent/files_fixture.h"

static struct watcher {
    const struct watch_listener *listener;
    void *listener_ctx;
    char path[FILES_PATH_MAX + 1];
    bool is_own;
    int start_status;
    size_t started, stopped, resumed;
} watcher;

static int start(void *ctx, const char *path, const struct fs_identity *identity,
                 const struct watch_listener *listener, void *listener_ctx, void **ret_watch,
                 char *ret_problem)
{
    assert_ptr_equal(ctx, &watcher);
    if (watcher.start_status < 0) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "too many watches");
        return watcher.start_status;
    }
    snprintf(watcher.path, sizeof(watcher.path), "%s", path);
    watcher.is_own = identity->is_own;
    watcher.listener = listener;
    watcher.listener_ctx = listener_ctx;
    watcher.started++;
    *ret_watch = &watcher.started;
    return 0;
}

static void resume(void *ctx, void *watch)
{
    assert_ptr_equal(watch, &watcher.started);
    watcher.resumed++;
}

static void stop(void *ctx, void *watch)
{
    assert_ptr_equal(watch, &watcher.started);
    watcher.stopped++;
}

static const struct watch_source SOURCE = {.start = start, .resume = resume, .stop = stop};

static int setup(void **state)
{
    files_fixture_setup(state);
    memset(&watcher, 0, sizeof(watcher));
    files_set_watches(files, &SOURCE, &watcher);
    mkdir(files_full("watched"), 0755);
    return 0;
}

static void begin(void)
{
    struct files_opened_message opened;
    struct files_open_message open = files_ask(FILES_WATCH, "watched");
    size_t started = watcher.started;
    files_open_work(&open);
    RUN_UNTIL(watcher.started == started + 1);
    peer_read(&peer);
    assert_int_equal(buffer_size(&peer.in), 0); /* not before the watcher is ready */
    watcher.listener->on_ready(watcher.listener_ctx);
    expect_opened(&opened);
    assert_string_equal(opened.path, files_full("watched"));
    assert_string_equal(watcher.path, files_full("watched"));
    assert_true(watcher.is_own);
}

static bool tell(const char *path)
{
    static struct change changes[FILES_CHANGES_A_MESSAGE_MAX];
    struct changes_message message = {.count = FILES_CHANGES_A_MESSAGE_MAX, .changes = changes};
    for (size_t i = 0; i < FILES_CHANGES_A_MESSAGE_MAX; i++) {
        changes[i].what = CHANGE_CREATED;
        snprintf(changes[i].path, sizeof(changes[i].path), "%s", path);
    }
    return watcher.listener->on_changes(watcher.listener_ctx, &message);
}

static void expect_changes(void)
{
    struct frame_header header;
    struct buffer payload;
    struct message message;
    struct message_head head;
    RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
    assert_int_equal(header.type, FRAME_MESSAGE);
    assert_int_equal(message_decode(buffer_span(&payload), &message, &head), 0);
    assert_int_equal(message.kind, MESSAGE_CHANGES);
    assert_int_equal(message.body.changes.count, FILES_CHANGES_A_MESSAGE_MAX);
    message_finish(&message);
    buffer_finish(&payload);
}

static void changes_are_passed_on_until_the_bridge_has_enough(void **state)
{
    begin();
    assert_true(tell("a"));
    expect_changes();
    assert_true(tell("b"));
    expect_changes();
    assert_int_equal(watcher.stopped, 0);
    bridge_says_fin();
    expect_fin();
    wait_for_no_work();
    assert_int_equal(watcher.stopped, 1);
}

static void a_bridge_that_does_not_read_holds_the_watcher_back(void **state)
{
    char path[FILES_LINK_MAX + 1];
    size_t told = 0;
    memset(path, 'x', FILES_LINK_MAX);
    path[FILES_LINK_MAX] = '\0';
    begin();
    while (tell(path)) {
        assert_true(++told < 1000);
        uv_run(&uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(watcher.resumed, 0);
    for (size_t i = 0; i < told; i++)
        expect_changes();
    RUN_UNTIL(watcher.resumed == 1);
    assert_true(tell("a"));
    expect_changes();
}

static void a_watch_ends_with_its_session_or_its_bridge(void **state)
{
    begin();
    peer_hang_up(&peer);
    wait_for_no_work();
    assert_int_equal(watcher.stopped, 1);
    begin();
    files_fixture_end_session();
    assert_int_equal(watcher.started, 2);
    assert_int_equal(watcher.stopped, 2);
}

static void an_end_before_the_watcher_is_ready_is_answered_then(void **state)
{
    struct files_open_message open = files_ask(FILES_WATCH, "watched");
    files_open_work(&open);
    bridge_says_fin();
    RUN_UNTIL(watcher.started == 1);
    watcher.listener->on_ready(watcher.listener_ctx);
    expect_opened(NULL);
    expect_fin();
    wait_for_no_work();
    assert_int_equal(watcher.stopped, 1);
}

static void a_watcher_that_gives_up_says_why(void **state)
{
    begin();
    watcher.listener->on_end(watcher.listener_ctx, UV_ENOSPC, "the system has no watches left");
    assert_string_equal(expect_reset(UV_ENOSPC), "the system has no watches left");
    wait_for_no_work();
    assert_int_equal(watcher.stopped, 1);
}

static void refuses(const char *path, int status, const char *words)
{
    struct files_open_message open = files_ask(FILES_WATCH, path);
    files_open_work(&open);
    const char *text = expect_reset(status);
    assert_non_null(strstr(text, words));
    wait_for_no_work();
    assert_int_equal(watcher.started, 0);
}

static void what_can_not_be_watched_is_refused(void **state)
{
    scratch_write_text(&folder, "file", "x");
    refuses("file", UV_ENOTDIR, files_full("file"));
    refuses("missing", UV_ENOENT, files_full("missing"));
    refuses(NULL, STATUS_INVALID, "WATCH");
    watcher.start_status = STATUS_LIMIT;
    refuses("watched", STATUS_LIMIT, "too many watches");
    assert_int_equal(watcher.stopped, 0);
}

int main(void)
{
#define WITH_WATCHER(test) cmocka_unit_test_setup_teardown(test, setup, files_fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_WATCHER(changes_are_passed_on_until_the_bridge_has_enough),
        WITH_WATCHER(a_bridge_that_does_not_read_holds_the_watcher_back),
        WITH_WATCHER(a_watch_ends_with_its_session_or_its_bridge),
        WITH_WATCHER(an_end_before_the_watcher_is_ready_is_answered_then),
        WITH_WATCHER(a_watcher_that_gives_up_says_why),
        WITH_WATCHER(what_can_not_be_watched_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
