/* SPDX-License-Identifier: MIT */
/* What can be told from an address's bytes, and its text form. */
#include "protocol/wire/message.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

static_assert(INET6_ADDRSTRLEN == 46, "ip_address_format promises this size");

static size_t address_size(const struct ip_address *address)
{
    return address->family == 4 ? 4 : 16;
}

bool ip_address_equals(const struct ip_address *a, const struct ip_address *b)
{
    return a->family == b->family && memcmp(a->bytes, b->bytes, address_size(a)) == 0;
}

bool ip_address_is_any(const struct ip_address *address)
{
    static const uint8_t ZERO[16];
    return memcmp(address->bytes, ZERO, address_size(address)) == 0;
}

/* Of an IPv4 address written as ::ffff:a.b.c.d the four bytes, else NULL. */
static const uint8_t *mapped_ipv4(const struct ip_address *address)
{
    static const uint8_t PREFIX[12] = {[10] = 0xff, [11] = 0xff};
    if (address->family != 6 || memcmp(address->bytes, PREFIX, sizeof(PREFIX)) != 0)
        return NULL;
    return address->bytes + sizeof(PREFIX);
}

bool ip_address_is_loopback(const struct ip_address *address)
{
    static const uint8_t LOOPBACK6[16] = {[15] = 1};
    if (address->family == 4)
        return address->bytes[0] == 127;
    const uint8_t *mapped = mapped_ipv4(address);
    if (mapped != NULL)
        return mapped[0] == 127;
    return memcmp(address->bytes, LOOPBACK6, sizeof(LOOPBACK6)) == 0;
}

bool ip_address_is_link_local(const struct ip_address *address)
{
    if (address->family == 4)
        return address->bytes[0] == 169 && address->bytes[1] == 254;
    return address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80;
}

void ip_address_format(const struct ip_address *address, char out[static 46])
{
    int family = address->family == 4 ? AF_INET : AF_INET6;
    if (inet_ntop(family, address->bytes, out, INET6_ADDRSTRLEN) == NULL)
        out[0] = '\0';
}

bool ip_address_parse(const char *text, struct ip_address *ret)
{
    struct ip_address address = {.family = 4};
    if (inet_pton(AF_INET, text, address.bytes) != 1) {
        address.family = 6;
        if (inet_pton(AF_INET6, text, address.bytes) != 1)
            return false;
    }
    *ret = address;
    return true;
}
