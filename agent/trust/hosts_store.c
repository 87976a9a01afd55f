/* SPDX-License-Identifier: MIT */
/* Reads and writes hosts.json.
 *
 * It never falls open: a file that makes no sense is set aside as hosts.json.broken, and as long as that lies
 * there without a hosts.json beside it nobody is taken by first contact. What the owner does next (trust,
 * forget --all, a pairing by code) writes a new hosts.json and so ends that state.
 *
 * The file names the identity that its hosts were learned under. A clone has a new identity, so the two can't
 * be mixed up even if the program ends between writing one and the other. */
#define LOG_MODULE "trust"
#include "agent/trust/hosts_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "services/identity/private_file.h"

static bool exists(int folder, const char *name, struct stat *ret)
{
    return fstatat(folder, name, ret, AT_SYMLINK_NOFOLLOW) == 0;
}

static void look(int folder, struct hosts_file_state *ret)
{
    struct stat facts, aside;
    *ret = (struct hosts_file_state){0};
    if (exists(folder, HOSTS_FILE, &facts)) {
        ret->there = true;
        ret->device = facts.st_dev;
        ret->inode = facts.st_ino;
        ret->size = facts.st_size;
        ret->changed = facts.st_mtim;
    }
    ret->broken_there = exists(folder, HOSTS_BROKEN_FILE, &aside);
}

static bool has_changed(int folder, const struct hosts_file_state *seen)
{
    struct hosts_file_state now;
    look(folder, &now);
    return now.there != seen->there || now.broken_there != seen->broken_there || now.device != seen->device ||
           now.inode != seen->inode || now.size != seen->size || now.changed.tv_sec != seen->changed.tv_sec ||
           now.changed.tv_nsec != seen->changed.tv_nsec;
}

/* 0: `ret` is what the file says, an empty list when there is none. */
static int read_file(int folder, struct known_hosts *ret, bool *ret_has_identity, uint8_t *ret_identity)
{
    size_t size;
    char *text = malloc(KNOWN_HOSTS_TEXT_MAX);
    int status =
        text == NULL ? UV_ENOMEM : private_file_read(folder, HOSTS_FILE, text, KNOWN_HOSTS_TEXT_MAX, &size);
    if (status == 0)
        status = known_hosts_parse(text, size, ret, ret_has_identity, ret_identity);
    free(text);
    if (status == UV_ENOENT) {
        ret->count = 0;
        *ret_has_identity = false;
        return 0;
    }
    return status;
}

/* What could not be written is not in the file, and holds all the same. */
static void keep_unsaved(struct known_hosts *known, const struct known_hosts *before)
{
    for (size_t i = 0; i < before->count; i++) {
        if (before->hosts[i].unsaved && known_hosts_find(known, before->hosts[i].key) == NULL)
            known_hosts_put(known, &before->hosts[i]);
    }
}

static void set_aside(struct hosts_store *store, int folder, int status)
{
    store->broken = true;
    store->known.count = 0;
    bool unreadable =
        status != STATUS_MALFORMED && status != STATUS_TOO_LARGE && status != STATUS_NOT_ALLOWED;
    bool moved = !unreadable && renameat(folder, HOSTS_FILE, folder, HOSTS_BROKEN_FILE) == 0;
    log_error("%s/" HOSTS_FILE
              " can't be used (%s)%s: no host is trusted by first contact until one is accepted with "
              "hospes-agent trust, or hospes-agent forget --all was run",
              store->folder, status_text(status), moved ? ", and now is " HOSTS_BROKEN_FILE : "");
}

/* Those that another identity has learned are not ours. */
static void drop_foreign(struct hosts_store *store, struct known_hosts *found, bool has_identity,
                         const uint8_t *identity)
{
    bool other = has_identity && memcmp(identity, store->identity, NOISE_KEY_SIZE) != 0;
    store->stale = store->has_identity && (other || !has_identity);
    if (!store->stale || (!other && !store->cloned))
        return;
    if (found->count > 0)
        log_warn("this guest has a new key: hosts that the former one was paired with are forgotten (%zu)",
                 found->count);
    found->count = 0;
}

static void read_store(struct hosts_store *store, int folder)
{
    struct known_hosts found = {0};
    const struct known_hosts before = store->known;
    bool has_identity = false;
    uint8_t identity[NOISE_KEY_SIZE];
    look(folder, &store->seen); /* before reading: what is replaced in between is read again */
    int status = read_file(folder, &found, &has_identity, identity);
    if (status < 0) {
        set_aside(store, folder, status);
        look(folder, &store->seen);
    } else {
        drop_foreign(store, &found, has_identity, identity);
        store->known = found;
    }
    keep_unsaved(&store->known, &before);
    if (status == 0)
        store->broken = !store->seen.there && store->seen.broken_there;
    store->stale = store->stale && store->seen.there;
    store->was_read = true;
}

