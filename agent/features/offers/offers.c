/* SPDX-License-Identifier: MIT */
/* The life of offers. The table is offer_table.c's, its file offers_file.c's; who may ask for what, and how
 * that is said, is the session socket's; moving bytes is the transfer's. */
#define LOG_MODULE "offers"
#include "agent/features/offers/offers.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/features/offers/offers_file.h"
#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/send/tree_count.h"

#define COUNT_MAX_MS   5000 /* people wait for it; a larger tree is offered with what was counted */
#define COUNT_SLICE_MS 100
#define ADDITIONS_MAX  64

struct offers {
    struct offers_options options;
    struct offer_table table;
    size_t additions;
    atomic_bool stop;
    bool closing;
};

struct addition {
    uv_work_t job;
    struct offers *offers;
    struct offer_record *record;
    void (*on_added)(void *ctx, int status, const struct offer_record *record, const char *problem);
    void *ctx;
    int status;
    char problem[TEXT_REASON_MAX + 1];
};

static void free_if_closed(struct offers *offers)
{
    if (!offers->closing || offers->additions > 0)
        return;
    offer_table_finish(&offers->table);
    free(offers);
}

static void save(struct offers *offers)
{
    int status = offers_file_save(offers->options.state_dir, &offers->table);
    if (status < 0)
        log_warn("offers are not kept over a restart: %s/%s: %s", offers->options.state_dir, OFFERS_FILE_NAME,
                 status_text(status));
}

/* ---- new ones: on a worker ---- */

static int look_up_user(struct offer_record *record, char *problem)
{
    char number[24];
    struct passwd entry, *found = NULL;
    char room[4096];
    snprintf(number, sizeof(number), "%lu", (unsigned long)record->uid);
    int status = fs_identity_of(number, &record->identity, NULL);
    if (status == UV_ENOENT && record->uid == geteuid()) {
        record->identity = fs_identity_own();
        status = 0;
    }
    if (status < 0) {
        snprintf(problem, TEXT_REASON_MAX + 1,
                 status == UV_EPERM ? "the agent does not run as root: it can't act for uid %s"
                                    : "no user has uid %s",
                 number);
        return status;
    }
    const char *name = getpwuid_r(record->uid, &entry, room, sizeof(room), &found) == 0 && found != NULL
                           ? found->pw_name
                           : number;
    utf8_copy(record->facts.user, sizeof(record->facts.user), span_of(name, strlen(name)));
    return 0;
}

static int check_access(const struct offer_record *record, char *problem)
{
    for (size_t i = 0; i < record->facts.roots; i++) {
        /* AT_EACCESS asks for the thread's rights on files, and not for the process's real user. */
        if (faccessat(AT_FDCWD, record->paths[i], R_OK, AT_EACCESS) < 0) {
            int error = errno;
            snprintf(problem, TEXT_REASON_MAX + 1, "%.150s: %s", record->paths[i],
                     status_text(uv_translate_sys_error(error)));
            return uv_translate_sys_error(error);
        }
    }
    return 0;
}

static int count(struct addition *addition)
{
    struct offer_record *record = addition->record;
    atomic_bool *stop = &addition->offers->stop;
    struct tree_walk_options options = {.path_count = record->facts.roots,
                                        .paths = (const char *const *)record->paths,
                                        .recursive = true,
                                        .links = FILES_LINKS_SKIP,
                                        .stop = &stop};
    struct tree_count *counting;
    int status = tree_count_create(&options, &counting);
    if (status < 0)
        return status;
    uint64_t end_ms = clock_monotonic_ms() + COUNT_MAX_MS;
    while (status == 0 && clock_monotonic_ms() < end_ms)
        status = tree_count_go_on(counting, COUNT_SLICE_MS);
    struct totals_message totals = {0};
    tree_count_totals(counting, &totals);
    record->facts.files = totals.files;
    record->facts.bytes = totals.bytes;
    tree_count_destroy(counting);
    return status == UV_EOF ? 0 : status;
}

