/* SPDX-License-Identifier: MIT */
/* The bridge's side of the beginning of a piece of work on files: FILES_OPEN is out, its answer is awaited.
 */
#ifndef HOSPES_FILES_DIAL_H
#define HOSPES_FILES_DIAL_H

#include "protocol/link/session.h"

struct files_dial; /* opaque */

struct files_dial_handler {
    /* The agent does it. Take the stream (stream_set_handler) or close it before return. `keys` are valid
     * until return; `sealed`: the session's records protect the payload, so CHECK is empty. */
    void (*on_opened)(void *ctx, struct stream *stream, const struct files_opened_message *opened,
                      const struct files_keys *keys, bool sealed);
    /* It does not, and why; `text` may be empty. */
    void (*on_failed)(void *ctx, int status, const char *text);
};

/* One of the two callbacks, once, never before return. `open` needs no session and no checks.
 * STATUS_NOT_CONNECTED, UV_ENOMEM, UV_ENOBUFS (more paths than a message holds): no callback. */
int files_dial(struct session *session, const struct files_open_message *open,
               const struct files_dial_handler *handler, void *ctx, struct files_dial **ret);
/* No callback follows. The agent gives the work up. */
void files_dial_cancel(struct files_dial *dial);

#endif
