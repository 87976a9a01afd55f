/* SPDX-License-Identifier: MIT */
/* Reads where offers of guests go, and which are taken without asking. */
#include "host-bridge/config_inbox.h"

#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"

static const struct config_key INBOX_KEYS[] = {
    {"folder", JSON_STRING, false}, {"accept", JSON_ARRAY, false}, {NULL, JSON_NULL, false}};

static int load_folder(struct bridge_config *config, const struct config_file *file, const json_t *inbox,
                       char *ret_problem)
{
    const char *folder = json_string_value(json_object_get(inbox, "folder"));
    if (folder == NULL)
        return 0;
    if (folder[0] != '/' || strlen(folder) > FILES_PATH_MAX)
        return config_file_complain(file, "inbox.folder", ret_problem, "expected an absolute folder");
    config->inbox_folder = strdup(folder);
    return config->inbox_folder == NULL ? UV_ENOMEM : 0;
}

static int load_rules(struct bridge_config *config, const struct config_file *file, const json_t *inbox,
                      char *ret_problem)
{
    char problem[TEXT_REASON_MAX + 1];
    const json_t *list = json_object_get(inbox, "accept");
    int status = inbox_rules_parse(list, &config->inbox_rules, &config->inbox_rule_count, problem);
    return status == STATUS_MALFORMED ? config_file_complain(file, "inbox.accept", ret_problem, "%s", problem)
                                      : status;
}

int config_inbox_load(struct bridge_config *config, const struct config_file *file,
                      char ret_problem[static CONFIG_PROBLEM_MAX])
{
    const json_t *inbox = json_object_get(file->root, "inbox");
    if (inbox == NULL)
        return 0;
    int status = config_file_check_keys(file, inbox, "inbox", INBOX_KEYS, ret_problem);
    if (status == 0)
        status = load_folder(config, file, inbox, ret_problem);
    if (status == 0)
        status = load_rules(config, file, inbox, ret_problem);
    return status;
}
