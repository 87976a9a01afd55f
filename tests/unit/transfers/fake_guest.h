/* SPDX-License-Identifier: MIT */
/* Guests for the tests of transfers: real engines at the other end of real sockets, opened without a session
 * (fake_guest.c stands in for protocol/link/files_dial.c, too). */
#ifndef HOSPES_FAKE_GUEST_H
#define HOSPES_FAKE_GUEST_H

#include "protocol/link/files_dial.h"
#include "services/transfer/engine.h"

#define FAKE_GUESTS 3

struct fake_visit; /* one connection, seen from the guest */

struct fake_guest {
    char name[16];
    char home[96]; /* a folder of its own */
    bool up;
    /* behaviour */
    int refuse_at_open;                       /* io->open gives this; 0: not */
    int refuse;                               /* the agent's answer to FILES_OPEN; 0: it does it */
    bool mute;                                /* never answers */
    bool hangs;                               /* opens, and then does nothing */
    void (*misbehave)(struct stream *stream); /* opens, and then does this */
    bool resolved;                            /* where PUT goes stays as it was found first */
    char put_folder[FILES_PATH_MAX + 1], put_name[FILES_NAME_MAX + 1];
    /* what it was asked */
    size_t opens;
    struct files_open_message last; /* without its paths */
    size_t visits;                  /* open now */
};

extern struct fake_guest guests[FAKE_GUESTS];

void fake_guests_init(void); /* "one", "two", "three", with homes in `directory`, and up */
struct fake_guest *fake_guest_find(const char *name);
/* Its connections end without a word. */
void fake_guest_cut(struct fake_guest *guest);
/* Cuts, and ends what was not answered, so that the loop can run out. */
void fake_guests_finish(void);

/* For struct transfers_io. */
int fake_guest_open(void *ctx, const char *vm, const struct files_open_message *open,
                    const struct files_dial_handler *handler, void *handler_ctx, struct files_dial **ret);

#endif
