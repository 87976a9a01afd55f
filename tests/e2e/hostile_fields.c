/* SPDX-License-Identifier: MIT */
/* What each message holds; which values are nasty is hostile_message.c's. Counts are smaller than the
 * protocol's, so that a million messages take minutes; what is above the protocol's maximum comes from
 * hostile_message.c, too. */
#include "tests/e2e/hostile_fields.h"

#include <assert.h>

#include "protocol/wire/message.h"

static const struct hostile_field NOTHING[] = {{0}};

static const struct hostile_field HELLO[] = {
    {"version", FIELD_NUMBER, 1, 1, NULL},   {"versionMin", FIELD_NUMBER, 1, 1, NULL},
    {"role", FIELD_NUMBER, 1, 2, NULL},      {"software", FIELD_TEXT, 0, 63, NULL},
    {"link", FIELD_TEXT, 0, 63, NULL},       {"port", FIELD_NUMBER, 0, UINT32_MAX, NULL},
    {"pattern", FIELD_NUMBER, 1, 4, NULL},   {"ciphers", FIELD_NUMBER, 0, UINT32_MAX, NULL},
    {"sealing", FIELD_NUMBER, 0, 2, NULL},   {"capabilities", FIELD_TEXTS, 0, 8, NULL},
    {"session", FIELD_SESSION, 0, 0, NULL},  {"epoch", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {"sequence", FIELD_NUMBER, 0, 99, NULL}, {0},
};

static const struct hostile_field WELCOME[] = {
    {"version", FIELD_NUMBER, 1, 1, NULL},  {"software", FIELD_TEXT, 0, 63, NULL},
    {"os", FIELD_TEXT, 0, 63, NULL},        {"arch", FIELD_TEXT, 0, 63, NULL},
    {"hostname", FIELD_TEXT, 0, 63, NULL},  {"machineId", FIELD_TEXT, 0, 63, NULL},
    {"bootId", FIELD_TEXT, 0, 63, NULL},    {"capabilities", FIELD_TEXTS, 0, 8, NULL},
    {"session", FIELD_SESSION, 0, 0, NULL}, {"epoch", FIELD_NUMBER, 7, 7, NULL},
    {"sequence", FIELD_NUMBER, 1, 1, NULL}, {0},
};

static const struct hostile_field FAILURE[] = {
    {"status", FIELD_STATUS, 0, 0, NULL},
    {"text", FIELD_TEXT, 0, 255, NULL},
    {0},
};

static const struct hostile_field AUTH[] = {{"message", FIELD_BYTES, 0, 96, NULL}, {0}};

static const struct hostile_field JOIN[] = {
    {"session", FIELD_SESSION, 0, 0, NULL},
    {"connection", FIELD_NUMBER, 1, UINT64_MAX, NULL},
    {"proof", FIELD_BYTES, 0, 32, NULL},
    {0},
};

static const struct hostile_field DISK[] = {
    {"mount", FIELD_TEXT, 0, 255, NULL},
    {"type", FIELD_TEXT, 0, 63, NULL},
    {"total", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {"available", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {0},
};

static const struct hostile_field INTERFACE[] = {
    {"interface", FIELD_TEXT, 0, 63, NULL},
    {"address", FIELD_ADDRESS, 0, 0, NULL},
    {0},
};

static const struct hostile_field USER[] = {
    {"name", FIELD_TEXT, 0, 63, NULL},
    {"seat", FIELD_TEXT, 0, 63, NULL},
    {"sinceMs", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {0},
};

static const struct hostile_field HEALTH[] = {
    {"uptimeMs", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {"agentUptimeMs", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {"realtimeMs", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {"load", FIELD_LOADS, 0, 0, NULL},
    {"memoryTotal", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {"memoryAvailable", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {"disks", FIELD_MAPS, 0, 32, DISK},
    {"addresses", FIELD_MAPS, 0, 8, INTERFACE},
    {"users", FIELD_MAPS, 0, 8, USER},
    {0},
};

static const struct hostile_field CHANNEL_OPEN[] = {
    {"session", FIELD_SESSION, 0, 0, NULL},
    {"protocol", FIELD_NUMBER, 1, 2, NULL},
    {"port", FIELD_NUMBER, 1, 65535, NULL},
    {"addresses", FIELD_ADDRESSES, 0, 0, NULL},
    {0},
};

/* Few ports, so that it is the messages that are counted and not the listeners of the host. */
static const struct hostile_field OPENED[] = {
    {"protocol", FIELD_NUMBER, 1, 2, NULL},
    {"address", FIELD_ADDRESS, 0, 0, NULL},
    {"port", FIELD_NUMBER, 20000, 20063, NULL},
    {"uid", FIELD_NUMBER, 0, UINT32_MAX, NULL},
    {"pid", FIELD_NUMBER, 0, INT32_MAX, NULL},
    {"name", FIELD_TEXT, 0, 63, NULL},
    {"command", FIELD_TEXT, 0, 255, NULL},
    {"unit", FIELD_TEXT, 0, 127, NULL},
    {"container", FIELD_TEXT, 0, 71, NULL},
    {"ageMs", FIELD_NUMBER, 0, UINT64_MAX, NULL},
    {0},
};

static const struct hostile_field CLOSED[] = {
    {"protocol", FIELD_NUMBER, 1, 2, NULL},
    {"address", FIELD_ADDRESS, 0, 0, NULL},
    {"port", FIELD_NUMBER, 20000, 20063, NULL},
    {0},
};

static const struct hostile_field PORTS[] = {
    {"ephemeralLow", FIELD_NUMBER, 1, 20000, NULL},
    {"ephemeralHigh", FIELD_NUMBER, 20000, 65535, NULL},
    {"opened", FIELD_MAPS, 0, 2, OPENED},
    {"closed", FIELD_MAPS, 0, 2, CLOSED},
    {0},
};

const struct hostile_field HOSTILE_SNAPSHOT[] = {
    {"snapshot", FIELD_TRUE, 0, 0, NULL},
    {"opened", FIELD_MAPS, 0, 2, OPENED},
    {0},
};

const struct hostile_field HOSTILE_NO_PORTS[] = {
    {"ephemeralLow", FIELD_NUMBER, 1, 20000, NULL},
    {"ephemeralHigh", FIELD_NUMBER, 20000, 65535, NULL},
    {0},
};

static const struct hostile_field REFUSALS[] = {
    {"count", FIELD_NUMBER, 1, UINT64_MAX, NULL},
    {"status", FIELD_STATUS, 0, 0, NULL},
    {"link", FIELD_TEXT, 0, 63, NULL},
    {"who", FIELD_TEXT, 0, 255, NULL},
    {0},
};

const struct hostile_kind HOSTILE_KINDS[] = {
    {MESSAGE_HELLO, HELLO},
    {MESSAGE_WELCOME, WELCOME},
    {MESSAGE_REFUSE, FAILURE},
    {MESSAGE_PING, NOTHING},
    {MESSAGE_PONG, NOTHING},
    {MESSAGE_ERROR, FAILURE},
    {MESSAGE_AUTH, AUTH},
    {MESSAGE_JOIN, JOIN},
    {MESSAGE_PAIR, NOTHING},
    {MESSAGE_HEALTH_REQUEST, NOTHING},
    {MESSAGE_HEALTH, HEALTH},
    {MESSAGE_CHANNEL_OPEN, CHANNEL_OPEN},
    {MESSAGE_CHANNEL_OPENED, NOTHING},
    {MESSAGE_PORTS, PORTS},
    {MESSAGE_REFUSALS, REFUSALS},
};
const size_t HOSTILE_KIND_COUNT = sizeof(HOSTILE_KINDS) / sizeof(HOSTILE_KINDS[0]);

const struct hostile_field *hostile_fields_of(uint64_t kind)
{
    for (size_t i = 0; i < HOSTILE_KIND_COUNT; i++) {
        if (HOSTILE_KINDS[i].kind == kind)
            return HOSTILE_KINDS[i].fields;
    }
    assert(!"a kind without a table");
    return NOTHING;
}
