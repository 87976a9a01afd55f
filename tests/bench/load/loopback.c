/* SPDX-License-Identifier: MIT */
/* Sockets on 127.0.0.1 for the load programs. What they send is theirs. */
#include "tests/bench/load/loopback.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

long loopback_number(const char *text, long low, long high, const char *what)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < low || value > high)
        errx(1, "%s: expected a number from %ld to %ld, not \"%s\"", what, low, high, text);
    return value;
}

static struct sockaddr_in address_of(uint8_t last, uint16_t port)
{
    struct sockaddr_in address;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(0x7f000000u | last);
    return address;
}

static void set_option(int fd, int level, int name)
{
    int on = 1;

    if (setsockopt(fd, level, name, &on, sizeof on) != 0)
        err(1, "setsockopt");
}

int loopback_listen(uint16_t port)
{
    struct sockaddr_in address = address_of(1, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        err(1, "socket");
    set_option(fd, SOL_SOCKET, SO_REUSEADDR);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        err(1, "bind to port %u", port);
    if (listen(fd, INT_MAX) != 0)
        err(1, "listen on port %u", port);
    return fd;
}

int loopback_connect(uint16_t port, uint8_t source)
{
    struct sockaddr_in address = address_of(1, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        err(1, "socket");
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    if (source != 0) {
        struct sockaddr_in from = address_of(source, 0);
        /* The port is chosen by connect(2), which knows the destination and so has all of them to choose
         * from. */
        set_option(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
        if (bind(fd, (struct sockaddr *)&from, sizeof from) != 0)
            err(1, "bind to 127.0.0.%u", source);
    }
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        err(1, "connect to port %u", port);
    return fd;
}

int loopback_try_connect(uint16_t port)
{
    struct sockaddr_in address = address_of(1, port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        err(1, "socket");
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (errno != ECONNREFUSED && errno != ECONNRESET)
        err(1, "connect to port %u", port);
    close(fd);
    return -1;
}

bool loopback_read_all(int fd, void *data, size_t size)
{
    uint8_t *at = data;

    while (size > 0) {
        ssize_t got = read(fd, at, size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        size -= (size_t)got;
    }
    return true;
}

bool loopback_write_all(int fd, const void *data, size_t size)
{
    const uint8_t *at = data;

    while (size > 0) {
        ssize_t put = send(fd, at, size, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        at += put;
        size -= (size_t)put;
    }
    return true;
}
