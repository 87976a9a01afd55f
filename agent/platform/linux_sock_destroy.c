/* SPDX-License-Identifier: MIT */
/* Subscribes and drains. It does not matter which socket ended: the next dump tells, so that a flood of
 * messages costs one look. */
#include "agent/platform/linux_sock_destroy.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECEIVE_BUFFER_SIZE (64 * 1024)
#define MESSAGES_A_DRAIN    256 /* the loop gets its turn; the rest is still readable */

static int subscribe(int fd, bool tcp, bool udp)
{
    static const int GROUPS[2][2] = {
        {SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY},
        {SKNLGRP_INET_UDP_DESTROY, SKNLGRP_INET6_UDP_DESTROY},
    };
    const bool wanted[2] = {tcp, udp};
    for (size_t protocol = 0; protocol < 2; protocol++) {
        for (size_t family = 0; wanted[protocol] && family < 2; family++) {
            int group = GROUPS[protocol][family];
            if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
                return -errno;
        }
    }
    return 0;
}

/* A listener has no peer: its remote port is 0. Everything else is dropped before it can wake anybody. */
static int drop_connected(int fd)
{
    const uint32_t peer_port =
        NLMSG_HDRLEN + offsetof(struct inet_diag_msg, id) + offsetof(struct inet_diag_sockid, idiag_dport);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, peer_port),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
        BPF_STMT(BPF_RET | BPF_K, 0),
    };
    struct sock_fprog program = {.len = sizeof(code) / sizeof(code[0]), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ? -errno : 0;
}

int sock_destroy_open(bool tcp, bool udp, int *ret_fd)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return -errno;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK};
    int size = RECEIVE_BUFFER_SIZE;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    int status = bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
    if (status == 0)
        status = drop_connected(fd);
    if (status == 0)
        status = subscribe(fd, tcp, udp);
    if (status < 0) {
        close(fd);
        return status;
    }
    *ret_fd = fd;
    return 0;
}

bool sock_destroy_drain(int fd)
{
    bool news = false;
    for (int i = 0; i < MESSAGES_A_DRAIN; i++) {
        uint8_t byte;
        ssize_t size = recv(fd, &byte, sizeof(byte), MSG_DONTWAIT);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno != ENOBUFS) /* ENOBUFS: some were lost, read on */
            break;
        news = true;
    }
    return news;
}
