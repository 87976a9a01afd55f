/* SPDX-License-Identifier: MIT */
/* The tables of docs/protocol.md, "Messages", but for those of files (record_tables_files.c): order here is
 * the order on the wire. Rules between fields are in message_rules.c. */
#include "protocol/wire/record_tables.h"

static const struct field HELLO_FIELDS[] = {
    NUMBER(UINT16, struct hello_message, version, "version", REQUIRED, 1, UINT16_MAX),
    NUMBER(UINT16, struct hello_message, version_min, "versionMin", REQUIRED, 1, UINT16_MAX),
    NUMBER(UINT8, struct hello_message, role, "role", REQUIRED, ROLE_CONTROL, ROLE_EVENTS),
    TEXT(struct hello_message, software, "software", TEXT_NAME_MAX),
    TEXT(struct hello_message, link, "link", TEXT_NAME_MAX),
    OTHER(NAMES, struct hello_message, capabilities, "capabilities", OPTIONAL),
    OTHER(SESSION, struct hello_message, session, "session", OPTIONAL),
    U64(struct hello_message, cursor.epoch, "epoch"),
    U64(struct hello_message, cursor.sequence, "sequence"),
    NUMBER(UINT8, struct hello_message, pattern, "pattern", OPTIONAL, 0, UINT8_MAX),
    NUMBER(UINT32, struct hello_message, ciphers, "ciphers", OPTIONAL, 0, UINT32_MAX),
    NUMBER(UINT8, struct hello_message, sealing, "sealing", OPTIONAL, SEALING_AUTO, SEALING_NEVER),
    NUMBER(UINT32, struct hello_message, port, "port", OPTIONAL, 0, UINT32_MAX),
};

static const struct field WELCOME_FIELDS[] = {
    NUMBER(UINT16, struct welcome_message, version, "version", REQUIRED, 1, UINT16_MAX),
    TEXT(struct welcome_message, software, "software", TEXT_NAME_MAX),
    TEXT(struct welcome_message, os, "os", TEXT_NAME_MAX),
    TEXT(struct welcome_message, arch, "arch", TEXT_NAME_MAX),
    TEXT(struct welcome_message, hostname, "hostname", TEXT_NAME_MAX),
    TEXT(struct welcome_message, machine_id, "machineId", TEXT_NAME_MAX),
    TEXT(struct welcome_message, boot_id, "bootId", TEXT_NAME_MAX),
    OTHER(NAMES, struct welcome_message, capabilities, "capabilities", OPTIONAL),
    OTHER(SESSION, struct welcome_message, session, "session", REQUIRED),
    U64(struct welcome_message, cursor.epoch, "epoch"),
    U64(struct welcome_message, cursor.sequence, "sequence"),
    OTHER(BOOL, struct welcome_message, resumed, "resumed", OPTIONAL),
};

static const struct field FAILURE_FIELDS[] = {
    OTHER(STATUS, struct failure_message, status, "status", REQUIRED),
    TEXT(struct failure_message, text, "text", TEXT_REASON_MAX),
};

static const struct field AUTH_FIELDS[] = {
    {KEY("message"), FIELD_BYTES, REQUIRED, offsetof(struct auth_message, message.bytes), 1, AUTH_MESSAGE_MAX,
     offsetof(struct auth_message, message.size), NULL},
};

static const struct field JOIN_FIELDS[] = {
    OTHER(SESSION, struct join_message, session, "session", REQUIRED),
    NUMBER(UINT64, struct join_message, connection, "connection", REQUIRED, 1, UINT64_MAX),
    {KEY("proof"), FIELD_BYTES, REQUIRED, offsetof(struct join_message, proof), PROOF_SIZE, PROOF_SIZE, 0,
     NULL},
};

static const struct field REFUSALS_FIELDS[] = {
    NUMBER(UINT64, struct refusals_message, count, "count", REQUIRED, 1, UINT64_MAX),
    OTHER(STATUS, struct refusals_message, status, "status", REQUIRED),
    TEXT(struct refusals_message, link, "link", TEXT_NAME_MAX),
    TEXT(struct refusals_message, who, "who", TEXT_REASON_MAX),
};

static const struct field DISK_FIELDS[] = {
    TEXT(struct health_disk, mount, "mount", TEXT_COMMAND_MAX),
    TEXT(struct health_disk, type, "type", TEXT_NAME_MAX),
    U64(struct health_disk, total, "total"),
    U64(struct health_disk, available, "available"),
};
static const struct record DISK = RECORD(DISK_FIELDS, struct health_disk);

static const struct field HEALTH_ADDRESS_FIELDS[] = {
    TEXT(struct health_address, interface, "interface", TEXT_NAME_MAX),
    OTHER(ADDRESS, struct health_address, address, "address", REQUIRED),
};
static const struct record HEALTH_ADDRESS = RECORD(HEALTH_ADDRESS_FIELDS, struct health_address);

static const struct field USER_FIELDS[] = {
    TEXT(struct health_user, name, "name", TEXT_NAME_MAX),
    TEXT(struct health_user, seat, "seat", TEXT_NAME_MAX),
    U64(struct health_user, since_ms, "sinceMs"),
};
static const struct record USER = RECORD(USER_FIELDS, struct health_user);

