/* SPDX-License-Identifier: MIT */
/* hospes policy, block, unblock. */
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/table.h"

static const struct table_column RULE_COLUMNS[] = {{"SELECTOR", ALIGN_LEFT, 12}, {"ACTION", ALIGN_LEFT, 0}};

static int ask_rules(struct cli *cli, const char *guest, json_t **ret_answer)
{
    struct api_path path;
    if (!api_path_guest(&path, guest, "/policy"))
        return problem_name_too_long(cli);
    return problem_ask(cli, "GET", path.text, NULL, ret_answer);
}

static int list_rules(struct cli *cli, const char *guest)
{
    json_t *answer = NULL;
    size_t index;
    json_t *rule;
    int status = ask_rules(cli, guest, &answer);
    if (status != CLI_DONE)
        return status;
    if (cli->json) {
        cli_print_json(cli, answer);
    } else if (json_array_size(json_view(answer, "rules")) == 0) {
        cli_say(cli, "%s has no rules of its own; those of the configuration and the defaults decide.",
                guest);
    } else {
        struct table *table = table_create(RULE_COLUMNS, 2);
        json_array_foreach(json_view(answer, "rules"), index, rule)
        {
            if (table == NULL)
                break;
            table_cell(table, STYLE_PLAIN, json_view_text(rule, "selector", "?"));
            table_cell(table, STYLE_PLAIN, json_view_text(rule, "action", "?"));
        }
        if (table == NULL || table_print(table, cli->out, &cli->terminal, 0) != 0)
            status = cli_out_of_memory(cli);
        table_destroy(table);
    }
    json_decref(answer);
    return status;
}

static int put_rule(struct cli *cli, const char *guest, const char *selector, const char *action)
{
    struct api_path path;
    json_t *answer = NULL;
    if (!api_path_guest(&path, guest, "/policy"))
        return problem_name_too_long(cli);
    json_t *body = json_pack("{s:s, s:s}", "selector", selector, "action", action);
    if (body == NULL)
        return cli_fail(cli, CLI_USAGE, NULL, "the selector is not valid UTF-8");
    int status = problem_ask(cli, "PUT", path.text, body, &answer);
    json_decref(body);
    if (status != CLI_DONE)
        return status;
    if (cli->json)
        cli_print_json(cli, answer);
    cli_say(cli, "%s: %s → %s, from now on", guest, json_view_text(answer, "selector", selector),
            json_view_text(answer, "action", action));
    json_decref(answer);
    return CLI_DONE;
}

static int drop_rule(struct cli *cli, const char *guest, const char *selector)
{
    struct api_path path;
    if (!api_path_guest(&path, guest, "/policy") || !api_path_query(&path, "selector", selector))
        return problem_name_too_long(cli);
    return problem_ask(cli, "DELETE", path.text, NULL, NULL);
}

static int remove_rule(struct cli *cli, const char *guest, const char *selector)
{
    int status = drop_rule(cli, guest, selector);
    if (status != CLI_DONE)
        return status;
    if (cli->json) {
        json_t *document = json_pack("{s:s}", "removed", selector);
        cli_print_json(cli, document);
        json_decref(document);
    }
    cli_say(cli, "%s: the rule for %s is gone.", guest, selector);
    return CLI_DONE;
}

static bool is_action(const char *text)
{
    static const char *const ACTIONS[] = {"forward", "ask", "ignore", "block"};
    for (size_t i = 0; i < sizeof(ACTIONS) / sizeof(ACTIONS[0]); i++) {
        if (strcmp(text, ACTIONS[i]) == 0)
            return true;
    }
    return false;
}

int command_policy(struct cli *cli, const struct arguments *arguments)
{
    const char *const *operands = arguments->operands;
    bool removes = arguments->options[OPTION_REMOVE] != NULL;
    const char *usage =
        "hospes policy NAME SELECTOR ACTION sets a rule, hospes policy NAME SELECTOR --remove "
        "takes it away";
    if (arguments->operand_count == 1 && !removes)
        return list_rules(cli, operands[0]);
    if (removes)
        return arguments->operand_count == 2
                   ? remove_rule(cli, operands[0], operands[1])
                   : cli_fail(cli, CLI_USAGE, usage, "--remove needs a guest and a selector, no action");
    if (arguments->operand_count == 2)
        return cli_fail(cli, CLI_USAGE, usage, "the action is missing: forward, ask, ignore or block");
    if (!is_action(operands[2]))
        return cli_fail(cli, CLI_USAGE, usage, "\"%s\" is no action: forward, ask, ignore or block",
                        operands[2]);
    return put_rule(cli, operands[0], operands[1], operands[2]);
}

