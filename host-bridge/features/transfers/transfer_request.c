/* SPDX-License-Identifier: MIT */
/* What may be asked for, and the id that follows from it. Nothing is opened or looked at here. */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/features/transfers/transfer_names.h"
#include "host-bridge/features/transfers/transfers_private.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/config/reason.h"

/* COPY: two requests that differ in nothing of this are the same piece of work. */
#define FLAGS_OF_ID (FILES_RECURSIVE | FILES_OWNER | FILES_ATTRIBUTES)
#define FLAGS_TAKEN                                                                                          \
    (FILES_RECURSIVE | FILES_UPDATE | FILES_CHECKSUM | FILES_RESUME | FILES_OWNER | FILES_ATTRIBUTES)

static bool is_text(const char *text, size_t max)
{
    size_t size = strnlen(text, max + 1);
    return size <= max && utf8_is_valid(span_of(text, size));
}

static int complain(char *ret_problem, const char *sentence)
{
    reason_format(ret_problem, "%s", sentence);
    return STATUS_INVALID;
}

/* ---- checks ---- */

static int check_place(const struct transfer_place *place, char *ret_problem)
{
    if (!is_text(place->user, TEXT_NAME_MAX) || !is_text(place->vm, TEXT_NAME_MAX))
        return complain(ret_problem, "a guest's or user's name is no text");
    for (size_t i = 0; i < place->path_count; i++) {
        const char *path = place->paths[i];
        if (path[0] == '\0' || !is_text(path, FILES_PATH_MAX))
            return complain(ret_problem, "a path is empty, too long, or no valid UTF-8");
        if (place->vm[0] == '\0' && path[0] != '/') {
            reason_format(ret_problem, "%.150s: a path on the host must be absolute", path);
            return STATUS_INVALID;
        }
    }
    return 0;
}

static int check_names(const struct transfer_request *request, char *ret_problem)
{
    const struct transfer_place *from = &request->from;
    bool may_be_named_by_target = request->to.vm[0] == '\0' && from->path_count == 1;
    for (size_t i = 0; i < from->path_count; i++) {
        char name[FILES_NAME_MAX + 1], other[FILES_NAME_MAX + 1];
        bool has_name = transfer_name_of_path(from->paths[i], name);
        if (!has_name && !may_be_named_by_target) {
            reason_format(ret_problem, "%.150s names no file or folder; give its name", from->paths[i]);
            return STATUS_INVALID;
        }
        for (size_t k = 0; k < i; k++) {
            if (!transfer_name_of_path(from->paths[k], other) || strcmp(name, other) != 0)
                continue;
            reason_format(ret_problem, "two sources are called \"%.150s\"; copy them one by one", name);
            return STATUS_INVALID;
        }
    }
    return 0;
}

static int check_kind(const struct transfer_request *request, char *ret_problem)
{
    const struct transfer_place *from = &request->from, *to = &request->to;
    if (from->vm[0] == '\0' && to->vm[0] == '\0')
        return complain(ret_problem, "one side must be a guest");
    switch (request->kind) {
    case TRANSFER_TAKE:
        if (from->vm[0] == '\0' || to->vm[0] != '\0' || request->offer == 0 || from->path_count != 0)
            return complain(ret_problem, "an offer is taken from a guest to the host");
        break;
    case TRANSFER_DROP:
        if (to->vm[0] == '\0' || to->path_count != 0)
            return complain(ret_problem, "a drop goes into a guest's drop folder, without a path");
        break;
    case TRANSFER_COPY:
        break;
    default:
        return complain(ret_problem, "no such kind of transfer");
    }
    if (request->kind != TRANSFER_TAKE && (from->path_count == 0 || from->path_count > FILES_PATHS_MAX))
        return complain(ret_problem, "name 1 to 64 files or folders");
    if (request->kind != TRANSFER_DROP && to->path_count != 1)
        return complain(ret_problem, "name one target");
    return 0;
}

static int check(const struct transfer_request *request, char *ret_problem)
{
    int status = check_kind(request, ret_problem);
    if (status == 0)
        status = check_place(&request->from, ret_problem);
    if (status == 0)
        status = check_place(&request->to, ret_problem);
    if (status == 0)
        status = check_names(request, ret_problem);
    if (status < 0)
        return status;
    if ((request->flags & ~(uint32_t)FLAGS_TAKEN) != 0 || request->conflict > FILES_FAIL ||
        request->links > FILES_LINKS_FOLLOW)
        return complain(ret_problem, "a flag, or what is to become of conflicts or links, is not known");
    if (request->offer_name != NULL && !is_text(request->offer_name, FILES_NAME_MAX))
        return complain(ret_problem, "the offer's name is no text");
    return 0;
}

