/* SPDX-License-Identifier: MIT */
/* The engine that takes files: checks every name, writes into a hidden folder beside the target, puts the
 * roots in their places when all is there (docs/protocol.md, section 11; docs/decisions/0015-file-engine.md).
 *
 * Nothing lands outside `folder`, whatever the other side says: folders are opened one component at a time,
 * beneath, without following links. */
#ifndef HOSPES_RECEIVER_H
#define HOSPES_RECEIVER_H

#include "services/transfer/engine.h"

#define PARTIAL_FOLDER                                                                                       \
    ".hospes-partial" /* in the target folder: one folder in it for each transfer, by its id in hex */
#define PARTIAL_AGE_MAX_S (24 * 3600) /* older ones are removed by the next transfer into the same folder */
#define SPACE_RESERVE                                                                                        \
    (64ULL << 20) /* bytes that a transfer leaves free, or 1 % of the disk if that is less */

struct receiver_options { /* borrowed until receiver_create returns */
    struct item_pool *pool;
    struct engine_keys keys;
    const char *folder;       /* absolute; must be there */
    size_t name_count;        /* 0: the roots keep the names that they are announced with (checked) */
    const char *const *names; /* else exactly so many roots are taken, and these are their names, in order */
    struct files_id id;
    uint32_t flags;        /* enum files_flag: UPDATE, CHECKSUM, RESUME, OWNER, ATTRIBUTES count here */
    uint8_t conflict;      /* enum files_conflict. REPLACE merges folders, file by file */
    uint8_t links;         /* enum files_links: anything but KEEP refuses links */
    bool strip_executable; /* no file is executable */
    const char *origin;    /* value of user.xdg.origin.url for every file; NULL: none */
};

/* Makes or opens the partial folder and locks it. STATUS_CONFLICT: a transfer with this id is at work there.
 * UV_ENOENT, UV_ENOTDIR, UV_EACCES, UV_EROFS … with a sentence. */
int receiver_create(const struct receiver_options *options, struct engine **ret,
                    char ret_problem[static TEXT_REASON_MAX + 1]);

/* Where roots are now, in order, once FILES_DONE was produced: absolute paths, "" for one that failed. Valid
 * as long as the engine. */
size_t receiver_names(const struct engine *engine, const char *const **ret);

#endif
