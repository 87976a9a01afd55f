/* SPDX-License-Identifier: MIT */
/* Moves bytes between a transport and a mux, and gives each channel of the mux the face of a stream.
 *
 * Theory of operation
 *   Everything that can call a handler runs between enter() and leave(); closed streams are freed in the
 * outermost leave(), so that no frame of the call stack holds a dead one. The link itself is freed when its
 * handles are closed and its last stream is. While the mux is fed nothing is produced (the mux forbids it);
 * flush() runs right after. A device that hung up is rested: its poll is stopped and a timer looks again,
 * since level-triggered polling would spin on POLLHUP.
 */
#include "protocol/link/mux_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "protocol/link/mux_stream.h"

#define OUT_SIZE       (64 * 1024)
#define READ_SIZE      (64 * 1024)
#define READS_A_WAKEUP 4
#define REST_MIN_MS    100
#define REST_MAX_MS    400

struct mux_link {
    struct link_loop *loop;
    struct mux *mux;
    const struct mux_link_handler *handler; /* NULL once closed */
    void *ctx;
    struct mux_stream_list streams;
    uv_poll_t in_poll;
    uv_poll_t out_poll; /* used when out_fd is another descriptor */
    uv_timer_t timer;   /* dialer: repeats the sync; listener: ends the rest, or asks for a sync */
    int in_fd, out_fd;
    int handles; /* not yet closed */
    int depth;   /* of enter() */
    bool dialer, survives_hangup;
    bool feeding, flushing, resting, ended, write_dead;
    uint8_t in_events, out_events; /* as last given to libuv */
    uint32_t rest_ms;
    uint8_t *out; /* NULL while nothing is unsent */
    size_t out_start, out_end;
};

static void handle_in(uv_poll_t *poll, int status, int events);
static void handle_out(uv_poll_t *poll, int status, int events);
static void flush(struct mux_link *link);

static void enter(struct mux_link *link)
{
    link->depth++;
}

static void leave(struct mux_link *link)
{
    if (--link->depth > 0)
        return;
    mux_stream_list_free_closed(&link->streams);
    if (link->handles == 0 && mux_stream_list_is_empty(&link->streams)) {
        mux_destroy(link->mux);
        free(link->out);
        free(link);
    }
}

static bool is_active(const struct mux_link *link)
{
    return link->handler != NULL && !link->ended;
}

static void set_poll(uv_poll_t *poll, uint8_t *present, int events, uv_poll_cb callback)
{
    if (*present == events)
        return;
    *present = (uint8_t)events;
    if (events == 0)
        uv_poll_stop(poll);
    else
        uv_poll_start(poll, events, callback);
}

static void update_polls(struct mux_link *link)
{
    if (link->handler == NULL)
        return;
    bool reading = !link->ended && !link->resting;
    bool writing = reading && link->out != NULL && !link->write_dead;
    if (link->in_fd == link->out_fd) {
        set_poll(&link->in_poll, &link->in_events, (reading ? UV_READABLE : 0) | (writing ? UV_WRITABLE : 0),
                 handle_in);
    } else {
        set_poll(&link->in_poll, &link->in_events, reading ? UV_READABLE : 0, handle_in);
        set_poll(&link->out_poll, &link->out_events, writing ? UV_WRITABLE : 0, handle_out);
    }
}

static void drop_output(struct mux_link *link)
{
    free(link->out);
    link->out = NULL;
}

static void end(struct mux_link *link, int status, const char *text)
{
    if (!is_active(link))
        return;
    link->ended = true;
    drop_output(link);
    uv_timer_stop(&link->timer);
    update_polls(link);
    link->handler->on_end(link->ctx, status, text);
}

/* ---- writing ---- */

/* Writes what waits in `out`. False when the transport is full or broken. */
static bool write_out(struct mux_link *link)
{
    while (link->out_start < link->out_end) {
        ssize_t size = write(link->out_fd, link->out + link->out_start, link->out_end - link->out_start);
        if (size > 0) {
            link->out_start += (size_t)size;
            continue;
        }
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && !link->survives_hangup)
            link->write_dead = true; /* reading finds the end, or the heartbeat does */
        return false;
    }
    return true;
}

/* Fills `out` when it is empty. False when there is nothing to send. */
static bool produce(struct mux_link *link)
{
    if (link->out != NULL)
        return true;
    if (!mux_has_output(link->mux) || (link->out = malloc(OUT_SIZE)) == NULL)
        return false;
    link->out_start = 0;
    link->out_end = mux_produce(link->mux, link->out, OUT_SIZE);
    return is_active(link) && link->out != NULL;
}

