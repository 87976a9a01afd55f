/* SPDX-License-Identifier: MIT */
/* hospes transfers. */
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/transfers_watch.h"

static int list(struct cli *cli)
{
    json_t *answer = NULL;
    int status = problem_ask(cli, "GET", "/api/v1/transfers", NULL, &answer);
    if (status != CLI_DONE)
        return status;
    if (cli->json) {
        cli_print_json(cli, answer);
    } else if (json_array_size(json_view(answer, "transfers")) == 0) {
        cli_say(cli, "No transfers.");
    } else {
        struct table *table = transfers_table(answer);
        if (table == NULL || table_print(table, cli->out, &cli->terminal, 0) != 0)
            status = cli_out_of_memory(cli);
        table_destroy(table);
    }
    json_decref(answer);
    return status;
}

/* The id that begins with `text`, where it is the only one; else NULL, and *ret_count says how many there
 * are.
 */
static const char *find_id(const json_t *answer, const char *text, size_t *ret_count)
{
    const char *found = NULL;
    size_t index;
    json_t *transfer;
    *ret_count = 0;
    json_array_foreach(json_view(answer, "transfers"), index, transfer)
    {
        const char *id = json_view_text(transfer, "id", "");
        if (strncmp(id, text, strlen(text)) != 0)
            continue;
        found = id;
        (*ret_count)++;
    }
    return *ret_count == 1 ? found : NULL;
}

static int cancel(struct cli *cli, const char *text)
{
    struct api_path path = {"/api/v1/transfers/"};
    json_t *answer = NULL;
    size_t count = 0;
    int status = problem_ask(cli, "GET", "/api/v1/transfers", NULL, &answer);
    const char *id = status == CLI_DONE ? find_id(answer, text, &count) : NULL;
    if (status == CLI_DONE && id == NULL)
        status = cli_fail(
            cli, CLI_FAILED, "hospes transfers lists them",
            count == 0 ? "no transfer has the id \"%s\"" : "several transfers' ids begin with \"%s\"", text);
    if (status == CLI_DONE && !api_path_append(&path, id))
        status = problem_name_too_long(cli);
    if (status == CLI_DONE)
        status = problem_ask(cli, "DELETE", path.text, NULL, NULL);
    if (status == CLI_DONE && cli->json) {
        json_t *document = json_pack("{s:s}", "cancelled", id);
        cli_print_json(cli, document);
        json_decref(document);
    }
    if (status == CLI_DONE)
        cli_say(cli, "Cancelled %s.", id);
    json_decref(answer);
    return status;
}

int command_transfers(struct cli *cli, const struct arguments *arguments)
{
    bool watches = arguments->options[OPTION_WATCH] != NULL;
    if (arguments->operand_count == 0)
        return watches ? transfers_watch(cli) : list(cli);
    if (strcmp(arguments->operands[0], "cancel") != 0)
        return cli_fail(cli, CLI_USAGE, "hospes help transfers tells more", "unexpected argument \"%s\"",
                        arguments->operands[0]);
    if (arguments->operand_count != 2 || watches)
        return cli_fail(cli, CLI_USAGE, "hospes transfers lists the ids",
                        "cancel needs an ID, and nothing else");
    return cancel(cli, arguments->operands[1]);
}
