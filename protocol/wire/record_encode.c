/* SPDX-License-Identifier: MIT */
/* Packs a struct after its table. Values come from this program, so a wrong one is a bug and asserted. */
#include "protocol/wire/record.h"
#include "protocol/wire/utf8.h"
#include "protocol/wire/wire_status.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static uint64_t read_number(const struct field *field, const void *at)
{
    switch (field->type) {
    case FIELD_UINT8:
        return *(const uint8_t *)at;
    case FIELD_UINT16:
        return *(const uint16_t *)at;
    case FIELD_UINT32:
        return *(const uint32_t *)at;
    case FIELD_INT32:
        return (uint64_t) * (const int32_t *)at; /* negative becomes too large */
    default:
        return *(const uint64_t *)at;
    }
}

static size_t read_count(const struct field *field, const void *base)
{
    return *(const size_t *)((const char *)base + field->count_offset);
}

static bool is_present(const struct field *field, const void *base)
{
    static const struct session_id NO_SESSION;
    const void *at = (const char *)base + field->offset;
    if (field->required)
        return true;
    switch (field->type) {
    case FIELD_BOOL:
        return *(const bool *)at;
    case FIELD_TEXT:
        return *(const char *)at != '\0';
    case FIELD_SESSION:
        return memcmp(at, &NO_SESSION, sizeof(NO_SESSION)) != 0;
    case FIELD_NAMES:
        return ((const struct capability_list *)at)->count > 0;
    case FIELD_ITEMS:
    case FIELD_OWNED_ITEMS:
        return read_count(field, base) > 0;
    case FIELD_LOADS:
        return true;
    default:
        return read_number(field, at) != 0;
    }
}

static void pack_text(const char *text, size_t limit, msgpack_packer *packer)
{
    size_t size = strnlen(text, limit + 1);
    assert(size <= limit);
    assert(utf8_is_valid(span_of(text, size)));
    msgpack_pack_str(packer, size);
    msgpack_pack_str_body(packer, text, size);
}

static void pack_bytes(const void *bytes, size_t size, msgpack_packer *packer)
{
    msgpack_pack_bin(packer, size);
    msgpack_pack_bin_body(packer, bytes, size);
}

static void pack_sized_bytes(const struct field *field, const void *base, msgpack_packer *packer)
{
    uint16_t size = (uint16_t)field->max;
    if (field->min < field->max)
        memcpy(&size, (const char *)base + field->count_offset, sizeof(size));
    assert(size >= field->min && size <= field->max);
    pack_bytes((const char *)base + field->offset, size, packer);
}

static void pack_address(const struct ip_address *address, msgpack_packer *packer)
{
    assert(address->family == 4 || address->family == 6);
    pack_bytes(address->bytes, address->family == 4 ? 4 : 16, packer);
}

static void pack_loads(const double *loads, msgpack_packer *packer)
{
    msgpack_pack_array(packer, 3);
    for (size_t i = 0; i < 3; i++) {
        assert(isfinite(loads[i]) && loads[i] >= 0);
        msgpack_pack_double(packer, loads[i]);
    }
}

static void pack_names(const struct capability_list *list, msgpack_packer *packer)
{
    assert(list->count <= CAPABILITIES_MAX);
    msgpack_pack_array(packer, list->count);
    for (size_t i = 0; i < list->count; i++)
        pack_text(list->names[i], TEXT_NAME_MAX, packer);
}

static void pack_addresses(const struct field *field, const void *base, msgpack_packer *packer)
{
    const struct ip_address *addresses = (const void *)((const char *)base + field->offset);
    uint8_t count = *((const uint8_t *)base + field->count_offset);
    assert(count >= field->min && count <= field->max);
    msgpack_pack_array(packer, count);
    for (size_t i = 0; i < count; i++)
        pack_address(&addresses[i], packer);
}

/* Records hold scalars only, so this recursion is one deep. */
static void pack_items(const struct field *field, const void *base, msgpack_packer *packer)
{
    const char *items = (const char *)base + field->offset;
    if (field->type == FIELD_OWNED_ITEMS)
        memcpy(&items, (const char *)base + field->offset, sizeof(items));
    size_t count = read_count(field, base);
    assert(count <= field->max);
    msgpack_pack_array(packer, count);
    for (size_t i = 0; i < count; i++)
        record_pack(field->item, items + i * field->item->size, packer);
}

static void pack_number(const struct field *field, const void *at, msgpack_packer *packer)
{
    uint64_t number = read_number(field, at);
    assert(number >= field->min && number <= field->max);
    msgpack_pack_uint64(packer, number);
}

static void pack_signed(const void *at, msgpack_packer *packer)
{
    msgpack_pack_int64(packer, *(const int64_t *)at);
}

static void pack_status(int status, msgpack_packer *packer)
{
    assert(status < 0);
    msgpack_pack_int32(packer, wire_status_encode(status));
}

static void pack_value(const struct field *field, const void *base, msgpack_packer *packer)
{
    const void *at = (const char *)base + field->offset;
    switch (field->type) {
    case FIELD_UINT8:
    case FIELD_UINT16:
    case FIELD_UINT32:
    case FIELD_UINT64:
    case FIELD_INT32:
        pack_number(field, at, packer);
        break;
    case FIELD_INT64:
        pack_signed(at, packer);
        break;
    case FIELD_BOOL:
        *(const bool *)at ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
        break;
    case FIELD_TEXT:
        pack_text(at, (size_t)field->max, packer);
        break;
    case FIELD_STATUS:
        pack_status(*(const int *)at, packer);
        break;
    case FIELD_SESSION:
        pack_bytes(at, SESSION_ID_SIZE, packer);
        break;
    case FIELD_BYTES:
        pack_sized_bytes(field, base, packer);
        break;
    case FIELD_ADDRESS:
        pack_address(at, packer);
        break;
    case FIELD_LOADS:
        pack_loads(at, packer);
        break;
    case FIELD_NAMES:
        pack_names(at, packer);
        break;
    case FIELD_ADDRESSES:
        pack_addresses(field, base, packer);
        break;
    case FIELD_ITEMS:
    case FIELD_OWNED_ITEMS:
        pack_items(field, base, packer);
        break;
    }
}

void record_pack(const struct record *record, const void *base, msgpack_packer *packer)
{
    uint32_t present = 0;
    size_t count = 0;
    assert(record->field_count <= 32);
    for (size_t i = 0; i < record->field_count; i++) {
        if (!is_present(&record->fields[i], base))
            continue;
        present |= UINT32_C(1) << i;
        count++;
    }
    msgpack_pack_map(packer, count);
    for (size_t i = 0; i < record->field_count; i++) {
        const struct field *field = &record->fields[i];
        if ((present >> i & 1) == 0)
            continue;
        msgpack_pack_str(packer, field->key_size);
        msgpack_pack_str_body(packer, field->key, field->key_size);
        pack_value(field, base, packer);
    }
}
