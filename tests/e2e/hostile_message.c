/* SPDX-License-Identifier: MIT */
/* Makes one message at random: the values of its fields, and, for a wild one, the fault in it. What a message
 * holds is said by hostile_fields.c's tables; to whom it goes is flood_agent.c's. */
#include "tests/e2e/hostile_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"
#include "tests/e2e/hostile_fields.h"
#include "tests/e2e/hostile_values.h"

enum fault {
    FAULT_NONE,
    FAULT_VALUE,     /* one value is of another type, or outside its range */
    FAULT_DUPLICATE, /* a key twice */
    FAULT_MISSING,   /* the first field, which is required as a rule, is not there */
    FAULT_COUNT,     /* the map promises more than there is */
    FAULT_FLIPPED,   /* bytes of the whole are changed */
    FAULT_CUT,
    FAULT_TRAILING,
    FAULT_DEPTH,
    FAULT_SIZE, /* an array of four thousand million */
    FAULT_EXTENSION,
    FAULT_OBJECTS,
    FAULT_NOT_A_MAP,
    FAULT_COUNT_OF_FAULTS,
};

static void put_map(struct writer *writer, const struct hostile_field *fields, enum fault fault);

static void put_value(struct writer *writer, const struct hostile_field *field)
{
    struct hostile_random *random = writer->random;
    size_t count;
    if (writer->values_left >= 0 && writer->values_left-- == 0) {
        writer_put_wrong_value(writer);
        return;
    }
    switch (field->type) {
    case FIELD_NUMBER: {
        uint64_t range = field->high - field->low;
        writer_put_number(writer,
                          field->low + (range == UINT64_MAX ? hostile_random_next(random)
                                                            : hostile_random_next(random) % (range + 1)));
        break;
    }
    case FIELD_STATUS:
        writer_put_head(writer, 0xd3, (uint64_t)-1 - hostile_random_below(random, 12000), 8);
        break;
    case FIELD_TRUE:
        writer_put_head(writer, 0xc3, 0, 0);
        break;
    case FIELD_TEXT:
        writer_put_nasty_text(writer, field->high);
        break;
    case FIELD_BYTES:
        writer_put_random_bytes(writer, field->high);
        break;
    case FIELD_SESSION:
        writer_put_random_bytes(writer, 16);
        break;
    case FIELD_ADDRESS:
        writer_put_address(writer);
        break;
    case FIELD_LOADS:
        writer_put_head(writer, 0x93, 0, 0);
        for (int i = 0; i < 3; i++)
            writer_put_head(writer, 0xcb, 0x7fefffffffffffff, 8); /* the largest there is */
        break;
    case FIELD_TEXTS:
        count = hostile_random_below(random, (uint32_t)field->high + 1);
        writer_put_head(writer, 0xdc, count, 2);
        for (size_t i = 0; i < count; i++)
            writer_put_nasty_text(writer, 63);
        break;
    case FIELD_ADDRESSES:
        count = 1 + hostile_random_below(random, 4);
        writer_put_head(writer, 0xdc, count, 2);
        for (size_t i = 0; i < count; i++)
            writer_put_address(writer);
        break;
    case FIELD_MAPS:
        count = hostile_random_below(random, (uint32_t)field->high + 1);
        writer_put_head(writer, 0xdc, count, 2);
        for (size_t i = 0; i < count; i++)
            put_map(writer, field->inner, FAULT_NONE);
        break;
    case FIELD_END:
        break;
    }
}

static void put_nonsense(struct writer *writer, enum fault fault)
{
    writer_put_text(writer, "later");
    switch (fault) {
    case FAULT_DEPTH:
        for (int i = 0; i < 20000; i++)
            writer_put_head(writer, 0x91, 0, 0);
        writer_put_head(writer, 0xc0, 0, 0);
        break;
    case FAULT_SIZE:
        writer_put_head(writer, hostile_random_below(writer->random, 2) == 0 ? 0xdd : 0xdf, UINT32_MAX, 4);
        break;
    case FAULT_EXTENSION:
        writer_put(writer, "\xd4\x01\x00", 3);
        break;
    case FAULT_OBJECTS:
        writer_put_head(writer, 0xdd, 17000, 4);
        for (int i = 0; i < 17000; i++)
            writer_put_head(writer, 0x01, 0, 0);
        break;
    default:
        writer_put_head(writer, 0xc0, 0, 0); /* a key that nobody knows is allowed */
        break;
    }
}

