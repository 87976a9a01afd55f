/* SPDX-License-Identifier: MIT */
/* What must survive a restart as JSON, and reading it back: drops and takes that have not ended. How far they
 * are is known to the receivers' journals, under the same ids.
 *
 *   {"version":1, "transfers":[
 *     {"id":"00112233445566778899aabbccddeeff","kind":"drop","fromVm":"","fromUser":"","paths":["/a"],
 *      "toVm":"web","toUser":"lui","flags":1,"conflict":1,"links":0,"started":1700000000000},
 *     {"id":"…","kind":"take","fromVm":"web","to":"/srv/in/web","offer":7,"name":"a.png",
 *      "bytesMax":1048576,"plain":true,…}]}
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/features/transfers/transfers_private.h"
#include "protocol/base/status.h"
#include "services/config/json_fields.h"
#include "services/config/reason.h"

#define STATE_VERSION 1

/* ---- writing ---- */

static int save_paths(json_t *item, const struct transfer_place *from)
{
    json_t *paths = json_array();
    int status = paths == NULL ? -1 : 0;
    for (size_t i = 0; i < from->path_count; i++)
        status |= json_array_append_new(paths, json_string(from->paths[i]));
    return status | json_object_set_new(item, "paths", paths);
}

/* json_object_set_new takes NULL for an error and passes it on: out of memory is seen by its status. */
static json_t *save_entry(const struct transfer_entry *entry)
{
    const struct transfer *transfer = &entry->transfer;
    json_t *item =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b, s:I}", "id", transfer->id, "kind",
                  transfer_kind_name(transfer->kind), "fromVm", transfer->from.vm, "fromUser",
                  transfer->from.user, "toVm", transfer->to.vm, "toUser", transfer->to.user, "flags",
                  (int)entry->flags, "conflict", entry->conflict, "links", entry->links, "plain",
                  entry->strip_executable, "started", (json_int_t)transfer->started_ms);
    if (item == NULL)
        return NULL;
    int status = save_paths(item, &transfer->from);
    if (transfer->to.path_count > 0)
        status |= json_object_set_new(item, "to", json_string(transfer->to.paths[0]));
    if (transfer->offer != 0) /* as text: it has 64 bits, and JSON's numbers here 63 */
        status |=
            json_object_set_new(item, "offer", json_sprintf("%llu", (unsigned long long)transfer->offer));
    if (entry->offer_name != NULL)
        status |= json_object_set_new(item, "name", json_string(entry->offer_name));
    if (entry->bytes_max <= INT64_MAX)
        status |= json_object_set_new(item, "bytesMax", json_integer((json_int_t)entry->bytes_max));
    if (status == 0)
        return item;
    json_decref(item);
    return NULL;
}

json_t *transfers_save(const struct transfers *table)
{
    json_t *list = json_array();
    int status = list == NULL ? -1 : 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct transfer_entry *entry = table->entries[i];
        if (transfer_is_kept(&entry->transfer) && !transfer_has_ended(&entry->transfer))
            status |= json_array_append_new(list, save_entry(entry));
    }
    if (status != 0) {
        json_decref(list);
        return NULL;
    }
    return json_pack("{s:i, s:o}", "version", STATE_VERSION, "transfers", list);
}

/* ---- reading ---- */

/* A request as read; the texts that it points to. */
struct saved_entry {
    struct transfer_request request;
    char id[2 * FILES_ID_SIZE + 1];
    char to[FILES_PATH_MAX + 1], name[FILES_NAME_MAX + 1];
    char *to_list[1];
    const char *from_list[FILES_PATHS_MAX];
    long long started;
};

static int read_kind(const struct json_reader *reader, enum transfer_kind *ret)
{
    char kind[8] = "";
    int status = json_read_optional_text(reader, "kind", kind, sizeof(kind));
    if (status < 0)
        return status;
    if (strcmp(kind, "drop") != 0 && strcmp(kind, "take") != 0)
        return json_reader_expected(reader, "kind", "\"drop\" or \"take\"");
    *ret = kind[0] == 'd' ? TRANSFER_DROP : TRANSFER_TAKE;
    return 0;
}

