/* SPDX-License-Identifier: MIT */
/* Reads agent.json. Listening is agent.c's. */
#include "agent/config.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"

static const struct config_key KEYS[] = {
    {"adminSocket", JSON_STRING, false}, {"classes", JSON_OBJECT, false},
    {"encryption", JSON_STRING, false},  {"files", JSON_OBJECT, false},
    {"hostKeyFile", JSON_STRING, false}, {"listen", JSON_ARRAY, false},
    {"logLevel", JSON_STRING, false},    {"portDetection", JSON_STRING, false},
    {"pskFile", JSON_STRING, false},     {"stateDir", JSON_STRING, false},
    {"vsockLoopback", JSON_TRUE, false}, {NULL, JSON_NULL, false},
};

void agent_config_init(struct agent_config *config)
{
    *config = (struct agent_config){.log_level = LOG_INFO,
                                    .port_tier = PORT_TIER_AUTO,
                                    .state_dir = AGENT_STATE_DIR,
                                    .admin_socket = AGENT_ADMIN_SOCKET,
                                    .session_socket = AGENT_SESSION_SOCKET,
                                    .sealing = SEALING_AUTO,
                                    .classes = request_classes_all()};
}

static int set_path(char out[static AGENT_PATH_MAX + 1], const char *path, const char *what,
                    char *ret_problem)
{
    size_t size = strlen(path);
    if (size == 0 || size > AGENT_PATH_MAX) {
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s must have 1 to %d bytes", what, AGENT_PATH_MAX);
        return STATUS_INVALID;
    }
    memcpy(out, path, size + 1);
    return 0;
}

int agent_config_set_state_dir(struct agent_config *config, const char *path,
                               char ret_problem[static CONFIG_PROBLEM_MAX])
{
    config->state_dir_given = true;
    return set_path(config->state_dir, path, "the state folder's path", ret_problem);
}

int agent_config_set_admin_socket(struct agent_config *config, const char *path,
                                  char ret_problem[static CONFIG_PROBLEM_MAX])
{
    config->admin_socket_given = true;
    return set_path(config->admin_socket, path, "the admin socket's path", ret_problem);
}

int agent_config_set_session_socket(struct agent_config *config, const char *path,
                                    char ret_problem[static CONFIG_PROBLEM_MAX])
{
    return set_path(config->session_socket, path, "the session socket's path", ret_problem);
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

static int load_paths(struct agent_config *config, const struct config_file *file, char *ret_problem)
{
    const struct {
        const char *key;
        char *out;
        bool given;
    } paths[] = {{"stateDir", config->state_dir, config->state_dir_given},
                 {"hostKeyFile", config->host_key_file, false},
                 {"pskFile", config->psk_file, false},
                 {"adminSocket", config->admin_socket, config->admin_socket_given}};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char problem[CONFIG_PROBLEM_MAX], ignored[AGENT_PATH_MAX + 1];
        const char *path = json_string_value(json_object_get(file->root, paths[i].key));
        if (path != NULL && set_path(paths[i].given ? ignored : paths[i].out, path, "a path", problem) < 0)
            return config_file_complain(file, paths[i].key, ret_problem, "%s", problem);
    }
    return 0;
}

static bool listens_on_tcp(const struct agent_config *config)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (config->listeners[i].kind == LINK_TCP)
            return true;
    }
    return false;
}

static int load_encryption(struct agent_config *config, const struct config_file *file, char *ret_problem)
{
    static const char *const NAMES[] = {
        [SEALING_AUTO] = "auto", [SEALING_ALWAYS] = "always", [SEALING_NEVER] = "never"};
    const char *text = json_string_value(json_object_get(file->root, "encryption"));
    if (text == NULL)
        return 0;
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        if (strcmp(text, NAMES[i]) != 0)
            continue;
        if (i == SEALING_NEVER && listens_on_tcp(config))
            return config_file_complain(
                file, "encryption", ret_problem,
                "\"never\" can't be together with a tcp listener: TCP can be overheard");
        config->sealing = (enum sealing)i;
        return 0;
    }
    return config_file_complain(file, "encryption", ret_problem,
                                "expected \"auto\", \"always\" or \"never\"");
}

static int load_classes(struct agent_config *config, const struct config_file *file, char *ret_problem)
{
    struct config_key keys[REQUEST_CLASS_COUNT + 1] = {{NULL, JSON_NULL, false}};
    json_t *classes = json_object_get(file->root, "classes");
    if (classes == NULL)
        return 0;
    for (int i = 0; i < REQUEST_CLASS_COUNT; i++)
        keys[i] = (struct config_key){request_class_name((enum request_class)(i + 1)), JSON_TRUE, false};
    keys[REQUEST_CLASS_COUNT] = (struct config_key){NULL, JSON_NULL, false};
    int status = config_file_check_keys(file, classes, "classes", keys, ret_problem);
    for (int i = 1; status == 0 && i <= REQUEST_CLASS_COUNT; i++) {
        if (json_is_false(json_object_get(classes, request_class_name((enum request_class)i))))
            request_classes_set(&config->classes, (enum request_class)i, false);
    }
    return status;
}

static int load_files(struct agent_config *config, const struct config_file *file, char *ret_problem)
{
    static const struct config_key FILES_KEYS[] = {{"dropFolder", JSON_STRING, false},
                                                   {"outbox", JSON_STRING, false},
                                                   {"user", JSON_STRING, false},
                                                   {NULL, JSON_NULL, false}};
    const json_t *files = json_object_get(file->root, "files");
    if (files == NULL)
        return 0;
    int status = config_file_check_keys(file, files, "files", FILES_KEYS, ret_problem);
    if (status < 0)
        return status;
    char problem[CONFIG_PROBLEM_MAX];
    const char *user = json_string_value(json_object_get(files, "user"));
    const char *folder = json_string_value(json_object_get(files, "dropFolder"));
    size_t user_size = user != NULL ? strlen(user) : 1;
    if (user_size == 0 || user_size > TEXT_NAME_MAX)
        return config_file_complain(file, "files.user", ret_problem, "a user must have 1 to %d bytes",
                                    TEXT_NAME_MAX);
    if (user != NULL)
        memcpy(config->files_user, user, user_size + 1);
    if (folder != NULL && set_path(config->drop_folder, folder, "the drop folder", problem) < 0)
        return config_file_complain(file, "files.dropFolder", ret_problem, "%s", problem);
    const char *outbox = json_string_value(json_object_get(files, "outbox"));
    if (outbox != NULL && set_path(config->outbox, outbox, "the outbox", problem) < 0)
        return config_file_complain(file, "files.outbox", ret_problem, "%s", problem);
    return 0;
}

static int load(struct agent_config *config, const struct config_file *file, char *ret_problem)
{
    int status = config_file_check_keys(file, file->root, "", KEYS, ret_problem);
    if (status == 0 && config->listener_count == 0) /* the command line's replace the file's */
        status = load_listeners(config, file, ret_problem);
    if (status == 0)
        status = load_tier(config, file, ret_problem);
    if (status == 0)
        status = load_paths(config, file, ret_problem);
    if (status == 0)
        status = load_encryption(config, file, ret_problem);
    if (status == 0)
        status = load_classes(config, file, ret_problem);
    if (status == 0)
        status = load_files(config, file, ret_problem);
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
