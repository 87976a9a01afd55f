/* SPDX-License-Identifier: MIT */
/* A bridge without links: the functions that the API calls, over plain data. */
#include "tests/unit/api/fake_guests.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/status.h"

static struct guests *the_guests; /* guest_ask_health has no other way to its table */

/* guests.h */

size_t guests_count(const struct guests *guests)
{
    return guests->count;
}

struct guest *guests_at(const struct guests *guests, size_t index)
{
    return guests->guests[index];
}

struct guest *guests_find(const struct guests *guests, const char *name)
{
    for (size_t i = 0; i < guests->count; i++) {
        if (strcmp(guests->guests[i]->name, name) == 0)
            return guests->guests[i];
    }
    return NULL;
}

static struct guest *append(struct guests *guests, const char *name, const char *link)
{
    struct guest *guest = calloc(1, sizeof(*guest));
    snprintf(guest->name, sizeof(guest->name), "%s", name);
    snprintf(guest->link, sizeof(guest->link), "%s", link);
    guest->state = GUEST_CONNECTING;
    guest->liveness.vm = VM_UNKNOWN;
    guest->liveness.agent = AGENT_ABSENT;
    guest->link_is_private = true;
    guest->forwards.rules.rules = guest->forwards.rule_space;
    guests->guests[guests->count++] = guest;
    return guest;
}

int guests_add(struct guests *guests, const char *name, const char *link,
               const struct guest_identity_options *identity, struct guest **ret,
               char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (strchr(name, ' ') != NULL || link[0] == '\0') {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "a name has no blanks");
        return STATUS_INVALID;
    }
    if (guests_find(guests, name) != NULL) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "there is a guest \"%s\" already", name);
        return STATUS_CONFLICT;
    }
    if (guests->count == FAKE_GUESTS_MAX) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "too many guests");
        return STATUS_LIMIT;
    }
    *ret = append(guests, name, link);
    (*ret)->identity = *identity;
    (*ret)->identity.psk_file = NULL;
    (*ret)->pairing.ephemeral = identity->ephemeral;
    snprintf((*ret)->psk_file, sizeof((*ret)->psk_file), "%s",
             identity->psk_file != NULL ? identity->psk_file : "");
    if (guests->on_added != NULL)
        guests->on_added(guests->ctx, *ret);
    return 0;
}

int guests_remove(struct guests *guests, const char *name, char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (strcmp(name, "off") == 0) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "the configuration file lists it");
        return STATUS_NOT_ALLOWED;
    }
    struct guest *guest = guests_find(guests, name);
    for (size_t i = 0; i < guests->count; i++) {
        if (guests->guests[i] == guest)
            guests->guests[i] = guests->guests[--guests->count];
    }
    if (guests->on_removed != NULL)
        guests->on_removed(guests->ctx, guest);
    free(guest);
    return 0;
}

/* guest.h */

const char *guest_state_name(enum guest_state state)
{
    static const char *const NAMES[] = {"?", "connecting", "connected", "disabled"};
    return NAMES[state];
}

const char *vm_liveness_name(enum vm_liveness vm)
{
    static const char *const NAMES[] = {"?", "unknown", "alive", "gone"};
    return NAMES[vm];
}

const char *agent_liveness_name(enum agent_liveness agent)
{
    static const char *const NAMES[] = {"?", "absent", "alive", "silent"};
    return NAMES[agent];
}

const char *guest_name(const struct guest *guest)
{
    return guest->name;
}

const char *guest_link(const struct guest *guest)
{
    return guest->link;
}

enum guest_state guest_state(const struct guest *guest)
{
    return guest->state;
}

uint64_t guest_since_ms(const struct guest *guest)
{
    return 1769860800123;
}

const char *guest_error(const struct guest *guest)
{
    return guest->error;
}

const char *guest_error_code(const struct guest *guest)
{
    return guest->error_code;
}

const struct welcome_message *guest_agent(const struct guest *guest)
{
    return guest->has_agent ? &guest->welcome : NULL;
}

void guest_liveness(const struct guest *guest, struct guest_liveness *ret)
{
    *ret = guest->liveness;
}

uint64_t guest_rtt_us(const struct guest *guest)
{
    return guest->rtt_us;
}

