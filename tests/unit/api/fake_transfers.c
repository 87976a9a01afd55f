/* SPDX-License-Identifier: MIT */
/* Transfers that never move, and an inbox that nobody fills. */
#include "tests/unit/api/fake_transfers.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"

#define STARTED_MS 1769860800123

static struct transfer *append(struct transfers *transfers, char letter)
{
    struct transfer *transfer = &transfers->items[transfers->count++];
    *transfer = (struct transfer){
        .state = TRANSFER_WAITING, .left_s = UINT64_MAX, .started_ms = STARTED_MS, .kind = TRANSFER_COPY};
    memset(transfer->id, letter, sizeof(transfer->id) - 1);
    return transfer;
}

static void fill_running(struct transfers *transfers)
{
    static char a[] = "/home/me/a\x1b[31m", b[] = "/home/me/b", to[] = "/srv", where[] = "/srv/a";
    static char text[] = "no right to read it", path[] = "b/secret";
    static char none[] = "";
    static char *names[] = {where, none};
    struct transfer *transfer = append(transfers, 'a');
    transfer->state = TRANSFER_RUNNING;
    transfers->paths[0] = a;
    transfers->paths[1] = b;
    transfers->target[0] = to;
    transfer->from.paths = transfers->paths;
    transfer->from.path_count = 2;
    transfer->to.paths = transfers->target;
    transfer->to.path_count = 1;
    snprintf(transfer->to.vm, sizeof(transfer->to.vm), "web");
    snprintf(transfer->to.user, sizeof(transfer->to.user), "lui");
    transfer->counts = (struct transfer_counts){.phase = TRANSFER_SEND,
                                                .totals_known = true,
                                                .files_total = 10,
                                                .files_done = 4,
                                                .bytes_total = 1000,
                                                .bytes_done = 400,
                                                .bytes_moved = 300,
                                                .skipped = 1,
                                                .failed = 1,
                                                .current = "a/large",
                                                .current_size = 500,
                                                .current_done = 20};
    transfer->rate = 100;
    transfer->left_s = 6;
    transfers->failure = (struct transfer_failure){.status = UV_EACCES, .text = text, .path = path};
    transfer->failures = &transfers->failure;
    transfer->names = names;
    transfer->name_count = 2;
}

void fake_transfers_init(struct transfers *transfers)
{
    *transfers = (struct transfers){0};
    fill_running(transfers);
    struct transfer *failed = append(transfers, 'b');
    failed->kind = TRANSFER_TAKE;
    failed->state = TRANSFER_FAILED;
    failed->error = UV_ENOSPC;
    failed->ended_ms = STARTED_MS + 5000;
    failed->counts.bytes_moved = 70;
    failed->to.paths = transfers->target;
    failed->to.path_count = 1;
    snprintf(failed->from.vm, sizeof(failed->from.vm), "web");
}

size_t transfers_count(const struct transfers *transfers)
{
    return transfers->count;
}

const struct transfer *transfers_at(const struct transfers *transfers, size_t index)
{
    return &transfers->items[index];
}

const struct transfer *transfers_find(const struct transfers *transfers, const char *id)
{
    for (size_t i = 0; i < transfers->count; i++) {
        if (strcmp(transfers->items[i].id, id) == 0)
            return &transfers->items[i];
    }
    return NULL;
}

int transfers_add(struct transfers *transfers, const struct transfer_request *request,
                  const struct transfer **ret, char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (strcmp(request->from.paths[0], "/twice") == 0) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "the same copy is under way");
        return STATUS_CONFLICT;
    }
    if (transfers->count == FAKE_TRANSFERS_MAX)
        return STATUS_LIMIT;
    transfers->last = *request;
    snprintf(transfers->last_from, sizeof(transfers->last_from), "%s", request->from.paths[0]);
    snprintf(transfers->last_to, sizeof(transfers->last_to), "%s",
             request->to.path_count > 0 ? request->to.paths[0] : "");
    struct transfer *transfer = append(transfers, 'c');
    transfer->kind = request->kind;
    snprintf(transfer->from.vm, sizeof(transfer->from.vm), "%s", request->from.vm);
    snprintf(transfer->to.vm, sizeof(transfer->to.vm), "%s", request->to.vm);
    *ret = transfer;
    return 0;
}

