/* SPDX-License-Identifier: MIT */
/* Drives the outbox: finds whose it is, watches it, looks when something may have happened, offers what has
 * settled.
 *
 * Hints of the platform start a look after COALESCE_MS; as long as something has not settled a further one
 * follows after OUTBOX_SETTLE_MS. When nothing happens nothing runs. One job is with a worker at a time; what
 * was taken is put away before the next look, so that the look does not find it. */
#define LOG_MODULE "outbox"
#include "agent/features/offers/outbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/features/offers/outbox_look.h"
#include "agent/platform/folder_watch.h"
#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "services/transfer/target_path.h"

#define COALESCE_MS    100
#define SEARCH_WAIT_MS 5000 /* between two searches for the user or the folder */

struct names {
    char *list[OUTBOX_ENTRIES_MAX];
    size_t count;
};

struct outbox {
    struct outbox_options options;
    char path[FILES_PATH_MAX + 1];
    struct fs_identity identity;
    struct folder_watch *watch; /* NULL: nobody's now */
    struct outbox_state state, seen;
    struct names taken, putting; /* to put away: waiting, and the job's */
    uv_timer_t timer;
    uv_work_t job;
    int (*run)(struct outbox *outbox);
    int job_status;
    uint64_t search_ms;
    int told_status; /* of the last failure that was logged */
    int parts;       /* that keep the memory: the timer, the watch, the job, additions under way */
    bool job_runs, hinted, closing;
};

struct outbox_addition {
    struct outbox *outbox;
    char name[];
};

static void clear(struct names *names)
{
    while (names->count > 0)
        free(names->list[--names->count]);
}

static void release(struct outbox *outbox)
{
    if (--outbox->parts > 0)
        return;
    clear(&outbox->taken);
    clear(&outbox->putting);
    outbox_state_finish(&outbox->state);
    outbox_state_finish(&outbox->seen);
    free(outbox);
}

/* ---- on a worker ---- */

static int search(struct outbox *outbox)
{
    char home[FILES_PATH_MAX + 1];
    int status = outbox->options.find_user(outbox->options.ctx, &outbox->identity, home);
    if (status == 0)
        status = target_path_absolute(outbox->options.path, home, outbox->path);
    if (status == 0)
        status = fs_identity_enter(&outbox->identity);
    if (status < 0)
        return status;
    status = outbox_make(outbox->path);
    fs_identity_leave(&outbox->identity);
    return status;
}

static void see(void *ctx, const char *name, const struct outbox_signature *signature)
{
    struct outbox *outbox = ctx;
    outbox_state_see(&outbox->seen, name, signature, 0);
}

static int look(struct outbox *outbox)
{
    int status = fs_identity_enter(&outbox->identity);
    if (status < 0)
        return status;
    for (size_t i = 0; i < outbox->putting.count; i++)
        outbox_put_away(outbox->path, outbox->putting.list[i]);
    status = outbox_look(outbox->path, see, outbox);
    fs_identity_leave(&outbox->identity);
    return status;
}

static void work(uv_work_t *job)
{
    struct outbox *outbox = job->data;
    outbox->job_status = outbox->run(outbox);
}

/* ---- on the loop ---- */

static void handle_done(uv_work_t *job, int canceled);

static void begin(struct outbox *outbox, int (*run)(struct outbox *outbox))
{
    outbox->run = run;
    outbox->job.data = outbox;
    if (uv_queue_work(outbox->options.uv, &outbox->job, work, handle_done) < 0)
        return;
    outbox->job_runs = true;
    outbox->parts++;
}

static void handle_timer(uv_timer_t *timer)
{
    struct outbox *outbox = timer->data;
    if (outbox->job_runs || outbox->watch == NULL)
        return;
    outbox->hinted = false;
    outbox->putting = outbox->taken;
    outbox->taken.count = 0;
    begin(outbox, look);
}

static void plan(struct outbox *outbox, uint64_t delay_ms)
{
    if (!outbox->closing && !outbox->job_runs && outbox->watch != NULL)
        uv_timer_start(&outbox->timer, handle_timer, delay_ms, 0);
}

