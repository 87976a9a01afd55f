/* SPDX-License-Identifier: MIT */
/* hospes status: the bridge and all guests in a table, or one guest in full. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/guest_words.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/table.h"

static const struct table_column STATUS_COLUMNS[] = {
    {"NAME", ALIGN_LEFT, 8},  {"STATE", ALIGN_LEFT, 0}, {"RTT", ALIGN_RIGHT, 0},
    {"UP", ALIGN_RIGHT, 0},   {"LOAD", ALIGN_RIGHT, 0}, {"MEMORY FREE", ALIGN_RIGHT, 0},
    {"AGENT", ALIGN_LEFT, 6}, {"NOTE", ALIGN_LEFT, 12},
};

/* "label: value" lines, the values under each other. */
__attribute__((format(printf, 4, 5))) static void print_field(struct cli *cli, enum style style,
                                                              const char *label, const char *format, ...)
{
    char *value = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&value, format, arguments);
    va_end(arguments);
    if (size < 0)
        return;
    fprintf(cli->out, "%-11s ", label);
    cli_line(cli, style, "%s", value);
    free(value);
}

static const char *load_text(const json_t *health, char out[static 48])
{
    double load1 = json_view_number(health, "load1");
    if (isnan(load1))
        return "–";
    snprintf(out, 48, "%.2f %.2f %.2f", load1, json_view_number(health, "load5"),
             json_view_number(health, "load15"));
    return out;
}

static void print_disks(struct cli *cli, const json_t *health)
{
    size_t index;
    json_t *disk;
    json_array_foreach(json_view(health, "disks"), index, disk)
    {
        print_field(cli, STYLE_PLAIN, index == 0 ? "disks" : "", "%s: %s free of %s (%s)",
                    json_view_text(disk, "mount", "?"),
                    quantity_bytes(json_view_number(disk, "available")).text,
                    quantity_bytes(json_view_number(disk, "total")).text, json_view_text(disk, "type", "?"));
    }
}

static void print_lists(struct cli *cli, const json_t *health)
{
    size_t index;
    json_t *item;
    print_disks(cli, health);
    json_array_foreach(json_view(health, "addresses"), index, item)
    {
        print_field(cli, STYLE_PLAIN, index == 0 ? "addresses" : "", "%s (%s)",
                    json_view_text(item, "address", "?"), json_view_text(item, "interface", "?"));
    }
    json_array_foreach(json_view(health, "users"), index, item)
    {
        const char *seat = json_view_text(item, "seat", "");
        print_field(cli, STYLE_PLAIN, index == 0 ? "users" : "", "%s%s%s since %s",
                    json_view_text(item, "name", "?"), seat[0] != '\0' ? " on " : "", seat,
                    quantity_time(json_view_time(item, "since")).text);
    }
}

static void print_health(struct cli *cli, const json_t *health)
{
    char load[48];
    struct liveness_words liveness = guest_words_liveness(json_view(health, "liveness"));
    print_field(cli, liveness.style, "liveness", "%s", liveness.text);
    print_field(cli, STYLE_PLAIN, "round trip", "%s",
                quantity_milliseconds(json_view_number(health, "rttMs")).text);
    print_field(cli, STYLE_PLAIN, "last seen", "%s", quantity_time(json_view_time(health, "lastSeen")).text);
    print_field(cli, STYLE_PLAIN, "up", "%s, the agent %s",
                quantity_duration(json_view_number(health, "uptimeSec")).text,
                quantity_duration(json_view_number(health, "agentUptimeSec")).text);
    print_field(cli, STYLE_PLAIN, "load", "%s", load_text(health, load));
    print_field(cli, STYLE_PLAIN, "memory", "%s free of %s",
                quantity_bytes(json_view_number(health, "memory.available")).text,
                quantity_bytes(json_view_number(health, "memory.total")).text);
    print_lists(cli, health);
}