int transfers_cancel(struct transfers *transfers, const char *id, bool keep)
{
    struct transfer *transfer = (struct transfer *)(uintptr_t)transfers_find(transfers, id);
    *transfer = transfers->items[--transfers->count];
    return 0;
}

const char *transfer_kind_name(enum transfer_kind kind)
{
    static const char *const NAMES[] = {"?", "copy", "drop", "take"};
    return NAMES[kind];
}

const char *transfer_state_name(enum transfer_state state)
{
    static const char *const NAMES[] = {"?", "waiting", "running", "paused", "done", "failed", "cancelled"};
    return NAMES[state];
}

const char *transfer_phase_name(uint8_t phase)
{
    static const char *const NAMES[] = {"?", "scan", "send", "verify"};
    return NAMES[phase];
}

/* ---- inbox ---- */

void fake_inbox_init(struct inbox *inbox)
{
    *inbox = (struct inbox){.count = 2};
    for (size_t i = 0; i < inbox->count; i++) {
        struct inbox_item *item = &inbox->items[i];
        item->offer =
            (struct offer){.id = 7 + i, .roots = 1, .files = 3, .bytes = 4096, .created_ms = STARTED_MS};
        item->seen_ms = STARTED_MS + 10;
        item->state = i == 0 ? INBOX_OFFERED : INBOX_TAKING;
        snprintf(item->id, sizeof(item->id), "web-%zu", 7 + i);
        snprintf(item->vm, sizeof(item->vm), "web");
        snprintf(item->offer.name, sizeof(item->offer.name), "photos\x1b[31m\t");
    }
    memset(inbox->items[1].transfer, 'b', sizeof(inbox->items[1].transfer) - 1);
}

size_t inbox_count(const struct inbox *inbox)
{
    return inbox->count;
}

const struct inbox_item *inbox_at(const struct inbox *inbox, size_t index)
{
    return &inbox->items[index];
}

const struct inbox_item *inbox_find(const struct inbox *inbox, const char *id)
{
    for (size_t i = 0; i < inbox->count; i++) {
        if (strcmp(inbox->items[i].id, id) == 0)
            return &inbox->items[i];
    }
    return NULL;
}

/* ---- receiving ---- */

void fake_receiving_init(struct receiving *receiving, uv_loop_t *loop, struct transfers *transfers,
                         struct inbox *inbox)
{
    *receiving = (struct receiving){.transfers = transfers, .inbox = inbox};
    uv_idle_init(loop, &receiving->idle);
    receiving->idle.data = receiving;
}

void fake_receiving_close(struct receiving *receiving)
{
    uv_close((uv_handle_t *)&receiving->idle, NULL);
}

int receiving_accept(struct receiving *receiving, const char *id, const char *to, uint8_t conflict,
                     const struct transfer **ret, char *ret_problem)
{
    const struct inbox_item *item = inbox_find(receiving->inbox, id);
    if (item->state == INBOX_TAKING) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "it is being taken");
        return STATUS_CONFLICT;
    }
    snprintf(receiving->to, sizeof(receiving->to), "%s", to == NULL ? "" : to);
    receiving->conflict = conflict;
    struct transfer *transfer = append(receiving->transfers, 'd');
    transfer->kind = TRANSFER_TAKE;
    *ret = transfer;
    return 0;
}

void fake_receiving_answer(struct receiving *receiving)
{
    void (*on_done)(void *ctx, int status, const char *text) = receiving->on_done;
    receiving->on_done = NULL;
    if (on_done != NULL)
        on_done(receiving->ctx, receiving->decline_status, "");
}

static void handle_idle(uv_idle_t *idle)
{
    uv_idle_stop(idle);
    fake_receiving_answer(idle->data);
}

int receiving_decline(struct receiving *receiving, const char *id,
                      void (*on_done)(void *ctx, int status, const char *text), void *ctx)
{
    if (inbox_find(receiving->inbox, id)->state == INBOX_TAKING)
        return STATUS_CONFLICT;
    receiving->on_done = on_done;
    receiving->ctx = ctx;
    if (!receiving->answers_later)
        uv_idle_start(&receiving->idle, handle_idle);
    return 0;
}
