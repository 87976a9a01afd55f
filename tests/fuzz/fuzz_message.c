/* SPDX-License-Identifier: MIT */
/* The message decoder: what it accepts must encode, and the encoding must decode to the same encoding. The
 * encoder's assertions check that every accepted value is within its limits. */
#include "protocol/wire/message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(struct message *message, struct buffer *out)
{
    buffer_init(out, FRAME_MESSAGE_MAX);
    if (message_encode(message, out) < 0)
        abort();
    message_finish(message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message message;
    struct message_head head;
    if (message_decode(span_of(data, size), &message, &head) < 0)
        return 0;
    if (head.kind != message.kind || head.id != message.id)
        abort();
    struct buffer once, twice;
    encode(&message, &once);
    if (message_decode(buffer_span(&once), &message, NULL) < 0)
        abort();
    encode(&message, &twice);
    if (!span_equals(buffer_span(&once), buffer_span(&twice)))
        abort();
    buffer_finish(&once);
    buffer_finish(&twice);
    return 0;
}
