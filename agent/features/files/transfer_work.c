/* SPDX-License-Identifier: MIT */
/* PUT, GET and LIST: finds out where files go or come from, makes the engine, and joins it to the stream.
 * What is sent and checked is the engine's. */
#define LOG_MODULE "files"
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uv.h>

#include "agent/features/files/complaint.h"
#include "agent/features/files/drop_folder.h"
#include "agent/features/files/work.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "services/transfer/receive/receiver.h"
#include "services/transfer/receive/resumed_target.h"
#include "services/transfer/send/sender.h"
#include "services/transfer/target_path.h"
#include "services/transfer/transfer_link.h"

struct transfer_state {
    struct engine *engine; /* NULL once the link has it */
    struct transfer_link *link;
    uint8_t check;
    bool is_offer;
    int nothing_given; /* of an offer: all ended well, but nothing could be read, and why */
};

static int get_state(struct work *work, struct transfer_state **ret)
{
    if (work->state == NULL)
        work->state = calloc(1, sizeof(struct transfer_state));
    *ret = work->state;
    return work->state == NULL ? UV_ENOMEM : 0;
}

/* In a plain session each direction's bytes are tagged by a cipher that both can. */
static int choose_check(struct work *work, struct transfer_state *state)
{
    if (work->sealed)
        return 0;
    state->check = (uint8_t)aead_choose(aead_ciphers(), work->open.checks);
    if (state->check != 0)
        return 0;
    snprintf(work->problem, sizeof(work->problem), "no cipher in common to check the bytes with");
    return STATUS_NOT_SUPPORTED;
}

static struct engine_keys engine_keys_of(const struct work *work, uint8_t check)
{
    struct engine_keys keys = {.check = check};
    memcpy(keys.check_key, work->keys.check, sizeof(keys.check_key));
    memcpy(keys.digest_key, work->keys.digest, sizeof(keys.digest_key));
    return keys;
}

/* ---- PUT ---- */

static int find_target(struct work *work, struct target_path *ret)
{
    if ((work->open.flags & FILES_DROP) == 0) {
        char path[FILES_PATH_MAX + 1];
        bool resumes = (work->open.flags & FILES_RESUME) != 0;
        if (resumes && target_path_absolute(work->open.to, work->user.home, path) == 0 &&
            resumed_target_find(path, &work->open.id, ret))
            return 0;
        return target_path_resolve(work->open.to, work->user.home, 1, ret, work->problem);
    }
    ret->name[0] = '\0';
    return drop_folder_make(work->user.home, work->files->options.drop_folder, ret->folder, work->problem);
}

static void show_target(struct work *work, const struct target_path *target)
{
    const char *slash = target->name[0] != '\0' && strcmp(target->folder, "/") != 0 ? "/" : "";
    int size = snprintf(work->path, sizeof(work->path), "%s%s%s", target->folder, slash, target->name);
    if (size < 0 || (size_t)size >= sizeof(work->path))
        work->path[0] = '\0';
}

static int prepare_put(struct work *work)
{
    struct transfer_state *state;
    struct target_path *target = malloc(sizeof(*target));
    int status = target == NULL ? UV_ENOMEM : get_state(work, &state);
    if (status == 0)
        status = choose_check(work, state);
    if (status == 0)
        status = find_target(work, target);
    if (status == 0) {
        const char *const names[] = {target->name};
        struct receiver_options options = {.pool = work->files->pool,
                                           .keys = engine_keys_of(work, state->check),
                                           .folder = target->folder,
                                           .name_count = target->name[0] != '\0' ? 1 : 0,
                                           .names = names,
                                           .id = work->open.id,
                                           .flags = work->open.flags,
                                           .conflict = work->open.conflict,
                                           .links = work->open.links};
        show_target(work, target);
        status = receiver_create(&options, &state->engine, work->problem);
        sodium_memzero(&options.keys, sizeof(options.keys));
    }
    free(target);
    return status;
}

/* ---- GET, LIST ---- */

/* Paths that were offered take the place of the message's. */
static int take_offer(struct work *work)
{
    struct offered_files offered;
    struct files *files = work->files;
    int status = files->offers == NULL ? STATUS_NOT_FOUND
                                       : files->offers->paths(files->offers_ctx, work->open.offer, &offered);
    if (status < 0) {
        snprintf(work->problem, sizeof(work->problem), "there is no such offer");
        return status;
    }
    struct files_path *paths = calloc(offered.path_count, sizeof(*paths));
    if (paths == NULL)
        return UV_ENOMEM;
    for (size_t i = 0; i < offered.path_count; i++)
        snprintf(paths[i].path, sizeof(paths[i].path), "%s", offered.paths[i]);
    free(work->open.paths);
    work->open.paths = paths;
    work->open.path_count = offered.path_count;
    work->open.flags |= FILES_RECURSIVE; /* who offered a folder meant what is in it */
    work->user.identity = offered.identity;
    snprintf(work->user.home, sizeof(work->user.home), "/");
    work->has_user = true;
    return 0;
}

static int ask_get(struct work *work)
{
    struct transfer_state *state;
    int status = get_state(work, &state);
    if (status < 0 || work->open.offer == 0)
        return status;
    status = take_offer(work);
    state->is_offer = status == 0;
    return status;
}

