/* SPDX-License-Identifier: MIT */
/* Guest to guest: two engines that hand each other everything they are told, so that no file touches the
 * host's disk. `upper` talks to the guest that sends, `lower` to the one that receives. Each connection has
 * its own keys: tags are checked and made anew. The two are driven by two transfer_links, possibly at the
 * same time and on different loops: what is between them is bounded and locked, and each wakes the other's
 * link. When one is destroyed before its part is done the other fails: UV_ECANCELED where it was discarded,
 * else UV_ECONNRESET. Either can be destroyed first; both have to be. */
#ifndef HOSPES_JUNCTION_H
#define HOSPES_JUNCTION_H

#include "services/transfer/engine.h"

/* `names`: what the roots are called for the receiving guest, in their order, whatever the sending one calls
 * them; more roots are STATUS_NOT_ALLOWED. name_count 0: as they are. Counts are the same in both engines;
 * failures are the lower one's. Digests can't pass, since each connection has its own key: where the receiver
 * wants to compare, the sender is asked for the whole file. */
int junction_create(struct item_pool *pool, const struct engine_keys *upper, const struct engine_keys *lower,
                    size_t name_count, const char *const *names, struct engine **ret_upper,
                    struct engine **ret_lower);
/* Where the roots are in the receiving guest, once its FILES_DONE came: paths of that guest. Of the lower
 * engine, and as long as it lives. The sending guest is not told them. */
size_t junction_names(const struct engine *lower, const struct files_path **ret);

#endif
