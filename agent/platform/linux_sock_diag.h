/* SPDX-License-Identifier: MIT */
/* Dumps of listening sockets by NETLINK_SOCK_DIAG (sock_diag(7)): TCP in LISTEN, UDP without a peer. They
 * show the network namespace of the thread that opened the socket and no other. Needs no privilege. */
#ifndef HOSPES_LINUX_SOCK_DIAG_H
#define HOSPES_LINUX_SOCK_DIAG_H

#include "agent/platform/socket_list.h"

struct sock_diag {
    int fd; /* -1 = not open */
    uint32_t sequence;
};

/* UV_ENOSYS, UV_EPROTONOSUPPORT … where the kernel has no sock_diag. */
int sock_diag_init(struct sock_diag *diag);
void sock_diag_finish(struct sock_diag *diag);

/* Appends the sockets of `protocol` (enum port_protocol), both families. Synchronous: tens of microseconds.
 * UV_ENOENT when the kernel lacks the protocol's handler (udp_diag), UV_ENOMEM, UV_EPROTO for an answer that
 * is none, UV_EAGAIN when the kernel says that the dump was disturbed (look again). On failure the list may
 * hold a part. */
int sock_diag_dump(struct sock_diag *diag, uint8_t protocol, struct socket_list *list);

/* Pure: one datagram of an answer. Messages of another sequence are skipped. UV_EPROTO for lengths that do
 * not fit, the kernel's own error where it sent one. */
int sock_diag_parse(const void *bytes, size_t size, uint8_t protocol, uint32_t sequence,
                    struct socket_list *list, bool *ret_done);

#endif
