/* SPDX-License-Identifier: MIT */
/* Shows transfers as a table, and as they go on.
 *
 * On a terminal that moves its cursor the table is drawn over the last one; events only say that it is to be
 * asked for anew. Elsewhere: the table once, then a line (with --json an object) for each event; lines leave
 * out mere progress. */
#include "host-bridge/cli/transfers_watch.h"

#include <string.h>

#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/event_line.h"
#include "host-bridge/cli/event_stream.h"
#include "host-bridge/cli/interrupt.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/transfer_words.h"

static const struct table_column COLUMNS[] = {
    {"ID", ALIGN_LEFT, 6},    {"FROM", ALIGN_LEFT, 10},     {"TO", ALIGN_LEFT, 10},
    {"STATE", ALIGN_LEFT, 9}, {"PROGRESS", ALIGN_LEFT, 12}, {"STARTED", ALIGN_LEFT, 8},
};

struct watch {
    struct cli *cli;
    bool redraws; /* the terminal moves its cursor and the output is no JSON */
    bool stale;   /* something changed since the table was asked for */
    size_t drawn; /* lines of the last drawing, to be drawn over */
    int status;
};

struct table *transfers_table(const json_t *answer)
{
    struct table *table = table_create(COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]));
    size_t index;
    json_t *transfer;
    json_array_foreach(json_view(answer, "transfers"), index, transfer)
    {
        if (table == NULL)
            break;
        table_cell(table, STYLE_STRONG, json_view_text(transfer, "id", "?"));
        table_cell(table, STYLE_PLAIN, transfer_words_place(transfer, "from").text);
        table_cell(table, STYLE_PLAIN, transfer_words_place(transfer, "to").text);
        table_cell(table, transfer_words_style(transfer), transfer_words_state(transfer).text);
        table_cell(table, STYLE_PLAIN, transfer_words_progress(transfer).text);
        table_cell(table, STYLE_PLAIN, quantity_time(json_view_time(transfer, "started")).text);
    }
    return table;
}

static void erase_drawing(struct watch *watch)
{
    if (watch->drawn > 0)
        fprintf(watch->cli->out, "\x1b[%zuA", watch->drawn);
    fputs("\r\x1b[J", watch->cli->out);
    watch->drawn = 0;
}

/* The last rows are the newest: those above have no room. */
static int draw_table(struct watch *watch, json_t *answer)
{
    struct cli *cli = watch->cli;
    json_t *transfers = json_object_get(answer, "transfers");
    terminal_update_size(&cli->terminal, cli->out);
    size_t room = cli->terminal.rows > 6 ? cli->terminal.rows - 4 : 2;
    while (watch->redraws && json_array_size(transfers) > room)
        json_array_remove(transfers, 0);
    struct table *table = transfers_table(answer);
    if (watch->redraws)
        erase_drawing(watch);
    int printed = table == NULL ? -1 : table_print(table, cli->out, &cli->terminal, 0);
    watch->drawn = table != NULL ? table_rows(table) + 1 : 0;
    table_destroy(table);
    fflush(cli->out);
    return printed == 0 ? CLI_DONE : cli_out_of_memory(cli);
}

static int show_all(struct watch *watch)
{
    json_t *answer = NULL;
    int status = problem_ask(watch->cli, "GET", "/api/v1/transfers", NULL, &answer);
    watch->stale = false;
    if (status == CLI_DONE && watch->cli->json) {
        json_object_set_new(answer, "type", json_string("snapshot"));
        cli_print_json_line(watch->cli, answer);
    } else if (status == CLI_DONE) {
        status = draw_table(watch, answer);
    }
    json_decref(answer);
    return status;
}

static bool on_event(void *ctx, const char *type, const char *id, const json_t *data)
{
    struct watch *watch = ctx;
    struct cli *cli = watch->cli;
    bool ours = strncmp(type, "transfer.", 9) == 0, gap = strcmp(type, "gap") == 0;
    if (watch->redraws)
        watch->stale = watch->stale || ours || gap;
    if (watch->redraws || !(ours || gap))
        return true;
    if (watch->stale) /* the first line is the whole */
        watch->status = show_all(watch);
    if (cli->json) {
        json_t *object = event_stream_object(type, id, data);
        cli_print_json_line(cli, object);
        json_decref(object);
    } else if (strcmp(type, "transfer.progress") != 0) {
        char details[1024];
        event_line_details(type, data, details, sizeof(details));
        cli_line(cli, event_line_style(type), "%s  %-16s  %s",
                 quantity_time(json_view_time(data, "time")).text, type, details);
        fflush(cli->out);
    }
    watch->stale = watch->stale || gap;
    return watch->status == CLI_DONE;
}

static bool on_connection(void *ctx, bool connected)
{
    struct watch *watch = ctx;
    if (connected) {
        watch->stale = true;
        return true;
    }
    if (watch->redraws)
        erase_drawing(watch);
    if (!watch->cli->quiet)
        cli_fail(watch->cli, CLI_DONE, NULL, "the bridge went away; waiting for it");
    return true;
}

static bool on_tick(void *ctx)
{
    struct watch *watch = ctx;
    if (watch->stale)
        watch->status = show_all(watch);
    /* The bridge may stop between event and question: the stream will notice and try again. */
    if (watch->status == CLI_UNREACHABLE)
        watch->status = CLI_DONE;
    return watch->status == CLI_DONE;
}

int transfers_watch(struct cli *cli)
{
    struct watch watch = {.cli = cli, .redraws = cli->terminal.moves_cursor && !cli->json};
    struct event_stream stream = {
        .follow = true,
        .on_event = on_event,
        .on_connection = on_connection,
        .on_tick = on_tick,
        .ctx = &watch,
    };
    int status = event_stream_run(cli, &stream);
    if (interrupt_seen()) /* the user's way to end it, whatever was under way */
        return CLI_DONE;
    return status != CLI_DONE ? status : watch.status;
}
