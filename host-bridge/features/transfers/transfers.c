/* SPDX-License-Identifier: MIT */
/* The table of transfers: what is in it, what comes in and goes out, and the news of guests. */
#include "host-bridge/features/transfers/transfers.h"

#include <stdlib.h>
#include <string.h>

#include "host-bridge/features/transfers/transfer_run.h"
#include "host-bridge/features/transfers/transfer_sweep.h"
#include "protocol/base/status.h"
#include "services/config/reason.h"

/* ---- life ---- */

int transfers_create(uv_loop_t *loop, const struct transfers_io *io, struct transfers **ret)
{
    struct transfers *table = calloc(1, sizeof(*table));
    if (table == NULL)
        return UV_ENOMEM;
    table->loop = loop;
    table->io = *io;
    uv_timer_init(loop, &table->turns);
    uv_timer_init(loop, &table->news);
    table->turns.data = table->news.data = table;
    *ret = table;
    return 0;
}

int transfers_run_opened(struct transfers *table)
{
    if (table->pool == NULL) {
        int status = item_pool_create(TRANSFERS_POOL_SPARE, &table->pool);
        if (status < 0) {
            table->pool = NULL;
            return status;
        }
    }
    table->runs++;
    return 0;
}

static void end_if_closed(struct transfers *table)
{
    if (!table->closing || table->runs > 0 || table->handles_open > 0)
        return;
    for (size_t i = 0; i < table->count; i++)
        transfer_entry_free(table->entries[i]);
    void (*on_closed)(void *ctx) = table->on_closed;
    void *ctx = table->closed_ctx;
    free(table);
    if (on_closed != NULL)
        on_closed(ctx);
}

void transfers_run_closed(struct transfers *table)
{
    table->runs--;
    if (table->runs == 0) {
        item_pool_destroy(table->pool);
        table->pool = NULL;
    }
    end_if_closed(table);
}

static void handle_timer_closed(uv_handle_t *handle)
{
    struct transfers *table = handle->data;
    table->handles_open--;
    end_if_closed(table);
}

void transfers_close(struct transfers *table, void (*on_closed)(void *ctx), void *ctx)
{
    table->closing = true;
    table->on_closed = on_closed;
    table->closed_ctx = ctx;
    table->handles_open = 2;
    uv_close((uv_handle_t *)&table->turns, handle_timer_closed);
    uv_close((uv_handle_t *)&table->news, handle_timer_closed);
    transfer_sweeps_stop(table);
    for (size_t i = 0; i < table->count; i++) {
        if (transfer_is_at_work(&table->entries[i]->transfer))
            transfer_run_close(table->entries[i]->run, false);
    }
}

void transfers_tell(const struct transfer_entry *entry, const char *what)
{
    const struct transfers *table = entry->table;
    if (!table->closing)
        table->io.on_transfer(table->io.ctx, &entry->transfer, what);
}

/* ---- the table ---- */

size_t transfers_count(const struct transfers *table)
{
    return table->count;
}

const struct transfer *transfers_at(const struct transfers *table, size_t index)
{
    return &table->entries[index]->transfer;
}

static struct transfer_entry *find(const struct transfers *table, const char *id)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->entries[i]->transfer.id, id) == 0)
            return table->entries[i];
    }
    return NULL;
}

const struct transfer *transfers_find(const struct transfers *table, const char *id)
{
    const struct transfer_entry *entry = find(table, id);
    return entry == NULL ? NULL : &entry->transfer;
}

static void forget(struct transfer_entry *entry)
{
    struct transfers *table = entry->table;
    size_t i = 0;
    while (table->entries[i] != entry)
        i++;
    table->count--;
    memmove(&table->entries[i], &table->entries[i + 1], (table->count - i) * sizeof(struct transfer_entry *));
    transfers_tell(entry, "removed");
    if (entry->run != NULL)
        entry->forgotten = true;
    else
        transfer_entry_free(entry);
}

/* Forgets the oldest ended one. False: there is none. */
static bool make_room(struct transfers *table)
{
    for (size_t i = 0; i < table->count; i++) {
        if (transfer_has_ended(&table->entries[i]->transfer)) {
            forget(table->entries[i]);
            return true;
        }
    }
    return false;
}

