/* SPDX-License-Identifier: MIT */
/* hospes vms, add, remove. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/guest_words.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/link_hint.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/table.h"

static const struct table_column VMS_COLUMNS[] = {
    {"NAME", ALIGN_LEFT, 8},  {"STATE", ALIGN_LEFT, 0}, {"SINCE", ALIGN_LEFT, 0},  {"LINK", ALIGN_LEFT, 8},
    {"AGENT", ALIGN_LEFT, 6}, {"GUEST", ALIGN_LEFT, 8}, {"ERROR", ALIGN_LEFT, 12},
};

static void add_guest_row(struct table *table, const json_t *guest)
{
    const json_t *agent = json_view(guest, "agent");
    table_cell(table, STYLE_STRONG, json_view_text(guest, "name", "?"));
    table_cell(table, guest_words_style(guest), json_view_text(guest, "state", "?"));
    table_cell(table, STYLE_PLAIN, quantity_time(json_view_time(guest, "since")).text);
    table_cell(table, STYLE_PLAIN, json_view_text(guest, "link", ""));
    table_cell(table, STYLE_PLAIN, json_view_text(agent, "version", "–"));
    table_cell_format(table, STYLE_PLAIN, "%s%s%s", json_view_text(agent, "hostname", "–"),
                      agent != NULL ? ", " : "", json_view_text(agent, "os", ""));
    table_cell(table, STYLE_BAD, guest_words_error(guest));
}

int command_vms(struct cli *cli, const struct arguments *arguments)
{
    json_t *answer = NULL;
    int status = problem_ask(cli, "GET", "/api/v1/vms", NULL, &answer);
    if (status != CLI_DONE)
        return status;
    const json_t *guests = json_view(answer, "vms");
    struct table *table = NULL;
    size_t index;
    json_t *guest;
    if (cli->json) {
        cli_print_json(cli, answer);
    } else if (json_array_size(guests) == 0) {
        cli_say(cli, "No guests yet. hospes doctor says how to add one.");
    } else {
        table = table_create(VMS_COLUMNS, sizeof(VMS_COLUMNS) / sizeof(VMS_COLUMNS[0]));
        json_array_foreach(guests, index, guest)
        {
            if (table != NULL)
                add_guest_row(table, guest);
        }
        if (table == NULL || table_print(table, cli->out, &cli->terminal, 0) != 0)
            status = cli_out_of_memory(cli);
        else
            guest_words_advise_trust(cli, guests);
    }
    table_destroy(table);
    json_decref(answer);
    return status;
}

/* The optional fields of POST /vms. False: reported. */
static bool add_identity(struct cli *cli, const struct arguments *arguments, json_t *body)
{
    const char *const *options = arguments->options;
    char file[PATH_MAX];
    if (options[OPTION_PSK_FILE] != NULL && realpath(options[OPTION_PSK_FILE], file) == NULL) {
        cli_fail(cli, CLI_USAGE, NULL, "%s: %s", options[OPTION_PSK_FILE], strerror(errno));
        return false;
    }
    if (options[OPTION_KEY] != NULL)
        json_object_set_new(body, "key", json_string(options[OPTION_KEY]));
    if (options[OPTION_PSK_FILE] != NULL) /* the bridge has another working folder */
        json_object_set_new(body, "pskFile", json_string(file));
    if (options[OPTION_EPHEMERAL] != NULL)
        json_object_set_new(body, "ephemeral", json_true());
    if (options[OPTION_ENCRYPTION] != NULL)
        json_object_set_new(body, "encryption", json_string(options[OPTION_ENCRYPTION]));
    return true;
}

int command_add(struct cli *cli, const struct arguments *arguments)
{
    const char *name = arguments->operands[0], *spec = arguments->operands[1];
    const char *problem = link_hint_problem(spec);
    json_t *body = json_pack("{s:s, s:s}", "name", name, "link", spec);
    json_t *answer = NULL;
    if (body == NULL)
        return cli_fail(cli, CLI_USAGE, NULL, "the name or the link is not valid UTF-8");
    if (!add_identity(cli, arguments, body)) {
        json_decref(body);
        return CLI_USAGE;
    }
    int status = problem_ask(cli, "POST", "/api/v1/vms", body, &answer);
    json_decref(body);
    if (status != CLI_DONE) {
        if (problem != NULL && status == CLI_FAILED)
            cli_fail(cli, status, "hospes help add lists the forms of a link", "\"%s\": %s", spec, problem);
        return status;
    }
    if (cli->json)
        cli_print_json(cli, answer);
    cli_say(cli, "Added %s (%s); the bridge connects as soon as the guest's agent answers.", name, spec);
    for (const char *const *step = link_hint_next_steps(spec); *step != NULL; step++)
        cli_say(cli, "  %s", *step);
    cli_say(cli, "hospes status %s shows how it goes.", name);
    json_decref(answer);
    return CLI_DONE;
}

int command_remove(struct cli *cli, const struct arguments *arguments)
{
    const char *name = arguments->operands[0];
    struct api_path path;
    if (!api_path_guest(&path, name, ""))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "DELETE", path.text, NULL, NULL);
    if (status != CLI_DONE)
        return status;
    if (cli->json) {
        json_t *document = json_pack("{s:s}", "removed", name);
        cli_print_json(cli, document);
        json_decref(document);
    }
    cli_say(cli, "Removed %s, its forwards and its rules.", name);
    return CLI_DONE;
}
