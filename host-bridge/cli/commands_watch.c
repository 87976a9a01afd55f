/* SPDX-License-Identifier: MIT */
/* hospes watch: what changes beneath a folder of a guest, a line a change. */
#include <string.h>
#include <time.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/event_stream.h"
#include "host-bridge/cli/interrupt.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"

struct watching {
    struct cli *cli;
    bool was_lost; /* the stream broke: what happened meanwhile is not known */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void print_json(struct cli *cli, const char *type, const json_t *data)
{
    json_t *object = json_deep_copy(data);
    json_object_set_new(object, "type", json_string(type));
    json_object_set_new(object, "timeMs", json_integer((json_int_t)now_ms()));
    cli_print_json_line(cli, object);
    json_decref(object);
}

static void print_change(struct cli *cli, const json_t *data)
{
    const char *from = json_view_text(data, "from", NULL);
    const char *slash = json_view_true(data, "folder") ? "/" : "";
    cli_line(cli, STYLE_PLAIN, "%s  %-8s  %s%s%s%s%s", quantity_time(now_ms()).text,
             json_view_text(data, "what", "?"), from != NULL ? from : "", from != NULL ? slash : "",
             from != NULL ? " → " : "", json_view_text(data, "path", "?"), slash);
}

static bool print_event(void *ctx, const char *type, const char *id, const json_t *data)
{
    const struct watching *watching = ctx;
    struct cli *cli = watching->cli;
    if (cli->json)
        print_json(cli, type, data);
    else if (strcmp(type, "change") == 0)
        print_change(cli, data);
    else if (strcmp(type, "lost") == 0)
        cli_line(cli, STYLE_WARNING, "%s  lost      changes were missed here: look for yourself",
                 quantity_time(now_ms()).text);
    fflush(cli->out);
    return true;
}

static bool tell_connection(void *ctx, bool connected)
{
    struct watching *watching = ctx;
    json_t *nothing = json_object();
    if (connected && watching->was_lost)
        print_event(watching, "lost", "", nothing);
    else if (!connected && !watching->cli->quiet)
        cli_fail(watching->cli, CLI_DONE, NULL, "the guest or the bridge went away; waiting for it");
    watching->was_lost = !connected;
    json_decref(nothing);
    return true;
}

int command_watch(struct cli *cli, const struct arguments *arguments)
{
    const char *user = arguments->options[OPTION_USER];
    struct watching watching = {.cli = cli};
    struct api_path path;
    struct event_stream stream = {
        .path = path.text,
        .follow = true,
        .on_event = print_event,
        .on_connection = tell_connection,
        .ctx = &watching,
    };
    if (!api_path_guest(&path, arguments->operands[0], "/fs/watch") ||
        !api_path_query(&path, "path", arguments->operands[1]) ||
        (user != NULL && !api_path_query(&path, "user", user)))
        return problem_path_too_long(cli);
    int status = event_stream_run(cli, &stream);
    return interrupt_seen() ? CLI_DONE : status;
}
