/* SPDX-License-Identifier: MIT */
/* The sending engine. Each step says the most useful thing there is: enough of the manifest that the receiver
 * always has something to answer, then data that it asked for, then more of the manifest. Its parts:
 * announce.c, pack.c, large_file.c say things, sender_take.c hears, send_window.c keeps what is under way.
 * Reading and settling know nothing of links or loops. */
#include "services/transfer/send/sender.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/entry_name.h"
#include "services/transfer/send/sender_internal.h"

#define FOLDERS_OPEN_MAX 64

bool sender_stops(const struct sender *sender)
{
    const atomic_bool *stop = sender->engine.stop;
    return stop != NULL && atomic_load_explicit(stop, memory_order_relaxed);
}

static void on_left_out(void *ctx, int status, const char *text, const struct source_folder *folder,
                        const char *name)
{
    struct sender *sender = ctx;
    char path[TRANSFER_PATH_MAX + 1];
    source_folder_path(folder, name, path, sizeof(path));
    engine_note_failure(&sender->engine, status, text, path);
    if (!sender->list && sender->engine.failures_told <= TRANSFER_FAILURES_MAX)
        sender_say_left_out(&sender->notices, status, text, path);
}

static int say_totals(struct sender *sender, struct item_queue *out, const struct totals_message *totals)
{
    struct transfer_counts *counts = &sender->engine.counts;
    bool again = counts->totals_known;
    counts->totals_known = true;
    counts->files_total = totals->files;
    counts->bytes_total = totals->bytes;
    if (again && totals->files == sender->said.files && totals->bytes == sender->said.bytes)
        return 0;
    sender->said = *totals;
    struct message message = {.kind = MESSAGE_TOTALS};
    message.body.totals = *totals;
    return sender_say(out, &message);
}

/* The walk that announces knows it all. */
static int end_count(struct sender *sender, struct item_queue *out)
{
    tree_count_destroy(sender->count);
    sender->count = NULL;
    return say_totals(sender, out, &sender->announced);
}

/* Counts ahead, where it is time for that, or nothing else to do. */
static int count_ahead(struct sender *sender, struct item_queue *out, uint64_t now_ms, bool is_idle)
{
    struct transfer_counts *counts = &sender->engine.counts;
    if (counts->totals_known || sender->announced_all)
        return 0;
    struct totals_message totals = sender->announced;
    uint64_t next_ms = sender->counted_ms + (is_idle ? COUNT_PERIOD_IDLE_MS : COUNT_PERIOD_MS);
    if (now_ms - sender->started_ms >= COUNT_AFTER_MS && now_ms >= next_ms) {
        int status = sender->count == NULL ? tree_count_create(&sender->walk_options, &sender->count) : 0;
        if (status == 0)
            status = tree_count_go_on(sender->count, COUNT_SLICE_MS);
        if (status < 0 && status != UV_EOF)
            return status;
        sender->counted_ms = now_ms;
        tree_count_totals(sender->count, &totals);
        if (status == UV_EOF) {
            tree_count_destroy(sender->count);
            sender->count = NULL;
            return say_totals(sender, out, &totals);
        }
    }
    if (totals.bytes > counts->bytes_total || totals.files > counts->files_total) {
        counts->files_total = totals.files;
        counts->bytes_total = totals.bytes;
    }
    return 0;
}

static int announce(struct sender *sender, struct item_queue *out)
{
    int status = announce_part(sender, out);
    if (status == 0 && sender->announced_all) {
        status = end_count(sender, out);
        if (status == 0)
            status = announce_last(sender, out);
    }
    return status < 0 ? status : 1;
}

static int end_given_up(struct sender *sender, struct item_queue *out)
{
    for (size_t i = 0; i < sender->given_up_count; i++) {
        int status = sender_say_failed(out, sender->given_up[i], UV_ECANCELED, "the receiver gave it up");
        if (status < 0)
            return status;
    }
    sender->given_up_count = 0;
    return 1;
}

