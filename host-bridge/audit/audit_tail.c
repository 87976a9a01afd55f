/* SPDX-License-Identifier: MIT */
/* Reads files from their end, block by block, until there are enough entries or a bound is met. */
#include "host-bridge/audit/audit_tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define BLOCK_SIZE (256 * 1024)

struct tail {
    json_t *entries; /* the newest first while reading */
    size_t limit;
    const char *guest;
    uint64_t looked_through, answered;
};

static bool is_enough(const struct tail *tail)
{
    return json_array_size(tail->entries) >= tail->limit || tail->looked_through >= AUDIT_TAIL_BYTES_MAX ||
           tail->answered >= AUDIT_TAIL_ANSWER_MAX;
}

static bool is_entry(const json_t *json, const char *guest)
{
    const char *name = json_string_value(json_object_get(json, "guest"));
    return json_is_string(json_object_get(json, "action")) &&
           (guest[0] == '\0' || (name != NULL && strcmp(name, guest) == 0));
}

static void take_line(struct tail *tail, const char *text, size_t size)
{
    tail->looked_through += size + 1;
    json_t *json =
        size == 0 || size > AUDIT_LINE_MAX ? NULL : json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    if (json == NULL || !is_entry(json, tail->guest)) {
        json_decref(json);
        return;
    }
    tail->answered += size;
    json_array_append_new(tail->entries, json);
}

/* The lines of the block from its last to its first; returns the bytes in front of the first newline, whose
 * line may begin in the block before. */
static size_t take_block(struct tail *tail, const char *block, size_t size, bool first)
{
    while (size > 0 && !is_enough(tail)) {
        const char *newline = memrchr(block, '\n', size);
        if (newline == NULL && !first)
            break;
        size_t start = newline == NULL ? 0 : (size_t)(newline - block) + 1;
        take_line(tail, block + start, size - start);
        size = newline == NULL ? 0 : start - 1;
    }
    return size;
}

static int read_file(struct tail *tail, const struct audit_snapshot_file *file, char *block)
{
    uint64_t end = file->size; /* what is behind it has been taken */
    while (end > 0 && !is_enough(tail)) {
        size_t size = end < BLOCK_SIZE ? (size_t)end : BLOCK_SIZE;
        ssize_t got = pread(file->fd, block, size, (off_t)(end - size));
        if (got < 0)
            return uv_translate_sys_error(errno);
        if ((size_t)got < size)
            return UV_EIO; /* it was cut meanwhile */
        size_t left = take_block(tail, block, size, end == size);
        if (left == size) {
            tail->looked_through += size;
            left = 0; /* a block without a newline holds no entry */
        }
        end = end - size + left;
    }
    return 0;
}

static int reverse(json_t *entries, json_t **ret)
{
    json_t *turned = json_array();
    for (size_t i = json_array_size(entries); i-- > 0;)
        json_array_append(turned, json_array_get(entries, i));
    json_decref(entries);
    *ret = turned;
    return turned == NULL ? UV_ENOMEM : 0;
}

int audit_tail_read(const struct audit_snapshot *snapshot, size_t limit, const char *guest,
                    json_t **ret_entries)
{
    struct tail tail = {.entries = json_array(), .limit = limit, .guest = guest};
    char *block = malloc(BLOCK_SIZE);
    int status = tail.entries == NULL || block == NULL ? UV_ENOMEM : 0;
    for (size_t i = snapshot->count; status == 0 && i-- > 0 && !is_enough(&tail);)
        status = read_file(&tail, &snapshot->files[i], block);
    free(block);
    if (status < 0) {
        json_decref(tail.entries);
        return status;
    }
    return reverse(tail.entries, ret_entries);
}
