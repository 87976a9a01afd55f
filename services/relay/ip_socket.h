/* SPDX-License-Identifier: MIT */
/* Internet addresses as the socket calls want them. */
#ifndef HOSPES_IP_SOCKET_H
#define HOSPES_IP_SOCKET_H

#include <sys/socket.h>

#include "protocol/wire/message.h"

/* Fills `ret`, returns its size. */
socklen_t ip_socket_address(const struct ip_address *ip, uint16_t port, struct sockaddr_storage *ret);

#endif
