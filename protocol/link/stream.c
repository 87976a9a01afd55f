/* SPDX-License-Identifier: MIT */
/* What every kind of stream does the same way. */
#include "protocol/link/stream.h"

int stream_send_message(struct stream *stream, const struct message *message)
{
    struct buffer payload;
    buffer_init(&payload, FRAME_MESSAGE_MAX);
    int status = message_encode(message, &payload);
    if (status == 0)
        status = stream_send(stream, FRAME_MESSAGE, buffer_span(&payload));
    buffer_finish(&payload);
    return status;
}

void stream_abort(struct stream *stream, int status, const char *text)
{
    uint8_t payload[FRAME_RST_MAX];
    size_t size = frame_rst_encode(status, text, payload);
    stream_send(stream, FRAME_RST,
                span_of(payload, size)); /* a full queue means that nobody reads: closing says it too */
    stream_close(stream);
}
