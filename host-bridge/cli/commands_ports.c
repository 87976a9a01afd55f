/* SPDX-License-Identifier: MIT */
/* hospes ports. */
#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/port_table.h"
#include "host-bridge/cli/ports_watch.h"
#include "host-bridge/cli/problem.h"

static int print_ports(struct cli *cli, const json_t *answer, const char *guest)
{
    if (cli->json) {
        cli_print_json(cli, answer);
        return CLI_DONE;
    }
    if (json_array_size(json_view(answer, "ports")) == 0) {
        cli_say(cli, "No port of %s is known. hospes status %s tells whether it is connected.", guest, guest);
        return CLI_DONE;
    }
    struct table *table = port_table_create(answer);
    int printed = table == NULL ? -1 : table_print(table, cli->out, &cli->terminal, 0);
    table_destroy(table);
    return printed == 0 ? CLI_DONE : cli_out_of_memory(cli);
}

int command_ports(struct cli *cli, const struct arguments *arguments)
{
    const char *guest = arguments->operands[0];
    struct api_path path;
    json_t *answer = NULL;
    if (arguments->options[OPTION_WATCH] != NULL)
        return ports_watch(cli, guest);
    if (!api_path_guest(&path, guest, "/ports"))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "GET", path.text, NULL, &answer);
    if (status == CLI_DONE)
        status = print_ports(cli, answer, guest);
    json_decref(answer);
    return status;
}
