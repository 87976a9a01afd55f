/* SPDX-License-Identifier: MIT */
/* What is offered, by number. Pure, but for reading and writing the table as JSON text. */
#ifndef HOSPES_OFFER_TABLE_H
#define HOSPES_OFFER_TABLE_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "protocol/wire/message.h"
#include "services/transfer/fs_identity.h"

#define OFFERS_OF_A_USER_MAX 32
#define OFFERS_FILE_MAX                                                                                      \
    (32 * 1024 * 1024) /* OFFERS_MAX lines of the session socket, every character escaped */

struct offer_record {
    struct offer facts; /* as the host is told */
    uid_t uid;
    struct fs_identity identity;
    char **paths; /* absolute; facts.roots of them */
};
void offer_record_free(struct offer_record *record); /* NULL allowed */
/* Sets roots, name and paths; the name is that of the first path. STATUS_INVALID, UV_ENOMEM with a sentence.
 */
int offer_record_set_paths(struct offer_record *record, const char *const *paths, size_t count,
                           char ret_problem[static TEXT_REASON_MAX + 1]);

struct offer_table {
    uint64_t next_id;
    size_t count;
    struct offer_record *records[OFFERS_MAX]; /* by id, ascending */
};
void offer_table_finish(struct offer_table *table);
/* Takes the record and numbers it. STATUS_LIMIT: the table, or that user's part of it, is full. */
int offer_table_add(struct offer_table *table, struct offer_record *record);
struct offer_record *offer_table_find(const struct offer_table *table, uint64_t id); /* NULL: none */
size_t offer_table_count_of(const struct offer_table *table, uid_t uid);
/* The record is the caller's then; NULL: there was none. */
struct offer_record *offer_table_take(struct offer_table *table, uint64_t id);

json_t *offer_table_save(const struct offer_table *table); /* NULL: no memory */
/* Into an empty table. Identities are not set. STATUS_MALFORMED: nothing was taken. */
int offer_table_load(struct offer_table *table, const json_t *root);

#endif