/* 1: said something; 0: there is nothing to say until something comes; else fatal. */
static int step(struct sender *sender, struct item_queue *out)
{
    if (sender_stops(sender))
        return UV_ECANCELED;
    if (sender->given_up_count > 0)
        return end_given_up(sender, out);
    size_t room = sender->announced_all ? 0 : send_window_room(&sender->window);
    if (room >= ANNOUNCE_MIN && sender->window.unsent < AHEAD_MIN)
        return announce(sender, out);
    int status = 0;
    if (sender->large.entry == NULL && send_window_first_ready(&sender->window) != NULL) {
        if (send_window_first_ready(&sender->window)->large)
            status = large_file_begin(sender, out, send_window_take_ready(&sender->window));
        else
            status = send_pack(sender, out);
        return status < 0 ? status : 1;
    }
    if (sender->large.entry != NULL)
        status = large_file_go_on(sender, out);
    if (status != 0)
        return status;
    if (room >= ANNOUNCE_MIN)
        return announce(sender, out);
    return 0;
}

static int list(struct sender *sender, struct item_queue *out, size_t budget, bool *ret_more)
{
    struct engine *engine = &sender->engine;
    while (!sender->announced_all && out->bytes < budget) {
        int status = announce_list_part(sender, out);
        if (status < 0)
            return status;
    }
    *ret_more = !sender->announced_all;
    if (!sender->announced_all || engine->says_fin)
        return 0;
    struct message message = {.kind = MESSAGE_FILES_DONE};
    message.body.files_done = (struct files_done_message){
        .files = sender->announced.files, .bytes = sender->announced.bytes, .failed = engine->counts.failed};
    int status = sender_say(out, &message);
    engine->says_fin = status == 0;
    engine->is_done = sender->fin_heard;
    return status;
}

static int sender_produce(struct engine *engine, struct item_queue *out, size_t budget, bool *ret_more)
{
    struct sender *sender = (struct sender *)engine;
    *ret_more = false;
    if (sender->list)
        return list(sender, out, budget, ret_more);
    if (engine->counts.paused != 0)
        return 0; /* the receiver takes nothing more; a full pipe would hide that somebody cancels */
    uint64_t now_ms = clock_monotonic_ms(), end_ms = now_ms + PRODUCE_MS;
    if (sender->started_ms == 0)
        sender->started_ms = now_ms;
    int status = count_ahead(sender, out, now_ms, false);
    for (; status >= 0 && out->bytes < budget && now_ms < end_ms; now_ms = clock_monotonic_ms()) {
        status = step(sender, out);
        if (status == 0)
            return count_ahead(sender, out, now_ms, true);
    }
    *ret_more = status >= 0;
    return status < 0 ? status : 0;
}

static int sender_take_fin(struct engine *engine)
{
    struct sender *sender = (struct sender *)engine;
    if (!sender->list && !sender->done_heard)
        return STATUS_UNEXPECTED;
    sender->fin_heard = true;
    engine->is_done = engine->says_fin;
    return 0;
}

static void sender_destroy(struct engine *engine, bool discard)
{
    struct sender *sender = (struct sender *)engine;
    large_file_drop(sender);
    send_window_finish(&sender->window);
    tree_walk_destroy(sender->walk);
    tree_count_destroy(sender->count);
    chunk_check_destroy(sender->check);
    transfer_failures_free(engine->failures);
    item_queue_clear(&sender->notices, engine->pool);
    for (size_t i = 0; i < sender->path_count; i++)
        free(sender->paths[i]);
    free(sender->paths);
    free(sender->part);
    free(sender->pack);
    free(sender->given_up);
    sodium_memzero(&sender->keys, sizeof(sender->keys));
    free(sender);
}

static const struct engine_ops sender_ops = {
    .take = sender_take, .produce = sender_produce, .take_fin = sender_take_fin, .destroy = sender_destroy};

static int refuse(char ret_problem[static TEXT_REASON_MAX + 1], int status, const char *why, const char *path)
{
    char text[FILES_PATH_MAX + TEXT_REASON_MAX];
    snprintf(text, sizeof(text), "%s: %s", why, path);
    utf8_copy(ret_problem, TEXT_REASON_MAX + 1, span_of_text(text));
    return status;
}

static bool name_is_valid(const char *path)
{
    char name[FILES_NAME_MAX + 1];
    size_t size;
    const char *at = entry_name_of_path(path, &size);
    if (size >= sizeof(name))
        return false;
    memcpy(name, at, size);
    name[size] = '\0';
    return entry_name_is_valid(name);
}

