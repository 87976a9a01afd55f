/* SPDX-License-Identifier: MIT */
/* A table of FILES_WINDOW entries by their numbers (open addressing, twice as many places), and the path that
 * the manifest walks along. */
#include "services/transfer/passing_entries.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"

#define PLACES (2 * FILES_WINDOW)

struct passing_entries {
    size_t name_count;
    char (*names)[FILES_NAME_MAX + 1];
    uint64_t next;                         /* number of the next entry */
    uint64_t roots;                        /* that were announced */
    bool last;                             /* nothing more may be announced */
    size_t depth;                          /* folders that were entered and not left */
    size_t path_size[FILES_DEPTH_MAX + 1]; /* of `path`, at each depth */
    char path[TRANSFER_PATH_MAX + 1];      /* of the folder entered last */
    size_t count;
    struct passing_entry places[PLACES]; /* path NULL: free */
};

_Static_assert((PLACES & (PLACES - 1)) == 0, "numbers are cut to places by a mask");

static size_t home_of(uint64_t number)
{
    return (size_t)(number & (PLACES - 1));
}

int passing_entries_create(size_t name_count, const char *const *names, struct passing_entries **ret)
{
    struct passing_entries *entries = calloc(1, sizeof(*entries));
    if (entries == NULL)
        return UV_ENOMEM;
    entries->name_count = name_count;
    entries->names = calloc(name_count + 1, sizeof(*entries->names));
    if (entries->names == NULL) {
        free(entries);
        return UV_ENOMEM;
    }
    for (size_t i = 0; i < name_count; i++) {
        size_t size = strnlen(names[i], FILES_NAME_MAX);
        memcpy(entries->names[i], names[i], size);
    }
    *ret = entries;
    return 0;
}

void passing_entries_destroy(struct passing_entries *entries)
{
    if (entries == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        free(entries->places[i].path);
    free(entries->names);
    free(entries);
}

/* ---- the table ---- */

/* Its place, or the free one where it would be. */
static size_t place_of(const struct passing_entries *entries, uint64_t number)
{
    size_t place = home_of(number);
    while (entries->places[place].path != NULL && entries->places[place].number != number)
        place = (place + 1) & (PLACES - 1);
    return place;
}

/* Entries behind a place that became free move up when they could not be found past it. */
static void close_gap(struct passing_entries *entries, size_t gap)
{
    for (size_t at = (gap + 1) & (PLACES - 1); entries->places[at].path != NULL;
         at = (at + 1) & (PLACES - 1)) {
        size_t home = home_of(entries->places[at].number);
        if (((at - home) & (PLACES - 1)) < ((at - gap) & (PLACES - 1)))
            continue;
        entries->places[gap] = entries->places[at];
        entries->places[at].path = NULL;
        gap = at;
    }
}

const struct passing_entry *passing_entries_find(const struct passing_entries *entries, uint64_t number)
{
    const struct passing_entry *entry = &entries->places[place_of(entries, number)];
    return entry->path != NULL ? entry : NULL;
}

bool passing_entries_settle(struct passing_entries *entries, uint64_t number, struct passing_entry *ret)
{
    size_t place = place_of(entries, number);
    if (entries->places[place].path == NULL)
        return false;
    *ret = entries->places[place];
    entries->places[place].path = NULL;
    entries->count--;
    close_gap(entries, place);
    return true;
}

bool passing_entries_any(const struct passing_entries *entries, uint64_t first, uint64_t count,
                         uint64_t *ret_number)
{
    for (size_t i = 0; i < PLACES; i++) {
        const struct passing_entry *entry = &entries->places[i];
        if (entry->path == NULL || entry->number < first || entry->number - first >= count)
            continue;
        *ret_number = entry->number;
        return true;
    }
    return false;
}

size_t passing_entries_count(const struct passing_entries *entries)
{
    return entries->count;
}

/* ---- the manifest ---- */

/* Appends "/name" to the path, as far as it fits, without control characters. Returns the size then. */
static size_t extend_path(struct passing_entries *entries, const char *name)
{
    size_t size = entries->path_size[entries->depth];
    if (size > 0 && size < TRANSFER_PATH_MAX)
        entries->path[size++] = '/';
    for (; *name != '\0' && size < TRANSFER_PATH_MAX; name++)
        entries->path[size++] = (unsigned char)*name < 32 || *name == 127 ? '?' : *name;
    while (*name != '\0' && ((unsigned char)*name & 0xc0) == 0x80 && size > 0) /* not within a character */
        name = (((unsigned char)entries->path[--size] & 0xc0) == 0x80) ? name : "";
    entries->path[size] = '\0';
    return size;
}

static int insert(struct passing_entries *entries, const struct manifest_entry *entry)
{
    if (entries->count == FILES_WINDOW)
        return STATUS_MALFORMED;
    size_t size = extend_path(entries, entry->name);
    char *path = malloc(size + 1);
    if (path == NULL)
        return UV_ENOMEM;
    memcpy(path, entries->path, size + 1);
    entries->places[place_of(entries, entries->next)] = (struct passing_entry){
        .number = entries->next,
        .size = entry->type == ENTRY_FILE ? entry->size : 0,
        .type = entry->type,
        .path = path,
    };
    entries->count++;
    if (entry->type != ENTRY_FOLDER) {
        entries->path[entries->path_size[entries->depth]] = '\0';
        return 0;
    }
    if (entries->depth == FILES_DEPTH_MAX)
        return STATUS_MALFORMED;
    entries->path_size[++entries->depth] = size;
    return 0;
}

static int name_root(struct passing_entries *entries, struct manifest_entry *entry, bool *ret_renamed)
{
    uint64_t number = entries->roots++;
    if (entries->name_count == 0)
        return 0;
    if (number >= entries->name_count)
        return STATUS_NOT_ALLOWED;
    const char *name = entries->names[number];
    if (strcmp(entry->name, name) == 0)
        return 0;
    memcpy(entry->name, name, strlen(name) + 1);
    *ret_renamed = true;
    return 0;
}

static int add_one(struct passing_entries *entries, struct manifest_entry *entry, bool *ret_renamed)
{
    int status = 0;
    if (entry->type == ENTRY_LEAVE) {
        if (entries->depth == 0)
            return STATUS_MALFORMED;
        entries->path[entries->path_size[--entries->depth]] = '\0';
    } else {
        if (entries->depth == 0)
            status = name_root(entries, entry, ret_renamed);
        if (status == 0)
            status = insert(entries, entry);
    }
    entries->next++;
    return status;
}

int passing_entries_add(struct passing_entries *entries, struct manifest_message *manifest, bool *ret_renamed)
{
    *ret_renamed = false;
    if (entries->last || manifest->first != entries->next)
        return STATUS_MALFORMED;
    for (size_t i = 0; i < manifest->count; i++) {
        int status = add_one(entries, &manifest->entries[i], ret_renamed);
        if (status < 0)
            return status;
    }
    entries->last = manifest->last;
    return 0;
}
