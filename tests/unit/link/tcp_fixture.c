/* SPDX-License-Identifier: MIT */
/* Makes addresses of the loopback that behave in a certain way. */
#include "tests/unit/link/tcp_fixture.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/unit/link/link_fixture.h"

static int bind_tcp(const char *address, struct tcp_address *ret)
{
    assert_int_equal(tcp_address_parse(address, 0, ret), 0);
    int fd = socket(ret->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    socklen_t size = ret->any.sa_family == AF_INET6 ? sizeof(ret->v6) : sizeof(ret->v4);
    assert_int_equal(bind(fd, &ret->any, size), 0);
    assert_int_equal(getsockname(fd, &ret->any, &size), 0);
    return fd;
}

int listen_tcp(const char *address, struct tcp_address *ret)
{
    int fd = bind_tcp(address, ret);
    assert_int_equal(listen(fd, 512), 0);
    return fd;
}

uint16_t port_of(const struct tcp_address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

struct tcp_address refusing_address(void)
{
    struct tcp_address address;
    close(bind_tcp("127.0.0.1", &address));
    return address;
}

uint16_t free_port(void)
{
    struct tcp_address address;
    close(bind_tcp("::", &address)); /* of both families */
    return port_of(&address);
}

int accept_tcp(int listener)
{
    int fd = -1;
    RUN_UNTIL((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0);
    return fd;
}

int connect_tcp(const struct tcp_address *address)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    socklen_t size = address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
    assert_int_equal(connect(fd, &address->any, size), 0);
    return fd;
}

void dead_end_init(struct dead_end *dead_end)
{
    dead_end->listener = bind_tcp("127.0.0.1", &dead_end->address);
    assert_int_equal(listen(dead_end->listener, 0), 0); /* Linux still lets one in */
    dead_end->client = connect_tcp(&dead_end->address);
}

void dead_end_finish(struct dead_end *dead_end)
{
    close(dead_end->client);
    close(dead_end->listener);
}