int transfers_put(struct transfers *table, struct transfer_entry *entry)
{
    if (table->count == TRANSFERS_MAX && !make_room(table))
        return STATUS_LIMIT;
    entry->table = table;
    table->entries[table->count++] = entry;
    transfers_tell(entry, "added");
    transfers_turns_soon(table);
    return 0;
}

int transfers_add(struct transfers *table, const struct transfer_request *request,
                  const struct transfer **ret, char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct transfer_entry *entry;
    int status = transfer_entry_create(request, &entry, ret_problem);
    if (status < 0)
        return status;
    struct transfer_entry *same = find(table, entry->transfer.id);
    if (same != NULL && !transfer_has_ended(&same->transfer) && (request->flags & FILES_RESUME) != 0) {
        transfer_entry_free(entry);
        *ret = &same->transfer;
        return TRANSFERS_JOINED;
    }
    if (same != NULL && !transfer_has_ended(&same->transfer)) {
        reason_format(ret_problem, "the very same copy is under way; wait for it, or cancel it");
        status = STATUS_CONFLICT;
    } else {
        if (same != NULL)
            forget(same);
        status = transfers_put(table, entry);
        if (status < 0)
            reason_format(ret_problem, "%d transfers are under way; wait for some of them", TRANSFERS_MAX);
    }
    if (status < 0) {
        transfer_entry_free(entry);
        return status;
    }
    if (transfer_is_kept(&entry->transfer))
        table->io.on_dirty(table->io.ctx);
    *ret = &entry->transfer;
    return 0;
}

/* It is at an end by somebody's decision, and leaves nothing behind. */
static void undo(struct transfer_entry *entry, enum transfer_state state, int status, const char *text)
{
    bool is_undone = transfer_is_at_work(&entry->transfer) && transfer_run_close(entry->run, true);
    entry->sweep_due = !is_undone && entry->begun && entry->run != NULL;
    if (!is_undone && entry->begun && entry->run == NULL)
        transfer_sweep_start(entry);
    transfers_settle(entry, state, status, text);
}

/* The same, but what came stays for a day: asked for again with RESUME it goes on. */
static void stop_and_keep(struct transfer_entry *entry)
{
    if (transfer_is_at_work(&entry->transfer))
        transfer_run_close(entry->run, false);
    transfers_settle(entry, TRANSFER_CANCELLED, 0, "");
}

int transfers_cancel(struct transfers *table, const char *id, bool keep)
{
    struct transfer_entry *entry = find(table, id);
    if (entry == NULL)
        return STATUS_NOT_FOUND;
    if (transfer_has_ended(&entry->transfer))
        forget(entry);
    else if (keep)
        stop_and_keep(entry);
    else
        undo(entry, TRANSFER_CANCELLED, 0, "");
    return 0;
}

/* ---- guests ---- */

void transfers_guest_up(struct transfers *table, const char *vm)
{
    for (size_t i = 0; i < table->count; i++) {
        struct transfer_entry *entry = table->entries[i];
        if (entry->transfer.state != TRANSFER_WAITING || !transfer_involves(&entry->transfer, vm))
            continue;
        entry->wait = WAIT_TURN;
        entry->retry_delay_ms = 0;
    }
    transfers_turns_soon(table);
}

void transfers_guest_down(struct transfers *table, const char *vm)
{
    for (size_t i = 0; i < table->count; i++) {
        struct transfer_entry *entry = table->entries[i];
        if (transfer_has_ended(&entry->transfer) || !transfer_involves(&entry->transfer, vm))
            continue;
        if (transfer_is_at_work(&entry->transfer))
            transfer_run_close(entry->run, false);
        transfers_lose(entry, STATUS_NOT_CONNECTED, "", WAIT_GUEST);
    }
}

void transfers_guest_removed(struct transfers *table, const char *vm)
{
    for (size_t i = 0; i < table->count; i++) {
        struct transfer_entry *entry = table->entries[i];
        if (!transfer_has_ended(&entry->transfer) && transfer_involves(&entry->transfer, vm))
            undo(entry, TRANSFER_FAILED, STATUS_NOT_FOUND, "the guest was removed");
    }
}
