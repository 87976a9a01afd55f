/* SPDX-License-Identifier: MIT */
/* Where an earlier try was putting things: by now a folder may have the name that its only root was to get,
 * and that folder may be what the earlier try put there. */
#ifndef HOSPES_RESUMED_TARGET_H
#define HOSPES_RESUMED_TARGET_H

#include "services/transfer/engine.h"
#include "services/transfer/target_path.h"

/* True: a partial folder of `id` lies beside `path` (absolute), so that its last component was the new name
 * of the root. Blocks. */
bool resumed_target_find(const char *path, const struct files_id *id, struct target_path *ret);

#endif
