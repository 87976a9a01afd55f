/* SPDX-License-Identifier: MIT */
/* Fills a struct from an unpacked map after its table. Everything here came from the other side. */
#include "protocol/base/status.h"
#include "protocol/wire/record.h"
#include "protocol/wire/utf8.h"
#include "protocol/wire/wire_status.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

static int read_number(const struct field *field, const msgpack_object *object, void *at)
{
    if (object->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
        return STATUS_MALFORMED;
    uint64_t number = object->via.u64;
    if (number < field->min || number > field->max)
        return STATUS_MALFORMED;
    switch (field->type) {
    case FIELD_UINT8:
        *(uint8_t *)at = (uint8_t)number;
        break;
    case FIELD_UINT16:
        *(uint16_t *)at = (uint16_t)number;
        break;
    case FIELD_UINT32:
        *(uint32_t *)at = (uint32_t)number;
        break;
    case FIELD_INT32:
        *(int32_t *)at = (int32_t)number;
        break;
    default:
        *(uint64_t *)at = number;
        break;
    }
    return 0;
}

static int read_signed(const msgpack_object *object, int64_t *out)
{
    if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER && object->via.u64 <= INT64_MAX)
        *out = (int64_t)object->via.u64;
    else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        *out = object->via.i64;
    else
        return STATUS_MALFORMED;
    return 0;
}

static int read_text(const msgpack_object *object, size_t limit, char *out)
{
    if (object->type != MSGPACK_OBJECT_STR)
        return STATUS_MALFORMED;
    struct span text = span_of(object->via.str.ptr, object->via.str.size);
    if (text.size > limit)
        return STATUS_TOO_LARGE;
    if (!utf8_is_valid(text))
        return STATUS_MALFORMED;
    if (text.size > 0)
        memcpy(out, text.data, text.size);
    out[text.size] = '\0';
    return 0;
}

static int read_bool(const msgpack_object *object, bool *out)
{
    if (object->type != MSGPACK_OBJECT_BOOLEAN)
        return STATUS_MALFORMED;
    *out = object->via.boolean;
    return 0;
}

static int read_status(const msgpack_object *object, int *out)
{
    if (object->type != MSGPACK_OBJECT_NEGATIVE_INTEGER || object->via.i64 < INT32_MIN)
        return STATUS_MALFORMED;
    *out = wire_status_decode((int32_t)object->via.i64);
    return 0;
}

static int read_session(const msgpack_object *object, struct session_id *out)
{
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size != SESSION_ID_SIZE)
        return STATUS_MALFORMED;
    memcpy(out->bytes, object->via.bin.ptr, SESSION_ID_SIZE);
    return 0;
}

static int read_bytes(const struct field *field, const msgpack_object *object, void *base)
{
    if (object->type != MSGPACK_OBJECT_BIN || object->via.bin.size < field->min)
        return STATUS_MALFORMED;
    if (object->via.bin.size > field->max)
        return field->min == field->max ? STATUS_MALFORMED : STATUS_TOO_LARGE;
    uint16_t size = (uint16_t)object->via.bin.size;
    if (size > 0)
        memcpy((char *)base + field->offset, object->via.bin.ptr, size);
    if (field->min < field->max)
        memcpy((char *)base + field->count_offset, &size, sizeof(size));
    return 0;
}

static int read_address(const msgpack_object *object, struct ip_address *out)
{
    if (object->type != MSGPACK_OBJECT_BIN || (object->via.bin.size != 4 && object->via.bin.size != 16))
        return STATUS_MALFORMED;
    out->family = object->via.bin.size == 4 ? 4 : 6;
    memcpy(out->bytes, object->via.bin.ptr, object->via.bin.size);
    return 0;
}

static int read_load(const msgpack_object *object, double *out)
{
    double load;
    if (object->type == MSGPACK_OBJECT_FLOAT32 || object->type == MSGPACK_OBJECT_FLOAT64)
        load = object->via.f64;
    else if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        load = (double)object->via.u64;
    else
        return STATUS_MALFORMED;
    if (!isfinite(load) || load < 0)
        return STATUS_MALFORMED;
    *out = load;
    return 0;
}

/* Opens an array of min … max objects. */
static int read_array(const msgpack_object *object, uint64_t min, uint64_t max,
                      const msgpack_object_array **ret_array)
{
    if (object->type != MSGPACK_OBJECT_ARRAY || object->via.array.size < min)
        return STATUS_MALFORMED;
    if (object->via.array.size > max)
        return STATUS_TOO_LARGE;
    *ret_array = &object->via.array;
    return 0;
}

