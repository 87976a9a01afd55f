/* SPDX-License-Identifier: MIT */
/* Listening sockets as the operating system tells them, before anybody knows whose they are. */
#ifndef HOSPES_SOCKET_LIST_H
#define HOSPES_SOCKET_LIST_H

#include "protocol/wire/message.h"

/* Raw sockets of one protocol in one look. Several may share a key (SO_REUSEPORT), hence above PORTS_MAX. */
#define SOCKET_LIST_MAX (4 * PORTS_MAX)

struct listening_socket {
    struct port_key key;
    bool v6only;
    bool v6only_known; /* /proc/net does not tell */
    uint32_t uid;
    uint64_t inode;     /* 0 = no process holds it by a descriptor */
    uint64_t cookie;    /* 0 = not known */
    uint64_t cgroup_id; /* 0 = not known */
};

struct socket_list {
    struct listening_socket *items; /* can be NULL */
    size_t count;
    size_t capacity;
    size_t left_out; /* above SOCKET_LIST_MAX */
};

void socket_list_init(struct socket_list *list);
void socket_list_finish(struct socket_list *list);
/* Empties it; keeps a small storage for the next look. */
void socket_list_clear(struct socket_list *list);

/* UV_ENOMEM. Above SOCKET_LIST_MAX it counts left_out and is 0. A socket bound within
 * ffff:ffff:ffff:ffff::/64 is skipped: nobody can reach it. */
int socket_list_add(struct socket_list *list, const struct listening_socket *socket);

/* Sorts by key and keeps of each key the socket with the lowest inode: the oldest, as a rule. */
void socket_list_settle(struct socket_list *list);

/* Sets the key's address; an IPv4 address mapped into IPv6 becomes the IPv4 address that it is.
 * family: 4 or 6; bytes: 4 or 16. */
void listening_socket_set_address(struct listening_socket *socket, uint8_t family, const uint8_t *bytes);

/* Total order: protocol, port, family, address. */
int port_key_compare(const struct port_key *a, const struct port_key *b);

#endif
