/* SPDX-License-Identifier: MIT */
/* hospes send, and the other way: inbox, accept, decline. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/copy_request.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/table.h"
#include "host-bridge/cli/transfer_follow.h"

static const struct table_column INBOX_COLUMNS[] = {
    {"ID", ALIGN_LEFT, 0},     {"GUEST", ALIGN_LEFT, 6}, {"NAME", ALIGN_LEFT, 10},   {"BY", ALIGN_LEFT, 4},
    {"FILES", ALIGN_RIGHT, 0}, {"SIZE", ALIGN_RIGHT, 0}, {"OFFERED", ALIGN_LEFT, 0}, {"STATE", ALIGN_LEFT, 0},
};

/* ---- send ---- */

struct sending {
    struct cli *cli;
    const struct arguments *arguments;
};

/* --no-wait: what the bridge goes on with. */
static int print_begun(struct cli *cli, const json_t *transfer)
{
    if (cli->json)
        cli_print_json_line(cli, transfer);
    else
        cli_line(cli, STYLE_PLAIN, "%s", json_view_text(transfer, "id", "?"));
    return CLI_DONE;
}

static int finish_begun(struct cli *cli, const struct arguments *arguments, json_t *transfer)
{
    struct transfer_follow follow = {
        .cli = cli,
        .no_progress = arguments->options[OPTION_NO_PROGRESS] != NULL,
        .verbose = arguments->options[OPTION_VERBOSE] != NULL,
        .says_names = true,
        .tells_waiting = true,
    };
    if (arguments->options[OPTION_NO_WAIT] == NULL)
        return transfer_follow(&follow, transfer);
    int status = print_begun(cli, transfer);
    json_decref(transfer);
    return status;
}

static int send_part(void *ctx, json_t *body)
{
    const struct sending *sending = ctx;
    json_t *transfer = NULL;
    int status = problem_ask(sending->cli, "POST", "/api/v1/transfers", body, &transfer);
    return status == CLI_DONE ? finish_begun(sending->cli, sending->arguments, transfer) : status;
}

int command_send(struct cli *cli, const struct arguments *arguments)
{
    struct sending sending = {cli, arguments};
    size_t count = arguments->operand_count - 1;
    struct guest_path *sources = calloc(count, sizeof(*sources));
    json_t *options = json_pack("{s:b}", "recursive", 1);
    struct copy_request request = {
        .sources = sources,
        .source_count = count,
        .to_guest = arguments->operands[0],
        .user = arguments->options[OPTION_USER],
        .options = options,
    };
    int status = CLI_DONE;
    if (sources == NULL || options == NULL)
        status = cli_out_of_memory(cli);
    for (size_t i = 0; status == CLI_DONE && i < count; i++)
        sources[i].path = arguments->operands[i + 1]; /* always of this host: no colon means anything */
    if (status == CLI_DONE)
        status = copy_request_run(cli, &request, send_part, &sending);
    json_decref(options);
    free(sources);
    return status;
}

/* ---- inbox ---- */

static void add_item(struct table *table, const json_t *item)
{
    table_cell(table, STYLE_STRONG, json_view_text(item, "id", "?"));
    table_cell(table, STYLE_PLAIN, json_view_text(item, "vm", "?"));
    table_cell(table, STYLE_PLAIN, json_view_text(item, "name", "?"));
    table_cell(table, STYLE_PLAIN, json_view_text(item, "user", "–"));
    table_cell_format(table, STYLE_PLAIN, "%lld", (long long)json_view_integer(item, "files"));
    table_cell(table, STYLE_PLAIN, quantity_bytes(json_view_number(item, "bytes")).text);
    table_cell(table, STYLE_PLAIN, quantity_time(json_view_time(item, "created")).text);
    table_cell(table, STYLE_PLAIN, json_view_text(item, "state", "?"));
}

static int print_items(struct cli *cli, const json_t *items)
{
    struct table *table = table_create(INBOX_COLUMNS, sizeof(INBOX_COLUMNS) / sizeof(INBOX_COLUMNS[0]));
    size_t index;
    json_t *item;
    json_array_foreach(items, index, item)
    {
        if (table != NULL)
            add_item(table, item);
    }
    int status = table == NULL || table_print(table, cli->out, &cli->terminal, 0) != 0
                     ? cli_out_of_memory(cli)
                     : CLI_DONE;
    table_destroy(table);
    return status;
}

int command_inbox(struct cli *cli, const struct arguments *arguments)
{
    struct api_path path = {"/api/v1/inbox"};
    json_t *answer = NULL;
    if (arguments->operand_count > 0 && !api_path_query(&path, "vm", arguments->operands[0]))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "GET", path.text, NULL, &answer);
    if (status != CLI_DONE)
        return status;
    const json_t *items = json_view(answer, "items");
    if (cli->json)
        cli_print_json(cli, answer);
    else if (json_array_size(items) == 0)
        cli_say(cli, "Nothing is offered.");
    else
        status = print_items(cli, items);
    json_decref(answer);
    return status;
}

static bool item_path(struct api_path *path, const char *id, const char *action)
{
    strcpy(path->text, "/api/v1/inbox/");
    if (!api_path_append(path, id) || strlen(path->text) + strlen(action) > API_PATH_MAX)
        return false;
    strcat(path->text, action);
    return true;
}

int command_accept(struct cli *cli, const struct arguments *arguments)
{
    const char *folder = arguments->options[OPTION_TO];
    struct api_path path;
    json_t *body = json_object(), *transfer = NULL;
    char *absolute = NULL;
    int status = CLI_DONE;
    if (!item_path(&path, arguments->operands[0], "/accept"))
        status = problem_name_too_long(cli);
    if (status == CLI_DONE && folder != NULL) {
        absolute = guest_path_absolute(folder);
        if (absolute == NULL)
            status = cli_fail(cli, CLI_FAILED, NULL, "%s: %s", folder, strerror(errno));
        else if (json_object_set_new(body, "to", json_string(absolute)) != 0)
            status = cli_fail(cli, CLI_FAILED, NULL, "%s: the name is not valid UTF-8", folder);
    }
    if (status == CLI_DONE)
        status = problem_ask(cli, "POST", path.text, body, &transfer);
    free(absolute);
    json_decref(body);
    return status == CLI_DONE ? finish_begun(cli, arguments, transfer) : status;
}

int command_decline(struct cli *cli, const struct arguments *arguments)
{
    const char *id = arguments->operands[0];
    struct api_path path;
    if (!item_path(&path, id, "/decline"))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "POST", path.text, NULL, NULL);
    if (status == CLI_DONE && cli->json) {
        json_t *document = json_pack("{s:s}", "declined", id);
        cli_print_json(cli, document);
        json_decref(document);
    }
    if (status == CLI_DONE)
        cli_say(cli, "Declined %s.", id);
    return status;
}
