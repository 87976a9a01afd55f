/* SPDX-License-Identifier: MIT */
/* The last word of a link that ends before its time: RST, which says why. Where the stream is full of data,
 * as in the midst of a transfer, closing would cut that word off; so the stream stays until all went out, for
 * a moment at most, and what comes meanwhile is dropped. */
#include "services/transfer/transfer_link_internal.h"

#define LEAVE_MS 1000 /* for an other side that reads nothing */

static void leave_now(struct transfer_link *link)
{
    struct stream *stream = link->leaving;
    link->leaving = NULL;
    uv_timer_stop(&link->leave);
    stream_close(stream);
    transfer_link_left(link);
}

static void drop_frame(void *ctx, enum frame_type type, struct span payload) {}

static size_t drop_data(void *ctx, struct span bytes)
{
    return bytes.size;
}

static void handle_writable(void *ctx)
{
    struct transfer_link *link = ctx;
    if (stream_write_room(link->leaving) > 0)
        leave_now(link);
}

static void handle_end(void *ctx, int status, const char *text)
{
    leave_now(ctx);
}

static const struct stream_handler LEAVING_HANDLER = {
    .on_frame = drop_frame, .on_data = drop_data, .on_writable = handle_writable, .on_end = handle_end};

static void handle_timeout(uv_timer_t *timer)
{
    leave_now(timer->data);
}

void transfer_link_leave(struct transfer_link *link, int status, const char *text)
{
    uint8_t payload[FRAME_RST_MAX];
    struct stream *stream = link->stream;
    link->stream = NULL;
    if (stream == NULL)
        return;
    stream_set_handler(stream, &LEAVING_HANDLER, link);
    link->leaving = stream;
    size_t size = frame_rst_encode(status, text, payload);
    status = stream_send(stream, FRAME_RST, span_of(payload, size));
    if (link->leaving == NULL)
        return; /* it ended meanwhile */
    if (status < 0 || stream_write_room(stream) > 0)
        leave_now(link);
    else
        uv_timer_start(&link->leave, handle_timeout, LEAVE_MS, 0);
}
