/* SPDX-License-Identifier: MIT */
/* The agent's side of FILES_OPEN (docs/protocol.md, section 11): each connection is one piece of work, done
 * on a user's behalf by worker threads. */
#ifndef HOSPES_FILES_H
#define HOSPES_FILES_H

#include <uv.h>

#include "agent/features/files/offers_source.h"
#include "agent/features/files/watch_source.h"
#include "protocol/link/stream.h"
#include "protocol/wire/session_keys.h"
#include "services/relay/flow_set.h"

struct files; /* opaque */

struct files_options { /* texts are borrowed for the whole life */
    uv_loop_t *uv;
    const char *user;        /* on whose behalf, where the host does not say; "": whoever is logged in */
    const char *drop_folder; /* absolute, or relative to the user's home; "": the user's own choice */
};

int files_create(const struct files_options *options, struct files **ret); /* UV_ENOMEM */
/* After the loop has run out. NULL allowed. */
void files_destroy(struct files *files);

/* Until set, offers are STATUS_NOT_FOUND, and WATCH is STATUS_NOT_SUPPORTED. `source` is borrowed. */
void files_set_offers(struct files *files, const struct offers_source *source, void *ctx);
void files_set_watches(struct files *files, const struct watch_source *source, void *ctx);

/* What a connection of a session asks for. Takes the stream in every case; `works` are those of the session:
 * they end when it aborts them, partial work is kept for a resume. `keys` and `open` are copied. */
void files_open(struct files *files, struct flow_set *works, struct stream *stream,
                const struct session_keys *keys, uint64_t connection, const struct files_open_message *open);
/* The owner does not allow it. Takes the stream. */
void files_refuse(struct files *files, struct stream *stream, const struct files_open_message *open,
                  int status, const char *text);

#endif
