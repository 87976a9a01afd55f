/* SPDX-License-Identifier: MIT */
/* Accepts and declines offers. The inbox knows what is offered and the transfers know what is moved; what
 * happens between them is here. A guest that is asked to take an offer back has a while to answer, so that
 * whoever waits is not left alone. */
#include "host-bridge/receiving.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/base/status.h"
#include "services/config/reason.h"

struct decline {
    struct decline *next;
    struct receiving *receiving;
    struct files_dial *dial; /* until it is open. Can be NULL */
    struct stream *stream;   /* from then on. Can be NULL */
    bool is_done;            /* FILES_DONE came; FIN follows */
    uv_timer_t deadline;
    void (*on_done)(void *ctx, int status, const char *text);
    void *ctx;
};

struct receiving {
    struct receiving_options options;
    char *downloads;
    struct decline *declines; /* that nobody has heard of yet */
    size_t handles_open;      /* of all declines, closing ones included */
    uv_idle_t presence;       /* never started: its closing makes the end asynchronous */
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

int receiving_create(const struct receiving_options *options, struct receiving **ret)
{
    struct receiving *receiving = calloc(1, sizeof(*receiving));
    if (receiving == NULL)
        return UV_ENOMEM;
    receiving->options = *options;
    receiving->downloads = strdup(options->downloads);
    if (receiving->downloads == NULL) {
        free(receiving);
        return UV_ENOMEM;
    }
    uv_idle_init(options->loop, &receiving->presence);
    receiving->presence.data = receiving;
    receiving->handles_open = 1;
    *ret = receiving;
    return 0;
}

static void release(struct receiving *receiving)
{
    if (--receiving->handles_open > 0)
        return;
    void (*on_closed)(void *ctx) = receiving->on_closed;
    void *ctx = receiving->closed_ctx;
    free(receiving->downloads);
    free(receiving);
    if (on_closed != NULL)
        on_closed(ctx);
}

/* ---- accepting ---- */

static const struct inbox_item *find_free(const struct receiving *receiving, const char *id, int *ret_status)
{
    const struct inbox_item *item = inbox_find(receiving->options.inbox, id);
    *ret_status = item == NULL ? STATUS_NOT_FOUND : item->state == INBOX_TAKING ? STATUS_CONFLICT : 0;
    return item;
}

static int take(struct receiving *receiving, const struct inbox_item *item, const char *to, uint8_t conflict,
                uint64_t bytes_max, const struct transfer **ret, char *ret_problem)
{
    char folder[FILES_PATH_MAX + 1], *paths[] = {folder};
    int status = 0;
    if (to == NULL)
        status = inbox_folder(receiving->downloads, item->vm, folder);
    else if (strlen(to) > FILES_PATH_MAX)
        status = UV_ENAMETOOLONG;
    else
        memcpy(folder, to, strlen(to) + 1);
    if (status < 0) {
        reason_format(ret_problem, "the folder's path is too long");
        return STATUS_INVALID;
    }
    struct transfer_request request = {
        .kind = TRANSFER_TAKE,
        .to = {.path_count = 1, .paths = paths},
        .offer = item->offer.id,
        .offer_name = item->offer.name,
        .bytes_max = bytes_max,
        .flags = FILES_RECURSIVE,
        .conflict = conflict,
        .strip_executable = true,
    };
    memcpy(request.from.vm, item->vm, sizeof(request.from.vm));
    memcpy(request.from.user, item->offer.user, sizeof(request.from.user));
    status = transfers_add(receiving->options.transfers, &request, ret, ret_problem);
    if (status == 0)
        inbox_taking(receiving->options.inbox, item->id, (*ret)->id);
    return status;
}

int receiving_accept(struct receiving *receiving, const char *id, const char *to, uint8_t conflict,
                     const struct transfer **ret, char *ret_problem)
{
    int status;
    const struct inbox_item *item = find_free(receiving, id, &status);
    if (status == STATUS_NOT_FOUND)
        reason_format(ret_problem, "nothing with this id is offered");
    else if (status == STATUS_CONFLICT)
        reason_format(ret_problem, "it is being taken already");
    if (status < 0)
        return status;
    return take(receiving, item, to, conflict, UINT64_MAX, ret, ret_problem);
}

int receiving_accept_by_rule(struct receiving *receiving, const struct inbox_item *item,
                             const struct inbox_rule *rule, char *ret_problem)
{
    const struct transfer *transfer;
    return take(receiving, item, rule->to, FILES_RENAME, rule->max_bytes, &transfer, ret_problem);
}

void receiving_item_offered(struct receiving *receiving, const struct inbox_item *item)
{
    const struct transfers *transfers = receiving->options.transfers;
    for (size_t i = 0; i < transfers_count(transfers) && item->state == INBOX_OFFERED; i++) {
        const struct transfer *transfer = transfers_at(transfers, i);
        if (transfer->kind == TRANSFER_TAKE && transfer->ended_ms == 0 && transfer->offer == item->offer.id &&
            strcmp(transfer->from.vm, item->vm) == 0)
            inbox_taking(receiving->options.inbox, item->id, transfer->id);
    }
}

static const struct inbox_item *find_taken_by(const struct inbox *inbox, const char *transfer)
{
    for (size_t i = 0; i < inbox_count(inbox); i++) {
        const struct inbox_item *item = inbox_at(inbox, i);
        if (item->state == INBOX_TAKING && strcmp(item->transfer, transfer) == 0)
            return item;
    }
    return NULL;
}

/* The guest could read nothing of what it offers, and offers it still. */
static bool brought_nothing(const struct transfer_counts *counts)
{
    return counts->failed > 0 && counts->files_done == 0;
}

void receiving_transfer_changed(struct receiving *receiving, const struct transfer *transfer,
                                const char *what)
{
    bool is_lost = transfer->state == TRANSFER_FAILED || transfer->state == TRANSFER_CANCELLED ||
                   (transfer->state == TRANSFER_DONE && brought_nothing(&transfer->counts));
    if (transfer->kind != TRANSFER_TAKE || !is_lost)
        return;
    const struct inbox_item *item = find_taken_by(receiving->options.inbox, transfer->id);
    if (item != NULL)
        inbox_taking(receiving->options.inbox, item->id, NULL);
}

/* ---- declining ---- */

static void handle_deadline_closed(uv_handle_t *handle)
{
    struct decline *decline = handle->data;
    struct receiving *receiving = decline->receiving;
    free(decline);
    release(receiving);
}

/* Tells, once, and lets go of everything. */
static void finish(struct decline *decline, int status, const char *text)
{
    struct decline **link = &decline->receiving->declines;
    while (*link != decline)
        link = &(*link)->next;
    *link = decline->next;
    files_dial_cancel(decline->dial);
    stream_close(decline->stream);
    uv_close((uv_handle_t *)&decline->deadline, handle_deadline_closed);
    decline->on_done(decline->ctx, status, text);
}

static void handle_message(struct decline *decline, struct span payload)
{
    struct message message;
    struct message_head head;
    int status = message_decode(payload, &message, &head);
    if (status < 0) {
        finish(decline, status, "");
        return;
    }
    bool is_right = message.kind == MESSAGE_FILES_DONE && !decline->is_done;
    message_finish(&message);
    if (is_right)
        decline->is_done = true;
    else
        finish(decline, STATUS_UNEXPECTED, "");
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct decline *decline = ctx;
    int status = UV_ECONNRESET;
    char text[TEXT_REASON_MAX + 1] = "";
    if (type == FRAME_MESSAGE) {
        handle_message(decline, payload);
    } else if (type == FRAME_RST) {
        frame_rst_decode(payload, &status, text);
        finish(decline, status, text);
    } else {
        finish(decline, type == FRAME_FIN && decline->is_done ? 0 : STATUS_UNEXPECTED, "");
    }
}

static size_t handle_data(void *ctx, struct span bytes)
{
    finish(ctx, STATUS_UNEXPECTED, "");
    return bytes.size;
}

static void handle_end(void *ctx, int status, const char *text)
{
    struct decline *decline = ctx;
    if (decline->is_done)
        status = 0;
    else if (status == UV_EOF)
        status = UV_ECONNRESET;
    finish(decline, status, text);
}

static const struct stream_handler STREAM_HANDLER = {
    .on_frame = handle_frame, .on_data = handle_data, .on_end = handle_end};

static void handle_opened(void *ctx, struct stream *stream, const struct files_opened_message *opened,
                          const struct files_keys *keys, bool sealed)
{
    struct decline *decline = ctx;
    decline->dial = NULL;
    decline->stream = stream;
    stream_set_handler(stream, &STREAM_HANDLER, decline);
    stream_send(stream, FRAME_FIN, span_of(NULL, 0)); /* nothing more is said */
}

static void handle_failed(void *ctx, int status, const char *text)
{
    struct decline *decline = ctx;
    decline->dial = NULL;
    finish(decline, status, text);
}

static const struct files_dial_handler DIAL_HANDLER = {.on_opened = handle_opened,
                                                       .on_failed = handle_failed};

static void handle_deadline(uv_timer_t *timer)
{
    finish(timer->data, UV_ETIMEDOUT, "the guest does not answer");
}

static size_t count_declines(const struct receiving *receiving)
{
    size_t count = 0;
    for (const struct decline *decline = receiving->declines; decline != NULL; decline = decline->next)
        count++;
    return count;
}

int receiving_decline(struct receiving *receiving, const char *id,
                      void (*on_done)(void *ctx, int status, const char *text), void *ctx)
{
    int status;
    const struct inbox_item *item = find_free(receiving, id, &status);
    if (status < 0)
        return status;
    if (count_declines(receiving) >= RECEIVING_DECLINES_MAX)
        return STATUS_LIMIT;
    struct decline *decline = calloc(1, sizeof(*decline));
    if (decline == NULL)
        return UV_ENOMEM;
    struct files_open_message open = {.operation = FILES_DECLINE, .offer = item->offer.id};
    memcpy(open.user, item->offer.user, sizeof(open.user));
    status = receiving->options.open(receiving->options.ctx, item->vm, &open, &DIAL_HANDLER, decline,
                                     &decline->dial);
    if (status < 0) {
        free(decline);
        return status;
    }
    decline->receiving = receiving;
    decline->on_done = on_done;
    decline->ctx = ctx;
    uv_timer_init(receiving->options.loop, &decline->deadline);
    decline->deadline.data = decline;
    uv_timer_start(&decline->deadline, handle_deadline, RECEIVING_DECLINE_TIMEOUT_MS, 0);
    decline->next = receiving->declines;
    receiving->declines = decline;
    receiving->handles_open++;
    return 0;
}

/* ---- the end ---- */

static void handle_presence_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void receiving_close(struct receiving *receiving, void (*on_closed)(void *ctx), void *ctx)
{
    receiving->on_closed = on_closed;
    receiving->closed_ctx = ctx;
    while (receiving->declines != NULL)
        finish(receiving->declines, STATUS_GONE, "");
    uv_close((uv_handle_t *)&receiving->presence, handle_presence_closed);
}
