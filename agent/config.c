/* SPDX-License-Identifier: MIT */
/* Reads agent.json. Listening is agent.c's. */
#include "agent/config.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"

static const struct config_key KEYS[] = {
    {"listen", JSON_ARRAY, false},
    {"logLevel", JSON_STRING, false},
    {"portDetection", JSON_STRING, false},
    {"vsockLoopback", JSON_TRUE, false},
    {NULL, JSON_NULL, false},
};

void agent_config_init(struct agent_config *config)
{
    *config = (struct agent_config){.log_level = LOG_INFO, .port_tier = PORT_TIER_AUTO};
}

int agent_config_add_listener(struct agent_config *config, const char *text,
                              char ret_problem[static CONFIG_PROBLEM_MAX])
{
    if (config->listener_count == AGENT_LISTENERS_MAX) {
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "more than %d listeners", AGENT_LISTENERS_MAX);
        return STATUS_LIMIT;
    }
    int status = link_spec_parse_listen(text, &config->listeners[config->listener_count], ret_problem);
    if (status == 0)
        config->listener_count++;
    return status;
}

static int load_listeners(struct agent_config *config, const struct config_file *file, char *ret_problem)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(file->root, "listen"), index, item)
    {
        char place[32], problem[CONFIG_PROBLEM_MAX];
        snprintf(place, sizeof(place), "listen[%zu]", index);
        if (!json_is_string(item))
            return config_file_complain(file, place, ret_problem,
                                        "a listener must be a string such as \"vsock\"");
        if (agent_config_add_listener(config, json_string_value(item), problem) < 0)
            return config_file_complain(file, place, ret_problem, "%s", problem);
    }
    return 0;
}

static int load_tier(struct agent_config *config, const struct config_file *file, char *ret_problem)
{
    static const char *const NAMES[] = {"auto", "tracepoint", "polling", "procnet"};
    static const enum port_tier TIERS[] = {PORT_TIER_AUTO, PORT_TIER_T0, PORT_TIER_T1, PORT_TIER_T2};
    const char *text = json_string_value(json_object_get(file->root, "portDetection"));
    for (size_t i = 0; text != NULL && i < sizeof(TIERS) / sizeof(TIERS[0]); i++) {
        if (strcmp(text, NAMES[i]) == 0) {
            config->port_tier = TIERS[i];
            return 0;
        }
    }
    return text == NULL
               ? 0
               : config_file_complain(file, "portDetection", ret_problem,
                                      "expected \"auto\", \"tracepoint\", \"polling\" or \"procnet\"");
}

static int load(struct agent_config *config, const struct config_file *file, char *ret_problem)
{
    int status = config_file_check_keys(file, file->root, "", KEYS, ret_problem);
    if (status == 0 && config->listener_count == 0) /* the command line's replace the file's */
        status = load_listeners(config, file, ret_problem);
    if (status == 0)
        status = load_tier(config, file, ret_problem);
    const char *level = json_string_value(json_object_get(file->root, "logLevel"));
    if (status == 0 && level != NULL && !log_level_parse(level, &config->log_level))
        status = config_file_complain(file, "logLevel", ret_problem,
                                      "expected \"error\", \"warn\", \"info\" or \"debug\"");
    if (json_is_true(json_object_get(file->root, "vsockLoopback")))
        config->vsock_loopback = true;
    return status;
}

int agent_config_load(struct agent_config *config, const char *path, bool required,
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