static int read_offer(const struct json_reader *reader, uint64_t *ret)
{
    char text[24] = "", again[24];
    int status = json_read_optional_text(reader, "offer", text, sizeof(text));
    if (status < 0 || text[0] == '\0')
        return status;
    unsigned long long offer = strtoull(text, NULL, 10);
    snprintf(again, sizeof(again), "%llu", offer);
    if (strcmp(text, again) != 0)
        return json_reader_expected(reader, "offer", "a number as text");
    *ret = offer;
    return 0;
}

static int read_paths(const struct json_reader *reader, struct saved_entry *saved)
{
    const json_t *list = NULL;
    int status = json_read_optional_array(reader, "paths", &list);
    if (status < 0)
        return status;
    if (json_array_size(list) > FILES_PATHS_MAX)
        return json_reader_expected(reader, "paths", "at most 64 paths");
    for (size_t i = 0; i < json_array_size(list); i++) {
        saved->from_list[i] = json_string_value(json_array_get(list, i));
        if (saved->from_list[i] == NULL)
            return json_reader_expected(reader, "paths", "a list of texts");
    }
    saved->request.from.path_count = json_array_size(list);
    return 0;
}

static int read_places(const struct json_reader *reader, struct saved_entry *saved)
{
    struct transfer_place *from = &saved->request.from, *to = &saved->request.to;
    int status = json_read_optional_text(reader, "fromVm", from->vm, sizeof(from->vm));
    if (status == 0)
        status = json_read_optional_text(reader, "fromUser", from->user, sizeof(from->user));
    if (status == 0)
        status = json_read_optional_text(reader, "toVm", to->vm, sizeof(to->vm));
    if (status == 0)
        status = json_read_optional_text(reader, "toUser", to->user, sizeof(to->user));
    if (status == 0)
        status = json_read_optional_text(reader, "to", saved->to, sizeof(saved->to));
    if (status == 0)
        status = read_paths(reader, saved);
    if (status < 0)
        return status;
    saved->to_list[0] = saved->to;
    to->paths = saved->to_list;
    to->path_count = saved->to[0] != '\0';
    from->paths = (char **)(uintptr_t)saved->from_list; /* borrowed, and only read */
    return 0;
}

static int read_numbers(const struct json_reader *reader, struct saved_entry *saved)
{
    struct transfer_request *request = &saved->request;
    long long flags = 0, conflict = 0, links = 0, bytes_max = -1;
    int status = json_read_optional_integer(reader, "flags", 0, FILES_FLAGS_ALL, &flags);
    if (status == 0)
        status = json_read_optional_integer(reader, "conflict", 0, FILES_FAIL, &conflict);
    if (status == 0)
        status = json_read_optional_integer(reader, "links", 0, FILES_LINKS_FOLLOW, &links);
    if (status == 0)
        status = json_read_optional_integer(reader, "bytesMax", 0, INT64_MAX, &bytes_max);
    if (status == 0)
        status = json_read_optional_integer(reader, "started", 0, INT64_MAX, &saved->started);
    if (status == 0)
        status = json_read_optional_bool(reader, "plain", &request->strip_executable);
    if (status < 0)
        return status;
    request->flags = (uint32_t)flags;
    request->conflict = (uint8_t)conflict;
    request->links = (uint8_t)links;
    request->bytes_max = bytes_max < 0 ? UINT64_MAX : (uint64_t)bytes_max;
    return 0;
}

static int read_saved(const struct json_reader *reader, struct saved_entry *saved)
{
    static const char *const KEYS[] = {"id",       "kind",  "fromVm", "fromUser", "toVm",  "toUser",
                                       "paths",    "to",    "offer",  "name",     "flags", "conflict",
                                       "bytesMax", "links", "plain",  "started",  NULL};
    int status = json_read_only_keys(reader, KEYS);
    if (status == 0)
        status = read_kind(reader, &saved->request.kind);
    if (status == 0)
        status = json_read_optional_text(reader, "id", saved->id, sizeof(saved->id));
    if (status == 0)
        status = json_read_optional_text(reader, "name", saved->name, sizeof(saved->name));
    if (status == 0)
        status = read_offer(reader, &saved->request.offer);
    if (status == 0)
        status = read_places(reader, saved);
    if (status == 0)
        status = read_numbers(reader, saved);
    saved->request.offer_name = saved->name[0] != '\0' ? saved->name : NULL;
    return status;
}

