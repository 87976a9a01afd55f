/* SPDX-License-Identifier: MIT */
/* IPv4 and IPv6 addresses with a port, and the TCP sockets of tcp links. */
#ifndef HOSPES_TCP_SOCKET_H
#define HOSPES_TCP_SOCKET_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct tcp_address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

#define TCP_ADDRESS_TEXT_SIZE 80 /* "[address%interface]:port" and a terminator */

/* A numeric address without brackets, "fe80::1%eth0" included. Nothing is looked up. UV_EINVAL. */
int tcp_address_parse(const char *text, uint16_t port, struct tcp_address *ret);
/* From the system's form. False for families other than IPv4 and IPv6. */
bool tcp_address_take(const struct sockaddr *address, uint16_t port, struct tcp_address *ret);
void tcp_address_set_port(struct tcp_address *address, uint16_t port);
/* "192.0.2.7:5002" (an IPv4 address inside IPv6 as well), "[2001:db8::7]:5002" */
void tcp_address_format(const struct tcp_address *address, char *out, size_t out_size);

/* A connected or connecting non-blocking descriptor; *ret_connecting tells which. libuv's codes. */
int tcp_socket_connect(const struct tcp_address *address, int *ret_fd, bool *ret_connecting);
/* What a connect that was under way came to: 0 or libuv's code. */
int tcp_socket_connect_result(int fd);
/* A non-blocking listening descriptor; "::" takes IPv4, too. libuv's codes. */
int tcp_socket_listen(const struct tcp_address *address, int *ret_fd);

/* Small frames go out at once, and a peer that vanished is noticed. For accepted sockets; the others have it.
 */
void tcp_socket_set_options(int fd);
/* Whom an accepted socket is connected to. */
void tcp_socket_format_peer(int fd, char *out, size_t out_size);

#endif
