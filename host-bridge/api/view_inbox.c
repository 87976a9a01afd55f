/* SPDX-License-Identifier: MIT */
/* An offer of a guest as clients see it. */
#include "host-bridge/api/view.h"

json_t *view_inbox_item(const struct inbox_item *item)
{
    const struct offer *offer = &item->offer;
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:o, s:s, s:o}", "id", view_text(item->id), "vm",
        view_text(item->vm), "name", view_text(offer->name), "user", view_text_or_null(offer->user), "roots",
        view_count(offer->roots), "files", view_count(offer->files), "bytes", view_count(offer->bytes),
        "created", view_time(offer->created_ms), "seen", view_time(item->seen_ms), "state",
        item->state == INBOX_TAKING ? "taking" : "offered", "transfer", view_text_or_null(item->transfer));
}