uint64_t guest_last_seen_ms(const struct guest *guest)
{
    return guest->last_seen_ms;
}

uint64_t guest_reconnects(const struct guest *guest)
{
    return 2;
}

uint64_t guest_limited(const struct guest *guest, enum request_class request)
{
    return request == CLASS_PORTS ? 3 : 0;
}

struct forwards *guest_forwards(struct guest *guest)
{
    return &guest->forwards;
}

int guest_ask_health(struct guest *guest, uint64_t timeout_ms, guest_health_done on_health, void *ctx)
{
    if (guest->ask_status < 0)
        return guest->ask_status;
    the_guests->asks[the_guests->ask_count++] = (struct fake_ask){on_health, ctx};
    return 0;
}

int guest_open_files(struct guest *guest, const struct files_open_message *open,
                     const struct files_dial_handler *handler, void *ctx, struct files_dial **ret)
{
    if (guest->state != GUEST_CONNECTED)
        return STATUS_NOT_CONNECTED;
    if (guest->lacks_files)
        return STATUS_NOT_SUPPORTED;
    return files_dial(NULL, open, handler, ctx, ret); /* of fake_agent.c's session */
}

static void fill_health(struct health_message *health)
{
    *health = (struct health_message){.uptime_ms = 90061500,
                                      .agent_uptime_ms = 1500,
                                      .load = {0.52, 1.25, NAN},
                                      .memory_total = 2147483648,
                                      .memory_available = UINT64_MAX,
                                      .disk_count = 1,
                                      .address_count = 1,
                                      .user_count = 1};
    health->disks[0] = (struct health_disk){"/", "ext4", 1000, 500};
    health->addresses[0] = (struct health_address){"eth0", {4, {10, 0, 2, 15}}};
    health->users[0] = (struct health_user){"ann\x1b[31m\xff", "tty1", 1769860800000};
}

void fake_answer(struct guests *guests, int status)
{
    struct health_message *health = malloc(sizeof(*health));
    fill_health(health);
    size_t count = guests->ask_count;
    struct fake_ask asks[FAKE_ASKS_MAX];
    memcpy(asks, guests->asks, sizeof(asks));
    guests->ask_count = 0;
    for (size_t i = 0; i < count; i++)
        asks[i].on_health(asks[i].ctx, status, "", status == 0 ? health : NULL);
    free(health);
}

/* As the real ones decide, with the first try of a link that is not private ending in a code. */

const struct guest_pairing *guest_pairing(const struct guest *guest)
{
    return &guest->pairing;
}

const char *guest_cipher(const struct guest *guest)
{
    return guest->state == GUEST_CONNECTED ? "none" : "";
}

bool guest_link_is_private(const struct guest *guest)
{
    return guest->link_is_private;
}

int guest_pair(struct guest *guest, char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct guest_pairing *pairing = &guest->pairing;
    if (guest_pairing_state(pairing) == PAIRING_KEY_CHANGED) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "the guest has another key now");
        return STATUS_CONFLICT;
    }
    pairing->unpaired = false;
    if (!pairing->pinned && !guest->link_is_private)
        snprintf(pairing->code, sizeof(pairing->code), FAKE_CODE);
    return 0;
}

int guest_accept_key(struct guest *guest, const uint8_t key[static NOISE_KEY_SIZE],
                     char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (guest->pairing.ephemeral) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "no key is kept for an ephemeral guest");
        return STATUS_CONFLICT;
    }
    guest_pairing_pin(&guest->pairing, key, PAIRED_ACCEPTED, 1769860800123);
    return 0;
}

int guest_answer_code(struct guest *guest, const char *code, bool same,
                      char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct guest_pairing *pairing = &guest->pairing;
    if (pairing->code[0] == '\0' || strcmp(pairing->code, code) != 0) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "no such code is being compared");
        return STATUS_CONFLICT;
    }
    if (same)
        guest_pairing_pin(pairing, pairing->offered, PAIRED_CODE, 1769860800123);
    else
        pairing->code[0] = '\0';
    return 0;
}

int guest_unpair(struct guest *guest)
{
    guest_pairing_forget(&guest->pairing, true);
    guest->state = GUEST_CONNECTING;
    return 0;
}

/* forwards.h */

