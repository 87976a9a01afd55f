/* SPDX-License-Identifier: MIT */
/* The rule for users. Sockets, and what is done with a stranger, are elsewhere. */
#include "host-bridge/api/clients.h"

bool clients_find(const struct api_client *clients, size_t count, uid_t own, uid_t peer,
                  struct request_classes *ret)
{
    if (peer == own || peer == 0) {
        *ret = request_classes_all();
        return true;
    }
    for (size_t i = 0; i < count; i++) {
        if (clients[i].uid == peer) {
            *ret = clients[i].classes;
            return true;
        }
    }
    return false;
}
