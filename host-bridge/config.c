/* SPDX-License-Identifier: MIT */
/* Reads config.json. Whether a guest's name and a list of forwards are good is said by guests and forwards
 * when they get them. */
#include "host-bridge/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "host-bridge/config_clients.h"
#include "host-bridge/config_inbox.h"
#include "protocol/base/status.h"
#include "protocol/link/spec.h"

static const struct config_key ROOT_KEYS[] = {
    {"logLevel", JSON_STRING, false}, {"vms", JSON_ARRAY, false},
    {"policy", JSON_ARRAY, false},    {"portForwards", JSON_ARRAY, false},
    {"clients", JSON_ARRAY, false},   {"apiSocketGroup", JSON_STRING, false},
    {"inbox", JSON_OBJECT, false},    {NULL, JSON_NULL, false},
};
static const struct config_key GUEST_KEYS[] = {
    {"name", JSON_STRING, true},         {"link", JSON_STRING, true},        {"config", JSON_STRING, false},
    {"portForwards", JSON_ARRAY, false}, {"key", JSON_STRING, false},        {"pskFile", JSON_STRING, false},
    {"ephemeral", JSON_TRUE, false},     {"encryption", JSON_STRING, false}, {NULL, JSON_NULL, false},
};
static const struct config_key POLICY_KEYS[] = {
    {"selector", JSON_STRING, true}, {"action", JSON_STRING, true}, {NULL, JSON_NULL, false}};

void bridge_config_init(struct bridge_config *config)
{
    *config = (struct bridge_config){.log_level = LOG_INFO};
}

void bridge_config_finish(struct bridge_config *config)
{
    for (size_t i = 0; i < config->guest_count; i++) {
        free(config->guests[i].name);
        free(config->guests[i].link);
        free(config->guests[i].psk_file);
        json_decref(config->guests[i].port_forwards);
    }
    free(config->guests);
    json_decref(config->port_forwards);
    policy_set_finish(&config->policy);
    free(config->clients);
    free(config->inbox_folder);
    inbox_rules_free(config->inbox_rules, config->inbox_rule_count);
    bridge_config_init(config);
}

struct guest_identity_options configured_guest_identity(const struct configured_guest *guest)
{
    struct guest_identity_options options = {.has_key = guest->has_key,
                                             .ephemeral = guest->ephemeral,
                                             .sealing = guest->sealing,
                                             .psk_file = guest->psk_file};
    memcpy(options.key, guest->key, sizeof(options.key));
    return options;
}

static int load_identity(const struct config_file *file, size_t index, const json_t *item,
                         struct configured_guest *ret, char *ret_problem)
{
    char place[64], problem[TEXT_REASON_MAX + 1];
    const char *field;
    struct guest_identity_options options;
    int status = guest_identity_load(&options, item, &field, problem);
    if (status == 0)
        status = guest_identity_check(&options, ret->link, &field, problem);
    if (status < 0) {
        snprintf(place, sizeof(place), "vms[%zu].%s", index, field);
        return config_file_complain(file, place, ret_problem, "%s", problem);
    }
    ret->has_key = options.has_key;
    memcpy(ret->key, options.key, sizeof(ret->key));
    ret->ephemeral = options.ephemeral;
    ret->sealing = options.sealing;
    ret->psk_file = options.psk_file != NULL ? strdup(options.psk_file) : NULL;
    return options.psk_file != NULL && ret->psk_file == NULL ? UV_ENOMEM : 0;
}

/* A GhostVM config.json: only its "portForwards" matters here, the rest is GhostVM's. */
static int load_ghostvm_file(const struct config_file *file, const char *place, const char *path,
                             json_t **ret, char *ret_problem)
{
    struct config_file ghostvm;
    char problem[CONFIG_PROBLEM_MAX];
    if (config_file_load(path, &ghostvm, problem) < 0)
        return config_file_complain(file, place, ret_problem, "%s", problem);
    json_t *list = json_object_get(ghostvm.root, "portForwards");
    int status = 0;
    if (list != NULL && !json_is_array(list))
        status =
            config_file_complain(&ghostvm, "portForwards", ret_problem, "\"portForwards\" must be an array");
    else
        *ret = json_incref(list);
    config_file_finish(&ghostvm);
    return status;
}

