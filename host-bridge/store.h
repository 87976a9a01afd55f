/* SPDX-License-Identifier: MIT */
/* What must survive a restart: one JSON file for each guest, replaced atomically. */
#ifndef HOSPES_STORE_H
#define HOSPES_STORE_H

#include <jansson.h>
#include <uv.h>

#include "protocol/wire/limits.h"

struct store; /* opaque */

/* Makes the folder (0700) and sees whether it can be written to. On failure a sentence. */
int store_open(uv_loop_t *uv, const char *folder, struct store **ret,
               char ret_problem[static TEXT_REASON_MAX + 1]);

/* Every remembered guest: `state` is borrowed. A file that can't be read is set aside as NAME.json.broken,
 * and told with state == NULL and the reason. */
void store_each(struct store *store,
                void (*on_guest)(void *ctx, const char *name, const json_t *state, const char *problem),
                void *ctx);
/* Keeps NAME.json, which turned out to be of no use, as NAME.json.broken. */
void store_set_aside(const struct store *store, const char *name);
/* One guest's state, owned by the caller; NULL when nothing is remembered. */
json_t *store_load(struct store *store, const char *name);

/* Writes soon: STORE_DELAY_MS later `make_state` is called for the guest (NULL from it: skip) and the file is
 * replaced, on a worker thread, since fsync(2) may take long. Several calls within the delay are one. */
#define STORE_DELAY_MS 200
void store_save_soon(struct store *store, const char *name);
/* The same without the delay, for what must not be lost when somebody pulls the plug. */
void store_save_now(struct store *store, const char *name);
void store_forget(struct store *store, const char *name);
void store_set_maker(struct store *store, json_t *(*make_state)(void *ctx, const char *name), void *ctx);

/* Writes what is still to be written, and waits for it. on_closed never before return. */
void store_close(struct store *store, void (*on_closed)(void *ctx), void *ctx);

#endif