/* ---- the id ---- */

static void add_text(crypto_generichash_state *hash, const char *text)
{
    crypto_generichash_update(hash, (const uint8_t *)text, strlen(text) + 1);
}

static void add_place(crypto_generichash_state *hash, const struct transfer_place *place)
{
    uint8_t count = (uint8_t)place->path_count; /* 64 at most */
    add_text(hash, place->vm);
    add_text(hash, place->user);
    crypto_generichash_update(hash, &count, 1);
    for (size_t i = 0; i < place->path_count; i++)
        add_text(hash, place->paths[i]);
}

static void make_id(struct transfer_entry *entry)
{
    if (transfer_is_kept(&entry->transfer)) {
        randombytes_buf(entry->id.bytes, FILES_ID_SIZE);
        return;
    }
    crypto_generichash_state hash;
    uint8_t rest[4] = {(uint8_t)(entry->flags & FLAGS_OF_ID), entry->conflict, entry->links,
                       entry->strip_executable};
    crypto_generichash_init(&hash, NULL, 0, FILES_ID_SIZE);
    add_text(&hash, "Hospes copy");
    add_place(&hash, &entry->transfer.from);
    add_place(&hash, &entry->transfer.to);
    crypto_generichash_update(&hash, rest, sizeof(rest));
    crypto_generichash_final(&hash, entry->id.bytes, FILES_ID_SIZE);
}

/* ---- the entry ---- */

static int copy_place(struct transfer_place *to, const struct transfer_place *from)
{
    memcpy(to->vm, from->vm, sizeof(to->vm));
    memcpy(to->user, from->user, sizeof(to->user));
    to->paths = calloc(from->path_count + 1, sizeof(char *));
    if (to->paths == NULL)
        return UV_ENOMEM;
    for (; to->path_count < from->path_count; to->path_count++) {
        to->paths[to->path_count] = strdup(from->paths[to->path_count]);
        if (to->paths[to->path_count] == NULL)
            return UV_ENOMEM;
    }
    return 0;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(texts[i]);
    free(texts);
}

int transfer_entry_create(const struct transfer_request *request, struct transfer_entry **ret,
                          char ret_problem[static TEXT_REASON_MAX + 1])
{
    int status = check(request, ret_problem);
    if (status < 0)
        return status;
    reason_format(ret_problem, "%s", status_text(UV_ENOMEM));
    struct transfer_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return UV_ENOMEM;
    struct transfer *transfer = &entry->transfer;
    transfer->kind = request->kind;
    transfer->state = TRANSFER_WAITING;
    transfer->offer = request->kind == TRANSFER_TAKE ? request->offer : 0;
    transfer->left_s = UINT64_MAX;
    transfer->started_ms = clock_realtime_ms();
    entry->flags = request->flags & ~(uint32_t)FILES_RESUME;
    entry->begun = (request->flags & FILES_RESUME) != 0 || transfer_is_kept(transfer);
    entry->conflict = request->kind == TRANSFER_DROP ? FILES_RENAME : request->conflict;
    entry->links = request->links;
    entry->strip_executable = request->strip_executable;
    entry->bytes_max = request->kind == TRANSFER_TAKE ? request->bytes_max : UINT64_MAX;
    entry->wait = WAIT_TURN;
    if (copy_place(&transfer->from, &request->from) < 0 || copy_place(&transfer->to, &request->to) < 0 ||
        (request->offer_name != NULL && (entry->offer_name = strdup(request->offer_name)) == NULL)) {
        transfer_entry_free(entry);
        return UV_ENOMEM;
    }
    make_id(entry);
    sodium_bin2hex(transfer->id, sizeof(transfer->id), entry->id.bytes, FILES_ID_SIZE);
    ret_problem[0] = '\0';
    *ret = entry;
    return 0;
}

void transfer_entry_free(struct transfer_entry *entry)
{
    if (entry == NULL)
        return;
    struct transfer *transfer = &entry->transfer;
    free_texts(transfer->from.paths, transfer->from.path_count);
    free_texts(transfer->to.paths, transfer->to.path_count);
    free_texts(transfer->names, transfer->name_count);
    transfer_failures_free(transfer->failures);
    free(entry->offer_name);
    free(entry);
}
