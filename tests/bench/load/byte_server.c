/* SPDX-License-Identifier: MIT */
/* byte_server ECHO_PORT GREET_PORT: answers each read on the first port with the same bytes, and each
 * connection to the second with one byte at once. One thread, so that ten thousand idle connections cost it
 * nothing. Runs until it is killed. */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load/loopback.h"

#define EVENTS_AT_ONCE 256

static void watch(int epoll_fd, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0)
        err(1, "epoll_ctl");
}

static void accept_all(int epoll_fd, int listener, bool greet)
{
    int on = 1;

    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && errno == ECONNABORTED)
            continue;
        if (fd < 0 && errno == EAGAIN)
            return;
        if (fd < 0)
            err(1, "accept");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (greet)
            loopback_write_all(fd, "!", 1);
        watch(epoll_fd, fd);
    }
}

static void echo(int fd)
{
    char bytes[4096];
    ssize_t got = read(fd, bytes, sizeof bytes);

    if (got <= 0 || !loopback_write_all(fd, bytes, (size_t)got))
        close(fd);
}

int main(int argc, char **argv)
{
    struct epoll_event events[EVENTS_AT_ONCE];

    if (argc != 3)
        errx(2, "usage: byte_server ECHO_PORT GREET_PORT");
    int echo_listener = loopback_listen((uint16_t)loopback_number(argv[1], 1, 65535, "ECHO_PORT"));
    int greet_listener = loopback_listen((uint16_t)loopback_number(argv[2], 1, 65535, "GREET_PORT"));
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        err(1, "epoll_create1");
    watch(epoll_fd, echo_listener);
    watch(epoll_fd, greet_listener);
    for (;;) {
        int count = epoll_wait(epoll_fd, events, EVENTS_AT_ONCE, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == echo_listener || fd == greet_listener)
                accept_all(epoll_fd, fd, fd == greet_listener);
            else
                echo(fd);
        }
    }
}
