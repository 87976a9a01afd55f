/* SPDX-License-Identifier: MIT */
/* The owner's requests that have one answer: identity, hosts, trust, forget. */
#ifndef HOSPES_ADMIN_REQUESTS_H
#define HOSPES_ADMIN_REQUESTS_H

#include <jansson.h>

#include "agent/trust/hosts_store.h"
#include "agent/trust/provision.h"

struct trust;

/* The answer (admin_server.h), an error in that form included; NULL when out of memory. */
json_t *admin_answer(struct trust *trust, const json_t *request);
json_t *admin_error(int status, const char *text);

/* The answer to "hosts". `key`: the guest's own; NULL: it has none yet. */
json_t *admin_hosts(const uint8_t *key, const struct hosts_store *hosts,
                    const struct provisioned_keys *provisioned);

#endif
