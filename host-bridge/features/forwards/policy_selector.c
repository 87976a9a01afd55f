/* SPDX-License-Identifier: MIT */
/* The text form of a rule's conditions and of its action. Which rule wins is policy.c. */
#include "host-bridge/features/forwards/policy.h"

#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"
#include "services/config/reason.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const ACTION_NAMES[] = {
    [POLICY_FORWARD] = "forward",
    [POLICY_ASK] = "ask",
    [POLICY_IGNORE] = "ignore",
    [POLICY_BLOCK] = "block",
};

bool policy_action_parse(const char *text, enum policy_action *ret)
{
    for (int action = POLICY_FORWARD; action <= POLICY_BLOCK; action++) {
        if (strcmp(text, ACTION_NAMES[action]) == 0) {
            *ret = (enum policy_action)action;
            return true;
        }
    }
    return false;
}

const char *policy_action_name(enum policy_action action)
{
    return action >= POLICY_FORWARD && action <= POLICY_BLOCK ? ACTION_NAMES[action] : "?";
}

/* Decimal digits only, no sign, no space; false above `max` or when there is none. Moves *text behind it. */
static bool parse_number(const char **text, uint64_t max, uint64_t *ret)
{
    const char *c = *text;
    uint64_t value = 0;
    if (*c < '0' || *c > '9')
        return false;
    for (; *c >= '0' && *c <= '9'; c++) {
        value = value * 10 + (uint64_t)(*c - '0');
        if (value > max)
            return false;
    }
    *text = c;
    *ret = value;
    return true;
}

static bool is_printable(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    }
    return utf8_is_valid(span_of_text(text));
}

static int parse_glob(const char *what, const char *text, char *out, size_t out_size, char *ret_problem)
{
    size_t size = strlen(text);
    if (size == 0) {
        reason_format(ret_problem, "%s: needs a pattern behind it", what);
        return STATUS_INVALID;
    }
    if (size >= out_size) {
        reason_format(ret_problem, "%s: the pattern is longer than %zu bytes", what, out_size - 1);
        return STATUS_INVALID;
    }
    memcpy(out, text, size + 1);
    return 0;
}

static int parse_ports(const char *text, struct policy_rule *rule, char *ret_problem)
{
    uint64_t low, high;
    const char *rest = text;
    bool valid = parse_number(&rest, 65535, &low) && low >= 1;
    high = low;
    if (valid && *rest == '-') {
        rest++;
        valid = parse_number(&rest, 65535, &high) && high >= low;
    }
    if (!valid || *rest != '\0') {
        reason_format(ret_problem,
                      "\"%.64s\" is none of PORT, LOW-HIGH (1 to 65535), process:GLOB, command:GLOB, "
                      "unit:GLOB, uid:NUMBER, *",
                      text);
        return STATUS_INVALID;
    }
    rule->port_low = (uint16_t)low;
    rule->port_high = (uint16_t)high;
    return 0;
}

static int parse_uid(const char *text, struct policy_rule *rule, char *ret_problem)
{
    uint64_t uid;
    if (!parse_number(&text, UINT32_MAX, &uid) || *text != '\0') {
        reason_format(ret_problem, "uid: needs a number from 0 to 4294967295 behind it");
        return STATUS_INVALID;
    }
    rule->uid = (int64_t)uid;
    return 0;
}

static int parse_condition(const char *text, struct policy_rule *rule, char *ret_problem)
{
    if (strcmp(text, "*") == 0)
        return 0;
    if (strncmp(text, "process:", 8) == 0)
        return parse_glob("process", text + 8, rule->process, sizeof(rule->process), ret_problem);
    if (strncmp(text, "command:", 8) == 0)
        return parse_glob("command", text + 8, rule->command, sizeof(rule->command), ret_problem);
    if (strncmp(text, "unit:", 5) == 0)
        return parse_glob("unit", text + 5, rule->unit, sizeof(rule->unit), ret_problem);
    if (strncmp(text, "uid:", 4) == 0)
        return parse_uid(text + 4, rule, ret_problem);
    return parse_ports(text, rule, ret_problem);
}

/* Takes "/tcp" or "/udp" off the end of text[0 … size). */
static uint8_t take_protocol(char *text, size_t size)
{
    if (size < 4)
        return 0;
    char *suffix = text + size - 4;
    uint8_t protocol = strcmp(suffix, "/tcp") == 0 ? PORT_TCP : strcmp(suffix, "/udp") == 0 ? PORT_UDP : 0;
    if (protocol != 0)
        *suffix = '\0';
    return protocol;
}

int policy_selector_parse(const char *text, struct policy_rule *ret,
                          char ret_problem[static TEXT_REASON_MAX + 1])
{
    char condition[sizeof("command:") + TEXT_COMMAND_MAX + sizeof("/tcp")];
    size_t size = strlen(text);
    if (size >= sizeof(condition)) {
        reason_format(ret_problem, "the selector is longer than %zu bytes", sizeof(condition) - 1);
        return STATUS_INVALID;
    }
    if (!is_printable(text)) {
        reason_format(ret_problem, "the selector holds control characters or is not UTF-8");
        return STATUS_INVALID;
    }
    memcpy(condition, text, size + 1);
    struct policy_rule rule = {.uid = -1};
    rule.protocol = take_protocol(condition, size);
    int status = parse_condition(condition, &rule, ret_problem);
    if (status < 0)
        return status;
    *ret = rule;
    return 0;
}

/* Appends to out[*used …] what fits. */
static void append_text(char *out, size_t size, size_t *used, const char *text)
{
    size_t room = size - 1 - *used;
    size_t length = strnlen(text, room);
    memcpy(out + *used, text, length);
    *used += length;
    out[*used] = '\0';
}

/* A space before all but the first. */
static void append(char *out, size_t size, size_t *used, const char *prefix, const char *text)
{
    if (*used > 0)
        append_text(out, size, used, " ");
    append_text(out, size, used, prefix);
    append_text(out, size, used, text);
}

void policy_selector_format(const struct policy_rule *rule, char *out, size_t size)
{
    char number[24];
    size_t used = 0;
    if (size == 0)
        return;
    out[0] = '\0';
    if (rule->port_low != 0 || rule->port_high != 0) {
        if (rule->port_low == rule->port_high)
            snprintf(number, sizeof(number), "%u", rule->port_low);
        else
            snprintf(number, sizeof(number), "%u-%u", rule->port_low, rule->port_high);
        append(out, size, &used, "", number);
    }
    if (rule->process[0] != '\0')
        append(out, size, &used, "process:", rule->process);
    if (rule->command[0] != '\0')
        append(out, size, &used, "command:", rule->command);
    if (rule->unit[0] != '\0')
        append(out, size, &used, "unit:", rule->unit);
    if (rule->uid >= 0) {
        snprintf(number, sizeof(number), "%" PRId64, rule->uid);
        append(out, size, &used, "uid:", number);
    }
    if (used == 0)
        append(out, size, &used, "", "*");
    if (rule->protocol != 0 && used + 1 < size)
        snprintf(out + used, size - used, "/%s", rule->protocol == PORT_TCP ? "tcp" : "udp");
}
