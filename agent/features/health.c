/* SPDX-License-Identifier: MIT */
/* Puts the machine's figures together. Reading them is left to the platform. */
#include "agent/features/health.h"

#include <stdlib.h>
#include <string.h>

#include "agent/platform/linux_health.h"
#include "agent/platform/linux_mounts.h"
#include "agent/platform/linux_users.h"
#include "protocol/base/clock.h"

int health_read(struct health_message *ret)
{
    uint64_t total;
    uint64_t available;
    int status = memory_read(&total, &available);
    if (status < 0)
        return status;
    memset(ret, 0, sizeof(*ret));
    ret->memory_total = total;
    ret->memory_available = available;
    ret->uptime_ms = clock_boot_ms();
    ret->realtime_ms = clock_realtime_ms();
    (void)process_uptime_ms(&ret->agent_uptime_ms);
    if (getloadavg(ret->load, 3) != 3)
        memset(ret->load, 0, sizeof(ret->load));
    if (mounts_read(ret->disks, &ret->disk_count) < 0)
        ret->disk_count = 0;
    ret->address_count = addresses_read(ret->addresses);
    ret->user_count = users_read(ret->users);
    return 0;
}
