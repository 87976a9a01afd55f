/* SPDX-License-Identifier: MIT */
/* The table of guests. */
#ifndef HOSPES_GUESTS_H
#define HOSPES_GUESTS_H

#include "host-bridge/guest.h"
#include "host-bridge/guest_identity.h"

#define GUESTS_MAX 4096 /* descriptors run out first: at least two for each */

struct guests; /* opaque; owned by struct bridge */

size_t guests_count(const struct guests *guests);
struct guest *guests_at(const struct guests *guests, size_t index);       /* sorted by name */
struct guest *guests_find(const struct guests *guests, const char *name); /* NULL */
/* Name: 1 to 63 of A-Z a-z 0-9 . _ - and no leading dot or dash. STATUS_CONFLICT, STATUS_INVALID,
 * STATUS_LIMIT, UV_ENOMEM, with a sentence. Remembered over restarts. `identity` can be NULL (nothing is
 * provisioned); its secret is read once, so that a bad file is said at once. */
int guests_add(struct guests *guests, const char *name, const char *link,
               const struct guest_identity_options *identity, struct guest **ret,
               char ret_problem[static TEXT_REASON_MAX + 1]);
/* Disconnects, closes forwards, forgets. STATUS_NOT_FOUND; STATUS_NOT_ALLOWED for one that the configuration
 * file lists (remove it there). */
int guests_remove(struct guests *guests, const char *name, char ret_problem[static TEXT_REASON_MAX + 1]);

#endif