static void put_map(struct writer *writer, const struct hostile_field *fields, enum fault fault)
{
    bool nonsense = fault >= FAULT_DEPTH && fault <= FAULT_OBJECTS;
    size_t count = 0, first = fault == FAULT_MISSING ? 1 : 0;
    if (fields[0].type == FIELD_END)
        first = 0;
    while (fields[count].type != FIELD_END)
        count++;
    size_t promised = count - first + (nonsense ? 1 : 0);
    if (fault == FAULT_DUPLICATE && count > 0)
        promised++;
    writer_put_head(writer, 0xde,
                    promised + (fault == FAULT_COUNT ? 1 + hostile_random_below(writer->random, 60000) : 0),
                    2);
    for (size_t i = first; i < count; i++) {
        writer_put_text(writer, fields[i].key);
        put_value(writer, &fields[i]);
    }
    if (fault == FAULT_DUPLICATE && count > 0) {
        writer_put_text(writer, fields[0].key);
        put_value(writer, &fields[0]);
    }
    if (nonsense)
        put_nonsense(writer, fault);
}

/* What is done to the bytes of the whole. */
static void damage(struct writer *writer, enum fault fault)
{
    struct hostile_random *random = writer->random;
    if (fault == FAULT_FLIPPED) {
        for (uint32_t i = 1 + hostile_random_below(random, 4); i > 0; i--)
            writer->bytes[hostile_random_below(random, (uint32_t)writer->size)] ^=
                (uint8_t)(1u << hostile_random_below(random, 8));
    } else if (fault == FAULT_CUT) {
        writer->size = hostile_random_below(random, (uint32_t)writer->size);
    } else if (fault == FAULT_TRAILING) {
        writer_put_head(writer, 0xc0, 0, 0);
    }
}

static void append(struct buffer *out, const void *data, size_t size)
{
    if (buffer_append(out, data, size) < 0) {
        fputs("flood_agent: out of memory\n", stderr);
        exit(1);
    }
}

static void append_frame(struct buffer *out, uint8_t type, const void *payload, size_t size)
{
    struct frame_header header = {.length = (uint32_t)size, .type = type};
    uint8_t head[FRAME_HEADER_SIZE];
    frame_header_encode(&header, head);
    append(out, head, sizeof(head));
    append(out, payload, size);
}

static void append_message(struct hostile_random *random, uint64_t kind, uint64_t id,
                           const struct hostile_field *fields, enum fault fault, struct buffer *out)
{
    struct writer writer;
    writer_start(&writer, random);
    if (fault == FAULT_VALUE)
        writer.values_left = (int)hostile_random_below(random, 8);
    writer_put_head(&writer, 0x93, 0, 0);
    writer_put_number(&writer, kind);
    writer_put_number(&writer, id);
    if (fault == FAULT_NOT_A_MAP)
        writer_put_wrong_value(&writer);
    else
        put_map(&writer, fields, fault);
    damage(&writer, fault);
    append_frame(out, FRAME_MESSAGE, writer.bytes, writer.size);
}

/* Headers that are wrong, and frames that have no business here. */
static void append_wild_frame(struct hostile_random *random, struct buffer *out)
{
    uint8_t bytes[FRAME_HEADER_SIZE + 64];
    struct frame_header header = {.length = 64, .type = FRAME_MESSAGE};
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)hostile_random_next(random);
    frame_header_encode(&header, bytes);
    switch (hostile_random_below(random, 6)) {
    case 0:
        bytes[hostile_random_below(random, FRAME_HEADER_SIZE)] ^=
            (uint8_t)(1u << hostile_random_below(random, 8));
        break;
    case 1:
        bytes[8] = (uint8_t)(1 + hostile_random_below(random, 6)); /* another type */
        break;
    case 2:
        memset(bytes, 0xff, 4); /* 4 GiB follow */
        break;
    case 3:
        bytes[8] = FRAME_RST;
        break;
    case 4:
        for (size_t i = 0; i < FRAME_HEADER_SIZE; i++)
            bytes[i] = (uint8_t)hostile_random_next(random);
        break;
    default:
        break; /* a message that is none */
    }
    append(out, bytes, sizeof(bytes));
}