static int make_sender(struct work *work, struct transfer_state *state, bool list)
{
    size_t count = work->open.path_count;
    const char **paths = calloc(count, sizeof(*paths));
    struct files_path *absolute = calloc(count, sizeof(*absolute));
    int status = paths == NULL || absolute == NULL ? UV_ENOMEM : 0;
    for (size_t i = 0; status == 0 && i < count; i++) {
        status = work_resolve(work, work->open.paths[i].path, absolute[i].path);
        paths[i] = absolute[i].path;
    }
    if (status == 0) {
        struct sender_options options = {.pool = work->files->pool,
                                         .keys = engine_keys_of(work, state->check),
                                         .path_count = count,
                                         .paths = paths,
                                         .flags = work->open.flags,
                                         .links = work->open.links,
                                         .list = list};
        memcpy(work->path, absolute[0].path, sizeof(work->path));
        status = sender_create(&options, &state->engine, work->problem);
        sodium_memzero(&options.keys, sizeof(options.keys));
    }
    free(absolute);
    free(paths);
    return status;
}

static int prepare_get(struct work *work)
{
    struct transfer_state *state = work->state;
    if (work->open.path_count == 0) {
        snprintf(work->problem, sizeof(work->problem), "GET needs a path");
        return STATUS_INVALID;
    }
    int status = choose_check(work, state);
    return status < 0 ? status : make_sender(work, state, false);
}

static int prepare_list(struct work *work)
{
    struct transfer_state *state;
    struct stat info;
    int status = get_state(work, &state);
    if (status == 0)
        status = work_resolve_only(work, work->path);
    if (status < 0)
        return status;
    if (stat(work->path, &info) < 0)
        return complaint_of_errno(work->problem, errno, "can't list", work->path);
    if (!S_ISDIR(info.st_mode))
        return complaint_of_path(work->problem, UV_ENOTDIR, work->path, "is not a folder");
    return make_sender(work, state, true);
}

/* ---- the link ---- */

/* 0 where the host has got something, or where there was nothing to give. */
static int why_nothing(const struct engine *engine)
{
    if (engine->counts.failed == 0 || engine->counts.files_done > 0)
        return 0;
    return engine->failures != NULL ? engine->failures->status : UV_EIO;
}

static void handle_end(void *ctx, int status, const char *text)
{
    struct work *work = ctx;
    struct transfer_state *state = work->state;
    if (status == 0 && state->is_offer)
        state->nothing_given = why_nothing(transfer_link_engine(state->link));
    const char *name = files_operation_name(work->open.operation);
    bool is_lost = status == UV_ECANCELED || status == UV_ECONNRESET || status == UV_EOF;
    if (status < 0 && !is_lost)
        files_log_failure(work->files, work->open.operation, status,
                          text[0] != '\0' ? text : status_text(status));
    else
        log_debug("%s %s", name, status == 0 ? "done" : status_text(status));
    work_end(work, status);
}

/* Who has offered something sees it go. */
static void handle_progress(void *ctx)
{
    struct work *work = ctx;
    const struct transfer_state *state = work->state;
    if (state->is_offer && work->files->offers->moved != NULL)
        work->files->offers->moved(work->files->offers_ctx, work->open.offer,
                                   transfer_link_engine(state->link)->counts.bytes_moved);
}

static const struct transfer_link_handler LINK_HANDLER = {.on_progress = handle_progress,
                                                          .on_end = handle_end};

static void begin(struct work *work)
{
    struct transfer_state *state = work->state;
    struct files_opened_message opened = {.check = state->check};
    if (!work_send_opened(work, &opened))
        return;
    if (work->fin_received) { /* nothing can come of it: a receiver needs more, a sender an answer */
        work_fail(work, STATUS_UNEXPECTED);
        return;
    }
    int status = transfer_link_create(work->files->options.uv, work->stream, state->engine,
                                      &work->user.identity, &LINK_HANDLER, work, &state->link);
    if (status < 0) {
        work_fail(work, status);
        return;
    }
    state->engine = NULL;
    work->stream = NULL;
}

static void handle_link_closed(void *ctx)
{
    struct work *work = ctx;
    struct transfer_state *state = work->state;
    state->link = NULL;
    work_settle(work);
}

/* With UV_ECANCELED nobody will want to go on. */
static bool halt(struct work *work)
{
    struct transfer_state *state = work->state;
    if (state->link == NULL)
        return false;
    transfer_link_close(state->link, work->end_status == UV_ECANCELED, handle_link_closed, work);
    return true;
}

static void tell_offers(struct work *work, int status)
{
    const struct transfer_state *state = work->state;
    if (state->is_offer)
        work->files->offers->taken(work->files->offers_ctx, work->open.offer,
                                   status < 0 ? status : state->nothing_given);
}

/* Of an engine that never came to work. */
static void clean(struct work *work)
{
    struct transfer_state *state = work->state;
    if (state != NULL && state->engine != NULL)
        state->engine->ops->destroy(state->engine, work->end_status == UV_ECANCELED);
}

const struct work_kind PUT_WORK = {.prepare = prepare_put, .begin = begin, .halt = halt, .clean = clean};
const struct work_kind GET_WORK = {.ask = ask_get,
                                   .prepare = prepare_get,
                                   .begin = begin,
                                   .over = tell_offers,
                                   .halt = halt,
                                   .clean = clean};
const struct work_kind LIST_WORK = {.prepare = prepare_list, .begin = begin, .halt = halt, .clean = clean};
