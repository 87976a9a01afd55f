/* SPDX-License-Identifier: MIT */
/* Walks the candidates in order and opens the first that is free. What the user reads about a refusal is
 * forwards_open.c. */
#include "host-bridge/features/forwards/port_choice.h"

#include "host-bridge/features/forwards/forwards.h"
#include "host-bridge/platform/port_privilege.h"

#define PRIVILEGED_SHIFT 8000 /* without privilege 80 becomes 8080 and 443 becomes 8443, as people expect */

static bool another_port_may_help(int status)
{
    return status == UV_EADDRINUSE || status == UV_EACCES;
}

/* True when the walk is over. */
static bool try_port(const struct port_wish *wish, uint16_t port, struct port_choice *choice, int *status)
{
    choice->tries++;
    *status = host_sockets_open(&wish->bind, port, &choice->sockets);
    if (*status == 0)
        return true;
    if (choice->refused_status == 0) {
        choice->refused_port = port;
        choice->refused_status = *status;
    }
    return !another_port_may_help(*status);
}

static bool try_fallbacks(const struct port_wish *wish, struct port_choice *choice, int *status)
{
    bool privileged = port_privilege_lacking(wish->wanted);
    uint32_t base = wish->wanted + (uint32_t)(privileged ? PRIVILEGED_SHIFT : 0);
    for (uint32_t step = privileged ? 0 : 1; step <= FORWARD_FALLBACK_TRIES && base + step <= 65535; step++) {
        if (try_port(wish, (uint16_t)(base + step), choice, status))
            return true;
    }
    return try_port(wish, 0, choice, status);
}

int port_choice_open(const struct port_wish *wish, struct port_choice *ret)
{
    int status;
    *ret = (struct port_choice){0};
    if (wish->remembered != 0 && wish->remembered != wish->wanted &&
        try_port(wish, wish->remembered, ret, &status))
        return status;
    if (try_port(wish, wish->wanted, ret, &status))
        return status;
    if (wish->allow_fallback && try_fallbacks(wish, ret, &status))
        return status == 0 ? 0 : ret->refused_status;
    return ret->refused_status;
}