static void handle_hint(void *ctx, const char *path)
{
    struct outbox *outbox = ctx;
    if (!outbox->hinted)
        plan(outbox, COALESCE_MS);
    outbox->hinted = true;
}

static void handle_ready(void *ctx)
{
    handle_hint(ctx, NULL);
}

static void handle_watch_closed(void *ctx)
{
    release(ctx);
}

static void stop_watching(struct outbox *outbox)
{
    if (outbox->watch != NULL)
        folder_watch_close(outbox->watch, handle_watch_closed, outbox);
    outbox->watch = NULL;
    uv_timer_stop(&outbox->timer);
}

static void handle_end(void *ctx, int status)
{
    stop_watching(ctx);
}

static const struct folder_watch_handler WATCH_HANDLER = {
    .on_ready = handle_ready, .on_hint = handle_hint, .on_end = handle_end};

static void begin_watching(struct outbox *outbox)
{
    int status = folder_watch_create(outbox->options.uv, outbox->path, &outbox->identity, &WATCH_HANDLER,
                                     outbox, &outbox->watch);
    if (status < 0) {
        outbox->watch = NULL;
        log_warn("can't watch %s: %s", outbox->path, status_text(status));
        return;
    }
    outbox->parts++;
    outbox->hinted = false;
    log_info("what is put into %s is offered to the host", outbox->path);
}

/* ---- offers ---- */

static void handle_added(void *ctx, int status, const struct offer_record *record, const char *problem)
{
    struct outbox_addition *addition = ctx;
    struct outbox *outbox = addition->outbox;
    struct outbox_entry *entry = outbox_state_find(&outbox->state, addition->name);
    if (entry != NULL && entry->stage == OUTBOX_OFFERED && entry->offer == 0) {
        if (status == 0)
            entry->offer = record->facts.id;
        else
            entry->stage = status == STATUS_LIMIT ? OUTBOX_NEW : OUTBOX_KEPT;
    } else if (status == 0 && !outbox->closing) {
        offers_withdraw(outbox->options.offers, outbox->identity.uid, record->facts.id);
    }
    if (status < 0 && status != UV_ECANCELED)
        log_warn("%s is not offered: %s", addition->name, problem);
    free(addition);
    release(outbox);
}

/* Somebody may have offered it by hand. */
static uint64_t find_offer(const struct outbox *outbox, const char *path)
{
    const struct offer_table *table = offers_table(outbox->options.offers);
    for (size_t i = 0; i < table->count; i++) {
        const struct offer_record *record = table->records[i];
        if (record->uid == outbox->identity.uid && record->facts.roots == 1 &&
            strcmp(record->paths[0], path) == 0)
            return record->facts.id;
    }
    return 0;
}

static void handle_settled(void *ctx, struct outbox_entry *entry)
{
    struct outbox *outbox = ctx;
    char path[FILES_PATH_MAX + FILES_NAME_MAX + 2], problem[TEXT_REASON_MAX + 1];
    const char *paths[] = {path};
    snprintf(path, sizeof(path), "%s/%s", outbox->path, entry->name);
    entry->offer = find_offer(outbox, path);
    if (entry->offer != 0)
        return;
    size_t size = strlen(entry->name) + 1;
    struct outbox_addition *addition = malloc(sizeof(*addition) + size);
    if (addition == NULL) {
        entry->stage = OUTBOX_KEPT;
        return;
    }
    addition->outbox = outbox;
    memcpy(addition->name, entry->name, size);
    int status =
        offers_add(outbox->options.offers, outbox->identity.uid, paths, 1, handle_added, addition, problem);
    if (status == 0) {
        outbox->parts++;
        return;
    }
    free(addition);
    entry->stage = status == STATUS_LIMIT ? OUTBOX_NEW : OUTBOX_KEPT;
}

static void handle_withdrawn(void *ctx, uint64_t offer)
{
    struct outbox *outbox = ctx;
    offers_withdraw(outbox->options.offers, outbox->identity.uid, offer);
}

