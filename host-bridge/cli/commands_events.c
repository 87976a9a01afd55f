/* SPDX-License-Identifier: MIT */
/* hospes events. */
#include <string.h>

#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/event_line.h"
#include "host-bridge/cli/event_stream.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/quantity.h"

struct printing {
    struct cli *cli;
    bool whole_ring; /* nobody said where to begin: that older events are gone is no news */
};

static bool print_event(void *ctx, const char *type, const char *id, const json_t *data)
{
    const struct printing *printing = ctx;
    struct cli *cli = printing->cli;
    char details[1024], line[1280];
    if (printing->whole_ring && strcmp(type, "gap") == 0)
        return true;
    if (cli->json) {
        json_t *object = event_stream_object(type, id, data);
        cli_print_json_line(cli, object);
        json_decref(object);
        return true;
    }
    event_line_details(type, data, details, sizeof(details));
    snprintf(line, sizeof(line), "%6s  %s  %-12s  %-16s%s%s", id,
             quantity_time(json_view_time(data, "time")).text, json_view_text(data, "vm", "–"), type,
             details[0] != '\0' ? "  " : "", details);
    fputs(terminal_style(&cli->terminal, event_line_style(type)), cli->out);
    escape_print(cli->out, line, cli->terminal.columns);
    fputs(terminal_reset(&cli->terminal, event_line_style(type)), cli->out);
    fputc('\n', cli->out);
    fflush(cli->out);
    return true;
}

static bool tell_connection(void *ctx, bool connected)
{
    const struct printing *printing = ctx;
    struct cli *cli = printing->cli;
    if (!connected && !cli->quiet)
        cli_fail(cli, CLI_DONE, NULL, "the bridge went away; waiting for it");
    return true;
}

int command_events(struct cli *cli, const struct arguments *arguments)
{
    const char *since = arguments->options[OPTION_SINCE];
    uint64_t number = 0;
    struct printing printing = {.cli = cli};
    struct event_stream stream = {
        .guest = arguments->operand_count > 0 ? arguments->operands[0] : NULL,
        .since = since,
        .follow = arguments->options[OPTION_FOLLOW] != NULL,
        .on_event = print_event,
        .on_connection = tell_connection,
        .ctx = &printing,
    };
    if (since != NULL && !quantity_parse_u64(since, &number))
        return cli_fail(cli, CLI_USAGE, "it is the number at the start of each line of hospes events",
                        "--since needs a sequence number, not \"%s\"", since);
    if (since == NULL && !stream.follow) {
        stream.since = "0";
        printing.whole_ring = true;
    }
    return event_stream_run(cli, &stream);
}
