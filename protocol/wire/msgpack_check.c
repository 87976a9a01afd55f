/* SPDX-License-Identifier: MIT */
/* One pass over the bytes with a fixed stack. Says nothing about what the values mean. */
#include "protocol/wire/msgpack_check.h"

#include "protocol/base/status.h"
#include "protocol/wire/limits.h"

struct walk {
    const uint8_t *at;
    size_t left;
    size_t objects;
    uint64_t open[MSGPACK_DEPTH_MAX]; /* objects still due in each open container */
    size_t depth;
};

/* What a type byte announces: `size_bytes` of big-endian length, then `fixed` bytes and as many as the length
 * says, or `length` objects times `per_entry`. */
struct head {
    unsigned size_bytes;
    uint64_t fixed;
    unsigned per_entry; /* 0 scalar or bytes, 1 array, 2 map */
    bool refused;
};

static struct head head_of(uint8_t type)
{
    if (type <= 0x7f || type >= 0xe0)
        return (struct head){.fixed = 0};
    if (type <= 0x8f)
        return (struct head){.fixed = type & 0x0f, .per_entry = 2};
    if (type <= 0x9f)
        return (struct head){.fixed = type & 0x0f, .per_entry = 1};
    if (type <= 0xbf)
        return (struct head){.fixed = type & 0x1f};
    switch (type) {
    case 0xc0: /* nil */
    case 0xc2: /* false */
    case 0xc3: /* true */
        return (struct head){.fixed = 0};
    case 0xc4: /* bin8, bin16, bin32 */
    case 0xc5:
    case 0xc6:
        return (struct head){.size_bytes = 1u << (type - 0xc4)};
    case 0xca: /* float32, float64 */
    case 0xcb:
        return (struct head){.fixed = 4u << (type - 0xca)};
    case 0xcc: /* uint8 … uint64 */
    case 0xcd:
    case 0xce:
    case 0xcf:
        return (struct head){.fixed = 1u << (type - 0xcc)};
    case 0xd0: /* int8 … int64 */
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return (struct head){.fixed = 1u << (type - 0xd0)};
    case 0xd9: /* str8, str16, str32 */
    case 0xda:
    case 0xdb:
        return (struct head){.size_bytes = 1u << (type - 0xd9)};
    case 0xdc: /* array16, array32 */
    case 0xdd:
        return (struct head){.size_bytes = 2u << (type - 0xdc), .per_entry = 1};
    case 0xde: /* map16, map32 */
    case 0xdf:
        return (struct head){.size_bytes = 2u << (type - 0xde), .per_entry = 2};
    default: /* 0xc1, extensions */
        return (struct head){.refused = true};
    }
}

static int open_container(struct walk *walk, uint64_t entries)
{
    if (entries > walk->left) /* each entry is a byte at least */
        return STATUS_MALFORMED;
    if (entries == 0)
        return 0;
    if (walk->depth == MSGPACK_DEPTH_MAX)
        return STATUS_TOO_LARGE;
    walk->open[walk->depth++] = entries;
    return 0;
}

static int next_object(struct walk *walk)
{
    if (walk->left == 0)
        return STATUS_MALFORMED;
    if (++walk->objects > MSGPACK_OBJECTS_MAX)
        return STATUS_TOO_LARGE;
    struct head head = head_of(*walk->at);
    walk->at++;
    walk->left--;
    if (head.refused || head.size_bytes > walk->left)
        return STATUS_MALFORMED;
    uint64_t length = head.fixed;
    if (head.size_bytes > 0) {
        length = 0;
        for (unsigned i = 0; i < head.size_bytes; i++)
            length = length << 8 | walk->at[i];
        walk->at += head.size_bytes;
        walk->left -= head.size_bytes;
    }
    if (head.per_entry > 0)
        return open_container(walk, length * head.per_entry);
    if (length > walk->left)
        return STATUS_MALFORMED;
    walk->at += length;
    walk->left -= (size_t)length;
    return 0;
}

int msgpack_check(struct span bytes)
{
    struct walk walk = {.at = bytes.data, .left = bytes.size};
    uint64_t due = 1; /* the one object at the top */
    while (due > 0 || walk.depth > 0) {
        if (walk.depth > 0 && walk.open[walk.depth - 1] == 0) {
            walk.depth--;
            continue;
        }
        if (walk.depth > 0)
            walk.open[walk.depth - 1]--;
        else
            due--;
        int status = next_object(&walk);
        if (status < 0)
            return status;
    }
    return walk.left == 0 ? 0 : STATUS_MALFORMED;
}
