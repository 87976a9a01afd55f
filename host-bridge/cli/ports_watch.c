/* SPDX-License-Identifier: MIT */
/* Shows a guest's ports as they change.
 *
 * On a terminal that moves its cursor: the table is drawn over the last one. Events only say that something
 * changed; the table is asked for anew, so that gaps, restarts of the bridge and lost events can't make it
 * wrong. Events that come in one burst cost one question. Elsewhere: the table once, then a line (with --json
 * an object) for each event. */
#include "host-bridge/cli/ports_watch.h"

#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/event_line.h"
#include "host-bridge/cli/event_stream.h"
#include "host-bridge/cli/interrupt.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/port_table.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"

struct watch {
    struct cli *cli;
    const char *guest;
    struct api_path path;
    bool redraws;     /* the terminal moves its cursor and the output is no JSON */
    bool stale;       /* something changed since the table was asked for */
    size_t drawn;     /* lines of the last drawing, to be drawn over */
    const char *note; /* a line under the table; NULL = none */
    int status;
};

static void erase_drawing(struct watch *watch)
{
    if (watch->drawn > 0)
        fprintf(watch->cli->out, "\x1b[%zuA", watch->drawn);
    fputs("\r\x1b[J", watch->cli->out);
    watch->drawn = 0;
}

static int draw_table(struct watch *watch, const json_t *answer)
{
    struct cli *cli = watch->cli;
    struct table *table = port_table_create(answer);
    size_t rows = table != NULL ? table_rows(table) : 0;
    terminal_update_size(&cli->terminal, cli->out);
    size_t room = cli->terminal.rows > 6 ? cli->terminal.rows - 5 : 1;
    size_t shown = watch->redraws && rows > room ? room : rows;
    if (watch->redraws)
        erase_drawing(watch);
    int printed = table == NULL ? -1 : table_print(table, cli->out, &cli->terminal, shown);
    table_destroy(table);
    if (printed != 0)
        return cli_out_of_memory(cli);
    watch->drawn = shown + 1;
    if (shown < rows) {
        cli_line(cli, STYLE_DIM, "… and %zu more", rows - shown);
        watch->drawn++;
    }
    if (watch->note != NULL) {
        cli_line(cli, STYLE_WARNING, "%s", watch->note);
        watch->drawn++;
    }
    fflush(cli->out);
    return CLI_DONE;
}

static void print_snapshot(struct watch *watch, const json_t *answer)
{
    json_t *object = json_pack("{s:s, s:s, s:O?}", "type", "snapshot", "vm", watch->guest, "ports",
                               json_object_get(answer, "ports"));
    cli_print_json_line(watch->cli, object);
    json_decref(object);
}

/* Asks for the ports and shows them whole. */
static int show_all(struct watch *watch)
{
    json_t *answer = NULL;
    int status = problem_ask(watch->cli, "GET", watch->path.text, NULL, &answer);
    watch->stale = false;
    if (status == CLI_DONE && watch->cli->json)
        print_snapshot(watch, answer);
    else if (status == CLI_DONE)
        status = draw_table(watch, answer);
    json_decref(answer);
    return status;
}

static bool watch_on_event(void *ctx, const char *type, const char *id, const json_t *data)
{
    struct watch *watch = ctx;
    struct cli *cli = watch->cli;
    char details[1024];
    if (watch->redraws) {
        watch->stale = true;
        return true;
    }
    if (watch->stale) /* the first line is the whole */
        watch->status = show_all(watch);
    if (cli->json) {
        json_t *object = event_stream_object(type, id, data);
        cli_print_json_line(cli, object);
        json_decref(object);
    } else {
        event_line_details(type, data, details, sizeof(details));
        cli_line(cli, event_line_style(type), "%s  %-14s%s%s",
                 quantity_time(json_view_time(data, "time")).text, type, details[0] != '\0' ? "  " : "",
                 details);
        fflush(cli->out);
    }
    if (strcmp(type, "gap") == 0)
        watch->stale = true;
    return true;
}

/* The table belongs to the moment where the stream began, so it is asked for only now. */
static bool watch_on_connection(void *ctx, bool connected)
{
    struct watch *watch = ctx;
    if (connected) {
        watch->note = NULL;
        watch->stale = true;
    } else if (watch->redraws) {
        watch->note = "the bridge went away; waiting for it";
        cli_line(watch->cli, STYLE_WARNING, "%s", watch->note);
        watch->drawn++;
        fflush(watch->cli->out);
    } else if (!watch->cli->quiet) {
        cli_fail(watch->cli, CLI_DONE, NULL, "the bridge went away; waiting for it");
    }
    return true;
}

static bool watch_on_tick(void *ctx)
{
    struct watch *watch = ctx;
    if (watch->stale)
        watch->status = show_all(watch);
    /* The bridge may stop between event and question: the stream will notice and try again. */
    if (watch->status == CLI_UNREACHABLE)
        watch->status = CLI_DONE;
    return watch->status == CLI_DONE;
}

int ports_watch(struct cli *cli, const char *guest)
{
    struct watch watch = {.cli = cli, .guest = guest};
    struct event_stream stream = {
        .guest = guest,
        .follow = true,
        .on_event = watch_on_event,
        .on_connection = watch_on_connection,
        .on_tick = watch_on_tick,
        .ctx = &watch,
    };
    watch.redraws = cli->terminal.moves_cursor && !cli->json;
    if (!api_path_guest(&watch.path, guest, "/ports"))
        return problem_name_too_long(cli);
    int status = event_stream_run(cli, &stream);
    if (interrupt_seen()) /* the user's way to end it, whatever was under way */
        return CLI_DONE;
    return status != CLI_DONE ? status : watch.status;
}
