/* SPDX-License-Identifier: MIT */
/* Which users of the host may use the API, and for what. Pure. */
#ifndef HOSPES_API_CLIENTS_H
#define HOSPES_API_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "protocol/link/unix_peer.h"
#include "services/access/request_class.h"

#define CLIENTS_MAX 256 /* users in a configuration; a limit against mistakes */

/* Another user that the configuration lets in. */
struct api_client {
    uid_t uid;
    struct request_classes classes;
};

/* The bridge's own user and root have every class; a listed user has those listed. False: nobody to be
 * answered. */
bool clients_find(const struct api_client *clients, size_t count, uid_t own, uid_t peer,
                  struct request_classes *ret);

#endif