static int parse_port(struct cli *cli, const char *text, uint16_t *ret_port)
{
    if (quantity_parse_port(text, ret_port))
        return CLI_DONE;
    return cli_fail(cli, CLI_USAGE, "one port of the guest, 1 to 65535; for ranges and processes use policy",
                    "\"%s\" is no port", text);
}

int command_block(struct cli *cli, const struct arguments *arguments)
{
    const char *guest = arguments->operands[0];
    struct api_path path;
    char rest[32];
    uint16_t port = 0;
    json_t *answer = NULL;
    int status = parse_port(cli, arguments->operands[1], &port);
    if (status != CLI_DONE)
        return status;
    snprintf(rest, sizeof(rest), "/ports/%u", (unsigned)port);
    if (!api_path_guest(&path, guest, rest))
        return problem_name_too_long(cli);
    json_t *body = json_pack("{s:s}", "policy", "block");
    status = problem_ask(cli, "PUT", path.text, body, &answer);
    json_decref(body);
    if (status != CLI_DONE)
        return status;
    if (cli->json)
        cli_print_json(cli, answer);
    cli_say(cli, "Port %u of %s is blocked. hospes unblock %s %u undoes it.", (unsigned)port, guest, guest,
            (unsigned)port);
    json_decref(answer);
    return CLI_DONE;
}

/* "8080", "8080/tcp" and "8080/udp" are rules of the port itself; ranges and processes are not. */
static bool blocks_exactly(const json_t *rule, uint16_t port)
{
    const char *selector = json_view_text(rule, "selector", "");
    char text[8];
    int size = snprintf(text, sizeof(text), "%u", (unsigned)port);
    if (strcmp(json_view_text(rule, "action", ""), "block") != 0 ||
        strncmp(selector, text, (size_t)size) != 0)
        return false;
    const char *rest = selector + size;
    return rest[0] == '\0' || strcmp(rest, "/tcp") == 0 || strcmp(rest, "/udp") == 0;
}

/* Still blocked by something wider: then "unblocked" would be a lie. */
static int check_still_blocked(struct cli *cli, const char *guest, uint16_t port)
{
    struct api_path path;
    json_t *answer = NULL, *entry;
    size_t index;
    if (!api_path_guest(&path, guest, "/ports"))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "GET", path.text, NULL, &answer);
    json_array_foreach(json_view(answer, "ports"), index, entry)
    {
        if (json_view_integer(entry, "port") != port ||
            strcmp(json_view_text(entry, "policy", ""), "block") != 0)
            continue;
        status = cli_fail(cli, CLI_REFUSED, "hospes policy lists the rules; --remove takes one away",
                          "port %u of %s stays blocked: %s", (unsigned)port, guest,
                          json_view_text(entry, "policyReason", "by another rule"));
        break;
    }
    json_decref(answer);
    return status;
}

int command_unblock(struct cli *cli, const struct arguments *arguments)
{
    const char *guest = arguments->operands[0];
    uint16_t port = 0;
    json_t *answer = NULL, *rule;
    size_t index, dropped = 0;
    int status = parse_port(cli, arguments->operands[1], &port);
    if (status == CLI_DONE)
        status = ask_rules(cli, guest, &answer);
    json_array_foreach(json_view(answer, "rules"), index, rule)
    {
        if (status != CLI_DONE || !blocks_exactly(rule, port))
            continue;
        status = drop_rule(cli, guest, json_view_text(rule, "selector", ""));
        dropped++;
    }
    json_decref(answer);
    if (status == CLI_DONE)
        status = check_still_blocked(cli, guest, port);
    if (status != CLI_DONE)
        return status;
    if (cli->json) {
        json_t *document = json_pack("{s:i, s:b}", "port", (int)port, "changed", dropped > 0);
        cli_print_json(cli, document);
        json_decref(document);
    }
    cli_say(cli, dropped > 0 ? "Port %u of %s is no longer blocked." : "Port %u of %s was not blocked.",
            (unsigned)port, guest);
    return CLI_DONE;
}
