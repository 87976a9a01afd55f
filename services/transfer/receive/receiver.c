/* SPDX-License-Identifier: MIT */
/* The receiver as a machine: its making, what it says, and its end. What comes is receiver_take.c's, what
 * that means for the disk the other files'.
 *
 * States. Before `last`: whatever concerns announced files. When `last` was heard and nothing is under way,
 * roots are put into their places and FILES_DONE is said; then only FIN may come, and the staging folder
 * goes. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/entry_name.h"
#include "services/transfer/receive/receiver_internal.h"

#define NAMES_BYTES_MAX (96 * 1024) /* in FILES_DONE, so that it fits a message of a mux */

static struct receiver *of(struct engine *engine)
{
    return (struct receiver *)engine;
}

static int say(struct item_queue *out, const struct message *message)
{
    struct transfer_item *item = NULL;
    int status = item_encode(message, &item);
    if (status == 0)
        item_queue_push(out, item);
    return status;
}

static int say_paused(struct receiver *receiver, struct item_queue *out)
{
    int why = receiver->engine.counts.paused;
    struct message message = {.kind = MESSAGE_PAUSED};
    message.body.paused.status = why != 0 ? why : UV_ENOSPC;
    message.body.paused.over = why == 0;
    if (why != 0)
        strcpy(message.body.paused.text,
               why == STATUS_QUOTA ? "the user's disk quota is used up there" : "the disk is full there");
    receiver->pause_told = why != 0;
    return say(out, &message);
}

static bool all_is_staged(const struct receiver *receiver)
{
    return receiver->heard_last && receiver->files.count == 0 && receiver->answers.unsettled == 0 &&
           answers_are_empty(&receiver->answers);
}

static int say_done(struct receiver *receiver, struct item_queue *out)
{
    const struct transfer_counts *counts = &receiver->engine.counts;
    size_t count = receiver->journal.root_count, bytes = 0, told = 0;
    struct files_path *names = calloc(FILES_PATHS_MAX, sizeof(*names));
    if (names == NULL)
        return UV_ENOMEM;
    for (; told < count && told < FILES_PATHS_MAX; told++) {
        size_t size = strlen(receiver->paths[told]);
        if (size > FILES_PATH_MAX || (bytes += size) > NAMES_BYTES_MAX)
            break;
        memcpy(names[told].path, receiver->paths[told], size + 1);
    }
    struct message message = {.kind = MESSAGE_FILES_DONE,
                              .body.files_done = {.files = counts->files_done,
                                                  .bytes = counts->bytes_done,
                                                  .skipped = counts->skipped,
                                                  .failed = counts->failed,
                                                  .name_count = told,
                                                  .names = names}};
    int status = say(out, &message);
    free(names);
    receiver->done_told = status == 0;
    return status;
}

static int produce_one(struct receiver *receiver, struct item_queue *out)
{
    if (receiver->pause_told != (receiver->engine.counts.paused != 0))
        return say_paused(receiver, out);
    if (!answers_are_empty(&receiver->answers))
        return answers_produce(&receiver->answers, out);
    return compare_produce(receiver, out);
}

static bool has_more(const struct receiver *receiver)
{
    return receiver->pause_told != (receiver->engine.counts.paused != 0) ||
           !answers_are_empty(&receiver->answers) || compare_has_more(receiver);
}

static void end(struct receiver *receiver)
{
    staging_close(&receiver->staging, true);
    receiver->engine.says_fin = true;
    receiver->engine.is_done = true;
}

static int receiver_produce(struct engine *engine, struct item_queue *out, size_t budget, bool *ret_more)
{
    struct receiver *receiver = of(engine);
    bool compared = false;
    while (has_more(receiver) && out->bytes < budget && !compared) {
        compared =
            answers_are_empty(&receiver->answers) && compare_has_more(receiver); /* enough for one call */
        int status = produce_one(receiver, out);
        if (status < 0)
            return status;
    }
    *ret_more = has_more(receiver);
    if (!receiver->done_told && !*ret_more && all_is_staged(receiver)) {
        int status = publish_roots(receiver);
        if (status == 0)
            status = say_done(receiver, out);
        if (status < 0)
            return status;
    }
    if (receiver->fin_heard && !engine->is_done)
        end(receiver);
    return 0;
}

static int receiver_take_fin(struct engine *engine)
{
    struct receiver *receiver = of(engine);
    if (!receiver->done_told || receiver->fin_heard)
        return STATUS_UNEXPECTED;
    receiver->fin_heard = true;
    return 0;
}

