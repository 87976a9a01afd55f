/* SPDX-License-Identifier: MIT */
/* One run of the program: where the socket is, what the output can show, which command runs, and how what it
 * printed ended. Leaves signals to main.c and everything about guests to the commands. */
#include "host-bridge/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/help.h"
#include "host-bridge/cli/progress.h"
#include "host-bridge/cli/quantity.h"

int cli_fail(struct cli *cli, int status, const char *hint, const char *format, ...)
{
    char *message = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&message, format, arguments);
    va_end(arguments);
    fflush(cli->out);
    escape_print_line(cli->err, "hospes: %s", size < 0 ? "out of memory" : message);
    if (hint != NULL && hint[0] != '\0')
        escape_print_line(cli->err, "  hint: %s", hint);
    if (size >= 0)
        free(message);
    return status;
}

int cli_out_of_memory(struct cli *cli)
{
    return cli_fail(cli, CLI_FAILED, NULL, "out of memory");
}

__attribute__((format(printf, 3, 0))) static void print_styled(struct cli *cli, enum style style,
                                                               const char *format, va_list arguments)
{
    char *line = NULL;
    if (vasprintf(&line, format, arguments) < 0)
        return;
    fputs(terminal_style(&cli->terminal, style), cli->out);
    escape_print(cli->out, line, 0);
    fputs(terminal_reset(&cli->terminal, style), cli->out);
    fputc('\n', cli->out);
    free(line);
}

void cli_say(struct cli *cli, const char *format, ...)
{
    va_list arguments;
    if (cli->quiet || cli->json)
        return;
    va_start(arguments, format);
    print_styled(cli, STYLE_PLAIN, format, arguments);
    va_end(arguments);
}

void cli_line(struct cli *cli, enum style style, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    print_styled(cli, style, format, arguments);
    va_end(arguments);
}

/* jansson escapes C0 controls only; what else could steer a terminal is escaped when there is one. */
static size_t json_flags(const struct cli *cli)
{
    return cli->terminal.is_terminal ? JSON_ENSURE_ASCII : 0;
}

void cli_print_json(struct cli *cli, const json_t *document)
{
    json_dumpf(document, cli->out, JSON_INDENT(2) | json_flags(cli));
    fputc('\n', cli->out);
}

void cli_print_json_line(struct cli *cli, const json_t *object)
{
    json_dumpf(object, cli->out, JSON_COMPACT | json_flags(cli));
    fputc('\n', cli->out);
    fflush(cli->out);
}

/* HOSPES_SOCKET and --socket as given; else the contract's defaults. */
static int choose_socket(struct cli *cli, const char *option)
{
    const char *variable = getenv("HOSPES_SOCKET");
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    size_t room = sizeof(cli->socket_path);
    int size = 0;
    if (option != NULL) {
        cli->socket_origin = SOCKET_FROM_OPTION;
        size = snprintf(cli->socket_path, room, "%s", option);
    } else if (variable != NULL && variable[0] != '\0') {
        cli->socket_origin = SOCKET_FROM_VARIABLE;
        size = snprintf(cli->socket_path, room, "%s", variable);
    } else if (geteuid() == 0) {
        cli->socket_origin = SOCKET_FROM_DEFAULT;
        size = snprintf(cli->socket_path, room, "/run/hospes/api.sock");
    } else if (runtime != NULL && runtime[0] == '/') {
        cli->socket_origin = SOCKET_FROM_RUNTIME_DIR;
        size = snprintf(cli->socket_path, room, "%s/hospes/api.sock", runtime);
    } else {
        cli->socket_origin = SOCKET_FROM_DEFAULT;
        size = snprintf(cli->socket_path, room, "/run/user/%lu/hospes/api.sock", (unsigned long)geteuid());
    }
    if (size >= 0 && (size_t)size < room)
        return 0;
    cli->socket_path[0] = '\0';
    return cli_fail(cli, CLI_USAGE, "choose a shorter one with --socket and hospes-bridge --socket",
                    "the socket's path is longer than %d bytes", CLIENT_SOCKET_PATH_MAX);
}

static int choose_timeout(struct cli *cli, long *ret_ms)
{
    const char *text = getenv("HOSPES_TIMEOUT");
    uint64_t seconds = 0;
    *ret_ms = CLIENT_TIMEOUT_MS;
    if (text == NULL || text[0] == '\0')
        return 0;
    if (!quantity_parse_u64(text, &seconds) || seconds < 1 || seconds > 3600)
        return cli_fail(cli, CLI_USAGE, "it is the number of seconds to wait for an answer",
                        "HOSPES_TIMEOUT is \"%s\", expected 1 to 3600", text);
    *ret_ms = (long)seconds * 1000;
    return 0;
}

static int run_command(struct cli *cli, const struct arguments *arguments)
{
    struct progress progress;
    struct client_options options = {.socket_path = cli->socket_path};
    int status = choose_socket(cli, arguments->options[OPTION_SOCKET]);
    if (status == 0)
        status = choose_timeout(cli, &options.timeout_ms);
    if (status != 0)
        return status;
    progress_init(&progress, cli->err);
    if (!cli->quiet && !cli->json && arguments->options[OPTION_NO_PROGRESS] == NULL && progress.can_show) {
        options.on_wait = progress_on_wait;
        options.ctx = &progress;
    }
    cli->client = client_create(&options);
    if (cli->client == NULL)
        return cli_out_of_memory(cli);
    status = arguments->command->run(cli, arguments);
    client_destroy(cli->client);
    cli->client = NULL;
    return status;
}

static int dispatch(struct cli *cli, const struct arguments *arguments)
{
    if (arguments->list_commands) {
        help_list(cli->out);
        return CLI_DONE;
    }
    if (arguments->options[OPTION_VERSION] != NULL) {
        fprintf(cli->out, "hospes %s\n", HOSPES_VERSION);
        return CLI_DONE;
    }
    if (arguments->options[OPTION_HELP] != NULL) {
        if (arguments->command != NULL)
            help_command(cli->out, arguments->command);
        else
            help_overview(cli->out);
        return CLI_DONE;
    }
    if (arguments->command == NULL) {
        help_overview(cli->err);
        return CLI_USAGE;
    }
    return run_command(cli, arguments);
}

/* A reader that went away (`hospes vms | head -1`) is no error; a full disk is. */
static int finish_output(struct cli *cli, int status)
{
    errno = 0;
    bool failed = fflush(cli->out) != 0;
    int problem = errno;
    if ((!failed && ferror(cli->out) == 0) || problem == EPIPE || problem == 0)
        return status;
    return cli_fail(cli, CLI_FAILED, NULL, "can't write the output: %s", strerror(problem));
}

int cli_run(int argc, char *const *argv, FILE *out, FILE *err)
{
    struct cli cli = {.out = out, .err = err};
    struct arguments arguments;
    char problem[ARGUMENTS_PROBLEM_MAX + 1] = "";
    char hint[ARGUMENTS_PROBLEM_MAX + 1] = "";
    terminal_init(&cli.terminal, out);
    if (arguments_parse(argc, argv, &arguments, problem, hint) != 0)
        return cli_fail(&cli, CLI_USAGE, hint, "%s", problem);
    cli.json = arguments.options[OPTION_JSON] != NULL;
    cli.quiet = arguments.options[OPTION_QUIET] != NULL;
    return finish_output(&cli, dispatch(&cli, &arguments));
}
