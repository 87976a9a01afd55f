/* SPDX-License-Identifier: MIT */
/* A token bucket in integers. What follows from a refusal is the owner's. */
#include "services/limit/allowance.h"

#define MILLIS 1000

static void fill(struct allowance *allowance, uint64_t now_ms)
{
    uint64_t full = (uint64_t)allowance->burst * MILLIS;
    if (now_ms <= allowance->at_ms)
        return;
    uint64_t passed = now_ms - allowance->at_ms;
    uint64_t missing = full - allowance->left_millis;
    allowance->at_ms = now_ms;
    /* rate a second is rate thousandths a millisecond */
    allowance->left_millis += passed > missing / allowance->rate ? missing : passed * allowance->rate;
}

void allowance_init(struct allowance *allowance, uint32_t rate, uint32_t burst, uint64_t now_ms)
{
    *allowance = (struct allowance){
        .rate = rate, .burst = burst, .left_millis = (uint64_t)burst * MILLIS, .at_ms = now_ms};
}

bool allowance_take(struct allowance *allowance, uint32_t amount, uint64_t now_ms)
{
    fill(allowance, now_ms);
    uint64_t wanted = (uint64_t)amount * MILLIS;
    if (wanted > allowance->left_millis) {
        allowance->refused++;
        return false;
    }
    allowance->left_millis -= wanted;
    return true;
}