uint64_t forwards_dropped(const struct forwards *forwards)
{
    return forwards->dropped;
}

size_t forwards_port_count(const struct forwards *forwards)
{
    return forwards->port_count;
}

const struct known_port *forwards_port(const struct forwards *forwards, size_t index)
{
    return &forwards->ports[index];
}

size_t forwards_count(const struct forwards *forwards)
{
    return forwards->forward_count;
}

const struct forward *forwards_at(const struct forwards *forwards, size_t index)
{
    return &forwards->forwards[index];
}

const struct forward *forwards_find(const struct forwards *forwards, const char *id)
{
    for (size_t i = 0; i < forwards->forward_count; i++) {
        if (strcmp(forwards->forwards[i].id, id) == 0)
            return &forwards->forwards[i];
    }
    return NULL;
}

static struct forward *append_forward(struct forwards *forwards, const char *id, uint16_t guest_port,
                                      uint16_t host_port)
{
    struct forward *forward = &forwards->forwards[forwards->forward_count++];
    *forward = (struct forward){.kind = FORWARD_STATIC,
                                .state = FORWARD_ACTIVE,
                                .protocol = PORT_TCP,
                                .guest_port = guest_port,
                                .target = {PORT_TCP, guest_port, 1, {{4, {127, 0, 0, 1}}}},
                                .bind = {4, {127, 0, 0, 1}},
                                .bind_both_loopbacks = true,
                                .requested_host_port = host_port,
                                .host_port = host_port};
    snprintf(forward->id, sizeof(forward->id), "%s", id);
    return forward;
}

int forwards_add(struct forwards *forwards, const struct forward_request *request, const struct forward **ret,
                 char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (request->bind.family != 0 && !ip_address_is_loopback(&request->bind)) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "only loopback addresses");
        return STATUS_INVALID;
    }
    for (size_t i = 0; i < forwards->forward_count; i++) {
        if (forwards->forwards[i].guest_port == request->guest_port) {
            snprintf(ret_problem, TEXT_REASON_MAX + 1, "forwarded already");
            return STATUS_CONFLICT;
        }
    }
    if (forwards->forward_count == FAKE_FORWARDS_MAX) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "too many forwards");
        return STATUS_LIMIT;
    }
    char id[16];
    snprintf(id, sizeof(id), "static-%u", (unsigned)request->guest_port);
    uint16_t host_port = request->host_port == 0 ? request->guest_port : request->host_port;
    struct forward *forward = append_forward(forwards, id, request->guest_port, host_port);
    forward->protocol = request->protocol;
    forward->allow_fallback = request->allow_fallback;
    if (request->bind.family != 0) {
        forward->bind = request->bind;
        forward->bind_both_loopbacks = false;
    }
    *ret = forward;
    return 0;
}

int forwards_remove(struct forwards *forwards, const char *id)
{
    struct forward *forward = (struct forward *)forwards_find(forwards, id);
    if (forward == NULL)
        return STATUS_NOT_FOUND;
    *forward = forwards->forwards[--forwards->forward_count];
    return 0;
}

const struct policy_set *forwards_rules(const struct forwards *forwards)
{
    return &forwards->rules;
}

int forwards_put_rule(struct forwards *forwards, const struct policy_rule *rule)
{
    if (forwards->rules.count == FAKE_PORTS_MAX)
        return STATUS_LIMIT;
    forwards->rules.rules[forwards->rules.count++] = *rule;
    return 0;
}

int forwards_drop_rule(struct forwards *forwards, const struct policy_rule *rule)
{
    struct policy_set *rules = &forwards->rules;
    if (rule->action < POLICY_FORWARD || rule->action > POLICY_BLOCK)
        return STATUS_NOT_FOUND; /* as the real one */
    for (size_t i = 0; i < rules->count; i++) {
        if (rules->rules[i].port_low == rule->port_low &&
            strcmp(rules->rules[i].process, rule->process) == 0) {
            rules->rules[i] = rules->rules[--rules->count];
            return 0;
        }
    }
    return STATUS_NOT_FOUND;
}

/* policy.h: "PORT" and "process:GLOB" are enough here */

static const char *const ACTIONS[] = {"?", "forward", "ask", "ignore", "block"};

const char *policy_action_name(enum policy_action action)
{
    return ACTIONS[action];
}

