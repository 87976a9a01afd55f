/* SPDX-License-Identifier: MIT */
/* The table. Its JSON is offer_table_json.c's, its file and its events are offers.c's. */
#include "agent/features/offers/offer_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/entry_name.h"

void offer_record_free(struct offer_record *record)
{
    if (record == NULL)
        return;
    for (size_t i = 0; record->paths != NULL && i < record->facts.roots; i++)
        free(record->paths[i]);
    free(record->paths);
    free(record);
}

/* A name goes to other people's screens, and becomes a file name on the host. */
static int check_path(const char *path, char *ret_problem)
{
    size_t size = strlen(path), name_size;
    const char *name = entry_name_of_path(path, &name_size);
    char copy[FILES_NAME_MAX + 1];
    const char *what = NULL;
    if (path[0] != '/')
        what = "is not absolute";
    else if (size > FILES_PATH_MAX || name_size > FILES_NAME_MAX)
        what = "is too long";
    else if (!utf8_is_valid(span_of(path, size)))
        what = "is not valid UTF-8";
    else if (name_size > 0)
        memcpy(copy, name, name_size);
    copy[what == NULL ? name_size : 0] = '\0';
    if (what == NULL && !entry_name_is_valid(copy))
        what = "has no name that can be sent: no control characters, \".\" or \"..\"";
    if (what == NULL)
        return 0;
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "%.120s %s", path, what);
    return STATUS_INVALID;
}

int offer_record_set_paths(struct offer_record *record, const char *const *paths, size_t count,
                           char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (count == 0 || count > FILES_PATHS_MAX) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "an offer has 1 to %d files and folders", FILES_PATHS_MAX);
        return STATUS_INVALID;
    }
    for (size_t i = 0; i < count; i++) {
        int status = check_path(paths[i], ret_problem);
        if (status < 0)
            return status;
    }
    char **copies = calloc(count, sizeof(*copies));
    bool failed = copies == NULL;
    for (size_t i = 0; i < count && !failed; i++) {
        copies[i] = strdup(paths[i]);
        failed = copies[i] == NULL;
    }
    if (failed) {
        for (size_t i = 0; copies != NULL && i < count; i++)
            free(copies[i]);
        free(copies);
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "out of memory");
        return UV_ENOMEM;
    }
    size_t name_size;
    const char *name = entry_name_of_path(paths[0], &name_size);
    memcpy(record->facts.name, name, name_size);
    record->facts.name[name_size] = '\0';
    record->facts.roots = count;
    record->paths = copies;
    return 0;
}

void offer_table_finish(struct offer_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        offer_record_free(table->records[i]);
    table->count = 0;
}

size_t offer_table_count_of(const struct offer_table *table, uid_t uid)
{
    size_t count = 0;
    for (size_t i = 0; i < table->count; i++)
        count += table->records[i]->uid == uid;
    return count;
}

int offer_table_add(struct offer_table *table, struct offer_record *record)
{
    if (table->count == OFFERS_MAX || offer_table_count_of(table, record->uid) >= OFFERS_OF_A_USER_MAX)
        return STATUS_LIMIT;
    record->facts.id = table->next_id++;
    table->records[table->count++] = record;
    return 0;
}

struct offer_record *offer_table_find(const struct offer_table *table, uint64_t id)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->records[i]->facts.id == id)
            return table->records[i];
    }
    return NULL;
}

struct offer_record *offer_table_take(struct offer_table *table, uint64_t id)
{
    for (size_t i = 0; i < table->count; i++) {
        struct offer_record *record = table->records[i];
        if (record->facts.id != id)
            continue;
        table->count--;
        memmove(&table->records[i], &table->records[i + 1], (table->count - i) * sizeof(record));
        return record;
    }
    return NULL;
}
