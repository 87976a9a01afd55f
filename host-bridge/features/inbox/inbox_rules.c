/* SPDX-License-Identifier: MIT */
/* Rules by which offers are taken without asking: reading them, and whether one matches. What a guest says of
 * an offer's size is believed here; whoever takes the files holds them to the rule's limit. */
#include "host-bridge/features/inbox/inbox_rules.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/config/glob.h"
#include "services/config/json_fields.h"
#include "services/config/reason.h"

#define PLACE_SIZE 32

static bool rule_matches(const struct inbox_rule *rule, const struct inbox_item *item)
{
    if (rule->vm != NULL && !glob_match(rule->vm, item->vm))
        return false;
    if (rule->name != NULL && (item->offer.roots != 1 || !glob_match(rule->name, item->offer.name)))
        return false;
    return item->offer.bytes <= rule->max_bytes;
}

const struct inbox_rule *inbox_rule_find(const struct inbox_rule *rules, size_t count,
                                         const struct inbox_item *item)
{
    for (size_t i = 0; i < count; i++) {
        if (rule_matches(&rules[i], item))
            return &rules[i];
    }
    return NULL;
}

/* ---- reading ---- */

static int read_text(const struct json_reader *reader, const char *key, size_t max, char **ret)
{
    char text[FILES_PATH_MAX + 1] = "";
    if (json_object_get(reader->object, key) == NULL)
        return 0;
    int status = json_read_optional_text(reader, key, text, max + 1);
    if (status < 0)
        return status;
    if (text[0] == '\0')
        return json_reader_expected(reader, key, "a text that is not empty");
    *ret = strdup(text);
    return *ret == NULL ? UV_ENOMEM : 0;
}

static int read_rule(const struct json_reader *reader, struct inbox_rule *ret)
{
    static const char *const KEYS[] = {"vm", "name", "maxBytes", "to", NULL};
    long long max_bytes = -1;
    int status = json_read_only_keys(reader, KEYS);
    if (status == 0)
        status = read_text(reader, "vm", TEXT_NAME_MAX, &ret->vm);
    if (status == 0)
        status = read_text(reader, "name", FILES_NAME_MAX, &ret->name);
    if (status == 0)
        status = read_text(reader, "to", FILES_PATH_MAX, &ret->to);
    if (status == 0)
        status = json_read_optional_integer(reader, "maxBytes", 0, INT64_MAX, &max_bytes);
    if (status < 0)
        return status;
    if (ret->to != NULL && ret->to[0] != '/')
        return json_reader_expected(reader, "to", "an absolute folder");
    ret->max_bytes = max_bytes < 0 ? UINT64_MAX : (uint64_t)max_bytes;
    return 0;
}

int inbox_rules_parse(const json_t *list, struct inbox_rule **ret, size_t *ret_count,
                      char ret_problem[static TEXT_REASON_MAX + 1])
{
    size_t count = json_array_size(list);
    if (list != NULL && !json_is_array(list)) {
        reason_format(ret_problem, "expected a list of rules");
        return STATUS_MALFORMED;
    }
    if (count > INBOX_RULES_MAX) {
        reason_format(ret_problem, "more than %d rules", INBOX_RULES_MAX);
        return STATUS_MALFORMED;
    }
    struct inbox_rule *rules = calloc(count + 1, sizeof(*rules));
    int status = rules == NULL ? UV_ENOMEM : 0;
    for (size_t i = 0; i < count && status == 0; i++) {
        char place[PLACE_SIZE];
        snprintf(place, sizeof(place), "[%zu]", i);
        struct json_reader reader = {
            .place = place, .object = json_array_get(list, i), .problem = ret_problem};
        status = read_rule(&reader, &rules[i]);
    }
    if (status < 0) {
        if (status == UV_ENOMEM)
            reason_format(ret_problem, "%s", status_text(status));
        inbox_rules_free(rules, rules == NULL ? 0 : count);
        return status;
    }
    *ret = rules;
    *ret_count = count;
    return 0;
}

void inbox_rules_free(struct inbox_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(rules[i].vm);
        free(rules[i].name);
        free(rules[i].to);
    }
    free(rules);
}
