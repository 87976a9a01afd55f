/* SPDX-License-Identifier: MIT */
/* Reads the kernel's socket tables as text, a chunk at a time. When to read is left to port_watch. */
#include "agent/platform/linux_procnet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define CHUNK_SIZE 8192

#define STATE_CLOSE  7 /* an unconnected UDP socket */
#define STATE_LISTEN 10

struct cursor {
    const char *at;
    const char *end;
};

static void skip_spaces(struct cursor *cursor)
{
    while (cursor->at < cursor->end && *cursor->at == ' ')
        cursor->at++;
}

static bool skip_field(struct cursor *cursor)
{
    skip_spaces(cursor);
    const char *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != ' ')
        cursor->at++;
    return cursor->at > start;
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly `digits` hexadecimal digits. */
static bool read_hex(struct cursor *cursor, int digits, uint32_t *ret)
{
    uint32_t value = 0;
    for (int i = 0; i < digits; i++) {
        int digit = cursor->at < cursor->end ? digit_value(*cursor->at) : -1;
        if (digit < 0)
            return false;
        value = value << 4 | (uint32_t)digit;
        cursor->at++;
    }
    *ret = value;
    return true;
}

/* A decimal field that ends at a space or the line's end. */
static bool read_decimal(struct cursor *cursor, uint64_t maximum, uint64_t *ret)
{
    skip_spaces(cursor);
    uint64_t value = 0;
    const char *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at != ' ') {
        if (*cursor->at < '0' || *cursor->at > '9')
            return false;
        value = value * 10 + (uint64_t)(*cursor->at++ - '0');
        if (value > maximum)
            return false;
    }
    *ret = value;
    return cursor->at > start;
}

/* "0100007F:1F90": the address is printed as native 32-bit words, the port as a number. */
static bool read_endpoint(struct cursor *cursor, uint8_t family, uint8_t address[static 16],
                          uint32_t *ret_port)
{
    skip_spaces(cursor);
    size_t words = family == 4 ? 1 : 4;
    for (size_t i = 0; i < words; i++) {
        uint32_t word;
        if (!read_hex(cursor, 8, &word))
            return false;
        memcpy(address + i * 4, &word, 4);
    }
    if (cursor->at == cursor->end || *cursor->at != ':')
        return false;
    cursor->at++;
    return read_hex(cursor, 4, ret_port);
}

static bool read_line(uint8_t protocol, uint8_t family, struct cursor cursor, struct listening_socket *ret)
{
    uint8_t local[16];
    uint8_t remote[16];
    uint32_t port;
    uint32_t remote_port;
    uint32_t state;
    uint64_t uid;
    uint64_t inode;
    if (!skip_field(&cursor) || !read_endpoint(&cursor, family, local, &port) ||
        !read_endpoint(&cursor, family, remote, &remote_port))
        return false;
    skip_spaces(&cursor);
    if (!read_hex(&cursor, 2, &state))
        return false;
    if (!skip_field(&cursor) || !skip_field(&cursor) || !skip_field(&cursor)) /* queues, timer, retransmits */
        return false;
    if (!read_decimal(&cursor, UINT32_MAX, &uid) || !skip_field(&cursor) ||
        !read_decimal(&cursor, UINT32_MAX, &inode))
        return false;
    if (port == 0 || remote_port != 0 || state != (protocol == PORT_TCP ? STATE_LISTEN : STATE_CLOSE))
        return false;
    struct listening_socket socket = {
        .key = {.protocol = protocol, .port = (uint16_t)port}, .uid = (uint32_t)uid, .inode = inode};
    listening_socket_set_address(&socket, family, local);
    *ret = socket;
    return true;
}

int procnet_parse(uint8_t protocol, uint8_t family, const char *text, size_t size, struct socket_list *list,
                  size_t *ret_consumed)
{
    size_t start = 0;
    for (;;) {
        const char *newline = size > start ? memchr(text + start, '\n', size - start) : NULL;
        if (newline == NULL)
            break;
        struct listening_socket socket;
        struct cursor line = {text + start, newline};
        if (read_line(protocol, family, line, &socket)) {
            int status = socket_list_add(list, &socket);
            if (status < 0)
                return status;
        }
        start = (size_t)(newline - text) + 1;
    }
    *ret_consumed = start;
    return 0;
}

static int dump_file(const char *path, uint8_t protocol, uint8_t family, struct socket_list *list)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char chunk[CHUNK_SIZE];
    size_t held = 0;
    int status = 0;
    for (;;) {
        ssize_t got = read(fd, chunk + held, sizeof(chunk) - held);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            status = got < 0 ? -errno : 0;
            break;
        }
        held += (size_t)got;
        size_t consumed = 0;
        status = procnet_parse(protocol, family, chunk, held, list, &consumed);
        if (status < 0)
            break;
        if (consumed == 0 && held == sizeof(chunk))
            consumed = held; /* no socket's line is so long */
        memmove(chunk, chunk + consumed, held - consumed);
        held -= consumed;
    }
    close(fd);
    return status;
}

int procnet_dump(uint8_t protocol, struct socket_list *list)
{
    bool tcp = protocol == PORT_TCP;
    int status = dump_file(tcp ? "/proc/net/tcp" : "/proc/net/udp", protocol, 4, list);
    if (status < 0)
        return status;
    status = dump_file(tcp ? "/proc/net/tcp6" : "/proc/net/udp6", protocol, 6, list);
    return status == UV_ENOENT ? 0 : status;
}

void procnet_ephemeral_range(uint16_t *ret_low, uint16_t *ret_high)
{
    unsigned low = 0;
    unsigned high = 0;
    FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    bool valid = file != NULL && fscanf(file, "%5u %5u", &low, &high) == 2 && low >= 1 && low <= high &&
                 high <= UINT16_MAX;
    if (file != NULL)
        fclose(file);
    *ret_low = valid ? (uint16_t)low : 0;
    *ret_high = valid ? (uint16_t)high : 0;
}
