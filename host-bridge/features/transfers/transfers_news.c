/* SPDX-License-Identifier: MIT */
/* Progress: the engines' counts come as often as they like, and are told at most every TRANSFER_NEWS_MS, by
 * one timer that runs while a transfer does. */
#include "host-bridge/features/transfers/transfers_private.h"
#include "protocol/base/clock.h"

/* The list is newest first. */
static void take_failures(struct transfer *transfer, struct engine *engine)
{
    struct transfer_failure **last = &engine->failures;
    while (*last != NULL)
        last = &(*last)->next;
    *last = transfer->failures;
    transfer->failures = engine->failures;
    engine->failures = NULL;
}

void transfers_note_progress(struct transfer_entry *entry, struct engine *engine)
{
    struct transfer *transfer = &entry->transfer;
    uint64_t moved = entry->moved_before + engine->counts.bytes_moved;
    transfer->counts = engine->counts;
    transfer->counts.bytes_moved = moved;
    transfer->counts.failed += entry->left_out;
    take_failures(transfer, engine);
    entry->progressed = true;
}

void transfers_note_left_out(struct transfer_entry *entry, struct engine *engine)
{
    struct transfer *transfer = &entry->transfer;
    transfer->counts.failed += engine->counts.failed - entry->left_out;
    entry->left_out = engine->counts.failed;
    take_failures(transfer, engine);
}

/* True: it was running and is paused now, or the other way round. */
static bool follow_pause(struct transfer *transfer)
{
    enum transfer_state state = transfer->counts.paused != 0 ? TRANSFER_PAUSED : TRANSFER_RUNNING;
    bool changed = transfer->state != state || transfer->error != transfer->counts.paused;
    transfer->state = state;
    transfer->error = transfer->counts.paused;
    return changed;
}

static void look(struct transfer_entry *entry, uint64_t now)
{
    struct transfer *transfer = &entry->transfer;
    const struct transfer_counts *counts = &transfer->counts;
    struct transfer_sample sample = {
        .at_ms = now, .moved = counts->bytes_moved, .done = counts->bytes_done + counts->current_done};
    transfer_rate_add(&entry->rate, &sample);
    uint64_t rate = transfer_rate_moved(&entry->rate);
    bool is_news = entry->progressed || rate != transfer->rate;
    transfer->rate = rate;
    transfer->left_s =
        counts->totals_known ? transfer_rate_left_s(&entry->rate, counts->bytes_total) : UINT64_MAX;
    entry->progressed = false;
    if (follow_pause(transfer))
        transfers_tell(entry, "changed");
    else if (is_news)
        transfers_tell(entry, "progress");
}

static void handle_news(uv_timer_t *timer)
{
    struct transfers *table = timer->data;
    uint64_t now = clock_monotonic_ms();
    bool any = false;
    for (size_t i = 0; i < table->count; i++) {
        struct transfer_entry *entry = table->entries[i];
        if (!transfer_is_at_work(&entry->transfer))
            continue;
        any = true;
        look(entry, now);
    }
    if (!any)
        transfers_news_stop(table);
}

void transfers_news_start(struct transfers *table)
{
    if (!table->closing && !uv_is_active((uv_handle_t *)&table->news))
        uv_timer_start(&table->news, handle_news, TRANSFER_NEWS_MS, TRANSFER_NEWS_MS);
}

void transfers_news_stop(struct transfers *table)
{
    uv_timer_stop(&table->news);
}