static void flush(struct mux_link *link)
{
    if (link->feeding || link->flushing || link->resting || !is_active(link))
        return;
    link->flushing = true;
    enter(link);
    while (is_active(link) && produce(link)) {
        if (link->write_dead || write_out(link))
            drop_output(link);
        else if (!link->write_dead)
            break;
    }
    link->flushing = false;
    update_polls(link);
    leave(link);
}

/* ---- reading ---- */

static void handle_rest_over(uv_timer_t *timer)
{
    struct mux_link *link = timer->data;
    link->resting = false;
    update_polls(link);
}

/* Nobody is at the other end. What was under way belongs to a dialer that is gone. */
static void rest(struct mux_link *link)
{
    drop_output(link);
    if (mux_stream_list_is_empty(&link->streams) == false)
        mux_reset(link->mux);
    link->rest_ms = link->rest_ms == 0                ? REST_MIN_MS
                    : link->rest_ms * 2 > REST_MAX_MS ? REST_MAX_MS
                                                      : link->rest_ms * 2;
    link->resting = true;
    uv_timer_start(&link->timer, handle_rest_over, link->rest_ms, 0);
}

/* Somebody talks to this side as if it were synchronised: to the program that had the device before. */
static void handle_sync_missing(uv_timer_t *timer)
{
    struct mux_link *link = timer->data;
    mux_ask_for_sync(link->mux);
    flush(link);
}

static void look_for_sync(struct mux_link *link)
{
    if (!is_active(link) || link->dialer || link->resting)
        return;
    if (mux_is_synced(link->mux))
        uv_timer_stop(&link->timer);
    else if (!uv_is_active((uv_handle_t *)&link->timer))
        uv_timer_start(&link->timer, handle_sync_missing, SYNC_INTERVAL_MS, 0);
}

/* One read and what follows from it. False when there is no more for now. */
static bool read_once(struct mux_link *link)
{
    uint8_t *into = link->loop->scratch;
    ssize_t size = read(link->in_fd, into, READ_SIZE);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return false;
    if (size == 0 && link->survives_hangup) {
        rest(link);
        return false;
    }
    if (size <= 0) {
        int status = size == 0 || errno == EIO
                         ? UV_EOF
                         : uv_translate_sys_error(errno); /* EIO: a pty's other end is closed */
        end(link, status, "");
        return false;
    }
    link->rest_ms = 0;
    link->feeding = true;
    int status = mux_feed(link->mux, span_of(into, (size_t)size));
    link->feeding = false;
    if (status < 0 && is_active(link)) {
        if (link->dialer) {
            end(link, status, "");
            return false;
        }
        mux_reset(link->mux); /* a listener waits for the next sync */
    }
    look_for_sync(link);
    return size == READ_SIZE;
}

static void handle_in(uv_poll_t *poll, int status, int events)
{
    struct mux_link *link = poll->data;
    enter(link);
    if (status < 0) {
        link->in_events = 0;
        events = UV_READABLE;
    }
    if ((events & UV_READABLE) != 0) {
        for (int i = 0; i < READS_A_WAKEUP && is_active(link) && !link->resting; i++) {
            if (!read_once(link))
                break;
        }
    }
    flush(link);
    update_polls(link);
    leave(link);
}

static void handle_out(uv_poll_t *poll, int status, int events)
{
    struct mux_link *link = poll->data;
    enter(link);
    if (status < 0) {
        link->out_events = 0;
        end(link, UV_EPIPE, "");
    }
    flush(link);
    update_polls(link);
    leave(link);
}

/* ---- the mux's news ---- */

static void on_synced(void *ctx)
{
    struct mux_link *link = ctx;
    if (!is_active(link) || !link->dialer)
        return;
    uv_timer_stop(&link->timer);
    mux_stream_list_start_waiting(&link->streams);
}

static void *on_channel(void *ctx, uint32_t channel)
{
    struct mux_link *link = ctx;
    if (!is_active(link))
        return NULL;
    struct mux_stream *stream = mux_stream_list_add(&link->streams, channel);
    if (stream != NULL)
        link->handler->on_stream(link->ctx, mux_stream_base(stream));
    return stream;
}

static const struct mux_callbacks MUX_CALLBACKS = {
    .on_synced = on_synced,
    .on_channel = on_channel,
    .on_frame = mux_stream_on_frame,
    .on_data = mux_stream_on_data,
    .on_reset = mux_stream_on_reset,
    .on_writable = mux_stream_on_writable,
};