static void drop_files(struct receiver *receiver)
{
    for (size_t i = 0; i < INCOMING_BUCKETS; i++) {
        for (struct incoming_file *file; (file = receiver->files.buckets[i]) != NULL;) {
            struct folder *folder = file->folder;
            target_destroy(receiver, file, false);
            incoming_files_drop(&receiver->files, file);
            if (folder != NULL)
                folder->pending--;
            while (folder != NULL && folder_is_complete(folder)) {
                struct folder *parent = folder->parent;
                folder_stack_drop(&receiver->folders, folder);
                folder = parent;
            }
        }
    }
}

static void free_strings(char **strings, size_t count)
{
    for (size_t i = 0; strings != NULL && i < count; i++)
        free(strings[i]);
    free(strings);
}

static void receiver_destroy(struct engine *engine, bool discard)
{
    struct receiver *receiver = of(engine);
    bool is_empty = !receiver->has_staged && !receiver->staging.was_resumed && !receiver->journal.has_begun;
    receiver_forget_subject(receiver);
    drop_files(receiver);
    folder_stack_finish(&receiver->folders);
    staging_close(&receiver->staging, discard || is_empty);
    answers_finish(&receiver->answers);
    chunk_check_destroy(receiver->check);
    free_strings(receiver->paths, receiver->journal.root_count);
    free_strings(receiver->names, receiver->name_count);
    journal_state_finish(&receiver->journal);
    transfer_failures_free(engine->failures);
    free(receiver->origin);
    free(receiver->folder);
    sodium_memzero(receiver, sizeof(*receiver));
    free(receiver);
}

static const struct engine_ops RECEIVER_OPS = {
    .take = receiver_take,
    .produce = receiver_produce,
    .take_fin = receiver_take_fin,
    .destroy = receiver_destroy,
};

static int copy_options(struct receiver *receiver, const struct receiver_options *options)
{
    receiver->engine = (struct engine){.ops = &RECEIVER_OPS, .pool = options->pool};
    receiver->engine.counts.phase = TRANSFER_SCAN;
    receiver->keys = options->keys;
    receiver->flags = options->flags;
    receiver->conflict = options->conflict;
    receiver->links = options->links;
    receiver->strip_executable = options->strip_executable;
    receiver->folder = strdup(options->folder);
    receiver->origin = options->origin != NULL ? strdup(options->origin) : NULL;
    receiver->names = calloc(options->name_count + 1, sizeof(*receiver->names));
    if (receiver->folder == NULL || receiver->names == NULL ||
        (options->origin != NULL && receiver->origin == NULL))
        return UV_ENOMEM;
    for (; receiver->name_count < options->name_count; receiver->name_count++) {
        receiver->names[receiver->name_count] = strdup(options->names[receiver->name_count]);
        if (receiver->names[receiver->name_count] == NULL)
            return UV_ENOMEM;
    }
    return chunk_check_create(&options->keys, &receiver->check);
}

static int check_names(const struct receiver_options *options, char *ret_problem)
{
    for (size_t i = 0; i < options->name_count; i++) {
        if (entry_name_is_valid(options->names[i]))
            continue;
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "this can't be the name of a file here");
        return STATUS_INVALID;
    }
    return options->name_count > ROOTS_MAX ? STATUS_LIMIT : 0;
}

int receiver_create(const struct receiver_options *options, struct engine **ret,
                    char ret_problem[static TEXT_REASON_MAX + 1])
{
    int status = check_names(options, ret_problem);
    if (status < 0)
        return status;
    struct receiver *receiver = calloc(1, sizeof(*receiver));
    if (receiver == NULL)
        return UV_ENOMEM;
    receiver->staging = (struct staging){.target = -1, .partial = -1, .own = -1, .tree = -1, .old = -1};
    status = copy_options(receiver, options);
    if (status == 0)
        status = staging_open(&receiver->staging, options->folder, &options->id,
                              (options->flags & FILES_RESUME) != 0, &receiver->journal, ret_problem);
    if (status == 0)
        status = folder_stack_init(&receiver->folders, receiver->staging.tree, receiver->staging.old,
                                   receiver->staging.target);
    if (status < 0) {
        receiver_destroy(&receiver->engine, false);
        return status;
    }
    receiver->was_published = receiver->journal.has_begun;
    if (receiver->was_published) {
        receiver->engine.counts.skipped = receiver->journal.skipped;
        receiver->engine.counts.failed = receiver->journal.failed;
    }
    *ret = &receiver->engine;
    return 0;
}

size_t receiver_names(const struct engine *engine, const char *const **ret)
{
    const struct receiver *receiver = (const struct receiver *)engine;
    *ret = (const char *const *)receiver->paths;
    return receiver->paths != NULL ? receiver->journal.root_count : 0;
}
