/* SPDX-License-Identifier: MIT */
/* Reads back what forwards_save.c wrote (its head describes the form). Everything is read and checked before
 * anything is applied. */
#include "host-bridge/features/forwards/forwards_private.h"
#include "protocol/base/status.h"
#include "services/config/json_fields.h"
#include "services/config/reason.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATE_VERSION 1

/* A state as read, before any of it is applied. */
struct saved_state {
    size_t forward_count;
    struct forward_request *requests;
    uint32_t *numbers;
    uint32_t next_static;
    struct policy_set rules;
    struct remembered_ports remembered;
};

static void saved_state_finish(struct saved_state *saved)
{
    free(saved->requests);
    free(saved->numbers);
    policy_set_finish(&saved->rules);
    remembered_ports_finish(&saved->remembered);
}

static int out_of_memory(char *problem)
{
    reason_format(problem, "%s", status_text(UV_ENOMEM));
    return UV_ENOMEM;
}

static int read_protocol(const struct json_reader *reader, uint8_t *ret)
{
    char text[8] = "";
    int status = json_read_optional_text(reader, "protocol", text, sizeof(text));
    if (status < 0)
        return status;
    if (strcmp(text, "tcp") == 0)
        *ret = PORT_TCP;
    else if (strcmp(text, "udp") == 0)
        *ret = PORT_UDP;
    else if (json_object_get(reader->object, "protocol") != NULL || *ret == UINT8_MAX)
        return json_reader_expected(reader, "protocol", "\"tcp\" or \"udp\"");
    return 0;
}

static int read_ports(const struct json_reader *reader, uint16_t *ret_guest_port, uint16_t *ret_host_port)
{
    long long guest_port = 0, host_port = 0;
    int status = json_read_integer(reader, "guestPort", 1, 65535, &guest_port);
    if (status == 0)
        status = json_read_integer(reader, "hostPort", 1, 65535, &host_port);
    if (status == 0) {
        *ret_guest_port = (uint16_t)guest_port;
        *ret_host_port = (uint16_t)host_port;
    }
    return status;
}

static int read_forward(const struct json_reader *reader, struct forward_request *ret, uint32_t *ret_number)
{
    static const char *const KEYS[] = {"number", "protocol", "guestPort", "hostPort",
                                       "bind",   "fallback", "enabled",   NULL};
    long long number = 0;
    char bind[46] = "";
    struct forward_request request = {.protocol = UINT8_MAX, .enabled = true};
    int status = json_read_only_keys(reader, KEYS);
    if (status == 0)
        status = json_read_integer(reader, "number", 1, FORWARD_NUMBER_MAX, &number);
    if (status == 0)
        status = read_protocol(reader, &request.protocol);
    if (status == 0)
        status = read_ports(reader, &request.guest_port, &request.host_port);
    if (status == 0)
        status = json_read_optional_text(reader, "bind", bind, sizeof(bind));
    if (status == 0)
        status = json_read_optional_bool(reader, "fallback", &request.allow_fallback);
    if (status == 0)
        status = json_read_optional_bool(reader, "enabled", &request.enabled);
    if (status < 0)
        return status;
    if (bind[0] != '\0' &&
        (!ip_address_parse(bind, &request.bind) || forward_request_check(&request, reader->problem) < 0))
        return json_reader_expected(reader, "bind", "an address that can be listened on");
    *ret = request;
    *ret_number = (uint32_t)number;
    return 0;
}

static bool same_request(const struct forward_request *a, const struct forward_request *b)
{
    return a->protocol == b->protocol && a->guest_port == b->guest_port && a->host_port == b->host_port &&
           a->bind.family == b->bind.family && (a->bind.family == 0 || ip_address_equals(&a->bind, &b->bind));
}

static int check_repetition(const struct json_reader *reader, const struct saved_state *saved, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (saved->numbers[i] != saved->numbers[index] &&
            !same_request(&saved->requests[i], &saved->requests[index]))
            continue;
        reason_format(reader->problem, "%s repeats forwards[%zu]", reader->place, i);
        return STATUS_MALFORMED;
    }
    return 0;
}

/* The list under `key`, at most `max` long. */
static int read_list(const struct json_reader *top, const char *key, size_t max, const json_t **ret)
{
    char expected[48];
    const json_t *list = NULL;
    int status = json_read_optional_array(top, key, &list);
    if (status < 0)
        return status;
    if (json_array_size(list) > max) {
        snprintf(expected, sizeof(expected), "at most %zu entries", max);
        return json_reader_expected(top, key, expected);
    }
    *ret = list;
    return 0;
}

static int read_forwards(const struct json_reader *top, struct saved_state *saved)
{
    const json_t *list = NULL;
    int status = read_list(top, "forwards", FORWARDS_STATIC_MAX, &list);
    if (status < 0)
        return status;
    size_t count = json_array_size(list);
    saved->requests = calloc(count + 1, sizeof(*saved->requests));
    saved->numbers = calloc(count + 1, sizeof(*saved->numbers));
    if (saved->requests == NULL || saved->numbers == NULL)
        return out_of_memory(top->problem);
    for (size_t i = 0; i < count && status == 0; i++) {
        char place[32];
        snprintf(place, sizeof(place), "forwards[%zu]", i);
        struct json_reader reader = {place, json_array_get(list, i), top->problem};
        status = read_forward(&reader, &saved->requests[i], &saved->numbers[i]);
        if (status == 0)
            status = check_repetition(&reader, saved, i);
    }
    saved->forward_count = count;
    return status;
}

