/* SPDX-License-Identifier: MIT */
/* Reads net.ipv4.ip_local_port_range, which serves IPv6 too. */
#include <stdio.h>

#include "agent/platform/port_range.h"

bool port_range_read(uint16_t *ret_low, uint16_t *ret_high)
{
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    if (file == NULL)
        return false;
    unsigned low, high;
    bool good = fscanf(file, "%5u %5u", &low, &high) == 2 && low > 0 && low <= high && high <= 65535;
    fclose(file);
    if (good) {
        *ret_low = (uint16_t)low;
        *ret_high = (uint16_t)high;
    }
    return good;
}