static int read_loads(const msgpack_object *object, double *out)
{
    const msgpack_object_array *array;
    int status = read_array(object, 3, 3, &array);
    for (size_t i = 0; status == 0 && i < 3; i++)
        status = read_load(&array->ptr[i], &out[i]);
    return status;
}

static int read_names(const msgpack_object *object, struct capability_list *out)
{
    const msgpack_object_array *array;
    int status = read_array(object, 0, CAPABILITIES_MAX, &array);
    if (status < 0)
        return status;
    for (size_t i = 0; status == 0 && i < array->size; i++)
        status = read_text(&array->ptr[i], TEXT_NAME_MAX, out->names[i]);
    out->count = status == 0 ? array->size : 0;
    return status;
}

static int read_addresses(const struct field *field, const msgpack_object *object, void *base)
{
    struct ip_address *addresses = (void *)((char *)base + field->offset);
    const msgpack_object_array *array;
    int status = read_array(object, field->min, field->max, &array);
    if (status < 0)
        return status;
    for (size_t i = 0; status == 0 && i < array->size; i++)
        status = read_address(&array->ptr[i], &addresses[i]);
    *((uint8_t *)base + field->count_offset) = (uint8_t)array->size;
    return status;
}

/* Tables nest one deep, whatever the bytes say. */
static int read_items(const struct field *field, const msgpack_object *object, void *base)
{
    const msgpack_object_array *array;
    int status = read_array(object, 0, field->max, &array);
    if (status < 0 || array->size == 0)
        return status;
    char *items = (char *)base + field->offset;
    if (field->type == FIELD_OWNED_ITEMS) {
        items = calloc(array->size, field->item->size);
        if (items == NULL)
            return UV_ENOMEM;
        memcpy((char *)base + field->offset, &items, sizeof(items));
    }
    *(size_t *)((char *)base + field->count_offset) = array->size;
    for (size_t i = 0; status == 0 && i < array->size; i++)
        status = record_unpack(field->item, &array->ptr[i], items + i * field->item->size);
    return status;
}

static int read_value(const struct field *field, const msgpack_object *object, void *base)
{
    void *at = (char *)base + field->offset;
    switch (field->type) {
    case FIELD_UINT8:
    case FIELD_UINT16:
    case FIELD_UINT32:
    case FIELD_UINT64:
    case FIELD_INT32:
        return read_number(field, object, at);
    case FIELD_INT64:
        return read_signed(object, at);
    case FIELD_BOOL:
        return read_bool(object, at);
    case FIELD_TEXT:
        return read_text(object, (size_t)field->max, at);
    case FIELD_STATUS:
        return read_status(object, at);
    case FIELD_SESSION:
        return read_session(object, at);
    case FIELD_BYTES:
        return read_bytes(field, object, base);
    case FIELD_ADDRESS:
        return read_address(object, at);
    case FIELD_LOADS:
        return read_loads(object, at);
    case FIELD_NAMES:
        return read_names(object, at);
    case FIELD_ADDRESSES:
        return read_addresses(field, object, base);
    case FIELD_ITEMS:
    case FIELD_OWNED_ITEMS:
        return read_items(field, object, base);
    }
    return STATUS_MALFORMED;
}

/* Index of the field with this key; field_count when the key is unknown. The search starts at `expected`,
 * since keys come in the order of the table as a rule. */
static size_t find_field(const struct record *record, const msgpack_object_str *key, size_t expected)
{
    for (size_t step = 0; step < record->field_count; step++) {
        size_t i =
            expected + step < record->field_count ? expected + step : expected + step - record->field_count;
        const struct field *field = &record->fields[i];
        if (field->key_size == key->size && memcmp(field->key, key->ptr, key->size) == 0)
            return i;
    }
    return record->field_count;
}

int record_unpack(const struct record *record, const msgpack_object *object, void *base)
{
    assert(record->field_count <= 32);
    if (object->type != MSGPACK_OBJECT_MAP)
        return STATUS_MALFORMED;
    uint32_t seen = 0;
    size_t expected = 0;
    for (size_t i = 0; i < object->via.map.size; i++) {
        const msgpack_object_kv *entry = &object->via.map.ptr[i];
        if (entry->key.type != MSGPACK_OBJECT_STR)
            return STATUS_MALFORMED;
        size_t index = find_field(record, &entry->key.via.str, expected);
        if (index == record->field_count)
            continue;
        expected = index + 1;
        if ((seen >> index & 1) != 0)
            return STATUS_MALFORMED;
        seen |= UINT32_C(1) << index;
        int status = read_value(&record->fields[index], &entry->val, base);
        if (status < 0)
            return status;
    }
    for (size_t i = 0; i < record->field_count; i++) {
        if (record->fields[i].required && (seen >> i & 1) == 0)
            return STATUS_MALFORMED;
    }
    return 0;
}
