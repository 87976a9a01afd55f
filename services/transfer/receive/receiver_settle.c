/* SPDX-License-Identifier: MIT */
/* The last word on entries: counts, answers, failures for people, and folders that are complete by it. What
 * was done on the disk before is the callers' business. */
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/receive/receiver_internal.h"

bool receiver_is_stopped(const struct receiver *receiver)
{
    const struct engine *engine = &receiver->engine;
    return engine->stop != NULL && atomic_load_explicit(engine->stop, memory_order_relaxed);
}

int receiver_problem(struct receiver *receiver, int status, const char *text)
{
    snprintf(receiver->engine.problem, sizeof(receiver->engine.problem), "%s", text);
    return status;
}

void receiver_note(struct receiver *receiver, const struct folder *parent, const char *name, int status,
                   const char *text)
{
    char path[TRANSFER_PATH_MAX + 1];
    path[0] = '\0';
    if (receiver->engine.failures_told < TRANSFER_FAILURES_MAX)
        folder_path(parent, name, path, sizeof(path));
    engine_note_failure(&receiver->engine, status, text != NULL ? text : status_text(status), path);
}

/* Folders from here upwards that nothing is lacking of any more. */
static int complete_folders(struct receiver *receiver, struct folder *folder)
{
    while (folder_is_complete(folder)) {
        struct folder *parent = folder->parent;
        int status = folder->has_failed ? 0 : receiver_dress_folder(receiver, folder);
        if (status_is_fatal(status))
            return status;
        if (status < 0)
            receiver_note(receiver, parent, folder->name, status, NULL);
        status = folder->settles_late ? answers_settle(&receiver->answers, folder->entry) : 0;
        if (status < 0)
            return status;
        folder_stack_drop(&receiver->folders, folder);
        folder = parent;
    }
    return 0;
}

int receiver_leave(struct receiver *receiver)
{
    struct folder *folder = receiver->folders.current;
    folder->is_left = true;
    receiver->folders.current = folder->parent;
    return complete_folders(receiver, folder);
}

int receiver_file_done(struct receiver *receiver, struct incoming_file *file, uint64_t size)
{
    struct folder *folder = file->folder;
    int status = answers_settle(&receiver->answers, file->entry);
    if (status < 0)
        return status;
    receiver->engine.counts.files_done++;
    receiver->engine.counts.bytes_done += size;
    receiver->engine.counts.current_done = 0; /* no byte counts twice: who adds both holds it to a limit */
    target_destroy(receiver, file, false);
    incoming_files_drop(&receiver->files, file);
    folder->pending--;
    return complete_folders(receiver, folder);
}

int receiver_file_is_there(struct receiver *receiver, uint64_t entry, uint64_t size, bool skipped)
{
    receiver->engine.counts.files_done++;
    receiver->engine.counts.bytes_done += size;
    receiver->engine.counts.skipped += skipped ? 1 : 0;
    return answers_need(&receiver->answers, entry, NEED_NOTHING);
}

static void fail_root(struct receiver *receiver, const struct folder *parent, uint32_t root)
{
    if (parent->parent == NULL && root < receiver->journal.root_count)
        receiver->journal.roots[root].state = ROOT_FAILED;
}

int receiver_file_failed(struct receiver *receiver, struct incoming_file *file, int status, const char *text)
{
    struct folder *folder = file->folder;
    fail_root(receiver, folder, file->root);
    receiver_note(receiver, folder, file->name, status, text);
    int answer =
        answers_fail(&receiver->answers, file->entry, status, text != NULL ? text : status_text(status));
    if (answer < 0)
        return answer;
    target_destroy(receiver, file, true);
    incoming_files_doom(&receiver->files, file);
    folder->pending--;
    return complete_folders(receiver, folder);
}

int receiver_entry_failed(struct receiver *receiver, uint64_t entry, const struct folder *parent,
                          const char *name, int status, const char *text)
{
    receiver_note(receiver, parent, name, status, text);
    return answers_fail(&receiver->answers, entry, status, text != NULL ? text : status_text(status));
}
