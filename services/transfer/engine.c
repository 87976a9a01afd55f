/* SPDX-License-Identifier: MIT */
/* What every kind of engine does the same way. */
#include "services/transfer/engine.h"

#include <stdlib.h>
#include <string.h>

void engine_note_failure(struct engine *engine, int status, const char *text, const char *path)
{
    engine->counts.failed++;
    if (engine->failures_told >= TRANSFER_FAILURES_MAX)
        return;
    size_t text_size = strlen(text) + 1, path_size = strlen(path) + 1;
    struct transfer_failure *failure = malloc(sizeof(*failure) + text_size + path_size);
    if (failure == NULL)
        return; /* counted, at least */
    char *room = (char *)(failure + 1);
    *failure = (struct transfer_failure){
        .next = engine->failures,
        .status = status,
        .text = memcpy(room, text, text_size),
        .path = memcpy(room + text_size, path, path_size),
    };
    engine->failures = failure;
    engine->failures_told++;
}

void transfer_failures_free(struct transfer_failure *first)
{
    for (struct transfer_failure *next; first != NULL; first = next) {
        next = first->next;
        free(first);
    }
}

int engine_take_fin(struct engine *engine)
{
    return engine->ops->take_fin(engine);
}
