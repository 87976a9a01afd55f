/* SPDX-License-Identifier: MIT */
/* Converts the protocol's addresses. */
#include "services/relay/ip_socket.h"

#include <netinet/in.h>
#include <string.h>

socklen_t ip_socket_address(const struct ip_address *ip, uint16_t port, struct sockaddr_storage *ret)
{
    *ret = (struct sockaddr_storage){0};
    if (ip->family == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, ip->bytes, 4);
        return sizeof(*v4);
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, ip->bytes, 16);
    return sizeof(*v6);
}
