/* SPDX-License-Identifier: MIT */
/* The receiver of the cancelled transfer is made once more, to go on, and destroyed with nothing left behind:
 * the host's on a worker thread, a guest's by an order that is taken back as soon as it is there. */
#include "host-bridge/features/transfers/transfer_sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/status.h"
#include "services/transfer/receive/receiver.h"

struct transfer_sweep {
    struct transfer_sweep *next; /* in table->sweeps, while it dials */
    struct transfers *table;
    struct files_id id;
    char folder[FILES_PATH_MAX + 1]; /* on the host */
    uv_work_t work;
    struct files_dial *dial; /* to the guest */
};

/* ---- on the host ---- */

static void sweep_folder(uv_work_t *work)
{
    const struct transfer_sweep *sweep = work->data;
    struct receiver_options options = {
        .pool = sweep->table->pool, .folder = sweep->folder, .id = sweep->id, .flags = FILES_RESUME};
    struct engine *engine;
    char problem[TEXT_REASON_MAX + 1];
    if (receiver_create(&options, &engine, problem) == 0)
        engine->ops->destroy(engine, true);
}

static void handle_swept(uv_work_t *work, int status)
{
    struct transfer_sweep *sweep = work->data;
    struct transfers *table = sweep->table;
    free(sweep);
    transfers_run_closed(table);
}

/* ---- in a guest ---- */

static void forget(struct transfer_sweep *sweep)
{
    struct transfers *table = sweep->table;
    struct transfer_sweep **link = &table->sweeps;
    while (*link != sweep)
        link = &(*link)->next;
    *link = sweep->next;
    free(sweep);
    transfers_run_closed(table);
}

static void handle_opened(void *ctx, struct stream *stream, const struct files_opened_message *opened,
                          const struct files_keys *keys, bool sealed)
{
    stream_abort(stream, UV_ECANCELED, "");
    forget(ctx);
}

static void handle_failed(void *ctx, int status, const char *text)
{
    forget(ctx);
}

static const struct files_dial_handler DIAL_HANDLER = {.on_opened = handle_opened,
                                                       .on_failed = handle_failed};

static int dial(struct transfer_sweep *sweep, const struct transfer_entry *entry)
{
    const struct transfer *transfer = &entry->transfer;
    const struct transfers_io *io = &sweep->table->io;
    struct files_open_message open = {.operation = FILES_PUT,
                                      .id = entry->id,
                                      .flags = entry->flags | FILES_RESUME,
                                      .conflict = entry->conflict,
                                      .links = entry->links};
    snprintf(open.user, sizeof(open.user), "%s", transfer->to.user);
    if (transfer->kind == TRANSFER_DROP)
        open.flags |= FILES_DROP;
    else
        snprintf(open.to, sizeof(open.to), "%s", transfer->to.paths[0]);
    return io->open(io->ctx, transfer->to.vm, &open, &DIAL_HANDLER, sweep, &sweep->dial);
}

void transfer_sweep_start(const struct transfer_entry *entry)
{
    struct transfers *table = entry->table;
    bool is_host = entry->transfer.to.vm[0] == '\0';
    if (is_host && !entry->has_target && entry->transfer.kind != TRANSFER_TAKE)
        return; /* where it went was never found out */
    struct transfer_sweep *sweep = calloc(1, sizeof(*sweep));
    if (sweep == NULL || transfers_run_opened(table) < 0) {
        free(sweep);
        return;
    }
    sweep->table = table;
    sweep->id = entry->id;
    if (is_host) {
        snprintf(sweep->folder, sizeof(sweep->folder), "%s",
                 entry->has_target ? entry->target.folder : entry->transfer.to.paths[0]);
        sweep->work.data = sweep;
        uv_queue_work(table->loop, &sweep->work, sweep_folder, handle_swept);
    } else if (dial(sweep, entry) < 0) {
        free(sweep);
        transfers_run_closed(table);
    } else {
        sweep->next = table->sweeps;
        table->sweeps = sweep;
    }
}

void transfer_sweeps_stop(struct transfers *table)
{
    while (table->sweeps != NULL) {
        files_dial_cancel(table->sweeps->dial);
        forget(table->sweeps);
    }
}