static void examine(uv_work_t *job)
{
    struct addition *addition = job->data;
    struct offer_record *record = addition->record;
    addition->status = look_up_user(record, addition->problem);
    if (addition->status < 0 || (addition->status = fs_identity_enter(&record->identity)) < 0)
        return;
    addition->status = check_access(record, addition->problem);
    if (addition->status == 0)
        addition->status = count(addition);
    fs_identity_leave(&record->identity);
}

/* ---- new ones: on the loop ---- */

static void tell_host(struct offers *offers, struct offer *offer, uint64_t gone)
{
    struct offer_id id = {gone};
    struct offers_message delta = {
        .offers = offer, .offer_count = offer != NULL, .gone = &id, .gone_count = gone != 0};
    offers->options.on_delta(offers->options.ctx, &delta);
}

static int enter_in_table(struct addition *addition)
{
    struct offers *offers = addition->offers;
    if (offers->closing)
        return UV_ECANCELED;
    addition->record->facts.created_ms = clock_realtime_ms();
    int status = offer_table_add(&offers->table, addition->record);
    if (status == STATUS_LIMIT)
        snprintf(addition->problem, sizeof(addition->problem),
                 "too many offers are open (%d of a user, %d in all); withdraw some", OFFERS_OF_A_USER_MAX,
                 OFFERS_MAX);
    return status;
}

static void handle_examined(uv_work_t *job, int canceled)
{
    struct addition *addition = job->data;
    struct offers *offers = addition->offers;
    int status = addition->status < 0 ? addition->status : enter_in_table(addition);
    offers->additions--;
    if (status == 0) {
        struct offer_record *record = addition->record;
        save(offers);
        log_info("%s offers %s (%" PRIu64 " files, %" PRIu64 " bytes)", record->facts.user,
                 record->facts.name, record->facts.files, record->facts.bytes);
        addition->on_added(addition->ctx, 0, record, "");
        tell_host(offers, &record->facts, 0);
    } else {
        if (addition->problem[0] == '\0')
            snprintf(addition->problem, sizeof(addition->problem), "%s", status_text(status));
        addition->on_added(addition->ctx, status, NULL, addition->problem);
        offer_record_free(addition->record);
    }
    free(addition);
    free_if_closed(offers);
}

int offers_add(struct offers *offers, uid_t uid, const char *const *paths, size_t path_count,
               void (*on_added)(void *ctx, int status, const struct offer_record *record,
                                const char *problem),
               void *ctx, char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct addition *addition = NULL;
    struct offer_record *record = NULL;
    int status = 0;
    if (offers->additions >= ADDITIONS_MAX ||
        offer_table_count_of(&offers->table, uid) >= OFFERS_OF_A_USER_MAX) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "too many offers are open (%d of a user); withdraw some",
                 OFFERS_OF_A_USER_MAX);
        return STATUS_LIMIT;
    }
    addition = calloc(1, sizeof(*addition));
    record = calloc(1, sizeof(*record));
    if (addition == NULL || record == NULL) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "out of memory");
        status = UV_ENOMEM;
    }
    if (status == 0)
        status = offer_record_set_paths(record, paths, path_count, ret_problem);
    if (status < 0) {
        free(addition);
        offer_record_free(record);
        return status;
    }
    record->uid = uid;
    *addition = (struct addition){.offers = offers, .record = record, .on_added = on_added, .ctx = ctx};
    addition->job.data = addition;
    offers->additions++;
    uv_queue_work(offers->options.uv, &addition->job, examine,
                  handle_examined); /* fails without a function only */
    return 0;
}

/* ---- ends ---- */

static int end_offer(struct offers *offers, uint64_t id, enum offer_news news, const char *what)
{
    struct offer_record *record = offer_table_take(&offers->table, id);
    if (record == NULL)
        return STATUS_NOT_FOUND;
    save(offers);
    log_info("%s, offered by %s, was %s", record->facts.name, record->facts.user, what);
    uint64_t bytes = record->facts.bytes;
    offer_record_free(record);
    tell_host(offers, NULL, id);
    offers->options.on_news(offers->options.ctx, id, news, bytes, "");
    return 0;
}

