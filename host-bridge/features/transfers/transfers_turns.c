/* SPDX-License-Identifier: MIT */
/* Whose turn it is, and what becomes of a transfer whose try has ended.
 *
 * Theory of operation
 *   A transfer that waits wants its turn, a guest, or a moment (enum entry_wait). One timer looks through the
 * table: soon when something changed, else at the earliest of these moments; nothing runs while there is
 * none. A try that ended by a loss is made again: at once when the guest comes back, else after a delay that
 * doubles. The lock of a receiver that has not noticed the loss yet (STATUS_CONFLICT) is waited for in the
 * same way. Whatever else an agent or this host answers is final. */
#include <stdlib.h>
#include <string.h>

#include "host-bridge/features/transfers/transfer_run.h"
#include "host-bridge/features/transfers/transfer_sweep.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "services/config/reason.h"

bool transfer_involves(const struct transfer *transfer, const char *vm)
{
    return strcmp(transfer->from.vm, vm) == 0 || strcmp(transfer->to.vm, vm) == 0;
}

/* ---- the end of a try ---- */

static void say_error(struct transfer *transfer, int status, const char *text)
{
    transfer->error = status;
    transfer->rate = 0;
    transfer->left_s = UINT64_MAX;
    reason_format(transfer->error_text, "%s", text);
}

void transfers_settle(struct transfer_entry *entry, enum transfer_state state, int status, const char *text)
{
    struct transfer *transfer = &entry->transfer;
    say_error(transfer, status, text);
    transfer->state = state;
    transfer->ended_ms = clock_realtime_ms();
    transfers_tell(entry, "changed");
    if (transfer_is_kept(transfer) && !entry->table->closing)
        entry->table->io.on_dirty(entry->table->io.ctx);
    transfers_turns_soon(entry->table);
}

static bool was_fruitful(const struct transfer_entry *entry)
{
    const struct transfer_counts *counts = &entry->transfer.counts;
    return counts->bytes_moved > entry->moved_before || counts->files_done > entry->files_before;
}

static void wait_a_while(struct transfer_entry *entry)
{
    uint32_t delay = entry->retry_delay_ms == 0 ? RETRY_MIN_MS : 2 * entry->retry_delay_ms;
    entry->retry_delay_ms = delay < RETRY_MAX_MS ? delay : RETRY_MAX_MS;
    entry->retry_at_ms = clock_monotonic_ms() + entry->retry_delay_ms;
}

void transfers_lose(struct transfer_entry *entry, int status, const char *text, enum entry_wait wait)
{
    struct transfer *transfer = &entry->transfer;
    if (was_fruitful(entry)) {
        entry->fruitless = 0;
        entry->retry_delay_ms = 0;
        entry->moved_before = transfer->counts.bytes_moved;
        if (transfer->counts.files_done > entry->files_before)
            entry->files_before = transfer->counts.files_done;
    } else if (wait != WAIT_GUEST && ++entry->fruitless > TRANSFER_RESUMES_MAX) {
        transfers_settle(entry, TRANSFER_FAILED, status, text);
        return;
    }
    bool is_news = transfer->state != TRANSFER_WAITING || transfer->error != status;
    transfer->state = TRANSFER_WAITING;
    say_error(transfer, status, text);
    entry->wait = wait;
    if (wait == WAIT_TIME)
        wait_a_while(entry);
    if (is_news)
        transfers_tell(entry, "changed");
    transfers_turns_soon(entry->table);
}

/* The connection broke, or something that goes away by itself is in the way. */
static bool passes(int status)
{
    switch (status) {
    case UV_ECONNRESET:
    case UV_ECONNREFUSED:
    case UV_ECONNABORTED:
    case UV_ENOTCONN:
    case UV_EPIPE:
    case UV_EOF:
    case UV_ETIMEDOUT:
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_ENETDOWN:
    case STATUS_GONE:
    case STATUS_SILENT:
    case STATUS_UNKNOWN_SESSION:
    case STATUS_NEEDS_AUTHENTICATION: /* the agent was started anew under the connection */
    case STATUS_NO_GREETING:
    case STATUS_GREETING_REFUSED:
    case STATUS_DRIVER_DOWN:
    case STATUS_NO_AGENT:
    case STATUS_LIMIT:
    case STATUS_CONFLICT:
        return true;
    default:
        return false;
    }
}