static int read_id(const struct json_reader *reader, const char *text, struct files_id *ret)
{
    size_t size = 0;
    if (strlen(text) != 2 * FILES_ID_SIZE ||
        sodium_hex2bin(ret->bytes, FILES_ID_SIZE, text, 2 * FILES_ID_SIZE, NULL, &size, NULL) != 0 ||
        size != FILES_ID_SIZE)
        return json_reader_expected(reader, "id", "32 hexadecimal digits");
    return 0;
}

static int read_entry(const struct json_reader *reader, struct transfer_entry **ret)
{
    struct saved_entry *saved = calloc(1, sizeof(*saved));
    struct files_id id;
    char why[TEXT_REASON_MAX + 1];
    if (saved == NULL)
        return UV_ENOMEM;
    int status = read_saved(reader, saved);
    if (status == 0)
        status = read_id(reader, saved->id, &id);
    if (status == 0) {
        status = transfer_entry_create(&saved->request, ret, why);
        if (status == STATUS_INVALID) {
            reason_format(reader->problem, "%s: %s", reader->place, why);
            status = STATUS_MALFORMED;
        }
    }
    if (status == 0) {
        (*ret)->id = id;
        (*ret)->transfer.started_ms = (uint64_t)saved->started;
        sodium_bin2hex((*ret)->transfer.id, sizeof((*ret)->transfer.id), id.bytes, FILES_ID_SIZE);
    }
    free(saved);
    return status;
}

static int check_repetition(const struct json_reader *reader, struct transfer_entry *const *entries,
                            size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp(entries[i]->transfer.id, entries[index]->transfer.id) == 0)
            return json_reader_expected(reader, "id", "one that no other transfer has");
    }
    return 0;
}

/* All or nothing. */
static int read_entries(const json_t *list, struct transfer_entry **entries, char *ret_problem)
{
    size_t count = json_array_size(list), i = 0;
    int status = 0;
    for (; i < count && status == 0; i++) {
        char place[32];
        snprintf(place, sizeof(place), "transfers[%zu]", i);
        struct json_reader reader = {
            .place = place, .object = json_array_get(list, i), .problem = ret_problem};
        status = read_entry(&reader, &entries[i]);
        if (status == 0)
            status = check_repetition(&reader, entries, i);
    }
    for (; status < 0 && i > 0; i--) {
        transfer_entry_free(entries[i - 1]);
        entries[i - 1] = NULL;
    }
    return status;
}

int transfers_load(struct transfers *table, const json_t *state, char ret_problem[static TEXT_REASON_MAX + 1])
{
    static const char *const KEYS[] = {"version", "transfers", NULL};
    struct json_reader top = {.place = "transfers", .object = state, .problem = ret_problem};
    long long version;
    const json_t *list = NULL;
    int status = json_read_only_keys(&top, KEYS);
    if (status == 0)
        status = json_read_integer(&top, "version", STATE_VERSION, STATE_VERSION, &version);
    if (status == 0)
        status = json_read_optional_array(&top, "transfers", &list);
    if (status < 0)
        return status;
    size_t count = json_array_size(list);
    if (count > TRANSFERS_MAX - table->count)
        return json_reader_expected(&top, "transfers", "no more than 1024 transfers");
    struct transfer_entry **entries = calloc(count + 1, sizeof(struct transfer_entry *));
    if (entries == NULL)
        return UV_ENOMEM;
    status = read_entries(list, entries, ret_problem);
    for (size_t i = 0; i < count && status == 0; i++)
        transfers_put(table, entries[i]); /* there is room */
    free(entries);
    return status;
}
