/* SPDX-License-Identifier: MIT */
/* Memory, addresses and the process's age on Linux. Disks and users have files of their own. */
#include "agent/platform/linux_health.h"

#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "agent/platform/linux_procfs.h"
#include "agent/platform/text.h"
#include "protocol/base/clock.h"

/* "MemTotal:       16303044 kB" */
static bool find_kilobytes(const char *text, size_t size, const char *key, uint64_t *ret_bytes)
{
    size_t key_size = strlen(key);
    for (size_t at = 0; at < size;) {
        const char *line = text + at;
        const char *newline = memchr(line, '\n', size - at);
        if (newline == NULL)
            break;
        size_t length = (size_t)(newline - line);
        if (length > key_size && memcmp(line, key, key_size) == 0) {
            char number[32];
            text_copy(number, sizeof(number), line + key_size, length - key_size);
            char *end;
            errno = 0;
            unsigned long long value = strtoull(number, &end, 10);
            if (errno != 0 || end == number || value > UINT64_MAX / 1024)
                return false;
            *ret_bytes = (uint64_t)value * 1024;
            return true;
        }
        at += length + 1;
    }
    return false;
}

int memory_parse(const char *text, size_t size, uint64_t *ret_total, uint64_t *ret_available)
{
    uint64_t total;
    uint64_t available;
    if (!find_kilobytes(text, size, "MemTotal:", &total))
        return UV_EPROTO;
    if (!find_kilobytes(text, size, "MemAvailable:", &available)) {
        uint64_t buffers = 0;
        uint64_t cached = 0;
        if (!find_kilobytes(text, size, "MemFree:", &available))
            return UV_EPROTO;
        (void)find_kilobytes(text, size, "Buffers:", &buffers);
        (void)find_kilobytes(text, size, "Cached:", &cached);
        available += buffers + cached;
    }
    *ret_total = total;
    *ret_available = available < total ? available : total;
    return 0;
}

int memory_read(uint64_t *ret_total, uint64_t *ret_available)
{
    char text[2048]; /* the lines wanted are the first ones */
    int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t size = read(fd, text, sizeof(text));
    int status = size < 0 ? -errno : 0;
    close(fd);
    return status < 0 ? status : memory_parse(text, (size_t)size, ret_total, ret_available);
}

size_t addresses_read(struct health_address addresses[static HEALTH_ADDRESSES_MAX])
{
    struct ifaddrs *list;
    size_t count = 0;
    if (getifaddrs(&list) < 0)
        return 0;
    for (const struct ifaddrs *at = list; at != NULL && count < HEALTH_ADDRESSES_MAX; at = at->ifa_next) {
        if (at->ifa_addr == NULL || !(at->ifa_flags & IFF_UP) || (at->ifa_flags & IFF_LOOPBACK))
            continue;
        struct health_address *address = &addresses[count];
        memset(address, 0, sizeof(*address));
        if (at->ifa_addr->sa_family == AF_INET) {
            struct sockaddr_in in;
            memcpy(&in, at->ifa_addr, sizeof(in));
            address->address.family = 4;
            memcpy(address->address.bytes, &in.sin_addr, 4);
        } else if (at->ifa_addr->sa_family == AF_INET6) {
            struct sockaddr_in6 in6;
            memcpy(&in6, at->ifa_addr, sizeof(in6));
            address->address.family = 6;
            memcpy(address->address.bytes, &in6.sin6_addr, 16);
        } else {
            continue;
        }
        text_copy_string(address->interface, sizeof(address->interface), at->ifa_name);
        count++;
    }
    freeifaddrs(list);
    return count;
}

int process_uptime_ms(uint64_t *ret_ms)
{
    struct process_stat stat;
    int status = procfs_stat((int32_t)getpid(), &stat);
    if (status < 0)
        return status;
    long ticks = sysconf(_SC_CLK_TCK);
    uint64_t started_ms = ticks > 0 ? stat.start * 1000 / (uint64_t)ticks : 0;
    uint64_t now_ms = clock_boot_ms();
    *ret_ms = now_ms > started_ms ? now_ms - started_ms : 0;
    return 0;
}