static void note_end(struct transfer_entry *entry, int status, const char *text)
{
    if (status == 0)
        transfers_settle(entry, TRANSFER_DONE, 0, "");
    else if (status == STATUS_NOT_CONNECTED)
        transfers_lose(entry, status, text, WAIT_GUEST);
    else if (passes(status))
        transfers_lose(entry, status, text, WAIT_TIME);
    else
        transfers_settle(entry, TRANSFER_FAILED, status, text);
}

void transfers_run_ended(struct transfer_entry *entry, int status, const char *text)
{
    struct transfer_run *run = entry->run;
    if (status == 0)
        entry->transfer.names = transfer_run_take_names(run, &entry->transfer.name_count);
    transfer_run_close(run, false);
    note_end(entry, status, text);
}

void transfers_run_progressed(struct transfer_entry *entry, struct engine *engine)
{
    transfers_note_progress(entry, engine);
    const struct transfer_counts *counts = &entry->transfer.counts;
    uint64_t done = counts->bytes_done > UINT64_MAX - counts->current_done
                        ? UINT64_MAX
                        : counts->bytes_done + counts->current_done;
    if (done <= entry->bytes_max || entry->transfer.state == TRANSFER_FAILED)
        return;
    transfer_run_close(entry->run, true);
    transfers_settle(entry, TRANSFER_FAILED, STATUS_TOO_LARGE, "the guest sends more than the rule allows");
}

void transfers_run_gone(struct transfer_entry *entry)
{
    struct transfers *table = entry->table;
    entry->run = NULL;
    if (entry->sweep_due && !table->closing)
        transfer_sweep_start(entry);
    entry->sweep_due = false;
    if (entry->forgotten)
        transfer_entry_free(entry);
    else
        transfers_turns_soon(table);
    transfers_run_closed(table);
}

/* ---- starting ---- */

static size_t running_with(const struct transfers *table, const char *vm)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++)
        count += table->entries[i]->run != NULL && transfer_involves(&table->entries[i]->transfer, vm);
    return count;
}

static bool has_room(const struct transfers *table, const struct transfer *transfer)
{
    if (table->runs >= TRANSFERS_RUNNING_MAX)
        return false;
    const char *const vms[] = {transfer->from.vm, transfer->to.vm};
    for (size_t i = 0; i < 2; i++) {
        if (vms[i][0] != '\0' && running_with(table, vms[i]) >= TRANSFERS_GUEST_MAX)
            return false;
    }
    return true;
}

static void begin_news(struct transfer_entry *entry)
{
    struct transfer *transfer = &entry->transfer;
    transfer->state = TRANSFER_RUNNING;
    transfer->error = 0;
    transfer->error_text[0] = '\0';
    transfer_failures_free(transfer->failures); /* the new try tells them again */
    transfer->failures = NULL;
    entry->left_out = 0;
    transfer->counts = (struct transfer_counts){.phase = TRANSFER_SCAN, .bytes_moved = entry->moved_before};
    transfer_rate_reset(&entry->rate);
    entry->progressed = false;
    transfers_news_start(entry->table);
    transfers_tell(entry, "changed");
}

static void start(struct transfer_entry *entry)
{
    struct transfers *table = entry->table;
    int status = transfers_run_opened(table);
    if (status == 0) {
        status = transfer_run_start(entry, &entry->run);
        if (status < 0)
            transfers_run_closed(table);
    }
    if (status == 0)
        begin_news(entry);
    else
        note_end(entry, status, "");
}

static void handle_turns(uv_timer_t *timer)
{
    struct transfers *table = timer->data;
    uint64_t now = clock_monotonic_ms(), next = UINT64_MAX;
    for (size_t i = 0; i < table->count; i++) {
        struct transfer_entry *entry = table->entries[i];
        if (entry->transfer.state != TRANSFER_WAITING || entry->run != NULL)
            continue;
        if (entry->wait == WAIT_TIME && entry->retry_at_ms <= now)
            entry->wait = WAIT_TURN;
        if (entry->wait == WAIT_TIME && entry->retry_at_ms < next)
            next = entry->retry_at_ms;
        if (entry->wait == WAIT_TURN && has_room(table, &entry->transfer))
            start(entry);
    }
    if (next != UINT64_MAX && !uv_is_active((uv_handle_t *)timer))
        uv_timer_start(timer, handle_turns, next - now, 0);
}

void transfers_turns_soon(struct transfers *table)
{
    if (!table->closing)
        uv_timer_start(&table->turns, handle_turns, 0, 0);
}
