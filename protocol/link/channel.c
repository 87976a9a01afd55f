/* SPDX-License-Identifier: MIT */
/* Gives the frames of a channel their meaning. Sockets are the relay's. */
#include "protocol/link/channel.h"

#include <uv.h>

#include "protocol/base/status.h"

static void reset(struct channel *channel, int status, const char *text)
{
    if (channel->is_over)
        return;
    channel->is_over = true;
    channel->handler->on_reset(channel->ctx, status, text);
}

static void handle_message(struct channel *channel, struct span payload)
{
    struct message message;
    struct message_head head;
    int status = message_decode(payload, &message, &head);
    if (status == STATUS_NOT_SUPPORTED)
        return;
    if (status < 0) {
        reset(channel, status, "");
        return;
    }
    bool refused = message.kind == MESSAGE_REFUSE;
    int why = refused ? message.body.failure.status : STATUS_UNEXPECTED;
    bool opened = message.kind == MESSAGE_CHANNEL_OPENED;
    message_finish(&message);
    if (!opened)
        reset(channel, why, "");
    else if (channel->handler->on_opened != NULL)
        channel->handler->on_opened(channel->ctx);
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct channel *channel = ctx;
    int status = UV_ECONNRESET;
    char text[TEXT_REASON_MAX + 1] = "";
    switch (type) {
    case FRAME_MESSAGE:
        handle_message(channel, payload);
        break;
    case FRAME_DATAGRAM:
        if (channel->handler->on_datagram != NULL)
            channel->handler->on_datagram(channel->ctx, payload);
        else
            reset(channel, STATUS_UNEXPECTED, "");
        break;
    case FRAME_FIN:
        if (channel->fin_received) {
            reset(channel, STATUS_UNEXPECTED, "");
            break;
        }
        channel->fin_received = true;
        channel->handler->on_fin(channel->ctx);
        break;
    case FRAME_RST:
        frame_rst_decode(payload, &status, text);
        reset(channel, status, text);
        break;
    default:
        reset(channel, STATUS_UNEXPECTED, "");
    }
}

static size_t handle_data(void *ctx, struct span bytes)
{
    struct channel *channel = ctx;
    if (channel->handler->on_data != NULL && !channel->fin_received && !channel->is_over)
        return channel->handler->on_data(channel->ctx, bytes);
    reset(channel, STATUS_UNEXPECTED, "");
    return bytes.size;
}

static ssize_t handle_splice(void *ctx, int fd, size_t size)
{
    struct channel *channel = ctx;
    if (channel->handler->on_splice == NULL || channel->fin_received || channel->is_over)
        return UV_ENOTSUP;
    return channel->handler->on_splice(channel->ctx, fd, size);
}

static void handle_writable(void *ctx)
{
    struct channel *channel = ctx;
    if (channel->handler->on_writable != NULL)
        channel->handler->on_writable(channel->ctx);
}

/* The other side closes first when its part is done. What it sent may still be on its way into our socket. */
static void handle_end(void *ctx, int status, const char *text)
{
    struct channel *channel = ctx;
    bool clean = status == UV_EOF && channel->fin_sent && channel->fin_received &&
                 stream_write_room(channel->stream) > 0;
    if (!clean)
        reset(channel, status == UV_EOF ? UV_ECONNRESET : status, text);
    else if (channel->handler->on_writable != NULL)
        channel->handler->on_writable(channel->ctx);
}

static const struct stream_handler HANDLER = {.on_frame = handle_frame,
                                              .on_data = handle_data,
                                              .on_splice = handle_splice,
                                              .on_writable = handle_writable,
                                              .on_end = handle_end};

void channel_init(struct channel *channel, struct stream *stream, const struct channel_handler *handler,
                  void *ctx)
{
    *channel = (struct channel){.stream = stream, .handler = handler, .ctx = ctx};
    stream_set_handler(stream, &HANDLER, channel);
}

int channel_send_opened(struct channel *channel)
{
    struct message opened = {.kind = MESSAGE_CHANNEL_OPENED};
    return stream_send_message(channel->stream, &opened);
}

int channel_send_fin(struct channel *channel)
{
    int status = stream_send(channel->stream, FRAME_FIN, span_of(NULL, 0));
    if (status == 0)
        channel->fin_sent = true;
    return status;
}

bool channel_is_done(struct channel *channel)
{
    return channel->fin_sent && channel->fin_received && stream_write_room(channel->stream) > 0;
}

void channel_abort(struct channel *channel, int status, const char *text)
{
    if (channel->stream == NULL)
        return;
    channel->is_over = true;
    stream_abort(channel->stream, status, text);
    channel->stream = NULL;
}

void channel_close(struct channel *channel)
{
    stream_close(channel->stream);
    channel->stream = NULL;
}
