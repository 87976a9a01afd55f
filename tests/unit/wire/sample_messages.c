/* SPDX-License-Identifier: MIT */
/* The messages behind tests/vectors/wire, but for those of files (sample_files_messages.c): changing one
 * changes its vector. */
#include "tests/unit/wire/sample_messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session_id sample_session(void)
{
    struct session_id session;
    for (size_t i = 0; i < SESSION_ID_SIZE; i++)
        session.bytes[i] = (uint8_t)(0xa0 + i);
    return session;
}

static struct ip_address address_of(const char *text)
{
    struct ip_address address;
    if (!ip_address_parse(text, &address))
        abort();
    return address;
}

void *sample_items(size_t count, size_t size)
{
    void *items = calloc(count, size);
    if (items == NULL)
        abort();
    return items;
}

static void make_hello_control(struct message *message)
{
    struct hello_message *hello = &message->body.hello;
    message->kind = MESSAGE_HELLO;
    *hello = (struct hello_message){.version = 1,
                                    .version_min = 1,
                                    .role = ROLE_CONTROL,
                                    .software = "hospes-bridge 0.1.0",
                                    .link = "vsock",
                                    .pattern = 3,
                                    .ciphers = 3,
                                    .sealing = SEALING_ALWAYS,
                                    .port = 5002};
    capability_list_add(&hello->capabilities, "ports");
    capability_list_add(&hello->capabilities, "health");
}

static void make_hello_events(struct message *message)
{
    message->kind = MESSAGE_HELLO;
    message->body.hello = (struct hello_message){.version = 3,
                                                 .version_min = 1,
                                                 .role = ROLE_EVENTS,
                                                 .software = "hospes-bridge 0.3.0",
                                                 .link = "serial",
                                                 .session = sample_session(),
                                                 .cursor = {0x1122334455667788, 4711}};
}

static void make_welcome(struct message *message)
{
    message->kind = MESSAGE_WELCOME;
    message->body.welcome = (struct welcome_message){.version = 1,
                                                     .software = "hospes-agent 0.1.0",
                                                     .os = "Linux 6.1.0",
                                                     .arch = "x86_64",
                                                     .hostname = "gr\xc3\xbcn",
                                                     .machine_id = "0123456789abcdef0123456789abcdef",
                                                     .boot_id = "f1d2",
                                                     .session = sample_session(),
                                                     .cursor = {0x1122334455667788, 4711},
                                                     .resumed = true};
    capability_list_add(&message->body.welcome.capabilities, "ports");
}

static void make_refuse(struct message *message)
{
    message->kind = MESSAGE_REFUSE;
    message->body.failure =
        (struct failure_message){.status = -10003, .text = "speaks 3 to 5, this side speaks 1"};
}

static void make_ping(struct message *message)
{
    message->kind = MESSAGE_PING;
    message->id = 300;
}

static void make_pong(struct message *message)
{
    message->kind = MESSAGE_PONG;
    message->id = 300;
}

static void make_error(struct message *message)
{
    message->kind = MESSAGE_ERROR;
    message->id = UINT64_MAX;
    message->body.failure = (struct failure_message){.status = -10006, .text = ""};
}

static void make_auth(struct message *message)
{
    message->kind = MESSAGE_AUTH;
    struct auth_bytes *bytes = &message->body.auth.message;
    bytes->size = 96;
    for (size_t i = 0; i < bytes->size; i++)
        bytes->bytes[i] = (uint8_t)(7 * i);
}

static void make_join(struct message *message)
{
    message->kind = MESSAGE_JOIN;
    message->body.join = (struct join_message){.session = sample_session(), .connection = UINT64_MAX};
    for (size_t i = 0; i < PROOF_SIZE; i++)
        message->body.join.proof[i] = (uint8_t)(0xff - i);
}

static void make_pair(struct message *message)
{
    message->kind = MESSAGE_PAIR;
}

static void make_refusals(struct message *message)
{
    message->kind = MESSAGE_REFUSALS;
    message->id = 45;
    message->body.refusals =
        (struct refusals_message){.count = 12, .status = -10022, .link = "vsock", .who = "vsock CID 2"};
}

static void make_health_request(struct message *message)
{
    message->kind = MESSAGE_HEALTH_REQUEST;
    message->id = 5;
}

static void make_health(struct message *message)
{
    message->kind = MESSAGE_HEALTH;
    message->id = 5;
    struct health_message *health = sample_items(1, sizeof(*health));
    message->body.health = health;
    health->uptime_ms = 86400000;
    health->agent_uptime_ms = 1000;
    health->realtime_ms = 1700000000000;
    health->load[0] = 0.25;
    health->load[1] = 1.5;
    health->memory_total = UINT64_C(8) << 30;
    health->memory_available = UINT64_C(3) << 30;
    health->disk_count = 2;
    health->disks[0] = (struct health_disk){"/", "ext4", UINT64_C(100) << 30, UINT64_C(40) << 30};
    health->disks[1] = (struct health_disk){.mount = "/mnt/full", .type = "xfs", .total = 5};
    health->address_count = 2;
    health->addresses[0] = (struct health_address){"eth0", address_of("10.0.2.15")};
    health->addresses[1] = (struct health_address){"eth0", address_of("fe80::1")};
    health->user_count = 1;
    health->users[0] = (struct health_user){"ada", "tty1", 1699999999000};
}

