/* SPDX-License-Identifier: MIT */
/* The loop, the probes and the peers of the link tests. What is tested is in the tests. */
#include "tests/unit/link/link_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

uv_loop_t uv;
struct link_loop loop;
char directory[64];

static uv_timer_t tick;
static uint64_t deadline;
static size_t descriptors_before;

size_t descriptors_open(void)
{
    size_t count = 0;
    DIR *all = opendir("/proc/self/fd");
    assert_non_null(all);
    while (readdir(all) != NULL)
        count++;
    closedir(all);
    return count;
}

int link_fixture_setup(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    descriptors_before = descriptors_open();
    assert_int_equal(uv_loop_init(&uv), 0);
    assert_int_equal(link_loop_init(&loop, &uv), 0);
    snprintf(directory, sizeof(directory), "/tmp/hospes-link-XXXXXX");
    assert_non_null(mkdtemp(directory));
    return 0;
}

int link_fixture_teardown(void **state)
{
    uint64_t give_up = uv_hrtime() / 1000000 + 5000;
    while (uv_run(&uv, UV_RUN_NOWAIT) != 0 && uv_hrtime() / 1000000 < give_up)
        continue;
    if (uv_loop_close(&uv) != 0) {
        uv_print_all_handles(&uv, stderr);
        fail_msg("handles are left on the loop");
    }
    link_loop_finish(&loop);
    char path[PATH_MAX];
    DIR *all = opendir(directory);
    for (struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;) {
        snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
        unlink(path);
    }
    closedir(all);
    rmdir(directory);
    /* libuv keeps one descriptor for signals in the process, made with the first child */
    assert_in_range(descriptors_open(), descriptors_before, descriptors_before + 2);
    return 0;
}

static void handle_tick(uv_timer_t *timer) {}

static void handle_tick_closed(uv_handle_t *handle)
{
    *(bool *)handle->data = true;
}

static void tick_close(void)
{
    bool closed = false;
    tick.data = &closed;
    uv_close((uv_handle_t *)&tick, handle_tick_closed);
    while (!closed)
        uv_run(&uv, UV_RUN_NOWAIT);
}

void wait_begin(uint64_t deadline_ms)
{
    deadline = uv_hrtime() / 1000000 + deadline_ms;
    uv_update_time(&uv);
    uv_timer_init(&uv, &tick);
    uv_timer_start(&tick, handle_tick, 1, 1); /* peers have no handle: they are looked at in between */
}

void wait_step(const char *condition)
{
    if (uv_hrtime() / 1000000 > deadline)
        fail_msg("waited in vain for: %s", condition);
    uv_run(&uv, UV_RUN_ONCE);
}

bool wait_is_over(void)
{
    tick_close();
    return false;
}

static void handle_time_over(uv_timer_t *timer)
{
    *(volatile bool *)timer->data = true;
}

size_t wakeups_within(uint64_t ms)
{
    volatile bool over = false;
    size_t count = 0;
    uv_update_time(&uv);
    uv_timer_init(&uv, &tick);
    tick.data = (void *)(uintptr_t)&over;
    uv_timer_start(&tick, handle_time_over, ms, 0);
    while (!over) {
        uv_run(&uv, UV_RUN_ONCE);
        count++;
    }
    tick_close();
    return count;
}

void make_path(char *out, size_t size, const char *name)
{
    snprintf(out, size, "%s/%s", directory, name);
}

/* ---- probes ---- */

static void probe_moment(struct probe *probe, enum probe_moment moment)
{
    if ((probe->close_at & moment) != 0)
        probe_close(probe);
}

static void probe_on_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct probe *probe = ctx;
    assert_non_null(probe->stream); /* no callback after the close */
    if (probe->frames < sizeof(probe->types) / sizeof(probe->types[0]))
        probe->types[probe->frames] = type;
    probe->frames++;
    buffer_finish(&probe->payload);
    assert_int_equal(buffer_append(&probe->payload, payload.data, payload.size), 0);
    probe_moment(probe, AT_FRAME);
}

static size_t probe_on_data(void *ctx, struct span bytes)
{
    struct probe *probe = ctx;
    assert_non_null(probe->stream);
    assert_true(bytes.size > 0);
    size_t size = bytes.size < probe->take ? bytes.size : probe->take;
    if (probe->take != SIZE_MAX)
        probe->take -= size;
    assert_int_equal(buffer_append(&probe->data, bytes.data, size), 0);
    probe_moment(probe, AT_DATA);
    return size;
}

static void probe_on_writable(void *ctx)
{
    struct probe *probe = ctx;
    assert_non_null(probe->stream);
    probe->writable++;
    probe_moment(probe, AT_WRITABLE);
}

static void probe_on_end(void *ctx, int status, const char *text)
{
    struct probe *probe = ctx;
    assert_non_null(probe->stream);
    assert_non_null(text);
    probe->ends++;
    probe->end_status = status;
    snprintf(probe->end_text, sizeof(probe->end_text), "%s", text);
    probe_moment(probe, AT_END);
}

