/* SPDX-License-Identifier: MIT */
/* hosts.json of the state folder, and what of it holds here and now. Several processes may change it: each
 * change is made on what is in the file at that moment. Logs what goes wrong with the file, since trust goes
 * on without it. */
#ifndef HOSPES_HOSTS_STORE_H
#define HOSPES_HOSTS_STORE_H

#include <sys/types.h>
#include <time.h>

#include "agent/trust/known_hosts.h"

#define HOSTS_FILE        "hosts.json"
#define HOSTS_BROKEN_FILE "hosts.json.broken"

struct hosts_file_state { /* of the files that were looked at, to notice that somebody changed them */
    bool there, broken_there;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec changed;
};

struct hosts_store {
    const char *folder; /* borrowed */
    bool has_identity;
    uint8_t identity[NOISE_KEY_SIZE];
    struct known_hosts known;
    bool cloned; /* what is in the file was learned by another machine */
    bool broken; /* the file made no sense or can't be read: no first contact until the owner acts */
    bool stale;  /* the file says another identity than ours, or none */
    bool was_read;
    bool told_unsaved;
    struct hosts_file_state seen;
};

/* Reads. `identity`: this guest's key; hosts that were learned under another one are dropped, and with
 * `cloned` those too that were learned under an unnamed one. NULL: not known (the files are changed while no
 * agent runs), and then nothing is dropped. */
void hosts_store_init(struct hosts_store *store, const char *folder, const uint8_t *identity, bool cloned);
/* Reads again if somebody else has changed the file. */
void hosts_store_refresh(struct hosts_store *store);

/* All: 0, also when it could not be written and holds only until the program ends (*ret_saved, NULL allowed).
 */
int hosts_store_put(struct hosts_store *store, const struct known_host *host,
                    bool *ret_saved); /* STATUS_LIMIT */
int hosts_store_remove(struct hosts_store *store, const uint8_t key[static NOISE_KEY_SIZE],
                       bool *ret_saved); /* STATUS_NOT_FOUND */
/* Forgets all, and that the file was broken. */
int hosts_store_clear(struct hosts_store *store, bool *ret_saved);

#endif
