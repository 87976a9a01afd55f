/* SPDX-License-Identifier: MIT */
/* One try of a transfer.
 *
 * Theory of operation
 *   A run has one side for each guest: `upper`, the guest that sends, is asked by FILES_GET; `lower`, the one
 * that receives, by FILES_PUT. When a side is open its link begins at once. With both sides the lower one is
 * opened first, since a receiver says nothing before it is spoken to; its stream is held until the upper one
 * is there, too. The engine of an end on this host is made by the link's first job.
 *   A run ends once, by success or by the first failure of a side; what that means is decided by
 * transfers_turns.c, which closes the run. */
#include "host-bridge/features/transfers/transfer_run.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/features/transfers/deferred_engine.h"
#include "host-bridge/features/transfers/host_end.h"
#include "host-bridge/features/transfers/transfer_names.h"
#include "protocol/base/status.h"
#include "services/transfer/junction.h"
#include "services/transfer/receive/receiver.h"
#include "services/transfer/transfer_link.h"

enum { UPPER, LOWER, SIDES };

struct run_side {
    struct transfer_run *run;
    struct files_dial *dial;    /* under way. Can be NULL */
    struct stream *stream;      /* opened, and held for the other side. Can be NULL */
    struct engine_keys keys;    /* of a held stream */
    struct transfer_link *link; /* Can be NULL */
    bool has_ended;             /* its link, with success */
};

struct transfer_run {
    struct transfer_entry *entry;
    struct run_side sides[SIDES];
    uv_idle_t presence; /* never started: its closing makes the end asynchronous */
    int parts_open;     /* links and `presence` */
    bool has_ended, closing;
};

static void end(struct transfer_run *run, int status, const char *text)
{
    if (run->has_ended || run->closing)
        return;
    run->has_ended = true;
    transfers_run_ended(run->entry, status, text);
}

/* ---- links ---- */

static void handle_progress(void *ctx)
{
    struct run_side *side = ctx;
    struct transfer_run *run = side->run;
    struct engine *engine = transfer_link_engine(side->link);
    if (run->sides[LOWER].link == NULL && deferred_engine_inner(engine) != NULL)
        run->entry->begun = true; /* a receiver was made: there is something to go on from */
    if (run->sides[LOWER].link == NULL || side == &run->sides[LOWER])
        transfers_run_progressed(run->entry, engine);
    else
        transfers_note_left_out(run->entry, engine);
}

static void handle_link_end(void *ctx, int status, const char *text)
{
    struct run_side *side = ctx;
    struct transfer_run *run = side->run;
    handle_progress(side);
    side->has_ended = status == 0;
    for (int i = 0; i < SIDES && status == 0; i++) {
        if (run->sides[i].link != NULL && !run->sides[i].has_ended)
            return;
    }
    end(run, status, text);
}

static const struct transfer_link_handler LINK_HANDLER = {.on_progress = handle_progress,
                                                          .on_end = handle_link_end};

/* Takes stream and engine, whatever comes of it. */
static int start_link(struct run_side *side, struct stream *stream, struct engine *engine)
{
    struct transfer_run *run = side->run;
    struct fs_identity identity = fs_identity_own();
    int status = transfer_link_create(run->entry->table->loop, stream, engine, &identity, &LINK_HANDLER, side,
                                      &side->link);
    if (status < 0) {
        side->link = NULL;
        engine->ops->destroy(engine, false);
        stream_close(stream);
        return status;
    }
    run->parts_open++;
    return 0;
}

static int start_host_end(struct run_side *side, struct stream *stream, const struct engine_keys *keys)
{
    struct transfer_run *run = side->run;
    struct deferred_options options = {
        .pool = run->entry->table->pool,
        .keys = *keys,
        .make = side == &run->sides[LOWER] ? host_end_make_sender : host_end_make_receiver,
        .ctx = run->entry,
    };
    struct engine *engine;
    int status = deferred_engine_create(&options, &engine);
    sodium_memzero(&options.keys, sizeof(options.keys));
    if (status < 0) {
        stream_close(stream);
        return status;
    }
    return start_link(side, stream, engine);
}

