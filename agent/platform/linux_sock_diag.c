/* SPDX-License-Identifier: MIT */
/* Asks the kernel for its listening sockets and reads the answer, every length checked. When to ask is left
 * to port_watch; who owns a socket, to linux_process. */
#include "agent/platform/linux_sock_diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <uv.h>

/* The kernel fills datagrams up to the size of the read buffer, at most 32 KiB. */
#define ANSWER_SIZE       16384
#define ANSWER_TIMEOUT_MS 500 /* the kernel answers at once; this bounds what nobody expects */

/* From linux/tcp_states.h, which is not exported. An unconnected UDP socket is in CLOSE. */
#define STATE_CLOSE  7
#define STATE_LISTEN 10

/* The number of INET_DIAG_CGROUP_ID is ABI since 5.8; older headers lack the name. */
#define ATTRIBUTE_CGROUP_ID 21

int sock_diag_init(struct sock_diag *diag)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0)
        return -errno;
    struct timeval timeout = {.tv_usec = ANSWER_TIMEOUT_MS * 1000};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    diag->fd = fd;
    diag->sequence = 0;
    return 0;
}

void sock_diag_finish(struct sock_diag *diag)
{
    if (diag->fd >= 0)
        close(diag->fd);
    diag->fd = -1;
}

static void read_attributes(const uint8_t *bytes, size_t size, struct listening_socket *socket)
{
    while (size >= sizeof(struct nlattr)) {
        struct nlattr attribute;
        memcpy(&attribute, bytes, sizeof(attribute));
        if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > size)
            return;
        const uint8_t *value = bytes + NLA_HDRLEN;
        size_t value_size = attribute.nla_len - (size_t)NLA_HDRLEN;
        switch (attribute.nla_type & NLA_TYPE_MASK) {
        case INET_DIAG_SKV6ONLY:
            if (value_size >= 1 && socket->key.address.family == 6) {
                socket->v6only = value[0] != 0;
                socket->v6only_known = true;
            }
            break;
        case ATTRIBUTE_CGROUP_ID:
            if (value_size >= sizeof(socket->cgroup_id))
                memcpy(&socket->cgroup_id, value, sizeof(socket->cgroup_id));
            break;
        }
        size_t step = NLA_ALIGN((size_t)attribute.nla_len);
        if (step >= size)
            return;
        bytes += step;
        size -= step;
    }
}

static int read_socket(const uint8_t *bytes, size_t size, uint8_t protocol, struct socket_list *list)
{
    struct inet_diag_msg message;
    if (size < sizeof(message))
        return UV_EPROTO;
    memcpy(&message, bytes, sizeof(message));
    bool v6 = message.idiag_family == AF_INET6;
    if (!v6 && message.idiag_family != AF_INET)
        return 0;
    uint8_t state = protocol == PORT_TCP ? STATE_LISTEN : STATE_CLOSE;
    if (message.idiag_state != state || message.id.idiag_sport == 0)
        return 0;
    struct listening_socket socket = {
        .key = {.protocol = protocol, .port = ntohs(message.id.idiag_sport)},
        .uid = message.idiag_uid,
        .inode = message.idiag_inode,
        .cookie = (uint64_t)message.id.idiag_cookie[1] << 32 | message.id.idiag_cookie[0],
    };
    listening_socket_set_address(&socket, v6 ? 6 : 4, (const uint8_t *)message.id.idiag_src);
    size_t start = NLMSG_ALIGN(sizeof(message));
    if (size > start)
        read_attributes(bytes + start, size - start, &socket);
    return socket_list_add(list, &socket);
}

static int read_error(const uint8_t *bytes, size_t size)
{
    int32_t code;
    if (size < sizeof(code))
        return UV_EPROTO;
    memcpy(&code, bytes, sizeof(code));
    return code < 0 && code >= -4095 ? code : UV_EPROTO;
}

int sock_diag_parse(const void *bytes, size_t size, uint8_t protocol, uint32_t sequence,
                    struct socket_list *list, bool *ret_done)
{
    const uint8_t *at = bytes;
    *ret_done = false;
    while (size >= sizeof(struct nlmsghdr)) {
        struct nlmsghdr header;
        memcpy(&header, at, sizeof(header));
        if (header.nlmsg_len < NLMSG_HDRLEN || header.nlmsg_len > size)
            return UV_EPROTO;
        const uint8_t *body = at + NLMSG_HDRLEN;
        size_t body_size = header.nlmsg_len - (size_t)NLMSG_HDRLEN;
        int status = 0;
        if (header.nlmsg_seq == sequence) {
            if (header.nlmsg_flags & NLM_F_DUMP_INTR)
                return UV_EAGAIN;
            if (header.nlmsg_type == NLMSG_DONE) {
                *ret_done = true;
                return 0;
            }
            if (header.nlmsg_type == NLMSG_ERROR)
                return read_error(body, body_size);
            if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY)
                status = read_socket(body, body_size, protocol, list);
        }
        if (status < 0)
            return status;
        size_t step = NLMSG_ALIGN((size_t)header.nlmsg_len);
        if (step >= size)
            return 0;
        at += step;
        size -= step;
    }
    return size == 0 ? 0 : UV_EPROTO;
}

static int ask(struct sock_diag *diag, uint8_t family, uint8_t protocol)
{
    struct {
        struct nlmsghdr header;
        struct inet_diag_req_v2 body;
    } request = {
        .header = {.nlmsg_len = sizeof(request),
                   .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                   .nlmsg_seq = ++diag->sequence},
        .body = {.sdiag_family = family,
                 .sdiag_protocol = protocol == PORT_TCP ? IPPROTO_TCP : IPPROTO_UDP,
                 .idiag_states = 1U << (protocol == PORT_TCP ? STATE_LISTEN : STATE_CLOSE)},
    };
    ssize_t sent;
    do
        sent = send(diag->fd, &request, sizeof(request), 0);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static int read_answer(struct sock_diag *diag, uint8_t protocol, struct socket_list *list)
{
    _Alignas(struct nlmsghdr) uint8_t bytes[ANSWER_SIZE];
    bool done = false;
    while (!done) {
        ssize_t size = recv(diag->fd, bytes, sizeof(bytes), MSG_TRUNC);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return errno == EAGAIN ? UV_ETIMEDOUT : -errno;
        if (size == 0 || (size_t)size > sizeof(bytes))
            return UV_EPROTO;
        int status = sock_diag_parse(bytes, (size_t)size, protocol, diag->sequence, list, &done);
        if (status < 0)
            return status;
    }
    return 0;
}

int sock_diag_dump(struct sock_diag *diag, uint8_t protocol, struct socket_list *list)
{
    static const uint8_t FAMILIES[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < sizeof(FAMILIES); i++) {
        int status = ask(diag, FAMILIES[i], protocol);
        if (status == 0)
            status = read_answer(diag, protocol, list);
        /* A kernel without IPv6 has no handler for it and no such sockets either. */
        if (status < 0 && !(FAMILIES[i] == AF_INET6 && status == UV_ENOENT))
            return status;
    }
    return 0;
}