static const struct outbox_handler HANDLER = {.on_settled = handle_settled, .on_withdrawn = handle_withdrawn};

static void take_look(struct outbox *outbox)
{
    uint64_t now_ms = clock_monotonic_ms();
    outbox_state_begin(&outbox->state);
    for (size_t i = 0; i < outbox->seen.count; i++)
        outbox_state_see(&outbox->state, outbox->seen.entries[i].name, &outbox->seen.entries[i].signature,
                         now_ms);
    if (outbox_state_end(&outbox->state, now_ms, &HANDLER, outbox))
        plan(outbox, OUTBOX_SETTLE_MS);
}

/* After a restart offers are there before the first look, and may be taken before it. */
static void adopt_offers(struct outbox *outbox)
{
    const struct offer_table *table = offers_table(outbox->options.offers);
    size_t size = strlen(outbox->path);
    for (size_t i = 0; i < table->count; i++) {
        const struct offer_record *record = table->records[i];
        const char *path = record->paths[0];
        if (record->uid == outbox->identity.uid && record->facts.roots == 1 &&
            strncmp(path, outbox->path, size) == 0 && path[size] == '/' && path[size + 1] != '\0' &&
            strchr(path + size + 1, '/') == NULL)
            outbox_state_adopt(&outbox->state, path + size + 1, record->facts.id);
    }
}

static void take_search(struct outbox *outbox, int status)
{
    if (status == 0) {
        adopt_offers(outbox);
        begin_watching(outbox);
    }
    if (status < 0 && status != UV_ENOENT && status != outbox->told_status)
        log_warn("no outbox: %s: %s", outbox->options.path, status_text(status));
    outbox->told_status = status;
}

static void handle_done(uv_work_t *job, int canceled)
{
    struct outbox *outbox = job->data;
    bool searched = outbox->run == search;
    outbox->job_runs = false;
    if (!outbox->closing && searched)
        take_search(outbox, outbox->job_status);
    else if (!outbox->closing && outbox->job_status < 0)
        stop_watching(outbox); /* the folder is gone; it is made again at the next check */
    else if (!outbox->closing)
        take_look(outbox);
    outbox_state_finish(&outbox->seen);
    clear(&outbox->putting);
    if (outbox->hinted || outbox->taken.count > 0)
        plan(outbox, COALESCE_MS);
    release(outbox);
}

void outbox_take_news(struct outbox *outbox, uint64_t offer, enum offer_news news)
{
    struct outbox_entry *entry = outbox == NULL ? NULL : outbox_state_find_offer(&outbox->state, offer);
    if (entry == NULL || offer == 0 || news < OFFER_TAKEN)
        return;
    entry->offer = 0;
    entry->stage = OUTBOX_KEPT;
    if (news != OFFER_TAKEN || outbox->taken.count == OUTBOX_ENTRIES_MAX)
        return;
    outbox->taken.list[outbox->taken.count] = strdup(entry->name);
    if (outbox->taken.list[outbox->taken.count] != NULL)
        outbox->taken.count++;
    plan(outbox, 0);
}

/* ---- life ---- */

int outbox_create(const struct outbox_options *options, struct outbox **ret)
{
    struct outbox *outbox = calloc(1, sizeof(*outbox));
    if (outbox == NULL)
        return UV_ENOMEM;
    outbox->options = *options;
    uv_timer_init(options->uv, &outbox->timer);
    outbox->timer.data = outbox;
    outbox->parts = 1;
    *ret = outbox;
    outbox_check(outbox);
    return 0;
}

void outbox_check(struct outbox *outbox)
{
    if (outbox == NULL || outbox->closing || outbox->watch != NULL || outbox->job_runs ||
        clock_monotonic_ms() < outbox->search_ms)
        return;
    outbox->search_ms = clock_monotonic_ms() + SEARCH_WAIT_MS;
    begin(outbox, search);
}

static void handle_timer_closed(uv_handle_t *handle)
{
    release(handle->data);
}

void outbox_close(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    outbox->closing = true;
    stop_watching(outbox);
    uv_close((uv_handle_t *)&outbox->timer, handle_timer_closed);
}
