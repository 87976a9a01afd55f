/* SPDX-License-Identifier: MIT */
/* Prints the table of commands as help, and runs `hospes help`. */
#include "host-bridge/cli/help.h"

#include <string.h>

#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/commands.h"

enum { NAME_COLUMNS = 34 };

static void print_options(FILE *out, const struct command *command, int from, int to)
{
    for (int i = from; i < to; i++) {
        char text[NAME_COLUMNS];
        const struct option *option = &COMMAND_OPTIONS[i];
        if (command != NULL && !command_takes(command, (enum option_id)i))
            continue;
        char letter = COMMAND_OPTION_LETTERS[i];
        int size = letter != '\0' ? snprintf(text, sizeof(text), "-%c, ", letter) : 0;
        snprintf(text + size, sizeof(text) - (size_t)size, "%s%s%s", option->name,
                 option->value != NULL ? " " : "", option->value != NULL ? option->value : "");
        fprintf(out, "  %-*s %s\n", NAME_COLUMNS, text, option->summary);
    }
}

void help_overview(FILE *out)
{
    fputs("Usage: hospes [OPTION]... COMMAND [ARGUMENT]...\n"
          "Guests of any VM manager: their ports on this host's localhost, their files, their health, their "
          "events.\n"
          "\nCommands:\n",
          out);
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        char text[NAME_COLUMNS + 16];
        const struct command *command = &COMMANDS[i];
        snprintf(text, sizeof(text), "%s %s", command->name, command->operands);
        fprintf(out, "  %-*s %s\n", NAME_COLUMNS, text, command->summary);
    }
    fputs("\nOptions of every command:\n", out);
    print_options(out, NULL, 0, OPTION_GLOBAL_COUNT);
    fputs("\nhospes help COMMAND explains one command. hospes doctor says what to do first.\n"
          "Exit status: 0 done, 1 failed, 2 usage, 3 bridge or guest not reachable, 4 refused.\n",
          out);
}

void help_command(FILE *out, const struct command *command)
{
    fprintf(out, "Usage: hospes %s%s%s%s\n%s.\n", command->name, command->operands[0] != '\0' ? " " : "",
            command->operands, command->options != 0 ? " [OPTION]..." : "", command->summary);
    if (command->details != NULL)
        fprintf(out, "\n%s", command->details);
    if (command->options != 0) {
        fputs("\nOptions:\n", out);
        print_options(out, command, OPTION_GLOBAL_COUNT, OPTION_COUNT);
    }
    fputs("\nOptions of every command:\n", out);
    print_options(out, command, 0, OPTION_GLOBAL_COUNT);
}

static void list_option(FILE *out, const char *command, int index)
{
    const struct option *option = &COMMAND_OPTIONS[index];
    fprintf(out, "option\t%s\t%s\t%s\t%s\n", command, option->name,
            option->value != NULL ? option->value : "-", option->summary);
}

void help_list(FILE *out)
{
    for (int i = 0; i < OPTION_GLOBAL_COUNT; i++)
        list_option(out, "-", i);
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        const struct command *command = &COMMANDS[i];
        fprintf(out, "command\t%s\t%s\t%s\n", command->name, command->operands, command->summary);
        for (int j = OPTION_GLOBAL_COUNT; j < OPTION_COUNT; j++) {
            if (command_takes(command, (enum option_id)j))
                list_option(out, command->name, j);
        }
    }
}

int command_help(struct cli *cli, const struct arguments *arguments)
{
    if (arguments->operand_count == 0) {
        help_overview(cli->out);
        return CLI_DONE;
    }
    const char *name = arguments->operands[0];
    const struct command *command = command_find(name);
    if (command != NULL) {
        help_command(cli->out, command);
        return CLI_DONE;
    }
    const struct command *nearest = command_nearest(name);
    return cli_fail(cli, CLI_USAGE, nearest != NULL ? nearest->name : "hospes help lists the commands",
                    "unknown command \"%s\"", name);
}
