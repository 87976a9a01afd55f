/* SPDX-License-Identifier: MIT */
/* Messages' bodies as tables: which key is which field of which struct, with its range. The one description
 * serves the encoder and the decoder, so that they can't disagree. Private to protocol/wire. */
#ifndef HOSPES_RECORD_H
#define HOSPES_RECORD_H

#include "protocol/wire/message.h"

#include <msgpack.h>

enum field_type {
    FIELD_UINT8, /* unsigned integers of min … max */
    FIELD_UINT16,
    FIELD_UINT32,
    FIELD_UINT64,
    FIELD_INT32, /* an int32_t that holds 0 … max */
    FIELD_INT64, /* any int64_t */
    FIELD_BOOL,
    FIELD_TEXT,    /* char[max + 1] */
    FIELD_STATUS,  /* int, a negative status; travels by wire_status */
    FIELD_SESSION, /* struct session_id; bin of 16 */
    FIELD_BYTES, /* bin of min … max; the size in a uint16_t, unless min equals max. Required fields only */
    FIELD_ADDRESS,    /* struct ip_address; bin of 4 or 16 */
    FIELD_LOADS,      /* double[3], finite, not negative */
    FIELD_NAMES,      /* struct capability_list */
    FIELD_ADDRESSES,  /* struct dial_target's addresses, count in a uint8_t; min … max of them */
    FIELD_ITEMS,      /* an array within the struct of `item` records, count in a size_t */
    FIELD_OWNED_ITEMS /* the same on the heap: the field is a pointer; max of them */
};

struct record;

struct field {
    const char *key;
    size_t key_size;
    enum field_type type;
    bool required; /* else left out when zero, false or empty, and read as that */
    size_t offset;
    uint64_t min, max;
    size_t count_offset;       /* of the count of a list */
    const struct record *item; /* of a list of records */
};

struct record {
    const struct field *fields;
    size_t field_count; /* at most 32 */
    size_t size;        /* of the struct */
};

/* NULL for a kind that is not known. */
const struct record *record_of_kind(uint64_t kind);

/* Packs the map. Asserts the ranges. */
void record_pack(const struct record *record, const void *base, msgpack_packer *packer);

/* Fills the struct at `base`, which is all zero. STATUS_MALFORMED, STATUS_TOO_LARGE, UV_ENOMEM; lists on the
 * heap that were made by then stay in `base`. */
int record_unpack(const struct record *record, const msgpack_object *object, void *base);

#endif
