/* SPDX-License-Identifier: MIT */
/* Turns bound addresses into addresses to dial. Whether a listener may be dialled at all is the caller's
 * question (policy). */
#include "host-bridge/features/forwards/forward_target.h"

#include <string.h>

static const struct ip_address LOOPBACK_V4 = {.family = 4, .bytes = {127, 0, 0, 1}};
static const struct ip_address LOOPBACK_V6 = {.family = 6, .bytes = {[15] = 1}};

void forward_target_init(struct dial_target *target, uint8_t protocol, uint16_t port)
{
    *target = (struct dial_target){.protocol = protocol, .port = port};
}

/* 127.0.0.1 before ::1: most servers that listen on one loopback only take that one. */
static int rank(const struct ip_address *address)
{
    if (ip_address_equals(address, &LOOPBACK_V4))
        return 0;
    if (ip_address_equals(address, &LOOPBACK_V6))
        return 1;
    return ip_address_is_loopback(address) ? 2 : 3;
}

static bool holds(const struct dial_target *target, const struct ip_address *address)
{
    for (size_t i = 0; i < target->address_count; i++) {
        if (ip_address_equals(&target->addresses[i], address))
            return true;
    }
    return false;
}

static void insert(struct dial_target *target, const struct ip_address *address)
{
    size_t at = 0;
    if (holds(target, address))
        return;
    while (at < target->address_count && rank(&target->addresses[at]) <= rank(address))
        at++;
    if (at == DIAL_ADDRESSES_MAX)
        return;
    if (target->address_count < DIAL_ADDRESSES_MAX)
        target->address_count++;
    memmove(&target->addresses[at + 1], &target->addresses[at],
            (target->address_count - at - 1) * sizeof(target->addresses[0]));
    target->addresses[at] = *address;
}

void forward_target_add(struct dial_target *target, const struct port_fact *fact)
{
    const struct ip_address *address = &fact->key.address;
    if (!ip_address_is_any(address)) {
        insert(target, address);
        return;
    }
    if (address->family == 4 || !fact->v6only)
        insert(target, &LOOPBACK_V4);
    if (address->family == 6)
        insert(target, &LOOPBACK_V6);
}

void forward_target_subtract(struct dial_target *target, const struct dial_target *barred)
{
    uint8_t kept = 0;
    for (size_t i = 0; i < target->address_count; i++) {
        if (!holds(barred, &target->addresses[i]))
            target->addresses[kept++] = target->addresses[i];
    }
    target->address_count = kept;
}

void forward_target_set_loopbacks(struct dial_target *target)
{
    target->address_count = 2;
    target->addresses[0] = LOOPBACK_V4;
    target->addresses[1] = LOOPBACK_V6;
}

bool forward_target_equals(const struct dial_target *a, const struct dial_target *b)
{
    if (a->protocol != b->protocol || a->port != b->port || a->address_count != b->address_count)
        return false;
    for (size_t i = 0; i < a->address_count; i++) {
        if (!ip_address_equals(&a->addresses[i], &b->addresses[i]))
            return false;
    }
    return true;
}
