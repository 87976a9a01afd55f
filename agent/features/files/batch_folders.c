/* SPDX-License-Identifier: MIT */
/* A small table under a lock. The lock is held while a folder is made, so that two files of one batch never
 * make two. */
#include "agent/features/files/batch_folders.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "services/transfer/receive/free_name.h"

int batch_folders_init(struct batch_folders *batches)
{
    memset(batches, 0, sizeof(*batches));
    return uv_mutex_init(&batches->lock);
}

void batch_folders_finish(struct batch_folders *batches)
{
    uv_mutex_destroy(&batches->lock);
}

static bool is_alone(const struct batch_key *key)
{
    static const struct files_id NONE;
    return memcmp(&key->id, &NONE, sizeof(NONE)) == 0;
}

static bool key_equals(const struct batch_key *a, const struct batch_key *b)
{
    return a->uid == b->uid && memcmp(&a->id, &b->id, sizeof(a->id)) == 0 &&
           memcmp(&a->session, &b->session, sizeof(a->session)) == 0;
}

static struct batch_folder *find(struct batch_folders *batches, const struct batch_key *key,
                                 const char *asked)
{
    for (size_t i = 0; i < BATCH_FOLDERS_MAX; i++) {
        struct batch_folder *folder = &batches->folders[i];
        if (folder->used != 0 && key_equals(&folder->key, key) && strcmp(folder->asked, asked) == 0)
            return folder;
    }
    return NULL;
}

static void remember(struct batch_folders *batches, const struct batch_key *key, const char *asked,
                     const char *made)
{
    struct batch_folder *place = &batches->folders[0];
    for (size_t i = 1; i < BATCH_FOLDERS_MAX; i++) {
        if (batches->folders[i].used < place->used)
            place = &batches->folders[i];
    }
    place->key = *key;
    place->used = ++batches->clock;
    snprintf(place->asked, sizeof(place->asked), "%s", asked);
    snprintf(place->made, sizeof(place->made), "%s", made);
}

static int make_new(int parent, const char *asked, char *ret_made)
{
    for (unsigned i = 0; i <= FREE_NAME_MAX; i++) {
        free_name_make(asked, true, i, ret_made);
        if (mkdirat(parent, ret_made, 0777) == 0)
            return 0;
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

int batch_folders_make(struct batch_folders *batches, const struct batch_key *key, int parent,
                       const char *asked, char ret_made[static FILES_NAME_MAX + 1])
{
    if (is_alone(key))
        return make_new(parent, asked, ret_made);
    int result = 0;
    uv_mutex_lock(&batches->lock);
    struct batch_folder *known = find(batches, key, asked);
    if (known != NULL) {
        known->used = ++batches->clock;
        memcpy(ret_made, known->made, sizeof(known->made));
        result = mkdirat(parent, ret_made, 0777) < 0 && errno != EEXIST ? -1 : 0; /* it may be gone again */
    } else {
        result = make_new(parent, asked, ret_made);
        if (result == 0)
            remember(batches, key, asked, ret_made);
    }
    int error = errno;
    uv_mutex_unlock(&batches->lock);
    errno = error;
    return result;
}
