/* SPDX-License-Identifier: MIT */
/* Makes TCP sockets and writes addresses. Names are tcp_dial's, several addresses at a time tcp_race's. */
#include "protocol/link/tcp_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define BACKLOG 4096 /* the kernel cuts it at somaxconn */

/* The heartbeat notices a lost control session sooner; these are for the connections beside it. */
#define KEEPALIVE_IDLE_S     20
#define KEEPALIVE_INTERVAL_S 5
#define KEEPALIVE_PROBES     3

/* ---- addresses ---- */

static socklen_t address_size(const struct tcp_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

bool tcp_address_take(const struct sockaddr *address, uint16_t port, struct tcp_address *ret)
{
    struct tcp_address taken = {.v6 = {0}};
    if (address->sa_family == AF_INET)
        memcpy(&taken.v4, address, sizeof(taken.v4));
    else if (address->sa_family == AF_INET6)
        memcpy(&taken.v6, address, sizeof(taken.v6));
    else
        return false;
    tcp_address_set_port(&taken, port);
    *ret = taken;
    return true;
}

void tcp_address_set_port(struct tcp_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

static int parse_v6(const char *text, struct tcp_address *ret)
{
    char digits[INET6_ADDRSTRLEN];
    size_t size = strcspn(text, "%");
    if (size >= sizeof(digits))
        return UV_EINVAL;
    memcpy(digits, text, size);
    digits[size] = '\0';
    ret->v6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
    if (inet_pton(AF_INET6, digits, &ret->v6.sin6_addr) != 1)
        return UV_EINVAL;
    if (text[size] == '%') {
        ret->v6.sin6_scope_id = if_nametoindex(text + size + 1);
        if (ret->v6.sin6_scope_id == 0)
            return UV_EINVAL;
    }
    return 0;
}

int tcp_address_parse(const char *text, uint16_t port, struct tcp_address *ret)
{
    struct tcp_address parsed = {.v6 = {0}};
    if (strchr(text, ':') != NULL) {
        if (parse_v6(text, &parsed) < 0)
            return UV_EINVAL;
    } else {
        parsed.v4.sin_family = AF_INET;
        if (inet_pton(AF_INET, text, &parsed.v4.sin_addr) != 1)
            return UV_EINVAL;
    }
    tcp_address_set_port(&parsed, port);
    *ret = parsed;
    return 0;
}

void tcp_address_format(const struct tcp_address *address, char *out, size_t out_size)
{
    char text[INET6_ADDRSTRLEN] = "?";
    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->v4.sin_addr, text, sizeof(text));
        snprintf(out, out_size, "%s:%u", text, ntohs(address->v4.sin_port));
        return;
    }
    const struct in6_addr *v6 = &address->v6.sin6_addr;
    unsigned port = ntohs(address->v6.sin6_port);
    if (IN6_IS_ADDR_V4MAPPED(v6)) {
        inet_ntop(AF_INET, v6->s6_addr + 12, text, sizeof(text));
        snprintf(out, out_size, "%s:%u", text, port);
        return;
    }
    char scope[IF_NAMESIZE] = "";
    bool scoped = address->v6.sin6_scope_id != 0 && if_indextoname(address->v6.sin6_scope_id, scope) != NULL;
    inet_ntop(AF_INET6, v6, text, sizeof(text));
    snprintf(out, out_size, "[%s%s%s]:%u", text, scoped ? "%" : "", scope, port);
}

/* ---- sockets ---- */

static void set_number(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof(value));
}

void tcp_socket_set_options(int fd)
{
    set_number(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_number(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
#if defined(TCP_KEEPIDLE)
    set_number(fd, IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
#elif defined(TCP_KEEPALIVE)
    set_number(fd, IPPROTO_TCP, TCP_KEEPALIVE, KEEPALIVE_IDLE_S);
#endif
#ifdef TCP_KEEPINTVL
    set_number(fd, IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
#endif
#ifdef TCP_KEEPCNT
    set_number(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES);
#endif
}

static int fail(int fd)
{
    int error = errno;
    if (fd >= 0)
        close(fd);
    return uv_translate_sys_error(error);
}

int tcp_socket_connect(const struct tcp_address *address, int *ret_fd, bool *ret_connecting)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(fd);
    tcp_socket_set_options(fd);
    int result = connect(fd, &address->any, address_size(address));
    if (result < 0 && errno != EINPROGRESS && errno != EINTR) /* interrupted: it goes on all the same */
        return fail(fd);
    *ret_fd = fd;
    *ret_connecting = result < 0;
    return 0;
}

int tcp_socket_connect_result(int fd)
{
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    return uv_translate_sys_error(error);
}

int tcp_socket_listen(const struct tcp_address *address, int *ret_fd)
{
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail(fd);
    set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (address->any.sa_family == AF_INET6)
        set_number(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    if (bind(fd, &address->any, address_size(address)) < 0 || listen(fd, BACKLOG) < 0)
        return fail(fd);
    *ret_fd = fd;
    return 0;
}

void tcp_socket_format_peer(int fd, char *out, size_t out_size)
{
    struct tcp_address peer = {.v6 = {0}};
    socklen_t size = sizeof(peer);
    if (getpeername(fd, &peer.any, &size) < 0 ||
        (peer.any.sa_family != AF_INET && peer.any.sa_family != AF_INET6))
        snprintf(out, out_size, "a TCP peer that is gone");
    else
        tcp_address_format(&peer, out, out_size);
}