static int make_junction(struct transfer_run *run, struct engine **ret_upper, struct engine **ret_lower)
{
    const struct transfer_place *from = &run->entry->transfer.from;
    char(*names)[FILES_NAME_MAX + 1] = calloc(FILES_PATHS_MAX, sizeof(*names));
    const char *list[FILES_PATHS_MAX];
    if (names == NULL)
        return UV_ENOMEM;
    for (size_t i = 0; i < from->path_count; i++) {
        transfer_name_of_path(from->paths[i], names[i]); /* checked when it was asked for */
        list[i] = names[i];
    }
    int status = junction_create(run->entry->table->pool, &run->sides[UPPER].keys, &run->sides[LOWER].keys,
                                 from->path_count, list, ret_upper, ret_lower);
    free(names);
    return status;
}

static struct stream *take_held(struct run_side *side)
{
    struct stream *stream = side->stream;
    side->stream = NULL;
    sodium_memzero(&side->keys, sizeof(side->keys));
    return stream;
}

/* Both streams are held. */
static int start_junction(struct transfer_run *run)
{
    struct engine *upper, *lower;
    int status = make_junction(run, &upper, &lower);
    if (status < 0)
        return status;
    status = start_link(&run->sides[LOWER], take_held(&run->sides[LOWER]), lower);
    if (status < 0) {
        upper->ops->destroy(upper, false);
        return status;
    }
    return start_link(&run->sides[UPPER], take_held(&run->sides[UPPER]), upper);
}

/* ---- a stream that is held ---- */

static void handle_held_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct run_side *side = ctx;
    int status = STATUS_UNEXPECTED;
    char text[TEXT_REASON_MAX + 1] = "";
    if (type == FRAME_RST) {
        status = UV_ECONNRESET;
        frame_rst_decode(payload, &status, text);
    }
    end(side->run, status, text);
}

static size_t handle_held_data(void *ctx, struct span bytes)
{
    struct run_side *side = ctx;
    end(side->run, STATUS_UNEXPECTED, "");
    return bytes.size;
}

static void handle_held_end(void *ctx, int status, const char *text)
{
    struct run_side *side = ctx;
    end(side->run, status == UV_EOF ? UV_ECONNRESET : status, text);
}

static const struct stream_handler HELD_HANDLER = {
    .on_frame = handle_held_frame, .on_data = handle_held_data, .on_end = handle_held_end};

/* ---- opening ---- */

static int open_side(struct run_side *side);

static struct engine_keys make_keys(const struct files_keys *keys, uint8_t check)
{
    struct engine_keys made = {.check = check};
    static_assert(sizeof(made.check_key) == sizeof(keys->check), "one key");
    static_assert(sizeof(made.digest_key) == sizeof(keys->digest), "one key");
    memcpy(made.check_key, keys->check, sizeof(made.check_key));
    memcpy(made.digest_key, keys->digest, sizeof(made.digest_key));
    return made;
}

static void handle_opened(void *ctx, struct stream *stream, const struct files_opened_message *opened,
                          const struct files_keys *keys, bool sealed)
{
    struct run_side *side = ctx;
    struct transfer_run *run = side->run;
    const struct transfer *transfer = &run->entry->transfer;
    struct engine_keys engine_keys = make_keys(keys, opened->check);
    bool between_guests = transfer->from.vm[0] != '\0' && transfer->to.vm[0] != '\0';
    int status;
    side->dial = NULL;
    if (side == &run->sides[LOWER])
        run->entry->begun = true; /* the guest's receiver is there */
    if (!between_guests) {
        status = start_host_end(side, stream, &engine_keys);
    } else {
        stream_set_handler(stream, &HELD_HANDLER, side);
        side->stream = stream;
        side->keys = engine_keys;
        status = side == &run->sides[LOWER] ? open_side(&run->sides[UPPER]) : start_junction(run);
    }
    sodium_memzero(&engine_keys, sizeof(engine_keys));
    if (status < 0)
        end(run, status, "");
}

static void handle_failed(void *ctx, int status, const char *text)
{
    struct run_side *side = ctx;
    side->dial = NULL;
    end(side->run, status, text);
}

static const struct files_dial_handler DIAL_HANDLER = {.on_opened = handle_opened,
                                                       .on_failed = handle_failed};

static int fill_paths(struct files_open_message *open, const struct transfer_place *from)
{
    if (from->path_count == 0)
        return 0;
    open->paths = calloc(from->path_count, sizeof(*open->paths));
    if (open->paths == NULL)
        return UV_ENOMEM;
    open->path_count = from->path_count;
    for (size_t i = 0; i < from->path_count; i++)
        snprintf(open->paths[i].path, sizeof(open->paths[i].path), "%s", from->paths[i]);
    return 0;
}