/* ---- what streams ask of their carrier ---- */

static void carrier_enter(void *ctx)
{
    enter(ctx);
}

static void carrier_leave(void *ctx)
{
    struct mux_link *link = ctx;
    if (link->depth == 1)
        flush(link);
    leave(link);
}

/* ---- life ---- */

static void handle_sync_timer(uv_timer_t *timer)
{
    struct mux_link *link = timer->data;
    mux_sync(link->mux);
    flush(link);
}

static void handle_closed(uv_handle_t *handle)
{
    struct mux_link *link = handle->data;
    enter(link);
    link->handles--;
    leave(link);
}

static void close_handles(struct mux_link *link)
{
    uv_close((uv_handle_t *)&link->timer, handle_closed);
    uv_close((uv_handle_t *)&link->in_poll, handle_closed);
    close(link->in_fd);
    if (link->out_fd != link->in_fd) {
        uv_close((uv_handle_t *)&link->out_poll, handle_closed);
        close(link->out_fd);
    }
}

void mux_link_close(struct mux_link *link)
{
    if (link == NULL)
        return;
    enter(link);
    if (is_active(link) && !link->resting && link->out != NULL)
        write_out(link); /* a last RST or REFUSE, if there is room for it */
    link->handler = NULL;
    mux_stream_list_end_all(&link->streams, STATUS_GONE, "");
    close_handles(link);
    leave(link);
}

static int init_handles(struct mux_link *link)
{
    uv_timer_init(link->loop->uv, &link->timer);
    link->timer.data = link;
    link->handles = 1;
    int status = uv_poll_init(link->loop->uv, &link->in_poll, link->in_fd);
    if (status < 0)
        return status;
    link->in_poll.data = link;
    link->handles++;
    if (link->in_fd == link->out_fd)
        return 0;
    status = uv_poll_init(link->loop->uv, &link->out_poll, link->out_fd);
    if (status < 0) {
        uv_close((uv_handle_t *)&link->in_poll, handle_closed);
        return status;
    }
    link->out_poll.data = link;
    link->handles++;
    return 0;
}

static void random_nonce(struct session_id *ret)
{
    uv_random(NULL, NULL, ret->bytes, sizeof(ret->bytes), 0, NULL);
}

int mux_link_create(struct link_loop *loop, int in_fd, int out_fd, const struct mux_link_options *options,
                    const struct mux_link_handler *handler, void *ctx, struct mux_link **ret)
{
    struct mux_link *link = calloc(1, sizeof(*link));
    struct session_id nonce;
    random_nonce(&nonce);
    struct mux *mux = link == NULL ? NULL : mux_create(options->side, &nonce, &MUX_CALLBACKS, link);
    if (mux == NULL) {
        free(link);
        close(in_fd);
        if (out_fd != in_fd)
            close(out_fd);
        return UV_ENOMEM;
    }
    *link = (struct mux_link){
        .loop = loop,
        .mux = mux,
        .handler = handler,
        .ctx = ctx,
        .in_fd = in_fd,
        .out_fd = out_fd,
        .dialer = options->side == MUX_DIALER,
        .survives_hangup = options->survives_hangup,
    };
    mux_stream_list_init(&link->streams, mux, carrier_enter, carrier_leave, link);
    int status = init_handles(link);
    if (status < 0) {
        link->handler = NULL;
        uv_close((uv_handle_t *)&link->timer, handle_closed);
        close(in_fd);
        if (out_fd != in_fd)
            close(out_fd);
        return status;
    }
    if (link->dialer) {
        mux_sync(mux);
        uv_timer_start(&link->timer, handle_sync_timer, SYNC_INTERVAL_MS, SYNC_INTERVAL_MS);
    }
    produce(link); /* written by the first poll: no callback may fire in here */
    update_polls(link);
    *ret = link;
    return 0;
}

int mux_link_open(struct mux_link *link, struct stream **ret)
{
    if (!is_active(link))
        return STATUS_NOT_CONNECTED;
    struct mux_stream *stream = mux_stream_list_add(&link->streams, 0);
    if (stream == NULL)
        return UV_ENOMEM;
    if (mux_is_synced(link->mux)) {
        int status = mux_stream_start(stream);
        if (status < 0) {
            stream_close(mux_stream_base(stream));
            return status;
        }
    }
    *ret = mux_stream_base(stream);
    return 0;
}

bool mux_link_is_synced(const struct mux_link *link)
{
    return mux_is_synced(link->mux);
}
