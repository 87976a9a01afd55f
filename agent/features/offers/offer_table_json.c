/* SPDX-License-Identifier: MIT */
/* The table as JSON: {"next": N, "offers": [{"id", "uid", "user", "paths", "files", "bytes", "created"}]}.
 * Strict: a file that is not as this program writes it is not believed in part. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "agent/features/offers/offer_table.h"
#include "protocol/base/status.h"

static json_t *save_record(const struct offer_record *record)
{
    json_t *paths = json_array();
    for (size_t i = 0; i < record->facts.roots && paths != NULL; i++) {
        if (json_array_append_new(paths, json_string(record->paths[i])) < 0) {
            json_decref(paths);
            paths = NULL;
        }
    }
    return paths == NULL
               ? NULL
               : json_pack("{s:I, s:I, s:s, s:o, s:I, s:I, s:I}", "id", (json_int_t)record->facts.id, "uid",
                           (json_int_t)record->uid, "user", record->facts.user, "paths", paths, "files",
                           (json_int_t)record->facts.files, "bytes", (json_int_t)record->facts.bytes,
                           "created", (json_int_t)record->facts.created_ms);
}

json_t *offer_table_save(const struct offer_table *table)
{
    json_t *offers = json_array();
    int failed = offers == NULL ? -1 : 0;
    for (size_t i = 0; i < table->count && failed == 0; i++)
        failed = json_array_append_new(offers, save_record(table->records[i]));
    json_t *root =
        failed != 0 ? NULL : json_pack("{s:I, s:O}", "next", (json_int_t)table->next_id, "offers", offers);
    json_decref(offers);
    return root;
}

static bool load_number(const json_t *object, const char *key, uint64_t max, uint64_t *ret)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0 || (uint64_t)json_integer_value(value) > max)
        return false;
    *ret = (uint64_t)json_integer_value(value);
    return true;
}

static bool load_paths(const json_t *object, struct offer_record *record)
{
    const char *texts[FILES_PATHS_MAX];
    char problem[TEXT_REASON_MAX + 1];
    const json_t *paths = json_object_get(object, "paths");
    size_t count = json_array_size(paths);
    if (count > FILES_PATHS_MAX)
        return false;
    for (size_t i = 0; i < count; i++) {
        texts[i] = json_string_value(json_array_get(paths, i));
        if (texts[i] == NULL)
            return false;
    }
    return offer_record_set_paths(record, texts, count, problem) == 0;
}

static bool load_record(const json_t *object, uint64_t least_id, uint64_t next_id,
                        struct offer_record *record)
{
    uint64_t uid;
    const char *user = json_string_value(json_object_get(object, "user"));
    if (json_object_size(object) != 7 || user == NULL || strlen(user) > TEXT_NAME_MAX ||
        !load_number(object, "id", next_id - 1, &record->facts.id) || record->facts.id < least_id ||
        !load_number(object, "uid", UINT32_MAX - 1, &uid) ||
        !load_number(object, "files", INT64_MAX, &record->facts.files) ||
        !load_number(object, "bytes", INT64_MAX, &record->facts.bytes) ||
        !load_number(object, "created", INT64_MAX, &record->facts.created_ms))
        return false;
    record->uid = (uid_t)uid;
    strcpy(record->facts.user, user);
    return load_paths(object, record);
}

int offer_table_load(struct offer_table *table, const json_t *root)
{
    const json_t *offers = json_object_get(root, "offers");
    struct offer_table loaded = {0};
    uint64_t least_id = 1;
    if (json_object_size(root) != 2 || !json_is_array(offers) || json_array_size(offers) > OFFERS_MAX ||
        !load_number(root, "next", INT64_MAX, &loaded.next_id) || loaded.next_id == 0)
        return STATUS_MALFORMED;
    for (size_t i = 0; i < json_array_size(offers); i++) {
        struct offer_record *record = calloc(1, sizeof(*record));
        if (record == NULL || !load_record(json_array_get(offers, i), least_id, loaded.next_id, record)) {
            int status = record == NULL ? UV_ENOMEM : STATUS_MALFORMED;
            offer_record_free(record);
            offer_table_finish(&loaded);
            return status;
        }
        least_id = record->facts.id + 1;
        loaded.records[loaded.count++] = record;
    }
    *table = loaded;
    return 0;
}
