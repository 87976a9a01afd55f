/* SPDX-License-Identifier: MIT */
/* Counts what is not told. What is left over when it ends is told with the next occurrence. */
#include "protocol/base/log_limit.h"

bool log_limit_tell(struct log_limit *limit, uint64_t now_ms, uint64_t *ret_count)
{
    limit->untold++;
    if (now_ms < limit->next_ms)
        return false;
    *ret_count = limit->untold;
    limit->untold = 0;
    limit->next_ms = now_ms + LOG_LIMIT_INTERVAL_MS;
    return true;
}