static int open_side(struct run_side *side)
{
    struct transfer_entry *entry = side->run->entry;
    const struct transfer *transfer = &entry->transfer;
    const struct transfers_io *io = &entry->table->io;
    bool lower = side == &side->run->sides[LOWER];
    const struct transfer_place *place = lower ? &transfer->to : &transfer->from;
    struct files_open_message open = {
        .operation = lower ? FILES_PUT : FILES_GET,
        .id = entry->id,
        .flags = entry->flags | (entry->begun ? FILES_RESUME : 0),
        .conflict = entry->conflict,
        .links = entry->links,
    };
    int status = 0;
    snprintf(open.user, sizeof(open.user), "%s", place->user);
    if (!lower) {
        open.offer = transfer->offer;
        status = fill_paths(&open, &transfer->from);
    } else if (transfer->kind == TRANSFER_DROP) {
        open.flags |= FILES_DROP;
    } else {
        snprintf(open.to, sizeof(open.to), "%s", transfer->to.paths[0]);
    }
    if (status == 0)
        status = io->open(io->ctx, place->vm, &open, &DIAL_HANDLER, side, &side->dial);
    free(open.paths);
    return status;
}

int transfer_run_start(struct transfer_entry *entry, struct transfer_run **ret)
{
    struct transfer_run *run = calloc(1, sizeof(*run));
    if (run == NULL)
        return UV_ENOMEM;
    run->entry = entry;
    for (int i = 0; i < SIDES; i++)
        run->sides[i].run = run;
    int status = open_side(&run->sides[entry->transfer.to.vm[0] != '\0' ? LOWER : UPPER]);
    if (status < 0) {
        free(run);
        return status;
    }
    uv_idle_init(entry->table->loop, &run->presence);
    run->presence.data = run;
    run->parts_open = 1;
    *ret = run;
    return 0;
}

/* ---- the end ---- */

static void handle_part_closed(void *ctx)
{
    struct transfer_run *run = ctx;
    if (--run->parts_open > 0)
        return;
    struct transfer_entry *entry = run->entry;
    free(run);
    transfers_run_gone(entry);
}

static void handle_presence_closed(uv_handle_t *handle)
{
    handle_part_closed(handle->data);
}

bool transfer_run_close(struct transfer_run *run, bool discard)
{
    bool has_links = false;
    assert(!run->closing);
    run->closing = true;
    for (int i = 0; i < SIDES; i++) {
        struct run_side *side = &run->sides[i];
        struct stream *stream = take_held(side);
        files_dial_cancel(side->dial);
        if (stream != NULL && discard)
            stream_abort(stream, UV_ECANCELED, "");
        else
            stream_close(stream);
        if (side->link != NULL) {
            has_links = true;
            transfer_link_close(side->link, discard, handle_part_closed, run);
        }
    }
    uv_close((uv_handle_t *)&run->presence, handle_presence_closed);
    return has_links;
}

/* More than there are sources is not believed; an offer has as many as it likes. */
static size_t names_max(const struct transfer_run *run)
{
    size_t count = run->entry->transfer.from.path_count;
    return count > 0 ? count : FILES_PATHS_MAX;
}

char **transfer_run_take_names(const struct transfer_run *run, size_t *ret_count)
{
    const struct run_side *upper = &run->sides[UPPER], *lower = &run->sides[LOWER];
    const char *const *texts = NULL;
    const struct files_path *paths = NULL;
    size_t count, max = names_max(run);
    if (lower->link == NULL)
        count = receiver_names(deferred_engine_inner(transfer_link_engine(upper->link)), &texts);
    else if (upper->link == NULL)
        count = deferred_engine_names(transfer_link_engine(lower->link), &paths);
    else
        count = junction_names(transfer_link_engine(lower->link), &paths);
    count = count < max ? count : max;
    char **copy = calloc(count + 1, sizeof(char *));
    size_t copied = 0;
    while (copy != NULL && copied < count &&
           (copy[copied] = strdup(texts != NULL ? texts[copied] : paths[copied].path)) != NULL)
        copied++;
    *ret_count = copied;
    return copy;
}
