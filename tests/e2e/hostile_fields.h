/* SPDX-License-Identifier: MIT */
/* The bodies of all messages as tables (docs/protocol.md, "Messages"), for hostile_message.c. */
#ifndef E2E_HOSTILE_FIELDS_H
#define E2E_HOSTILE_FIELDS_H

#include <stddef.h>
#include <stdint.h>

enum field_type {
    FIELD_END,
    FIELD_NUMBER, /* unsigned, from `low` to `high` */
    FIELD_STATUS, /* a negative integer */
    FIELD_TRUE,
    FIELD_TEXT,  /* at most `high` bytes */
    FIELD_BYTES, /* exactly `high` bytes */
    FIELD_SESSION,
    FIELD_ADDRESS,   /* 4 or 16 bytes */
    FIELD_LOADS,     /* three numbers */
    FIELD_TEXTS,     /* an array of up to `high` texts of 63 bytes */
    FIELD_ADDRESSES, /* an array of 1 to 4 addresses */
    FIELD_MAPS,      /* an array of up to `high` maps of `inner` */
};

struct hostile_field {
    const char *key;
    enum field_type type;
    uint64_t low, high;
    const struct hostile_field *inner; /* FIELD_MAPS */
};

struct hostile_kind {
    uint64_t kind;
    const struct hostile_field *fields; /* up to FIELD_END */
};

extern const struct hostile_kind HOSTILE_KINDS[];
extern const size_t HOSTILE_KIND_COUNT;

extern const struct hostile_field HOSTILE_SNAPSHOT[]; /* PORTS, the first of a feed */
extern const struct hostile_field HOSTILE_NO_PORTS[]; /* PORTS, a delta that changes nothing */
const struct hostile_field *hostile_fields_of(uint64_t kind);

#endif
