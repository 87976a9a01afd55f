/* SPDX-License-Identifier: MIT */
/* Reads which other users may use the Host API, and for what. Names are looked up once, at start. */
#include "host-bridge/config_clients.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#define PLACE_SIZE 64

static const struct config_key CLIENT_KEYS[] = {
    {"user", JSON_STRING, true}, {"classes", JSON_ARRAY, true}, {NULL, JSON_NULL, false}};

/* A number as it stands. False: it is none. */
static bool parse_id(const char *text, unsigned long *ret)
{
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number >= UINT32_MAX)
        return false; /* the last one means nobody */
    *ret = number;
    return true;
}

static int load_group(struct bridge_config *config, const struct config_file *file, char *ret_problem)
{
    const char *name = json_string_value(json_object_get(file->root, "apiSocketGroup"));
    unsigned long number;
    if (name == NULL)
        return 0;
    const struct group *group = getgrnam(name);
    if (group == NULL && !parse_id(name, &number))
        return config_file_complain(file, "apiSocketGroup", ret_problem,
                                    "this host has no group \"%.64s\"; groupadd makes one", name);
    config->has_api_group = true;
    config->api_group = group != NULL ? group->gr_gid : (gid_t)number;
    return 0;
}

static int load_user(const struct bridge_config *config, const struct config_file *file, size_t index,
                     const char *name, uid_t *ret, char *ret_problem)
{
    char place[PLACE_SIZE];
    unsigned long number;
    snprintf(place, sizeof(place), "clients[%zu].user", index);
    const struct passwd *user = getpwnam(name);
    if (user == NULL && !parse_id(name, &number))
        return config_file_complain(file, place, ret_problem, "this host has no user \"%.64s\"", name);
    uid_t uid = user != NULL ? user->pw_uid : (uid_t)number;
    if (uid == 0 || uid == getuid())
        return config_file_complain(file, place, ret_problem,
                                    "root and the bridge's own user always have every class");
    if (!config->has_api_group)
        return config_file_complain(
            file, place, ret_problem,
            "other users can't reach the socket without \"apiSocketGroup\": name a group "
            "that this user is in");
    for (size_t i = 0; i < index; i++) {
        if (config->clients[i].uid == uid)
            return config_file_complain(file, place, ret_problem, "this user is listed already");
    }
    *ret = uid;
    return 0;
}

static int load_classes(const struct config_file *file, size_t index, const json_t *list,
                        struct request_classes *ret, char *ret_problem)
{
    char place[PLACE_SIZE];
    snprintf(place, sizeof(place), "clients[%zu].classes", index);
    if (json_array_size(list) == 0)
        return config_file_complain(file, place, ret_problem, "name at least one class");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        enum request_class class;
        if (name == NULL || !request_class_parse(name, &class)) {
            snprintf(place, sizeof(place), "clients[%zu].classes[%zu]", index, i);
            return config_file_complain(file, place, ret_problem,
                                        "expected \"observe\", \"ports\", \"files\", \"clipboard\", "
                                        "\"exec\", \"admin\", \"open\" or \"apps\"");
        }
        request_classes_set(ret, class, true);
    }
    return 0;
}

static int load_client(struct bridge_config *config, const struct config_file *file, size_t index,
                       const json_t *item, char *ret_problem)
{
    char place[PLACE_SIZE];
    struct api_client *client = &config->clients[index];
    snprintf(place, sizeof(place), "clients[%zu]", index);
    int status = config_file_check_keys(file, item, place, CLIENT_KEYS, ret_problem);
    if (status == 0)
        status = load_user(config, file, index, json_string_value(json_object_get(item, "user")),
                           &client->uid, ret_problem);
    if (status == 0)
        status = load_classes(file, index, json_object_get(item, "classes"), &client->classes, ret_problem);
    return status;
}

int config_clients_load(struct bridge_config *config, const struct config_file *file,
                        char ret_problem[static CONFIG_PROBLEM_MAX])
{
    const json_t *list = json_object_get(file->root, "clients");
    size_t count = json_array_size(list);
    int status = load_group(config, file, ret_problem);
    if (status < 0 || count == 0)
        return status;
    if (count > CLIENTS_MAX)
        return config_file_complain(file, "clients", ret_problem, "more than %d clients", CLIENTS_MAX);
    config->clients = calloc(count, sizeof(*config->clients));
    if (config->clients == NULL)
        return UV_ENOMEM;
    for (size_t i = 0; i < count && status == 0; i++) {
        status = load_client(config, file, i, json_array_get(list, i), ret_problem);
        config->client_count += status == 0;
    }
    return status;
}