int offers_withdraw(struct offers *offers, uid_t uid, uint64_t id)
{
    const struct offer_record *record = offer_table_find(&offers->table, id);
    if (record == NULL || record->uid != uid)
        return STATUS_NOT_FOUND;
    return end_offer(offers, id, OFFER_WITHDRAWN, "withdrawn");
}

int offers_decline(struct offers *offers, uint64_t id)
{
    return end_offer(offers, id, OFFER_DECLINED, "declined by the host");
}

int offers_begin(struct offers *offers, uint64_t id, const struct offer_record **ret)
{
    const struct offer_record *record = offer_table_find(&offers->table, id);
    if (record == NULL)
        return STATUS_NOT_FOUND;
    offers->options.on_news(offers->options.ctx, id, OFFER_MOVING, 0, "");
    *ret = record;
    return 0;
}

void offers_progress(struct offers *offers, uint64_t id, uint64_t bytes)
{
    if (offer_table_find(&offers->table, id) != NULL)
        offers->options.on_news(offers->options.ctx, id, OFFER_MOVING, bytes, "");
}

void offers_end(struct offers *offers, uint64_t id, int status)
{
    if (status == 0)
        end_offer(offers, id, OFFER_TAKEN, "taken by the host");
    else if (offer_table_find(&offers->table, id) != NULL)
        offers->options.on_news(offers->options.ctx, id, OFFER_WAITS, 0, status_text(status));
}

/* ---- life ---- */

const struct offer_table *offers_table(const struct offers *offers)
{
    return &offers->table;
}

void offers_snapshot(const struct offers *offers,
                     void (*emit)(void *emit_ctx, const struct offers_message *part), void *emit_ctx)
{
    struct offer *facts = calloc(OFFERS_A_MESSAGE_MAX, sizeof(*facts));
    size_t done = 0;
    do {
        struct offers_message part = {.snapshot = true, .more = true, .offers = facts};
        while (facts != NULL && done < offers->table.count && part.offer_count < OFFERS_A_MESSAGE_MAX)
            facts[part.offer_count++] = offers->table.records[done++]->facts;
        emit(emit_ctx, &part);
    } while (facts != NULL && done < offers->table.count);
    free(facts);
}

/* Whoever is gone meanwhile offers nothing any more. */
static void find_identities(struct offers *offers)
{
    struct offer_table *table = &offers->table;
    for (size_t i = 0; i < table->count;) {
        struct offer_record *record = table->records[i];
        char problem[TEXT_REASON_MAX + 1];
        if (look_up_user(record, problem) == 0) {
            i++;
            continue;
        }
        log_warn("an offer of %s is dropped: %s", record->facts.user, problem);
        offer_record_free(offer_table_take(table, record->facts.id));
    }
}

int offers_create(const struct offers_options *options, struct offers **ret)
{
    struct offers *offers = calloc(1, sizeof(*offers));
    if (offers == NULL)
        return UV_ENOMEM;
    offers->options = *options;
    atomic_init(&offers->stop, false);
    int status = offers_file_load(options->state_dir, &offers->table);
    if (status < 0 && status != UV_ENOENT)
        log_warn("%s/%s: %s; what was offered before is not any more", options->state_dir, OFFERS_FILE_NAME,
                 status == STATUS_MALFORMED ? "it is not as this agent writes it, and was set aside"
                                            : status_text(status));
    if (offers->table.next_id == 0) /* no number that another file may have had */
        offers->table.next_id = clock_realtime_ms();
    find_identities(offers);
    *ret = offers;
    return 0;
}

void offers_close(struct offers *offers)
{
    if (offers == NULL)
        return;
    offers->closing = true;
    atomic_store(&offers->stop, true);
    free_if_closed(offers);
}