const struct stream_handler PROBE_HANDLER = {.on_frame = probe_on_frame,
                                             .on_data = probe_on_data,
                                             .on_writable = probe_on_writable,
                                             .on_end = probe_on_end};
const struct stream_handler PROBE_HANDLER_WITHOUT_DATA = {
    .on_frame = probe_on_frame, .on_writable = probe_on_writable, .on_end = probe_on_end};

void probe_init(struct probe *probe, struct stream *stream)
{
    *probe = (struct probe){.stream = stream, .take = SIZE_MAX};
    buffer_init(&probe->data, SIZE_MAX / 2);
    buffer_init(&probe->payload, FRAME_DATA_MAX);
    stream_set_handler(stream, &PROBE_HANDLER, probe);
}

size_t probe_send_until_full(struct probe *probe, size_t piece)
{
    static uint8_t payload[FRAME_MESSAGE_MAX];
    size_t accepted = 0;
    int status = 0;
    for (uint8_t i = 0; accepted < 64u * 1024 * 1024; i++, accepted += piece) {
        memset(payload, i, piece);
        status = stream_send(probe->stream, FRAME_MESSAGE, span_of(payload, piece));
        if (status < 0)
            break;
    }
    assert_int_equal(status, UV_ENOBUFS);
    return accepted;
}

void probe_close(struct probe *probe)
{
    struct stream *stream = probe->stream;
    probe->stream = NULL;
    stream_close(stream);
}

void probe_finish(struct probe *probe)
{
    probe_close(probe);
    buffer_finish(&probe->data);
    buffer_finish(&probe->payload);
}

/* ---- peers ---- */

void peer_init(struct peer *peer, int fd)
{
    assert_true(fd >= 0);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    *peer = (struct peer){.fd = fd};
    buffer_init(&peer->in, SIZE_MAX / 2);
}

void peer_hang_up(struct peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    peer->fd = -1;
}

void peer_finish(struct peer *peer)
{
    peer_hang_up(peer);
    buffer_finish(&peer->in);
}

size_t peer_read(struct peer *peer)
{
    uint8_t bytes[65536];
    ssize_t size;
    while (peer->fd >= 0 && (size = read(peer->fd, bytes, sizeof(bytes))) > 0)
        assert_int_equal(buffer_append(&peer->in, bytes, (size_t)size), 0);
    if (peer->fd >= 0 && size == 0)
        peer->eof = true;
    else if (peer->fd >= 0 && errno != EAGAIN)
        peer->error = errno;
    return buffer_size(&peer->in);
}

/* The streams under test read on the loop, so it runs while the socket is full. */
void peer_write(struct peer *peer, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t sent = write(peer->fd, at, size);
        if (sent > 0) {
            at += sent;
            size -= (size_t)sent;
            continue;
        }
        assert_int_equal(errno, EAGAIN);
        uv_run(&uv, UV_RUN_NOWAIT);
    }
}

void peer_write_frame(struct peer *peer, enum frame_type type, const void *payload, size_t size)
{
    uint8_t head[FRAME_HEADER_SIZE];
    frame_header_encode(&(struct frame_header){.length = (uint32_t)size, .type = (uint8_t)type}, head);
    peer_write(peer, head, sizeof(head));
    peer_write(peer, payload, size);
}

size_t frame_put(uint8_t *out, enum frame_type type, const void *payload, size_t size)
{
    frame_header_encode(&(struct frame_header){.length = (uint32_t)size, .type = (uint8_t)type}, out);
    if (size > 0)
        memcpy(out + FRAME_HEADER_SIZE, payload, size);
    return FRAME_HEADER_SIZE + size;
}

bool frame_take(struct buffer *bytes, struct frame_header *ret_header, struct buffer *ret_payload)
{
    struct span all = buffer_span(bytes);
    if (all.size < FRAME_HEADER_SIZE)
        return false;
    assert_int_equal(frame_header_decode(all.data, ret_header), 0);
    if (all.size < FRAME_HEADER_SIZE + ret_header->length)
        return false;
    buffer_init(ret_payload, FRAME_DATA_MAX);
    assert_int_equal(buffer_append(ret_payload, all.data + FRAME_HEADER_SIZE, ret_header->length), 0);
    buffer_consume(bytes, FRAME_HEADER_SIZE + ret_header->length);
    return true;
}

bool peer_take_frame(struct peer *peer, struct frame_header *ret_header, struct buffer *ret_payload)
{
    peer_read(peer);
    return frame_take(&peer->in, ret_header, ret_payload);
}

/* ---- sockets ---- */

void socket_pair(int ret[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ret), 0);
}

static void unix_address(const char *path, struct sockaddr_un *ret)
{
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(ret->sun_path));
    memcpy(ret->sun_path, path, strlen(path) + 1);
}

int listen_unix(const char *path)
{
    struct sockaddr_un address;
    unix_address(path, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(fd, 512), 0);
    return fd;
}

int connect_unix(const char *path)
{
    struct sockaddr_un address;
    unix_address(path, &address);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

void fill_pattern(uint8_t *out, size_t size, uint32_t seed)
{
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (uint8_t)(seed >> 24);
    }
}
