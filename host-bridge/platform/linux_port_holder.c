/* SPDX-License-Identifier: MIT */
/* /proc/net says which socket holds the port, /proc/<pid>/fd whose it is. Both walks stop at a limit: the
 * answer decorates a sentence and must never cost the event loop more than a moment. Rate limits are the
 * caller's. */
#include "host-bridge/platform/port_holder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINES_MAX        4096 /* of /proc/net/…; listeners come first in the TCP files */
#define WALK_MAX_MS      30   /* of this thread's time: a busy machine makes it no shorter */
#define STATE_TCP_LISTEN 0x0a

struct socket_line {
    struct ip_address address;
    unsigned port, state;
    unsigned long uid, inode;
};

/* "0100007F" or 32 such digits: 32-bit words in the host's byte order. */
static bool parse_address(const char *hex, struct ip_address *ret)
{
    size_t words = strlen(hex) / 8;
    if (words != 1 && words != 4)
        return false;
    ret->family = words == 1 ? 4 : 6;
    for (size_t i = 0; i < words; i++) {
        char digits[9];
        memcpy(digits, hex + i * 8, 8);
        digits[8] = '\0';
        uint32_t word = (uint32_t)strtoul(digits, NULL, 16);
        memcpy(ret->bytes + i * 4, &word, sizeof(word));
    }
    return true;
}

static bool parse_line(const char *line, struct socket_line *ret)
{
    char hex[33];
    *ret = (struct socket_line){0};
    int fields = sscanf(line, " %*u: %32[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %lu %*d %lu",
                        hex, &ret->port, &ret->state, &ret->uid, &ret->inode);
    return fields == 5 && parse_address(hex, &ret->address);
}

static bool keeps_from_binding(const struct socket_line *line, const struct ip_address *addresses,
                               size_t count)
{
    if (ip_address_is_any(&line->address))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (ip_address_is_any(&addresses[i]) || ip_address_equals(&addresses[i], &line->address))
            return true;
    }
    return false;
}

static bool find_socket(const char *path, bool listeners_only, const struct ip_address *addresses,
                        size_t count, uint16_t port, struct socket_line *ret)
{
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char text[512];
    bool found = false;
    for (int lines = 0; !found && lines < LINES_MAX && fgets(text, sizeof(text), file) != NULL; lines++) {
        if (!parse_line(text, ret))
            continue; /* the head line */
        if (listeners_only && ret->state != STATE_TCP_LISTEN)
            break;
        found = ret->port == port && keeps_from_binding(ret, addresses, count);
    }
    fclose(file);
    return found;
}

static uint64_t thread_ms(void)
{
    struct timespec spent;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (uint64_t)spent.tv_sec * 1000 + (uint64_t)spent.tv_nsec / 1000000;
}

static bool folder_holds(int proc, const char *pid, const char *target, uint64_t deadline)
{
    char path[32];
    snprintf(path, sizeof(path), "%.16s/fd", pid);
    int fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (folder == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    bool found = false;
    struct dirent *entry;
    while (!found && (entry = readdir(folder)) != NULL && thread_ms() < deadline) {
        char link[64];
        ssize_t size = readlinkat(fd, entry->d_name, link, sizeof(link) - 1);
        if (size <= 0)
            continue;
        link[size] = '\0';
        found = strcmp(link, target) == 0;
    }
    closedir(folder);
    return found;
}

static void describe_process(int proc, const char *pid, char *out)
{
    char path[32], name[17] = "";
    snprintf(path, sizeof(path), "%.16s/comm", pid);
    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? 0 : read(fd, name, sizeof(name) - 1);
    if (fd >= 0)
        close(fd);
    name[size > 0 ? size : 0] = '\0';
    name[strcspn(name, "\n")] = '\0';
    for (char *c = name; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    }
    snprintf(out, PORT_HOLDER_TEXT_MAX + 1, "%s (pid %.16s)", name[0] == '\0' ? "a process" : name, pid);
}

static bool find_process(unsigned long inode, char *out)
{
    char target[48];
    snprintf(target, sizeof(target), "socket:[%lu]", inode);
    DIR *proc = opendir("/proc");
    if (proc == NULL)
        return false;
    uint64_t deadline = thread_ms() + WALK_MAX_MS;
    bool found = false;
    struct dirent *entry;
    while (!found && (entry = readdir(proc)) != NULL && thread_ms() < deadline) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        found = folder_holds(dirfd(proc), entry->d_name, target, deadline);
        if (found)
            describe_process(dirfd(proc), entry->d_name, out);
    }
    closedir(proc);
    return found;
}

bool port_holder_find(uint8_t protocol, const struct ip_address *addresses, size_t address_count,
                      uint16_t port, char out[static PORT_HOLDER_TEXT_MAX + 1])
{
    struct socket_line socket;
    bool tcp = protocol == PORT_TCP;
    if (!find_socket(tcp ? "/proc/net/tcp" : "/proc/net/udp", tcp, addresses, address_count, port, &socket) &&
        !find_socket(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", tcp, addresses, address_count, port, &socket))
        return false;
    if (socket.inode == 0 || !find_process(socket.inode, out))
        snprintf(out, PORT_HOLDER_TEXT_MAX + 1, "a process of uid %lu", socket.uid);
    return true;
}