void hostile_message_allowed(struct hostile_random *random, enum hostile_place place, uint64_t event,
                             uint64_t *ret_event, struct buffer *out)
{
    static const uint64_t ANSWERS[] = {MESSAGE_PONG, MESSAGE_HEALTH, MESSAGE_ERROR};
    uint64_t kind;
    *ret_event = event;
    if (place == HOSTILE_CHANNEL) {
        uint8_t bytes[1024];
        memset(bytes, (int)hostile_random_below(random, 256), sizeof(bytes));
        append_frame(out, FRAME_DATA, bytes, hostile_random_below(random, sizeof(bytes)));
        return;
    }
    if (hostile_random_below(random, 16) == 0) { /* a later version's */
        append_message(random, 1000 + hostile_random_next(random) % 1000000, event,
                       hostile_fields_of(MESSAGE_HEALTH), FAULT_NONE, out);
        return;
    }
    if (place == HOSTILE_CONTROL) {
        kind = ANSWERS[hostile_random_below(random, 3)];
        append_message(random, kind, (UINT64_C(1) << 40) + hostile_random_next(random) % 1000,
                       hostile_fields_of(kind), FAULT_NONE, out);
        return;
    }
    /* PORTS only: an agent may tell of refusals once a second, and these come faster. */
    bool moves = hostile_random_below(random, 4) == 0; /* else the time goes into the host's own sockets */
    append_message(random, MESSAGE_PORTS, event, moves ? hostile_fields_of(MESSAGE_PORTS) : HOSTILE_NO_PORTS,
                   FAULT_NONE, out);
    *ret_event = event + 1;
}

void hostile_message_wild(struct hostile_random *random, enum hostile_place place, uint64_t event,
                          struct buffer *out)
{
    const struct hostile_kind *kind =
        &HOSTILE_KINDS[hostile_random_below(random, (uint32_t)HOSTILE_KIND_COUNT)];
    uint32_t dice = hostile_random_below(random, 8);
    if (dice == 0) {
        append_wild_frame(random, out);
        return;
    }
    if (dice > 3 && place == HOSTILE_FEED)
        kind =
            &HOSTILE_KINDS[HOSTILE_KIND_COUNT - 1 - hostile_random_below(random, 2)]; /* PORTS or REFUSALS */
    enum fault fault =
        dice == 1 ? FAULT_NONE : (enum fault)hostile_random_below(random, FAULT_COUNT_OF_FAULTS);
    append_message(random, kind->kind,
                   hostile_random_below(random, 4) == 0 ? hostile_random_next(random) : event, kind->fields,
                   fault, out);
}

void hostile_message_health(struct hostile_random *random, uint64_t id, struct buffer *out)
{
    append_message(random, MESSAGE_HEALTH, id, hostile_fields_of(MESSAGE_HEALTH), FAULT_NONE, out);
}

void hostile_message_welcome(struct hostile_random *random, const uint8_t session[static 16], bool feed,
                             struct buffer *out)
{
    struct writer writer;
    writer_start(&writer, random);
    writer_put_head(&writer, 0x93, 0, 0);
    writer_put_number(&writer, MESSAGE_WELCOME);
    writer_put_number(&writer, 0);
    writer_put_head(&writer, 0x85, 0, 0);
    writer_put_text(&writer, "version");
    writer_put_number(&writer, 1);
    writer_put_text(&writer, "session");
    writer_put_head(&writer, 0xc4, 16, 1);
    writer_put(&writer, session, 16);
    writer_put_text(&writer, "hostname");
    writer_put_nasty_text(&writer, 63);
    writer_put_text(&writer, "epoch");
    writer_put_number(&writer, feed ? 7 : 0);
    writer_put_text(&writer, "sequence");
    writer_put_number(&writer, feed ? 1 : 0);
    append_frame(out, FRAME_MESSAGE, writer.bytes, writer.size);
    if (feed)
        append_message(random, MESSAGE_PORTS, 1, HOSTILE_SNAPSHOT, FAULT_NONE, out);
}
