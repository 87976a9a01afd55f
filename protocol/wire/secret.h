/* SPDX-License-Identifier: MIT */
/* Memory for keys: locked (never swapped), kept out of core dumps, wiped when it is given back. Many small
 * secrets share one locked region, since a page of its own and three system calls for each would cost more
 * than what they protect. Where the limit of locked memory is reached the region is used unlocked: a bridge
 * that runs beats one that does not. */
#ifndef HOSPES_SECRET_H
#define HOSPES_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret_pool; /* opaque: one for a program, owned by its link_loop */

#define SECRET_SIZE_MAX 1024 /* the largest: the states of AES-256-GCM's two directions would be 1024 */

/* Initialises libsodium, too. NULL when that fails or memory ran out. */
struct secret_pool *secret_pool_create(void);
/* After all its secrets are released (asserted). NULL allowed. */
void secret_pool_destroy(struct secret_pool *pool);
/* `size` ≤ SECRET_SIZE_MAX bytes, all zero, aligned to 16. NULL when out of memory. */
void *secret_take(struct secret_pool *pool, size_t size);
/* Wipes. `size` as it was taken. NULL allowed. */
void secret_release(struct secret_pool *pool, void *secret, size_t size);
/* False when some region could not be locked (RLIMIT_MEMLOCK): for the program's log. */
bool secret_pool_is_locked(const struct secret_pool *pool);

#endif
