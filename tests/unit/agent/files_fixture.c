/* SPDX-License-Identifier: MIT */
/* Opens works on socket pairs and reads what they answer. What is tested is in the tests. */
#include "tests/unit/agent/files_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"

struct files *files;
struct flow_set works;
struct scratch_folder folder;
struct peer peer;
struct session_keys session_keys;

static char user[24], drop_folder[128];
static bool has_peer;

int files_fixture_setup(void **state)
{
    link_fixture_setup(state);
    log_set_level(LOG_ERROR);
    umask(022);
    scratch_make(&folder);
    chmod(folder.path, 0755);
    snprintf(user, sizeof(user), "%lu", (unsigned long)geteuid());
    snprintf(drop_folder, sizeof(drop_folder), "%s/drop", folder.path);
    struct files_options options = {.uv = &uv, .user = user, .drop_folder = drop_folder};
    assert_int_equal(files_create(&options, &files), 0);
    flow_set_init(&works);
    memset(&session_keys, 7, sizeof(session_keys));
    session_keys.cipher = 0;
    return 0;
}

static void forget_peer(void)
{
    if (has_peer)
        peer_finish(&peer);
    has_peer = false;
}

static void note_empty(void *ctx)
{
    *(bool *)ctx = true;
}

void files_fixture_end_session(void)
{
    static bool is_empty; /* outlives a test that fails here */
    is_empty = false;
    flow_set_close(&works, STATUS_GONE, note_empty, &is_empty);
    RUN_UNTIL(is_empty);
}

int files_fixture_teardown(void **state)
{
    if (!works.closing)
        files_fixture_end_session();
    forget_peer();
    files_destroy(files);
    scratch_remove(&folder);
    return link_fixture_teardown(state);
}

const char *files_full(const char *path)
{
    return path[0] == '/' || path[0] == '~' ? path : scratch_path(&folder, path);
}

struct files_open_message files_ask(uint8_t operation, const char *path)
{
    static struct files_path paths[1];
    struct files_open_message open = {.operation = operation, .checks = aead_ciphers()};
    if (path != NULL) {
        snprintf(paths[0].path, sizeof(paths[0].path), "%s", files_full(path));
        open.paths = paths;
        open.path_count = 1;
    }
    return open;
}

void files_open_work(const struct files_open_message *open)
{
    int fds[2];
    struct stream *stream;
    struct stream_fd_options options = {0};
    forget_peer();
    socket_pair(fds);
    peer_init(&peer, fds[0]);
    has_peer = true;
    assert_int_equal(stream_fd_create(&loop, fds[1], &options, &stream), 0);
    files_open(files, &works, stream, &session_keys, 5, open);
}

/* ---- what comes ---- */

static struct buffer payload;

static enum frame_type next_frame(void)
{
    struct frame_header header;
    buffer_finish(&payload);
    RUN_UNTIL(peer_take_frame(&peer, &header, &payload));
    return (enum frame_type)header.type;
}

/* What a reset says where something else was expected. */
static void must_be(enum frame_type found, enum frame_type wanted)
{
    char text[TEXT_REASON_MAX + 1] = "";
    int status = 0;
    if (found == wanted)
        return;
    if (found == FRAME_RST)
        frame_rst_decode(buffer_span(&payload), &status, text);
    fail_msg("frame of type %d instead of %d; %s %s", (int)found, (int)wanted, status_name(status), text);
}

static void next_message(enum message_kind kind, struct message *ret)
{
    struct message_head head;
    must_be(next_frame(), FRAME_MESSAGE);
    assert_int_equal(message_decode(buffer_span(&payload), ret, &head), 0);
    assert_int_equal(ret->kind, kind);
    buffer_finish(&payload);
}

void expect_opened(struct files_opened_message *ret)
{
    struct message message;
    next_message(MESSAGE_FILES_OPENED, &message);
    if (ret != NULL)
        *ret = message.body.files_opened;
    message_finish(&message);
}

void expect_done(struct files_done_message *ret, char *ret_name)
{
    struct message message;
    next_message(MESSAGE_FILES_DONE, &message);
    if (ret_name != NULL) {
        assert_true(message.body.files_done.name_count > 0);
        strcpy(ret_name, message.body.files_done.names[0].path);
    }
    if (ret != NULL) {
        *ret = message.body.files_done;
        ret->names = NULL;
    }
    message_finish(&message);
}

void expect_fin(void)
{
    must_be(next_frame(), FRAME_FIN);
}

const char *expect_reset(int status)
{
    static char text[TEXT_REASON_MAX + 1];
    int found = 0;
    enum frame_type type;
    do /* what was said before it does not count any more */
        type = next_frame();
    while (type != FRAME_RST && type != FRAME_FIN);
    must_be(type, FRAME_RST);
    assert_int_equal(frame_rst_decode(buffer_span(&payload), &found, text), 0);
    buffer_finish(&payload);
    if (found != status)
        fail_msg("%s instead of %s: %s", status_name(found), status_name(status), text);
    expect_end();
    return text;
}

void expect_data(struct buffer *ret)
{
    enum frame_type type;
    buffer_init(ret, (size_t)64 << 20);
    while ((type = next_frame()) == FRAME_DATA)
        assert_int_equal(buffer_append(ret, buffer_span(&payload).data, buffer_size(&payload)), 0);
    must_be(type, FRAME_FIN);
}

void expect_end(void)
{
    RUN_UNTIL((peer_read(&peer), peer.eof || peer.error != 0));
}

void wait_for_no_work(void)
{
    RUN_UNTIL(works.active == 0);
}

void bridge_says_fin(void)
{
    peer_write_frame(&peer, FRAME_FIN, NULL, 0);
}

void bridge_gives_up(int status)
{
    uint8_t bytes[FRAME_RST_MAX];
    size_t size = frame_rst_encode(status, "", bytes);
    peer_write_frame(&peer, FRAME_RST, bytes, size);
}

void expect_whole(struct files_done_message *ret, char *ret_name)
{
    expect_opened(NULL);
    expect_done(ret, ret_name);
    expect_fin();
    bridge_says_fin();
    wait_for_no_work();
    expect_end();
}
