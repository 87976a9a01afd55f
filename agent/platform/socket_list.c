/* SPDX-License-Identifier: MIT */
/* A bounded, growing list of sockets and its order. Where the sockets come from is left to linux_sock_diag
 * and linux_procnet. */
#include "agent/platform/socket_list.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define CAPACITY_FIRST 32
#define CAPACITY_KEPT  1024 /* a storage above it is given back by clear */

void socket_list_init(struct socket_list *list)
{
    memset(list, 0, sizeof(*list));
}

void socket_list_finish(struct socket_list *list)
{
    free(list->items);
    memset(list, 0, sizeof(*list));
}

void socket_list_clear(struct socket_list *list)
{
    if (list->capacity > CAPACITY_KEPT) {
        socket_list_finish(list);
        return;
    }
    list->count = 0;
    list->left_out = 0;
}

/* ffff:ffff:ffff:ffff::/64 is multicast of a reserved scope, so nothing can be reached there. The markers of
 * a mux start with these bytes, and a message that holds one can't be sent over a serial link. */
static bool has_reserved_address(const struct ip_address *address)
{
    static const uint8_t PREFIX[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    return address->family == 6 && memcmp(address->bytes, PREFIX, sizeof(PREFIX)) == 0;
}

int socket_list_add(struct socket_list *list, const struct listening_socket *socket)
{
    if (has_reserved_address(&socket->key.address))
        return 0;
    if (list->count == SOCKET_LIST_MAX) {
        list->left_out++;
        return 0;
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? CAPACITY_FIRST : list->capacity * 2;
        struct listening_socket *items = realloc(list->items, capacity * sizeof(*items));
        if (items == NULL)
            return UV_ENOMEM;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *socket;
    return 0;
}

int port_key_compare(const struct port_key *a, const struct port_key *b)
{
    if (a->protocol != b->protocol)
        return a->protocol < b->protocol ? -1 : 1;
    if (a->port != b->port)
        return a->port < b->port ? -1 : 1;
    if (a->address.family != b->address.family)
        return a->address.family < b->address.family ? -1 : 1;
    return memcmp(a->address.bytes, b->address.bytes, a->address.family == 4 ? 4 : 16);
}

static int compare_sockets(const void *left, const void *right)
{
    const struct listening_socket *a = left;
    const struct listening_socket *b = right;
    int order = port_key_compare(&a->key, &b->key);
    if (order != 0)
        return order;
    return (a->inode > b->inode) - (a->inode < b->inode);
}

void socket_list_settle(struct socket_list *list)
{
    if (list->count == 0)
        return;
    qsort(list->items, list->count, sizeof(*list->items), compare_sockets);
    size_t kept = 1;
    for (size_t i = 1; i < list->count; i++) {
        if (port_key_compare(&list->items[kept - 1].key, &list->items[i].key) != 0)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

void listening_socket_set_address(struct listening_socket *socket, uint8_t family, const uint8_t *bytes)
{
    static const uint8_t MAPPED_PREFIX[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    struct ip_address *address = &socket->key.address;
    memset(address, 0, sizeof(*address));
    if (family == 6 && memcmp(bytes, MAPPED_PREFIX, sizeof(MAPPED_PREFIX)) == 0) {
        family = 4;
        bytes += sizeof(MAPPED_PREFIX);
    }
    address->family = family;
    memcpy(address->bytes, bytes, family == 4 ? 4 : 16);
    if (family == 4) {
        socket->v6only = false;
        socket->v6only_known = true;
    }
}