void hosts_store_refresh(struct hosts_store *store)
{
    int folder;
    int status = private_folder_open(store->folder, false, &folder);
    if (status < 0) {
        /* A folder that is not there, or another user's, holds no state of ours. One that others may change
         * says nothing. */
        store->broken = store->broken || status == STATUS_NOT_ALLOWED;
        return;
    }
    if (!store->was_read || has_changed(folder, &store->seen))
        read_store(store, folder);
    close(folder);
}

/* ---- changes ---- */

static int write_store(struct hosts_store *store, int folder)
{
    char *text = known_hosts_format(&store->known, store->has_identity ? store->identity : NULL);
    if (text == NULL)
        return UV_ENOMEM;
    int status = private_file_replace(folder, HOSTS_FILE, text, strlen(text));
    free(text);
    return status;
}

typedef int (*change)(struct known_hosts *known, const void *what);

static void tell_unsaved(struct hosts_store *store, int reason)
{
    if (!store->told_unsaved)
        log_warn(
            "%s can't be written to (%s): what changes in the list of hosts holds until this program ends",
            store->folder, status_text(reason));
    store->told_unsaved = true;
}

/* Who writes hosts.json without knowing the guest's key must not claim that the hosts in it were learned
 * under none. */
static void adopt_identity(struct hosts_store *store, int folder)
{
    struct known_hosts ignored;
    bool has_identity;
    uint8_t identity[NOISE_KEY_SIZE];
    if (!store->has_identity && read_file(folder, &ignored, &has_identity, identity) == 0 && has_identity) {
        store->has_identity = true;
        memcpy(store->identity, identity, NOISE_KEY_SIZE);
    }
}

/* On what is in the file now. *ret_reason is why it could not be written; 0: it was. */
static int change_locked(struct hosts_store *store, int folder, change apply, const void *what,
                         int *ret_reason)
{
    read_store(store, folder);
    adopt_identity(store, folder);
    int status = apply(&store->known, what);
    if (status == 0)
        *ret_reason = write_store(store, folder);
    look(folder, &store->seen);
    return status;
}

static int change_store(struct hosts_store *store, change apply, const void *what, bool *ret_saved)
{
    int folder = -1, lock = -1;
    int reason = private_folder_open(store->folder, true, &folder);
    if (reason == 0)
        reason = private_folder_lock(folder, &lock);
    int status =
        reason == 0 ? change_locked(store, folder, apply, what, &reason) : apply(&store->known, what);
    if (lock >= 0)
        close(lock);
    if (folder >= 0)
        close(folder);
    if (status < 0)
        return status;
    store->broken = false;
    if (reason < 0)
        tell_unsaved(store, reason);
    else
        store->cloned = store->stale = false;
    for (size_t i = 0; reason == 0 && i < store->known.count; i++)
        store->known.hosts[i].unsaved = false;
    if (ret_saved != NULL)
        *ret_saved = reason == 0;
    return 0;
}

static int apply_nothing(struct known_hosts *known, const void *what)
{
    return 0;
}

static int apply_put(struct known_hosts *known, const void *what)
{
    return known_hosts_put(known, what);
}

static int apply_remove(struct known_hosts *known, const void *what)
{
    return known_hosts_remove(known, what) ? 0 : STATUS_NOT_FOUND;
}

static int apply_clear(struct known_hosts *known, const void *what)
{
    known->count = 0;
    return 0;
}

int hosts_store_put(struct hosts_store *store, const struct known_host *host, bool *ret_saved)
{
    struct known_host added = *host;
    added.unsaved = true; /* until it is written */
    return change_store(store, apply_put, &added, ret_saved);
}

int hosts_store_remove(struct hosts_store *store, const uint8_t key[static NOISE_KEY_SIZE], bool *ret_saved)
{
    return change_store(store, apply_remove, key, ret_saved);
}

int hosts_store_clear(struct hosts_store *store, bool *ret_saved)
{
    return change_store(store, apply_clear, NULL, ret_saved);
}

void hosts_store_init(struct hosts_store *store, const char *folder, const uint8_t *identity, bool cloned)
{
    *store = (struct hosts_store){.folder = folder, .has_identity = identity != NULL, .cloned = cloned};
    if (identity != NULL)
        memcpy(store->identity, identity, NOISE_KEY_SIZE);
    hosts_store_refresh(store);
    if (store->stale)
        change_store(store, apply_nothing, NULL, NULL);
}