static int read_rule(const struct json_reader *reader, struct policy_rule *ret)
{
    static const char *const KEYS[] = {"action",  "portLow", "portHigh", "protocol", "uid",
                                       "process", "command", "unit",     NULL};
    struct policy_rule rule = {.uid = -1};
    long long low = 0, high = 0, uid = -1;
    char action[16] = "";
    int status = json_read_only_keys(reader, KEYS);
    if (status == 0)
        status = json_read_optional_text(reader, "action", action, sizeof(action));
    if (status == 0 && !policy_action_parse(action, &rule.action))
        status = json_reader_expected(reader, "action", "\"forward\", \"ask\", \"ignore\" or \"block\"");
    if (status == 0)
        status = json_read_optional_integer(reader, "portLow", 1, 65535, &low);
    high = low;
    if (status == 0)
        status = json_read_optional_integer(reader, "portHigh", low == 0 ? 1 : low, 65535, &high);
    if (status == 0 && low == 0 && high != 0)
        status = json_reader_expected(reader, "portLow", "a number beside portHigh");
    if (status == 0)
        status = read_protocol(reader, &rule.protocol);
    if (status == 0)
        status = json_read_optional_integer(reader, "uid", 0, UINT32_MAX, &uid);
    if (status == 0)
        status = json_read_optional_text(reader, "process", rule.process, sizeof(rule.process));
    if (status == 0)
        status = json_read_optional_text(reader, "command", rule.command, sizeof(rule.command));
    if (status == 0)
        status = json_read_optional_text(reader, "unit", rule.unit, sizeof(rule.unit));
    if (status < 0)
        return status;
    rule.port_low = (uint16_t)low;
    rule.port_high = (uint16_t)high;
    rule.uid = uid;
    *ret = rule;
    return 0;
}

static int read_rules(const struct json_reader *top, struct saved_state *saved)
{
    const json_t *list = NULL;
    int status = read_list(top, "rules", POLICY_RULES_MAX, &list);
    if (status < 0)
        return status;
    for (size_t i = json_array_size(list); i > 0; i--) { /* put() puts first */
        char place[32];
        struct policy_rule rule;
        snprintf(place, sizeof(place), "rules[%zu]", i - 1);
        struct json_reader reader = {place, json_array_get(list, i - 1), top->problem};
        status = read_rule(&reader, &rule);
        if (status < 0)
            return status;
        if (policy_set_put(&saved->rules, &rule) < 0)
            return out_of_memory(top->problem);
    }
    return 0;
}

static int read_remembered(const struct json_reader *top, struct saved_state *saved)
{
    static const char *const KEYS[] = {"protocol", "guestPort", "hostPort", NULL};
    const json_t *list = NULL;
    int status = read_list(top, "hostPorts", REMEMBERED_PORTS_MAX, &list);
    for (size_t i = 0; status == 0 && i < json_array_size(list); i++) {
        char place[32];
        uint8_t protocol = UINT8_MAX;
        uint16_t guest_port = 0, host_port = 0;
        snprintf(place, sizeof(place), "hostPorts[%zu]", i);
        struct json_reader reader = {place, json_array_get(list, i), top->problem};
        status = json_read_only_keys(&reader, KEYS);
        if (status == 0)
            status = read_protocol(&reader, &protocol);
        if (status == 0)
            status = read_ports(&reader, &guest_port, &host_port);
        if (status == 0)
            remembered_ports_put(&saved->remembered, port_group(guest_port, protocol), host_port);
    }
    return status;
}

static int read_state(const json_t *state, struct saved_state *saved, char *problem)
{
    static const char *const KEYS[] = {"version", "nextStatic", "forwards", "rules", "hostPorts", NULL};
    struct json_reader top = {"saved forwards", state, problem};
    long long version, next_static = 1;
    int status = json_read_only_keys(&top, KEYS);
    if (status == 0)
        status = json_read_integer(&top, "version", STATE_VERSION, STATE_VERSION, &version);
    if (status == 0)
        status = json_read_optional_integer(&top, "nextStatic", 1, FORWARD_NUMBER_MAX + 1, &next_static);
    saved->next_static = (uint32_t)next_static;
    if (status == 0)
        status = read_forwards(&top, saved);
    if (status == 0)
        status = read_rules(&top, saved);
    if (status == 0)
        status = read_remembered(&top, saved);
    return status;
}

static int apply_saved(struct forwards *forwards, struct saved_state *saved, char *problem)
{
    for (size_t i = 0; i < saved->forward_count; i++) {
        struct forward_entry *entry;
        if (forwards_static_find(forwards, &saved->requests[i]) != NULL)
            continue; /* a GhostVM list said the same before */
        int status =
            forwards_static_insert(forwards, &saved->requests[i], saved->numbers[i], &entry, problem);
        if (status < 0)
            return status;
        if (!entry->enabled)
            forward_tell(entry);
    }
    if (saved->next_static > forwards->next_static)
        forwards->next_static = saved->next_static;
    policy_set_finish(&forwards->rules);
    remembered_ports_finish(&forwards->remembered);
    forwards->rules = saved->rules;
    forwards->remembered = saved->remembered;
    saved->rules = (struct policy_set){0};
    saved->remembered = (struct remembered_ports){0};
    return 0;
}

int forwards_load(struct forwards *forwards, const json_t *state,
                  char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct saved_state saved = {0};
    int status = read_state(state, &saved, ret_problem);
    if (status == 0)
        status = apply_saved(forwards, &saved, ret_problem);
    saved_state_finish(&saved);
    if (status == 0)
        forwards_redecide(forwards);
    return status;
}
