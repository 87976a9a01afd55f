/* SPDX-License-Identifier: MIT */
/* Reads ip_unprivileged_port_start and the effective capabilities at each call: both can change while the
 * bridge runs, and it is asked only after a bind(2) was refused or a low port is wished for. */
#include "host-bridge/platform/port_privilege.h"

#include <linux/capability.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FIRST_FREE_DEFAULT 1024

uint16_t port_privilege_first_free(void)
{
    unsigned first = FIRST_FREE_DEFAULT;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_unprivileged_port_start", "re");
    if (file == NULL)
        return FIRST_FREE_DEFAULT;
    if (fscanf(file, "%u", &first) != 1 || first > 65535)
        first = FIRST_FREE_DEFAULT;
    fclose(file);
    return (uint16_t)first;
}

static bool has_bind_capability(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    if (syscall(SYS_capget, &header, data) < 0)
        return false;
    return (data[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)].effective & CAP_TO_MASK(CAP_NET_BIND_SERVICE)) != 0;
}

bool port_privilege_lacking(uint16_t port)
{
    return port < port_privilege_first_free() && !has_bind_capability();
}
