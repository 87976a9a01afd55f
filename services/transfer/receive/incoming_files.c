/* SPDX-License-Identifier: MIT */
/* A hash of entries: numbers that follow each other fill the buckets evenly. What files are for is the
 * others' business. */
#include "services/transfer/receive/incoming_files.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static struct incoming_file **bucket_of(struct incoming_files *files, uint64_t entry)
{
    return &files->buckets[entry % INCOMING_BUCKETS];
}

int incoming_files_add(struct incoming_files *files, struct folder *folder,
                       const struct manifest_entry *entry, uint64_t number, const char *name,
                       struct incoming_file **ret)
{
    size_t size = strlen(name) + 1;
    struct incoming_file *file = malloc(sizeof(*file) + size);
    if (file == NULL)
        return UV_ENOMEM;
    struct incoming_file **bucket = bucket_of(files, number);
    *file = (struct incoming_file){
        .next = *bucket,
        .folder = folder,
        .entry = number,
        .size = entry->size,
        .mtime = entry->mtime,
        .uid = entry->uid,
        .gid = entry->gid,
        .mode = entry->mode & 0777,
    };
    memcpy(file->name, name, size);
    *bucket = file;
    files->count++;
    *ret = file;
    return 0;
}

struct incoming_file *incoming_files_find(const struct incoming_files *files, uint64_t entry)
{
    struct incoming_file *file = files->buckets[entry % INCOMING_BUCKETS];
    while (file != NULL && file->entry != entry)
        file = file->next;
    return file;
}

static void free_attributes(struct incoming_files *files, struct incoming_file *file)
{
    for (struct kept_attribute *next; file->attributes != NULL; file->attributes = next) {
        next = file->attributes->next;
        files->attribute_bytes -= file->attributes->size;
        free(file->attributes);
    }
}

static void take_out(struct incoming_files *files, struct incoming_file *file)
{
    struct incoming_file **at = bucket_of(files, file->entry);
    while (*at != file)
        at = &(*at)->next;
    *at = file->next;
    free_attributes(files, file);
}

void incoming_files_drop(struct incoming_files *files, struct incoming_file *file)
{
    assert(file->target == NULL);
    take_out(files, file);
    if (file->is_doomed) {
        struct incoming_file **at = &files->doomed_first, *before = NULL;
        for (; *at != file; at = &(*at)->behind)
            before = *at;
        *at = file->behind;
        if (files->doomed_last == file)
            files->doomed_last = before;
        files->doomed_count--;
    } else {
        files->count--;
    }
    free(file);
}

void incoming_files_doom(struct incoming_files *files, struct incoming_file *file)
{
    uint64_t entry = file->entry;
    incoming_files_drop(files, file);
    while (files->doomed_count >= FILES_WINDOW)
        incoming_files_drop(files, files->doomed_first);
    struct incoming_file *doomed = malloc(sizeof(*doomed) + 1);
    if (doomed == NULL)
        return; /* then what comes of it ends the transfer */
    struct incoming_file **bucket = bucket_of(files, entry);
    *doomed = (struct incoming_file){.next = *bucket, .entry = entry, .is_doomed = true};
    doomed->name[0] = '\0';
    *bucket = doomed;
    if (files->doomed_last != NULL)
        files->doomed_last->behind = doomed;
    else
        files->doomed_first = doomed;
    files->doomed_last = doomed;
    files->doomed_count++;
}

int incoming_files_keep(struct incoming_files *files, struct incoming_file *file,
                        const struct attribute_message *attribute)
{
    size_t name_size = strlen(attribute->name) + 1;
    size_t size = sizeof(struct kept_attribute) + name_size + attribute->value_size;
    if (size > UINT16_MAX || files->attribute_bytes + size > ATTRIBUTES_BYTES_MAX)
        return UV_ENOBUFS;
    struct kept_attribute *kept = malloc(size);
    if (kept == NULL)
        return UV_ENOMEM;
    *kept = (struct kept_attribute){.next = file->attributes, .size = (uint16_t)size};
    memcpy(kept->name, attribute->name, name_size);
    memcpy(kept->name + name_size, attribute->value, attribute->value_size);
    kept->value = (const uint8_t *)kept->name + name_size;
    file->attributes = kept;
    files->attribute_bytes += size;
    return 0;
}
