/* SPDX-License-Identifier: MIT */
/* What comes over the stream becomes items: each message is one, and so is all DATA between two messages.
 * Large DATA frames are read from the socket straight into their item. Whether an item is allowed where it
 * came is the engine's business; here only sizes are looked at. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "protocol/base/status.h"
#include "services/transfer/transfer_link_internal.h"

#define MESSAGES_MAX                                                                                         \
    (16u << 20)          /* bytes of messages that wait; a stream does not let itself be paused by them */
#define MESSAGE_COST 128 /* what keeping a small one takes beyond its bytes */

static size_t waiting_bytes(const struct transfer_link *link)
{
    size_t gathered = link->gathering != NULL ? link->gathering->size : 0;
    return link->incoming.bytes + link->job.in_bytes + gathered;
}

static size_t limit_of(const struct transfer_link *link)
{
    return TRANSFER_IN_MAX + (link->is_paused ? TRANSFER_PAUSED_MAX : 0);
}

static size_t room(const struct transfer_link *link)
{
    size_t waiting = waiting_bytes(link), limit = limit_of(link);
    return waiting < limit ? limit - waiting : 0;
}

static void finish_data(struct transfer_link *link)
{
    if (link->gathering != NULL)
        item_queue_push(&link->incoming, link->gathering);
    link->gathering = NULL;
}

static void take_message(struct transfer_link *link, struct span payload)
{
    finish_data(link);
    if (waiting_bytes(link) + link->incoming.count * MESSAGE_COST + payload.size >
        limit_of(link) + MESSAGES_MAX) {
        transfer_link_fail(link, STATUS_LIMIT, "too many messages at once");
        return;
    }
    struct transfer_item *item = item_make_message(payload);
    if (item == NULL)
        transfer_link_fail(link, UV_ENOMEM, "");
    else
        item_queue_push(&link->incoming, item);
}

static void take_reset(struct transfer_link *link, struct span payload)
{
    int status;
    char text[TEXT_REASON_MAX + 1];
    if (frame_rst_decode(payload, &status, text) < 0 || status >= 0 || status == UV_EOF) {
        status = UV_ECONNRESET;
        text[0] = '\0';
    }
    if (status == UV_ECANCELED)
        link->discard = true; /* nobody will resume it */
    transfer_link_lose(link, status, text, true);
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct transfer_link *link = ctx;
    if (type == FRAME_RST) {
        take_reset(link, payload);
        return;
    }
    if (link->fin_came || (type != FRAME_MESSAGE && type != FRAME_FIN)) {
        transfer_link_fail(link, STATUS_UNEXPECTED, "");
        return;
    }
    if (type == FRAME_MESSAGE) {
        take_message(link, payload);
    } else {
        finish_data(link);
        link->fin_came = true;
    }
    transfer_link_go_on(link);
}

/* The item that DATA goes into, with room for at least one byte. NULL: the link failed. */
static struct transfer_item *gathering_item(struct transfer_link *link)
{
    if (link->fin_came) {
        transfer_link_fail(link, STATUS_UNEXPECTED, "data after the end");
        return NULL;
    }
    if (link->gathering == NULL)
        link->gathering = item_take_data(link->engine->pool);
    struct transfer_item *item = link->gathering;
    if (item == NULL)
        transfer_link_fail(link, UV_ENOMEM, "");
    else if (item->size == item->capacity)
        transfer_link_fail(link, STATUS_MALFORMED, "more data at once than a chunk has");
    else
        return item;
    return NULL;
}

static size_t handle_data(void *ctx, struct span bytes)
{
    struct transfer_link *link = ctx;
    size_t taken = 0, left;
    while (taken < bytes.size && (left = room(link)) > 0) {
        struct transfer_item *item = gathering_item(link);
        if (item == NULL)
            return bytes.size;
        size_t size = bytes.size - taken;
        size = size < left ? size : left;
        size = size < item->capacity - item->size ? size : item->capacity - item->size;
        memcpy(item->bytes + item->size, bytes.data + taken, size);
        item->size += size;
        taken += size;
    }
    link->paused = taken < bytes.size;
    return taken;
}

static ssize_t handle_splice(void *ctx, int fd, size_t size)
{
    struct transfer_link *link = ctx;
    size_t left = room(link);
    link->paused = left == 0;
    if (link->paused)
        return UV_EBUSY;
    struct transfer_item *item = gathering_item(link);
    if (item == NULL)
        return UV_EAGAIN; /* the stream is closed */
    size = size < left ? size : left;
    size = size < item->capacity - item->size ? size : item->capacity - item->size;
    ssize_t got = recv(fd, item->bytes + item->size, size, MSG_DONTWAIT);
    if (got < 0)
        return errno == EINTR ? UV_EAGAIN : uv_translate_sys_error(errno);
    item->size += (size_t)got;
    return got;
}

static void handle_writable(void *ctx)
{
    struct transfer_link *link = ctx;
    transfer_link_out_pump(link);
    transfer_link_go_on(link);
}

static void handle_end(void *ctx, int status, const char *text)
{
    struct transfer_link *link = ctx;
    transfer_link_lose(link, status == UV_EOF ? UV_ECONNRESET : status, text, false);
}

const struct stream_handler TRANSFER_LINK_STREAM_HANDLER = {
    .on_frame = handle_frame,
    .on_data = handle_data,
    .on_splice = handle_splice,
    .on_writable = handle_writable,
    .on_end = handle_end,
};

void transfer_link_in_resume(struct transfer_link *link)
{
    if (!link->paused || link->stream == NULL || room(link) == 0)
        return;
    link->paused = false;
    stream_resume(link->stream);
}

void transfer_link_in_clear(struct transfer_link *link)
{
    item_queue_clear(&link->incoming, link->engine->pool);
    item_release(link->engine->pool, link->gathering);
    link->gathering = NULL;
}
