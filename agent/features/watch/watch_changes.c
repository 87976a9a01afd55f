/* SPDX-License-Identifier: MIT */
/* A list of changes. What becomes of it is the watch's. */
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "agent/features/watch/watch_tree.h"

int watch_changes_add(struct watch_changes *changes, uint8_t what, bool folder, const char *path,
                      const char *from)
{
    size_t path_size = strlen(path) + 1, from_size = strlen(from) + 1;
    struct watch_change *change = malloc(sizeof(*change) + path_size + from_size);
    if (change == NULL) {
        changes->lost = true;
        return UV_ENOMEM;
    }
    char *texts = (char *)(change + 1);
    memcpy(texts, path, path_size);
    memcpy(texts + path_size, from, from_size);
    *change = (struct watch_change){.what = what, .folder = folder, .path = texts, .from = texts + path_size};
    if (changes->last != NULL)
        changes->last->next = change;
    else
        changes->first = change;
    changes->last = change;
    changes->count++;
    return 0;
}

struct watch_change *watch_changes_take(struct watch_changes *changes)
{
    struct watch_change *change = changes->first;
    if (change == NULL)
        return NULL;
    changes->first = change->next;
    if (changes->first == NULL)
        changes->last = NULL;
    changes->count--;
    change->next = NULL;
    return change;
}

void watch_changes_move(struct watch_changes *changes, struct watch_changes *from)
{
    if (from->first != NULL) {
        if (changes->last != NULL)
            changes->last->next = from->first;
        else
            changes->first = from->first;
        changes->last = from->last;
    }
    changes->count += from->count;
    changes->lost = changes->lost || from->lost;
    *from = (struct watch_changes){0};
}

void watch_changes_clear(struct watch_changes *changes)
{
    struct watch_change *change;
    while ((change = watch_changes_take(changes)) != NULL)
        free(change);
    changes->lost = false;
}