static int load_guest(const struct config_file *file, size_t index, const json_t *item,
                      struct configured_guest *ret, char *ret_problem)
{
    char place[64], problem[TEXT_REASON_MAX + 1];
    snprintf(place, sizeof(place), "vms[%zu]", index);
    int status = config_file_check_keys(file, item, place, GUEST_KEYS, ret_problem);
    if (status < 0)
        return status;
    const char *link = json_string_value(json_object_get(item, "link"));
    struct link_spec spec;
    if (link_spec_parse_dial(link, &spec, problem) < 0) {
        snprintf(place, sizeof(place), "vms[%zu].link", index);
        return config_file_complain(file, place, ret_problem, "%s", problem);
    }
    ret->name = strdup(json_string_value(json_object_get(item, "name")));
    ret->link = strdup(link);
    if (ret->name == NULL || ret->link == NULL)
        return UV_ENOMEM;
    status = load_identity(file, index, item, ret, ret_problem);
    if (status < 0)
        return status;
    ret->port_forwards = json_incref(json_object_get(item, "portForwards"));
    const char *path = json_string_value(json_object_get(item, "config"));
    if (path == NULL)
        return 0;
    snprintf(place, sizeof(place), "vms[%zu].config", index);
    if (ret->port_forwards != NULL)
        return config_file_complain(file, place, ret_problem,
                                    "\"config\" and \"portForwards\" exclude each other");
    return load_ghostvm_file(file, place, path, &ret->port_forwards, ret_problem);
}

static int load_guests(struct bridge_config *config, const struct config_file *file, char *ret_problem)
{
    const json_t *list = json_object_get(file->root, "vms");
    if (json_array_size(list) == 0)
        return 0;
    config->guests = calloc(json_array_size(list), sizeof(*config->guests));
    if (config->guests == NULL)
        return UV_ENOMEM;
    for (size_t i = 0; i < json_array_size(list); i++) {
        config->guest_count++;
        int status = load_guest(file, i, json_array_get(list, i), &config->guests[i], ret_problem);
        if (status < 0)
            return status;
    }
    return 0;
}

static int load_rule(struct bridge_config *config, const struct config_file *file, size_t index,
                     const json_t *item, char *ret_problem)
{
    char place[64], problem[TEXT_REASON_MAX + 1];
    snprintf(place, sizeof(place), "policy[%zu]", index);
    int status = config_file_check_keys(file, item, place, POLICY_KEYS, ret_problem);
    if (status < 0)
        return status;
    struct policy_rule rule;
    if (policy_selector_parse(json_string_value(json_object_get(item, "selector")), &rule, problem) < 0) {
        snprintf(place, sizeof(place), "policy[%zu].selector", index);
        return config_file_complain(file, place, ret_problem, "%s", problem);
    }
    if (!policy_action_parse(json_string_value(json_object_get(item, "action")), &rule.action)) {
        snprintf(place, sizeof(place), "policy[%zu].action", index);
        return config_file_complain(file, place, ret_problem, "expected forward, ask, ignore or block");
    }
    return policy_set_put(&config->policy, &rule);
}

static int load_policy(struct bridge_config *config, const struct config_file *file, char *ret_problem)
{
    const json_t *list = json_object_get(file->root, "policy");
    for (size_t i = json_array_size(list);
         i-- > 0;) { /* put comes first: the file's first rule is put last */
        int status = load_rule(config, file, i, json_array_get(list, i), ret_problem);
        if (status < 0)
            return status;
    }
    return 0;
}

static int load(struct bridge_config *config, const struct config_file *file, char *ret_problem)
{
    int status = config_file_check_keys(file, file->root, "", ROOT_KEYS, ret_problem);
    const char *level = status < 0 ? NULL : json_string_value(json_object_get(file->root, "logLevel"));
    if (level != NULL && !log_level_parse(level, &config->log_level))
        status = config_file_complain(file, "logLevel", ret_problem,
                                      "expected \"error\", \"warn\", \"info\" or \"debug\"");
    if (status == 0)
        status = load_guests(config, file, ret_problem);
    if (status == 0)
        status = load_policy(config, file, ret_problem);
    if (status == 0)
        status = config_clients_load(config, file, ret_problem);
    if (status == 0)
        status = config_inbox_load(config, file, ret_problem);
    if (status == 0)
        config->port_forwards = json_incref(json_object_get(file->root, "portForwards"));
    if (status == UV_ENOMEM || status == STATUS_LIMIT)
        config_file_complain(file, "", ret_problem, "%s", status_text(status));
    return status;
}

int bridge_config_load(struct bridge_config *config, const char *path, bool required,
                       char ret_problem[static CONFIG_PROBLEM_MAX])
{
    struct config_file file;
    int status = config_file_load(path, &file, ret_problem);
    if (status == UV_ENOENT && !required)
        return 0;
    if (status < 0)
        return status;
    status = load(config, &file, ret_problem);
    config_file_finish(&file);
    return status;
}