static void print_guest(struct cli *cli, const json_t *guest)
{
    const json_t *agent = json_view(guest, "agent");
    const char *code = guest_words_code(guest);
    print_field(cli, STYLE_STRONG, "guest", "%s", json_view_text(guest, "name", "?"));
    print_field(cli, STYLE_PLAIN, "link", "%s", json_view_text(guest, "link", "?"));
    print_field(cli, guest_words_style(guest), "state", "%s since %s", json_view_text(guest, "state", "?"),
                quantity_time(json_view_time(guest, "since")).text);
    if (code[0] != '\0')
        print_field(cli, STYLE_BAD, "error", "%s (%s)", guest_words_error(guest), code);
    if (json_view(guest, "cipher") != NULL)
        print_field(cli, STYLE_PLAIN, "encryption", "%s",
                    guest_words_cipher(json_view_text(guest, "cipher", "")));
    if (agent != NULL)
        print_field(cli, STYLE_PLAIN, "agent", "%s on %s, %s %s", json_view_text(agent, "version", "?"),
                    json_view_text(agent, "hostname", "?"), json_view_text(agent, "os", "?"),
                    json_view_text(agent, "arch", "?"));
}

/* {"vm":…,"health":…|null,"error":…|null} */
static json_t *guest_document(const json_t *guest, const struct client_answer *health)
{
    bool known = problem_status(health) == CLI_DONE;
    const json_t *problem = known ? NULL : json_view(health->json, "error");
    json_t *document = json_object();
    json_object_set_new(document, "vm", json_deep_copy(guest));
    json_object_set_new(document, "health", known ? json_deep_copy(health->json) : json_null());
    json_object_set_new(document, "error", problem != NULL ? json_deep_copy(problem) : json_null());
    return document;
}

/* What to type is worth more than the general hint. */
static void report_health(struct cli *cli, const json_t *guest, const struct client_answer *health)
{
    char step[GUEST_WORDS_STEP_MAX];
    guest_words_trust_step(cli, guest, step);
    if (step[0] != '\0')
        cli_fail(cli, CLI_REFUSED, step, "%s", problem_text(health, NULL));
    else
        problem_report(cli, health);
}

static int show_one(struct cli *cli, const char *name)
{
    struct api_path paths[2];
    if (!api_path_guest(&paths[0], name, "") || !api_path_guest(&paths[1], name, "/health"))
        return problem_name_too_long(cli);
    struct client_request requests[] = {{"GET", paths[0].text, NULL}, {"GET", paths[1].text, NULL}};
    struct client_answer answers[2];
    client_perform(cli->client, requests, answers, 2);
    const struct client_answer *guest = &answers[0], *health = &answers[1];
    int status = problem_status(guest);
    if (status != CLI_DONE) {
        problem_report(cli, guest);
        goto finish;
    }
    status = problem_status(health);
    if (cli->json) {
        json_t *document = guest_document(guest->json, health);
        cli_print_json(cli, document);
        json_decref(document);
    } else {
        print_guest(cli, guest->json);
        if (status == CLI_DONE)
            print_health(cli, health->json);
        else if (json_view(health->json, "error.details.liveness") != NULL)
            print_field(cli, STYLE_WARNING, "liveness", "%s",
                        guest_words_liveness(json_view(health->json, "error.details.liveness")).text);
    }
    if (status != CLI_DONE)
        report_health(cli, guest->json, health);
finish:
    client_answer_finish(&answers[0]);
    client_answer_finish(&answers[1]);
    return status;
}