static int check_root(const struct sender_options *options, const char *path,
                      char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct stat stat;
    bool follow = options->links != FILES_LINKS_KEEP || options->list;
    if (fstatat(AT_FDCWD, path, &stat, follow ? 0 : AT_SYMLINK_NOFOLLOW) < 0) {
        int status = uv_translate_sys_error(errno);
        return refuse(ret_problem, status, status_text(status), path);
    }
    if (options->list)
        return S_ISDIR(stat.st_mode) ? 0 : refuse(ret_problem, UV_ENOTDIR, "this is no folder", path);
    if (!name_is_valid(path))
        return refuse(ret_problem, STATUS_INVALID, "this has no name that can be sent", path);
    if (S_ISDIR(stat.st_mode) && (options->flags & FILES_RECURSIVE) == 0)
        return refuse(ret_problem, UV_EISDIR, "this is a folder: ask for folders, too", path);
    if (!S_ISDIR(stat.st_mode) && !S_ISREG(stat.st_mode) && !S_ISLNK(stat.st_mode))
        return refuse(ret_problem, STATUS_INVALID, "this is neither a file nor a folder", path);
    return 0;
}

static int copy_paths(struct sender *sender, const struct sender_options *options)
{
    sender->paths = calloc(options->path_count, sizeof(*sender->paths));
    if (sender->paths == NULL)
        return UV_ENOMEM;
    for (; sender->path_count < options->path_count; sender->path_count++) {
        char *path = strdup(options->paths[sender->path_count]);
        if (path == NULL)
            return UV_ENOMEM;
        sender->paths[sender->path_count] = path;
    }
    return 0;
}

static int make_parts(struct sender *sender, const struct sender_options *options)
{
    sender->part = calloc(FILES_ENTRIES_A_MESSAGE_MAX, sizeof(*sender->part));
    sender->pack = calloc(FILES_ENTRIES_A_MESSAGE_MAX, sizeof(*sender->pack));
    sender->given_up = calloc(FILES_WINDOW, sizeof(*sender->given_up));
    if (sender->part == NULL || sender->pack == NULL || sender->given_up == NULL)
        return UV_ENOMEM;
    int status = copy_paths(sender, options);
    if (status == 0)
        status = chunk_check_create(&sender->keys, &sender->check);
    if (status == 0)
        status = send_window_init(&sender->window, &sender->folders);
    if (status < 0)
        return status;
    sender->walk_options = (struct tree_walk_options){
        .folders = &sender->folders,
        .path_count = sender->path_count,
        .paths = (const char *const *)sender->paths,
        .recursive = (options->flags & FILES_RECURSIVE) != 0,
        .links = options->links,
        .list = options->list,
        .stop = &sender->engine.stop,
        .on_left_out = on_left_out,
        .ctx = sender,
    };
    return tree_walk_create(&sender->walk_options, &sender->walk);
}

int sender_create(const struct sender_options *options, struct engine **ret,
                  char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (options->path_count == 0 || (options->list && options->path_count > 1))
        return refuse(ret_problem, STATUS_INVALID, "so many paths can't be named", "");
    for (size_t i = 0; i < options->path_count; i++) {
        int status = check_root(options, options->paths[i], ret_problem);
        if (status < 0)
            return status;
    }
    struct sender *sender = calloc(1, sizeof(*sender));
    if (sender == NULL)
        return UV_ENOMEM;
    sender->engine = (struct engine){.ops = &sender_ops, .pool = options->pool};
    sender->engine.counts.phase = TRANSFER_SCAN;
    sender->keys = options->keys;
    sender->list = options->list;
    sender->keeps_owner = (options->flags & FILES_OWNER) != 0;
    sender->keeps_attributes = (options->flags & FILES_ATTRIBUTES) != 0;
    source_folder_set_init(&sender->folders, FOLDERS_OPEN_MAX);
    int status = make_parts(sender, options);
    if (status < 0) {
        sender_destroy(&sender->engine, false);
        return status;
    }
    *ret = &sender->engine;
    return 0;
}