bool policy_action_parse(const char *text, enum policy_action *ret)
{
    for (int i = POLICY_FORWARD; i <= POLICY_BLOCK; i++) {
        if (strcmp(text, ACTIONS[i]) == 0) {
            *ret = (enum policy_action)i;
            return true;
        }
    }
    return false;
}

int policy_selector_parse(const char *text, struct policy_rule *ret,
                          char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (strncmp(text, "process:", 8) == 0) {
        snprintf(ret->process, sizeof(ret->process), "%s", text + 8);
        return 0;
    }
    int port = atoi(text);
    if (port < 1 || port > 65535) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "expected a port or process:GLOB");
        return STATUS_INVALID;
    }
    ret->port_low = ret->port_high = (uint16_t)port;
    return 0;
}

void policy_selector_format(const struct policy_rule *rule, char *out, size_t size)
{
    if (rule->process[0] != '\0')
        snprintf(out, size, "process:%s", rule->process);
    else
        snprintf(out, size, "%u", (unsigned)rule->port_low);
}

/* Data */

static void fill_port(struct guest *web)
{
    struct known_port *port = &web->forwards.ports[0];
    port->fact = (struct port_fact){.key = {PORT_TCP, {4, {0}}, 3000}, .uid = 1000, .pid = 812};
    snprintf(port->fact.name, sizeof(port->fact.name), "vite");
    snprintf(port->fact.command, sizeof(port->fact.command), "node vite --port 3000");
    snprintf(port->fact.unit, sizeof(port->fact.unit), "dev.service");
    port->decision.action = POLICY_FORWARD;
    snprintf(port->decision.reason, sizeof(port->decision.reason), "default");
    struct forward *forward = append_forward(&web->forwards, "tcp-3000", 3000, 3000);
    forward->kind = FORWARD_AUTO;
    forward->host_port = 3001;
    forward->flows = (struct flow_set){.active = 2, .total = 5, .bytes_in = 100, .bytes_out = 50};
    snprintf(forward->reason, sizeof(forward->reason), "3000 is held by nginx (pid 9)");
    port->forward = forward;
    web->forwards.ports[1].fact = (struct port_fact){.key = {PORT_UDP, {6, {0}}, 53}};
    web->forwards.ports[1].decision.action = POLICY_IGNORE;
    web->forwards.port_count = 2;
    web->forwards.dropped = 7;
}

void fake_guests_init(struct guests *guests)
{
    *guests = (struct guests){0};
    the_guests = guests;
    struct guest *db = append(guests, "db", "vsock:4");
    snprintf(db->error, sizeof(db->error), "the guest is up, but no agent listens there");
    snprintf(db->error_code, sizeof(db->error_code), "NO_AGENT");
    db->liveness.vm = VM_ALIVE;
    struct guest *off = append(guests, "off", "tcp:10.0.0.1");
    off->state = GUEST_DISABLED;
    off->link_is_private = false;
    struct guest *web = append(guests, "web", "vsock:3");
    web->state = GUEST_CONNECTED;
    web->has_agent = true;
    web->liveness = (struct guest_liveness){VM_ALIVE, AGENT_ALIVE, 1, 20};
    memset(web->pairing.key, 'w', NOISE_KEY_SIZE);
    guest_pairing_pin(&web->pairing, web->pairing.key, PAIRED_FIRST_CONTACT, 1769860800123);
    web->rtt_us = 1250;
    web->last_seen_ms = 1769860800500;
    snprintf(web->welcome.software, sizeof(web->welcome.software), "hospes-agent 0.1.0");
    snprintf(web->welcome.os, sizeof(web->welcome.os), "Linux 6.1.0");
    snprintf(web->welcome.arch, sizeof(web->welcome.arch), "x86_64");
    snprintf(web->welcome.hostname, sizeof(web->welcome.hostname), "web");
    web->welcome.capabilities.count = 1;
    snprintf(web->welcome.capabilities.names[0], TEXT_NAME_MAX, "ports");
    fill_port(web);
}

void fake_guests_finish(struct guests *guests)
{
    fake_answer(guests, STATUS_GONE);
    for (size_t i = 0; i < guests->count; i++)
        free(guests->guests[i]);
}
