/* SPDX-License-Identifier: MIT */
/* LIST: gathers the parts of a manifest, within limits, and sorts them. */
#include "host-bridge/features/files/file_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uv.h>

#include "protocol/base/status.h"

struct file_list {
    struct file_work work;
    const struct file_list_handler *handler;
    void *ctx;
    struct file_list_entry **entries; /* each with its texts behind it */
    size_t count, capacity, bytes;
    uint64_t next; /* number of the entry that must come next */
    bool is_last;  /* no further part follows */
    bool is_truncated;
    char path[FILES_PATH_MAX + 1];
};

static void opened(struct file_work *work, const struct files_opened_message *message)
{
    struct file_list *list = (struct file_list *)work;
    if (message->path[0] != '\0')
        memcpy(list->path, message->path, sizeof(list->path));
}

static bool make_room(struct file_list *list)
{
    if (list->count < list->capacity)
        return true;
    size_t capacity = list->capacity == 0 ? 256 : 2 * list->capacity;
    struct file_list_entry **entries = realloc(list->entries, capacity * sizeof(struct file_list_entry *));
    if (entries == NULL)
        return false;
    list->entries = entries;
    list->capacity = capacity;
    return true;
}

/* One component, as a folder has them: anything else is a lie. The wire refuses an empty one. */
static bool name_is_possible(const char *name)
{
    return strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static int add(struct file_list *list, const struct manifest_entry *entry)
{
    if (entry->type == ENTRY_LEAVE || !name_is_possible(entry->name))
        return STATUS_MALFORMED;
    size_t name_size = strlen(entry->name) + 1, target_size = strlen(entry->target) + 1;
    struct file_list_entry *own = make_room(list) ? malloc(sizeof(*own) + name_size + target_size) : NULL;
    if (own == NULL)
        return UV_ENOMEM;
    char *texts = (char *)(own + 1);
    memcpy(texts, entry->name, name_size);
    memcpy(texts + name_size, entry->target, target_size);
    *own = (struct file_list_entry){.type = entry->type,
                                    .mode = entry->mode,
                                    .uid = entry->uid,
                                    .gid = entry->gid,
                                    .size = entry->size,
                                    .mtime = entry->mtime,
                                    .name = texts,
                                    .target = texts + name_size};
    list->entries[list->count++] = own;
    list->bytes += name_size + target_size;
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp((*(struct file_list_entry *const *)a)->name, (*(struct file_list_entry *const *)b)->name);
}

static void done(struct file_list *list)
{
    if (list->count > 0)
        qsort(list->entries, list->count, sizeof(struct file_list_entry *), compare);
    list->handler->on_done(list->ctx, 0, "");
}

/* 0; 1: no more is kept. */
static int add_part(struct file_list *list, const struct manifest_message *manifest)
{
    if (list->is_last || manifest->first != list->next)
        return STATUS_MALFORMED;
    list->next += manifest->count;
    list->is_last = manifest->last;
    for (size_t i = 0; i < manifest->count; i++) {
        if (list->count == FILE_LIST_ENTRIES_MAX || list->bytes >= FILE_LIST_BYTES_MAX)
            return 1;
        int status = add(list, &manifest->entries[i]);
        if (status < 0)
            return status;
    }
    return 0;
}

static bool take_message(struct file_work *work, const struct message *message)
{
    struct file_list *list = (struct file_list *)work;
    if (message->kind == MESSAGE_FILES_DONE)
        return list->is_last;
    if (message->kind != MESSAGE_MANIFEST)
        return false;
    int status = add_part(list, &message->body.manifest);
    if (status < 0) {
        file_work_fail(work, status, "");
    } else if (status > 0) {
        list->is_truncated = true;
        file_work_close(work);
        done(list);
    } else {
        list->handler->on_progress(list->ctx);
    }
    return true;
}

static void fin(struct file_work *work)
{
    struct file_list *list = (struct file_list *)work;
    if (!list->is_last) {
        file_work_fail(work, STATUS_UNEXPECTED, "the list ended before its last part");
        return;
    }
    file_work_finish(work);
    done(list);
}

static void failed(struct file_work *work, int status, const char *text)
{
    struct file_list *list = (struct file_list *)work;
    list->handler->on_done(list->ctx, status, text);
}

static const struct file_work_ops OPS = {
    .opened = opened, .message = take_message, .fin = fin, .failed = failed};

int file_list_begin(const struct files_io *io, const char *user, const char *path,
                    const struct file_list_handler *handler, void *ctx, struct file_list **ret)
{
    struct files_open_message open;
    struct files_path where;
    file_work_prepare(&open, FILES_LIST, user);
    snprintf(where.path, sizeof(where.path), "%s", path);
    open.paths = &where;
    open.path_count = 1;
    struct file_list *list = calloc(1, sizeof(*list));
    if (list == NULL)
        return UV_ENOMEM;
    list->handler = handler;
    list->ctx = ctx;
    snprintf(list->path, sizeof(list->path), "%s", path);
    int status = file_work_begin(&list->work, io, &OPS, &open);
    if (status < 0) {
        free(list);
        return status;
    }
    *ret = list;
    return 0;
}

void file_list_close(struct file_list *list)
{
    if (list == NULL)
        return;
    file_work_close(&list->work);
    for (size_t i = 0; i < list->count; i++)
        free(list->entries[i]);
    free(list->entries);
    free(list);
}

const char *file_list_path(const struct file_list *list)
{
    return list->path;
}

size_t file_list_count(const struct file_list *list)
{
    return list->count;
}

const struct file_list_entry *file_list_at(const struct file_list *list, size_t index)
{
    return list->entries[index];
}

bool file_list_is_truncated(const struct file_list *list)
{
    return list->is_truncated;
}