static void make_channel_open(struct message *message)
{
    message->kind = MESSAGE_CHANNEL_OPEN;
    message->body.channel_open =
        (struct channel_open_message){.session = sample_session(),
                                      .target = {.protocol = PORT_TCP,
                                                 .port = 65535,
                                                 .address_count = 2,
                                                 .addresses = {address_of("127.0.0.1"), address_of("::1")}}};
}

static void make_channel_opened(struct message *message)
{
    message->kind = MESSAGE_CHANNEL_OPENED;
}

static void make_ports_snapshot(struct message *message)
{
    message->kind = MESSAGE_PORTS;
    message->id = 42;
    struct ports_message *ports = &message->body.ports;
    *ports = (struct ports_message){
        .sequence = 42, .snapshot = true, .more = true, .ephemeral_low = 32768, .ephemeral_high = 60999};
    ports->opened_count = 2;
    ports->opened = sample_items(2, sizeof(*ports->opened));
    ports->opened[0] = (struct port_fact){.key = {PORT_TCP, address_of("0.0.0.0"), 5173},
                                          .uid = 1000,
                                          .pid = 4321,
                                          .name = "vite",
                                          .command = "node /srv/app/node_modules/.bin/vite",
                                          .unit = "user@1000.service",
                                          .container = "docker-0123",
                                          .age_ms = 1500};
    ports->opened[1] =
        (struct port_fact){.key = {PORT_UDP, address_of("::"), 1}, .v6only = true, .uid = UINT32_MAX};
}

static void make_ports_empty_snapshot(struct message *message)
{
    message->kind = MESSAGE_PORTS;
    message->id = 43;
    message->body.ports = (struct ports_message){.sequence = 43, .snapshot = true};
}

static void make_ports_delta(struct message *message)
{
    message->kind = MESSAGE_PORTS;
    message->id = 44;
    struct ports_message *ports = &message->body.ports;
    *ports = (struct ports_message){.sequence = 44, .opened_count = 1, .closed_count = 1};
    ports->opened = sample_items(1, sizeof(*ports->opened));
    ports->opened[0] = (struct port_fact){.key = {PORT_TCP, address_of("::1"), 80}, .pid = INT32_MAX};
    ports->closed = sample_items(1, sizeof(*ports->closed));
    ports->closed[0] = (struct port_key){PORT_TCP, address_of("127.0.0.1"), 65535};
}

static const struct sample SAMPLES[] = {
    {"hello_control", make_hello_control},
    {"hello_events", make_hello_events},
    {"welcome", make_welcome},
    {"refuse", make_refuse},
    {"ping", make_ping},
    {"pong", make_pong},
    {"error", make_error},
    {"health_request", make_health_request},
    {"health", make_health},
    {"channel_open", make_channel_open},
    {"channel_opened", make_channel_opened},
    {"ports_snapshot", make_ports_snapshot},
    {"ports_empty_snapshot", make_ports_empty_snapshot},
    {"ports_delta", make_ports_delta},
    {"auth", make_auth},
    {"join", make_join},
    {"pair", make_pair},
    {"refusals", make_refusals},
};
#define SAMPLE_COUNT (sizeof(SAMPLES) / sizeof(SAMPLES[0]))

bool sample_message(size_t index, struct message *ret, const char **ret_name)
{
    const struct sample *sample;
    if (index < SAMPLE_COUNT)
        sample = &SAMPLES[index];
    else if (index - SAMPLE_COUNT < FILES_SAMPLE_COUNT)
        sample = &FILES_SAMPLES[index - SAMPLE_COUNT];
    else
        return false;
    memset(ret, 0, sizeof(*ret));
    sample->make(ret);
    *ret_name = sample->name;
    return true;
}

bool sample_message_named(const char *name, struct message *ret)
{
    const char *found;
    for (size_t i = 0; sample_message(i, ret, &found); i++) {
        if (strcmp(found, name) == 0)
            return true;
        message_finish(ret);
    }
    return false;
}

void sample_largest_ports(struct message *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->kind = MESSAGE_PORTS;
    ret->id = UINT64_MAX;
    struct ports_message *ports = &ret->body.ports;
    *ports = (struct ports_message){.sequence = UINT64_MAX,
                                    .ephemeral_low = UINT16_MAX,
                                    .ephemeral_high = UINT16_MAX,
                                    .opened_count = PORTS_A_MESSAGE_MAX,
                                    .closed_count = PORTS_A_MESSAGE_MAX};
    ports->opened = sample_items(PORTS_A_MESSAGE_MAX, sizeof(*ports->opened));
    ports->closed = sample_items(PORTS_A_MESSAGE_MAX, sizeof(*ports->closed));
    for (size_t i = 0; i < PORTS_A_MESSAGE_MAX; i++) {
        struct port_fact *fact = &ports->opened[i];
        *fact = (struct port_fact){.key = {PORT_TCP, address_of("::1"), (uint16_t)(65535 - i)},
                                   .v6only = true,
                                   .uid = UINT32_MAX,
                                   .pid = INT32_MAX,
                                   .age_ms = UINT64_MAX};
        memset(fact->name, 'n', TEXT_NAME_MAX);
        memset(fact->command, 'c', TEXT_COMMAND_MAX);
        memset(fact->unit, 'u', TEXT_UNIT_MAX);
        memset(fact->container, 'k', TEXT_CONTAINER_MAX);
        ports->closed[i] = fact->key;
    }
}
