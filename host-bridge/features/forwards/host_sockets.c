/* SPDX-License-Identifier: MIT */
/* socket, bind, listen. Which port to try is port_choice.c, what to do with clients listener.c.
 *
 * SO_REUSEADDR is set for TCP only: there it lets a restarted bridge bind while old connections are in
 * TIME_WAIT, and Linux still refuses a port that somebody listens on. For UDP it would share the port with
 * whoever sets it too. SO_REUSEPORT is never set. */
#include "host-bridge/features/forwards/host_sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#define FREE_PORT_TRIES 16 /* a number that is free on 127.0.0.1 is nearly always free on ::1 */

static socklen_t fill_sockaddr(const struct ip_address *address, uint16_t port, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (address->family == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address->bytes, 4);
        return sizeof(*v4);
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, address->bytes, 16);
    return sizeof(*v6);
}

static int set_options(int fd, uint8_t protocol, const struct ip_address *address)
{
    int on = 1;
    if (protocol == PORT_TCP && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
        return -errno;
    if (address->family == 6) {
        /* ::1 stands beside 127.0.0.1; a wished-for :: is meant to take both families */
        int only = ip_address_is_any(address) ? 0 : 1;
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0)
            return -errno;
    }
    return 0;
}

static int open_bound(uint8_t protocol, const struct ip_address *address, uint16_t port)
{
    int type = protocol == PORT_TCP ? SOCK_STREAM : SOCK_DGRAM;
    int fd = socket(address->family == 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    struct sockaddr_storage name;
    socklen_t size = fill_sockaddr(address, port, &name);
    int status = set_options(fd, protocol, address);
    if (status == 0 && bind(fd, (struct sockaddr *)&name, size) < 0)
        status = -errno;
    if (status < 0) {
        close(fd);
        return status;
    }
    return fd;
}

static int bound_port(int fd, uint16_t *ret)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);
    if (getsockname(fd, (struct sockaddr *)&name, &size) < 0)
        return -errno;
    *ret = ntohs(name.ss_family == AF_INET ? ((struct sockaddr_in *)&name)->sin_port
                                           : ((struct sockaddr_in6 *)&name)->sin6_port);
    return 0;
}

static bool family_is_missing(int status)
{
    return status == UV_EAFNOSUPPORT || status == UV_EADDRNOTAVAIL;
}

static int bind_all(const struct host_bind *bind, struct host_sockets *sockets)
{
    int missing = 0;
    for (int i = 0; i < bind->address_count; i++) {
        int fd = open_bound(bind->protocol, &bind->addresses[i], sockets->port);
        if (fd < 0 && family_is_missing(fd) && bind->address_count > 1) {
            missing = fd;
            continue;
        }
        if (fd < 0)
            return fd;
        sockets->fds[sockets->count++] = fd;
        int status = sockets->port == 0 ? bound_port(fd, &sockets->port) : 0;
        if (status < 0)
            return status;
    }
    return sockets->count > 0 ? 0 : missing;
}

/* Two may be bound to one port while neither listens yet: then listen(2) says EADDRINUSE. */
static int listen_all(const struct host_sockets *sockets)
{
    for (int i = 0; i < sockets->count; i++) {
        if (listen(sockets->fds[i], SOMAXCONN) < 0)
            return -errno;
    }
    return 0;
}

void host_bind_init(struct host_bind *bind, uint8_t protocol)
{
    *bind = (struct host_bind){
        .protocol = protocol,
        .address_count = 2,
        .addresses = {{.family = 4, .bytes = {127, 0, 0, 1}}, {.family = 6, .bytes = {[15] = 1}}},
    };
}

int host_sockets_open(const struct host_bind *bind, uint16_t port, struct host_sockets *ret)
{
    int status = UV_EADDRINUSE;
    for (int tries = port == 0 ? FREE_PORT_TRIES : 1; status == UV_EADDRINUSE && tries > 0; tries--) {
        struct host_sockets sockets = {.port = port};
        status = bind_all(bind, &sockets);
        if (status == 0 && bind->protocol == PORT_TCP)
            status = listen_all(&sockets);
        if (status == 0)
            *ret = sockets;
        else
            host_sockets_close(&sockets);
    }
    return status;
}

void host_sockets_close(struct host_sockets *sockets)
{
    for (int i = 0; i < sockets->count; i++)
        close(sockets->fds[i]);
    sockets->count = 0;
}