static const struct field HEALTH_FIELDS[] = {
    U64(struct health_message, uptime_ms, "uptimeMs"),
    U64(struct health_message, agent_uptime_ms, "agentUptimeMs"),
    U64(struct health_message, realtime_ms, "realtimeMs"),
    OTHER(LOADS, struct health_message, load, "load", OPTIONAL),
    U64(struct health_message, memory_total, "memoryTotal"),
    U64(struct health_message, memory_available, "memoryAvailable"),
    ITEMS(ITEMS, struct health_message, disks, disk_count, "disks", HEALTH_DISKS_MAX, &DISK),
    ITEMS(ITEMS, struct health_message, addresses, address_count, "addresses", HEALTH_ADDRESSES_MAX,
          &HEALTH_ADDRESS),
    ITEMS(ITEMS, struct health_message, users, user_count, "users", HEALTH_USERS_MAX, &USER),
};

static const struct field CHANNEL_OPEN_FIELDS[] = {
    OTHER(SESSION, struct channel_open_message, session, "session", REQUIRED),
    NUMBER(UINT8, struct channel_open_message, target.protocol, "protocol", REQUIRED, PORT_TCP, PORT_UDP),
    NUMBER(UINT16, struct channel_open_message, target.port, "port", REQUIRED, 1, UINT16_MAX),
    {KEY("addresses"), FIELD_ADDRESSES, REQUIRED, offsetof(struct channel_open_message, target.addresses), 1,
     DIAL_ADDRESSES_MAX, offsetof(struct channel_open_message, target.address_count), NULL},
};

static const struct field PORT_KEY_FIELDS[] = {
    NUMBER(UINT8, struct port_key, protocol, "protocol", REQUIRED, PORT_TCP, PORT_UDP),
    OTHER(ADDRESS, struct port_key, address, "address", REQUIRED),
    NUMBER(UINT16, struct port_key, port, "port", REQUIRED, 1, UINT16_MAX),
};
static const struct record PORT_KEY = RECORD(PORT_KEY_FIELDS, struct port_key);

static const struct field PORT_FACT_FIELDS[] = {
    NUMBER(UINT8, struct port_fact, key.protocol, "protocol", REQUIRED, PORT_TCP, PORT_UDP),
    OTHER(ADDRESS, struct port_fact, key.address, "address", REQUIRED),
    NUMBER(UINT16, struct port_fact, key.port, "port", REQUIRED, 1, UINT16_MAX),
    OTHER(BOOL, struct port_fact, v6only, "v6only", OPTIONAL),
    NUMBER(UINT32, struct port_fact, uid, "uid", REQUIRED, 0, UINT32_MAX),
    NUMBER(INT32, struct port_fact, pid, "pid", OPTIONAL, 0, INT32_MAX),
    TEXT(struct port_fact, name, "name", TEXT_NAME_MAX),
    TEXT(struct port_fact, command, "command", TEXT_COMMAND_MAX),
    TEXT(struct port_fact, unit, "unit", TEXT_UNIT_MAX),
    TEXT(struct port_fact, container, "container", TEXT_CONTAINER_MAX),
    U64(struct port_fact, age_ms, "ageMs"),
};
static const struct record PORT_FACT = RECORD(PORT_FACT_FIELDS, struct port_fact);

static const struct field PORTS_FIELDS[] = {
    OTHER(BOOL, struct ports_message, snapshot, "snapshot", OPTIONAL),
    OTHER(BOOL, struct ports_message, more, "more", OPTIONAL),
    NUMBER(UINT16, struct ports_message, ephemeral_low, "ephemeralLow", OPTIONAL, 0, UINT16_MAX),
    NUMBER(UINT16, struct ports_message, ephemeral_high, "ephemeralHigh", OPTIONAL, 0, UINT16_MAX),
    ITEMS(OWNED_ITEMS, struct ports_message, opened, opened_count, "opened", PORTS_A_MESSAGE_MAX, &PORT_FACT),
    ITEMS(OWNED_ITEMS, struct ports_message, closed, closed_count, "closed", PORTS_A_MESSAGE_MAX, &PORT_KEY),
};

static const struct record HELLO = RECORD(HELLO_FIELDS, struct hello_message);
static const struct record WELCOME = RECORD(WELCOME_FIELDS, struct welcome_message);
static const struct record FAILURE = RECORD(FAILURE_FIELDS, struct failure_message);
static const struct record HEALTH = RECORD(HEALTH_FIELDS, struct health_message);
static const struct record CHANNEL_OPEN = RECORD(CHANNEL_OPEN_FIELDS, struct channel_open_message);
static const struct record PORTS = RECORD(PORTS_FIELDS, struct ports_message);
static const struct record AUTH = RECORD(AUTH_FIELDS, struct auth_message);
static const struct record JOIN = RECORD(JOIN_FIELDS, struct join_message);
static const struct record REFUSALS = RECORD(REFUSALS_FIELDS, struct refusals_message);
static const struct record EMPTY = {NULL, 0, 0};

const struct record *record_of_kind(uint64_t kind)
{
    switch (kind) {
    case MESSAGE_HELLO:
        return &HELLO;
    case MESSAGE_WELCOME:
        return &WELCOME;
    case MESSAGE_REFUSE:
    case MESSAGE_ERROR:
        return &FAILURE;
    case MESSAGE_PING:
    case MESSAGE_PONG:
    case MESSAGE_PAIR:
    case MESSAGE_HEALTH_REQUEST:
    case MESSAGE_CHANNEL_OPENED:
        return &EMPTY;
    case MESSAGE_HEALTH:
        return &HEALTH;
    case MESSAGE_CHANNEL_OPEN:
        return &CHANNEL_OPEN;
    case MESSAGE_PORTS:
        return &PORTS;
    case MESSAGE_AUTH:
        return &AUTH;
    case MESSAGE_JOIN:
        return &JOIN;
    case MESSAGE_REFUSALS:
        return &REFUSALS;
    default:
        return record_of_files_kind(kind);
    }
}
