/* SPDX-License-Identifier: MIT */
/* Entries that follow each other and have the same answer are one run. Which answer an entry gets is decided
 * elsewhere. */
#include "services/transfer/receive/answers.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

struct answer_failure {
    struct answer_failure *next;
    uint64_t entry;
    int status;
    char text[];
};

void answers_finish(struct answers *answers)
{
    free(answers->needs);
    free(answers->settled);
    for (struct answer_failure *failure = answers->failed_first, *next; failure != NULL; failure = next) {
        next = failure->next;
        free(failure);
    }
    *answers = (struct answers){.needs = NULL};
}

static int add(struct answer_run **runs, size_t *count, size_t *capacity, uint64_t entry, uint8_t action)
{
    struct answer_run *last = *count > 0 ? &(*runs)[*count - 1] : NULL;
    if (last != NULL && last->action == action && last->first + last->count == entry) {
        last->count++;
        return 0;
    }
    if (*count == *capacity) {
        size_t more = *capacity > 0 ? 2 * *capacity : 64;
        struct answer_run *grown = realloc(*runs, more * sizeof(*grown));
        if (grown == NULL)
            return UV_ENOMEM;
        *runs = grown;
        *capacity = more;
    }
    (*runs)[(*count)++] = (struct answer_run){.first = entry, .count = 1, .action = action};
    return 0;
}

int answers_need(struct answers *answers, uint64_t entry, enum need_action action)
{
    return add(&answers->needs, &answers->need_count, &answers->need_capacity, entry, (uint8_t)action);
}

int answers_settle(struct answers *answers, uint64_t entry)
{
    return add(&answers->settled, &answers->settled_count, &answers->settled_capacity, entry, 0);
}

int answers_fail(struct answers *answers, uint64_t entry, int status, const char *text)
{
    size_t size = strlen(text);
    if (size > TEXT_REASON_MAX)
        size = TEXT_REASON_MAX;
    struct answer_failure *failure = malloc(sizeof(*failure) + size + 1);
    if (failure == NULL)
        return UV_ENOMEM;
    *failure = (struct answer_failure){.entry = entry, .status = status};
    memcpy(failure->text, text, size);
    failure->text[size] = '\0';
    if (answers->failed_last != NULL)
        answers->failed_last->next = failure;
    else
        answers->failed_first = failure;
    answers->failed_last = failure;
    return 0;
}

bool answers_are_empty(const struct answers *answers)
{
    return answers->need_count == 0 && answers->settled_count == 0 && answers->failed_first == NULL;
}

static void shift(struct answer_run *runs, size_t *count, size_t told)
{
    if (told > 0)
        memmove(runs, runs + told, (*count - told) * sizeof(*runs));
    *count -= told;
}

static int push(const struct message *message, struct item_queue *out)
{
    struct transfer_item *item = NULL;
    int status = item_encode(message, &item);
    if (status == 0)
        item_queue_push(out, item);
    return status;
}

static int produce_needs(struct answers *answers, struct item_queue *out)
{
    struct need_run runs[FILES_ENTRIES_A_MESSAGE_MAX];
    size_t count =
        answers->need_count < FILES_ENTRIES_A_MESSAGE_MAX ? answers->need_count : FILES_ENTRIES_A_MESSAGE_MAX;
    uint64_t settled = 0;
    for (size_t i = 0; i < count; i++) {
        const struct answer_run *run = &answers->needs[i];
        runs[i] = (struct need_run){.first = run->first, .count = run->count, .action = run->action};
        settled += run->action == NEED_NOTHING ? run->count : 0;
    }
    struct message message = {.kind = MESSAGE_NEED, .body.need = {.count = count, .runs = runs}};
    int status = push(&message, out);
    if (status < 0)
        return status;
    assert(answers->unsettled >= settled);
    answers->unsettled -= settled;
    shift(answers->needs, &answers->need_count, count);
    return 0;
}

static size_t take_failures(struct answers *answers, struct file_failed_message *ret)
{
    size_t count = 0;
    for (struct answer_failure *failure;
         count < FILES_FAILURES_A_MESSAGE_MAX && (failure = answers->failed_first) != NULL; count++) {
        ret[count] = (struct file_failed_message){.entry = failure->entry, .status = failure->status};
        snprintf(ret[count].text, sizeof(ret[count].text), "%s", failure->text);
        answers->failed_first = failure->next;
        if (answers->failed_first == NULL)
            answers->failed_last = NULL;
        free(failure);
    }
    return count;
}

static int produce_settled(struct answers *answers, struct item_queue *out)
{
    struct settled_run runs[FILES_ENTRIES_A_MESSAGE_MAX];
    size_t count = answers->settled_count < FILES_ENTRIES_A_MESSAGE_MAX ? answers->settled_count
                                                                        : FILES_ENTRIES_A_MESSAGE_MAX;
    uint64_t settled = 0;
    for (size_t i = 0; i < count; i++) {
        runs[i] =
            (struct settled_run){.first = answers->settled[i].first, .count = answers->settled[i].count};
        settled += runs[i].count;
    }
    struct file_failed_message *failed = NULL;
    size_t failed_count = 0;
    if (answers->failed_first != NULL) {
        failed = malloc(FILES_FAILURES_A_MESSAGE_MAX * sizeof(*failed));
        if (failed == NULL)
            return UV_ENOMEM;
        failed_count = take_failures(answers, failed);
    }
    struct message message = {
        .kind = MESSAGE_SETTLED,
        .body.settled = {.count = count, .failed_count = failed_count, .runs = runs, .failed = failed}};
    int status = push(&message, out);
    free(failed);
    if (status < 0)
        return status;
    assert(answers->unsettled >= settled + failed_count);
    answers->unsettled -= settled + failed_count;
    shift(answers->settled, &answers->settled_count, count);
    return 0;
}

int answers_produce(struct answers *answers, struct item_queue *out)
{
    if (answers->need_count > 0)
        return produce_needs(answers, out);
    if (answers->settled_count > 0 || answers->failed_first != NULL)
        return produce_settled(answers, out);
    return 0;
}
