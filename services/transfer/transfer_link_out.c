/* SPDX-License-Identifier: MIT */
/* What the engine produced goes to the stream: messages whole, data in slices from where it lies. Before each
 * slice stand bytes that were sent already (or the item's own room): the frame's header is written over them.
 * When all was said and sent, FIN follows. */
#include "protocol/link/link_loop.h"
#include "services/transfer/transfer_link_internal.h"

/* 0 when the whole item is on its way, or the link is over, and the item gone; UV_ENOBUFS: on_writable tells
 * when to go on. */
static int send_item(struct transfer_link *link, struct transfer_item *item)
{
    if (item->kind == ITEM_MESSAGE)
        return stream_send(link->stream, FRAME_MESSAGE, span_of(item->bytes, item->size));
    while (link->sent < item->size) {
        size_t size = item->size - link->sent;
        size_t takes = stream_write_room(link->stream);
        if (takes == 0)
            return UV_ENOBUFS;
        takes = takes < SCRATCH_SIZE ? takes : SCRATCH_SIZE;
        size = size < takes ? size : takes;
        uint8_t *head_room = item->bytes + link->sent - FRAME_HEADER_SIZE;
        link->sent += size; /* before: a stream may call back from within */
        int status = stream_write(link->stream, head_room, size);
        if (status < 0 || link->stream == NULL)
            return status;
    }
    return 0;
}

static int send_items(struct transfer_link *link)
{
    while (link->stream != NULL && link->outgoing.first != NULL) {
        int status = send_item(link, link->outgoing.first);
        if (status < 0)
            return status;
        if (link->stream == NULL)
            break;
        item_release(link->engine->pool, item_queue_pop(&link->outgoing));
        link->sent = 0;
    }
    if (link->stream == NULL || !link->says_fin || link->fin_sent)
        return 0;
    int status = stream_send(link->stream, FRAME_FIN, span_of(NULL, 0));
    link->fin_sent = status == 0;
    return status;
}

void transfer_link_out_pump(struct transfer_link *link)
{
    if (link->pumping || link->stream == NULL)
        return; /* called from within a write: the one that is under way goes on */
    link->pumping = true;
    int status = send_items(link);
    link->pumping = false;
    if (status < 0 && status != UV_ENOBUFS)
        transfer_link_fail(link, status, "");
}