static void add_status_row(struct table *table, const json_t *guest, const struct client_answer *answer)
{
    bool known = problem_status(answer) == CLI_DONE;
    const json_t *health = known ? answer->json : NULL;
    const char *note = guest_words_error(guest);
    double load = json_view_number(health, "load1");
    struct liveness_words liveness = guest_words_liveness(json_view(health, "liveness"));
    if (known && liveness.style != STYLE_GOOD)
        note = liveness.text;
    else if (!known && note[0] == '\0')
        note = problem_text(answer, NULL);
    table_cell(table, STYLE_STRONG, json_view_text(guest, "name", "?"));
    table_cell(table, guest_words_style(guest), json_view_text(guest, "state", "?"));
    table_cell(table, STYLE_PLAIN, quantity_milliseconds(json_view_number(health, "rttMs")).text);
    table_cell(table, STYLE_PLAIN, quantity_duration(json_view_number(health, "uptimeSec")).text);
    if (isnan(load))
        table_cell(table, STYLE_PLAIN, "–");
    else
        table_cell_format(table, STYLE_PLAIN, "%.2f", load);
    table_cell(table, STYLE_PLAIN, quantity_bytes(json_view_number(health, "memory.available")).text);
    table_cell(table, STYLE_PLAIN, json_view_text(guest, "agent.version", "–"));
    table_cell(table, known ? STYLE_WARNING : STYLE_BAD, note);
}

static int print_all(struct cli *cli, const json_t *bridge, const json_t *guests,
                     const struct client_answer *health)
{
    size_t index;
    json_t *guest;
    if (cli->json) {
        json_t *list = json_array();
        json_array_foreach(guests, index, guest)
            json_array_append_new(list, guest_document(guest, &health[index]));
        json_t *document = json_pack("{s:O, s:o}", "bridge", bridge, "vms", list);
        cli_print_json(cli, document);
        json_decref(document);
        return CLI_DONE;
    }
    cli_say(cli, "Bridge %s at %s, hospes %s", json_view_text(bridge, "version", "?"), cli->socket_path,
            HOSPES_VERSION);
    if (json_array_size(guests) == 0) {
        cli_say(cli, "No guests yet. hospes doctor says how to add one.");
        return CLI_DONE;
    }
    struct table *table = table_create(STATUS_COLUMNS, sizeof(STATUS_COLUMNS) / sizeof(STATUS_COLUMNS[0]));
    if (table == NULL)
        return cli_out_of_memory(cli);
    json_array_foreach(guests, index, guest) add_status_row(table, guest, &health[index]);
    int printed = table_print(table, cli->out, &cli->terminal, 0);
    table_destroy(table);
    guest_words_advise_trust(cli, guests);
    return printed == 0 ? CLI_DONE : cli_out_of_memory(cli);
}

/* Asks every guest's health, some at once. */
static int show_guests(struct cli *cli, const json_t *bridge, const json_t *guests)
{
    size_t count = json_array_size(guests);
    struct client_answer *health = calloc(count + 1, sizeof(*health));
    struct client_request *requests = calloc(count + 1, sizeof(*requests));
    struct api_path *paths = calloc(count + 1, sizeof(*paths));
    int status = CLI_DONE;
    if (health == NULL || requests == NULL || paths == NULL) {
        status = cli_out_of_memory(cli);
        goto finish;
    }
    for (size_t i = 0; i < count; i++) {
        const char *name = json_view_text(json_array_get(guests, i), "name", "?");
        if (!api_path_guest(&paths[i], name, "/health"))
            strcpy(paths[i].text, "/api/v1/vms/%3F/health");
        requests[i] = (struct client_request){"GET", paths[i].text, NULL};
    }
    client_perform(cli->client, requests, health, count);
    status = print_all(cli, bridge, guests, health);
    for (size_t i = 0; i < count; i++) {
        if (health[i].failure == CLIENT_INTERRUPTED)
            status = CLI_INTERRUPTED;
        client_answer_finish(&health[i]);
    }
finish:
    free(health);
    free(requests);
    free(paths);
    return status;
}

static int show_all(struct cli *cli)
{
    json_t *bridge = NULL, *answer = NULL;
    int status = problem_ask(cli, "GET", "/api/v1/health", NULL, &bridge);
    if (status == CLI_DONE)
        status = problem_ask(cli, "GET", "/api/v1/vms", NULL, &answer);
    if (status == CLI_DONE)
        status = show_guests(cli, bridge, json_view(answer, "vms"));
    json_decref(bridge);
    json_decref(answer);
    return status;
}

int command_status(struct cli *cli, const struct arguments *arguments)
{
    return arguments->operand_count > 0 ? show_one(cli, arguments->operands[0]) : show_all(cli);
}
