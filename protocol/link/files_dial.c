/* SPDX-License-Identifier: MIT */
/* Waits for FILES_OPENED. It sets no deadline: disks may be slow, and a guest that is gone is noticed by its
 * heartbeat; whoever must not wait so long cancels. */
#include "protocol/link/files_dial.h"

#include <stdlib.h>
#include <uv.h>

#include "protocol/base/status.h"

struct files_dial {
    struct stream *stream;
    struct files_keys keys;
    bool sealed;
    uint32_t checks; /* that were offered */
    const struct files_dial_handler *handler;
    void *ctx;
};

static void release(struct files_dial *dial)
{
    files_keys_wipe(&dial->keys);
    free(dial);
}

static void fail(struct files_dial *dial, int status, const char *text)
{
    const struct files_dial_handler *handler = dial->handler;
    void *ctx = dial->ctx;
    struct stream *stream = dial->stream;
    release(dial);
    handler->on_failed(ctx, status, text);
    stream_close(stream);
}

/* A cipher that was offered, or none where records protect the payload. */
static bool check_is_right(const struct files_dial *dial, uint8_t check)
{
    if (dial->sealed || check == 0)
        return check == 0;
    return (check & (check - 1)) == 0 && (dial->checks & check) != 0;
}

static void opened(struct files_dial *dial, const struct files_opened_message *message)
{
    if (!check_is_right(dial, message->check)) {
        fail(dial, STATUS_MALFORMED, "the agent chose a check that was not offered");
        return;
    }
    dial->handler->on_opened(dial->ctx, dial->stream, message, &dial->keys, dial->sealed);
    release(dial);
}

static void handle_message(struct files_dial *dial, struct span payload)
{
    struct message message;
    struct message_head head;
    int status = message_decode(payload, &message, &head);
    if (status < 0) {
        fail(dial, status, "");
        return;
    }
    if (message.kind == MESSAGE_FILES_OPENED)
        opened(dial, &message.body.files_opened);
    else if (message.kind == MESSAGE_REFUSE)
        fail(dial, message.body.failure.status, message.body.failure.text);
    else
        fail(dial, STATUS_UNEXPECTED, message_kind_name(message.kind));
    message_finish(&message);
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct files_dial *dial = ctx;
    int status = UV_ECONNRESET;
    char text[TEXT_REASON_MAX + 1] = "";
    if (type == FRAME_MESSAGE) {
        handle_message(dial, payload);
    } else if (type == FRAME_RST) {
        frame_rst_decode(payload, &status, text);
        fail(dial, status, text);
    } else {
        fail(dial, STATUS_UNEXPECTED, "");
    }
}

/* Until FILES_OPENED nothing is sent as DATA: an answer before it breaks the rules. */
static size_t handle_data(void *ctx, struct span bytes)
{
    fail(ctx, STATUS_UNEXPECTED, "data before FILES_OPENED");
    return bytes.size;
}

static void handle_end(void *ctx, int status, const char *text)
{
    fail(ctx, status == UV_EOF ? UV_ECONNRESET : status, text);
}

static const struct stream_handler HANDLER = {
    .on_frame = handle_frame, .on_data = handle_data, .on_end = handle_end};

int files_dial(struct session *session, const struct files_open_message *open,
               const struct files_dial_handler *handler, void *ctx, struct files_dial **ret)
{
    struct files_dial *dial = calloc(1, sizeof(*dial));
    if (dial == NULL)
        return UV_ENOMEM;
    struct files_open_message own = *open;
    dial->sealed = session_cipher(session) != 0;
    own.checks = dial->checks = dial->sealed ? 0 : aead_ciphers();
    int status = session_open_files(session, &own, &dial->stream, &dial->keys);
    if (status < 0) {
        free(dial);
        return status;
    }
    dial->handler = handler;
    dial->ctx = ctx;
    stream_set_handler(dial->stream, &HANDLER, dial);
    *ret = dial;
    return 0;
}

void files_dial_cancel(struct files_dial *dial)
{
    if (dial == NULL)
        return;
    stream_abort(dial->stream, UV_ECANCELED, "");
    release(dial);
}
