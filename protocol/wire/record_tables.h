/* SPDX-License-Identifier: MIT */
/* How a line of a record's table is written. Private to the files that hold tables. */
#ifndef HOSPES_RECORD_TABLES_H
#define HOSPES_RECORD_TABLES_H

#include "protocol/wire/record.h"

#include <stddef.h>

#define REQUIRED true
#define OPTIONAL false

#define KEY(text) text, sizeof(text) - 1

#define RECORD(fields, type)                                                                                 \
    {                                                                                                        \
        fields, sizeof(fields) / sizeof((fields)[0]), sizeof(type)                                           \
    }

#define TEXT(type, name, key, limit)                                                                         \
    {                                                                                                        \
        KEY(key), FIELD_TEXT, OPTIONAL, offsetof(type, name), 0, limit, 0, NULL                              \
    }
#define REQUIRED_TEXT(type, name, key, limit)                                                                \
    {                                                                                                        \
        KEY(key), FIELD_TEXT, REQUIRED, offsetof(type, name), 0, limit, 0, NULL                              \
    }
#define U64(type, name, key)                                                                                 \
    {                                                                                                        \
        KEY(key), FIELD_UINT64, OPTIONAL, offsetof(type, name), 0, UINT64_MAX, 0, NULL                       \
    }
#define I64(type, name, key)                                                                                 \
    {                                                                                                        \
        KEY(key), FIELD_INT64, OPTIONAL, offsetof(type, name), 0, 0, 0, NULL                                 \
    }
#define NUMBER(kind, type, name, key, required, low, high)                                                   \
    {                                                                                                        \
        KEY(key), FIELD_##kind, required, offsetof(type, name), low, high, 0, NULL                           \
    }
#define OTHER(kind, type, name, key, required)                                                               \
    {                                                                                                        \
        KEY(key), FIELD_##kind, required, offsetof(type, name), 0, 0, 0, NULL                                \
    }
/* A bin of low … high bytes; size 0 in place of a field where the two are one. */
#define BYTES(type, name, size_offset, key, low, high)                                                       \
    {                                                                                                        \
        KEY(key), FIELD_BYTES, REQUIRED, offsetof(type, name), low, high, size_offset, NULL                  \
    }
#define REQUIRED_ITEMS(kind, type, name, count, key, limit, item)                                            \
    {                                                                                                        \
        KEY(key), FIELD_##kind, REQUIRED, offsetof(type, name), 0, limit, offsetof(type, count), item        \
    }
#define ITEMS(kind, type, name, count, key, limit, item)                                                     \
    {                                                                                                        \
        KEY(key), FIELD_##kind, OPTIONAL, offsetof(type, name), 0, limit, offsetof(type, count), item        \
    }

/* NULL for a kind that has nothing to do with files. */
const struct record *record_of_files_kind(uint64_t kind);

#endif
