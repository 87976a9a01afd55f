/* SPDX-License-Identifier: MIT */
/* Parses the command line by the table in command.c. What operands mean is left to the commands. */
#include "host-bridge/cli/arguments.h"

#include <stdarg.h>
#include <string.h>
#include <uv.h>

struct parser {
    struct arguments *arguments;
    char *problem, *hint; /* ARGUMENTS_PROBLEM_MAX + 1 each */
    /* Options that came before the command; checked once it is known. */
    bool given[OPTION_COUNT];
};

__attribute__((format(printf, 2, 3))) static void print_to(char *out, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(out, ARGUMENTS_PROBLEM_MAX + 1, format, list);
    va_end(list);
}

static void hint_usage(struct parser *parser)
{
    const struct command *command = parser->arguments->command;
    if (command != NULL)
        print_to(parser->hint, "usage: hospes %s%s%s (hospes help %s tells more)", command->name,
                 command->operands[0] != '\0' ? " " : "", command->operands, command->name);
    else
        print_to(parser->hint, "hospes help lists the commands");
}

static int take_command(struct parser *parser, const char *name)
{
    parser->arguments->command = command_find(name);
    if (parser->arguments->command != NULL)
        return 0;
    const struct command *nearest = command_nearest(name);
    print_to(parser->problem, "unknown command \"%s\"", name);
    if (nearest != NULL)
        print_to(parser->hint, "did you mean \"hospes %s\"? hospes help lists the commands", nearest->name);
    else
        print_to(parser->hint, "hospes help lists the commands");
    return UV_EINVAL;
}

static int take_operand(struct parser *parser, const char *text)
{
    struct arguments *arguments = parser->arguments;
    if (arguments->command == NULL)
        return take_command(parser, text);
    if (text[0] == '\0') {
        print_to(parser->problem, "an argument is empty");
        hint_usage(parser);
        return UV_EINVAL;
    }
    if (arguments->operand_count == ARGUMENTS_OPERANDS_MAX) {
        print_to(parser->problem, "more than %d arguments", ARGUMENTS_OPERANDS_MAX);
        print_to(parser->hint, "name the folder that they are in");
        return UV_EINVAL;
    }
    if (arguments->operand_count == arguments->command->operands_max) {
        print_to(parser->problem, "unexpected argument \"%s\"", text);
        hint_usage(parser);
        return UV_EINVAL;
    }
    arguments->operands[arguments->operand_count++] = text;
    return 0;
}

static bool find_option(const char *text, size_t size, enum option_id *ret)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const char *name = COMMAND_OPTIONS[i].name;
        if (strlen(name) == size && memcmp(name, text, size) == 0) {
            *ret = (enum option_id)i;
            return true;
        }
    }
    return false;
}

static int report_unknown_option(struct parser *parser, const char *text, size_t size)
{
    print_to(parser->problem, "unknown option \"%.*s\"", (int)size, text);
    hint_usage(parser);
    return UV_EINVAL;
}

/* "-rv": flags by their letters. */
static int take_letters(struct parser *parser, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        int option = 0;
        while (option < OPTION_COUNT && COMMAND_OPTION_LETTERS[option] != *letters)
            option++;
        if (option == OPTION_COUNT) {
            char text[3] = {'-', *letters, '\0'};
            return report_unknown_option(parser, text, 2);
        }
        parser->arguments->options[option] = "";
        parser->given[option] = true;
    }
    return 0;
}

/* Takes argv[*index] and its value, which may be the next element. */
static int take_option(struct parser *parser, int argc, char *const *argv, int *index)
{
    const char *text = argv[*index];
    size_t size = strcspn(text, "=");
    enum option_id option;
    if (strcmp(text, "--commands") == 0) {
        parser->arguments->list_commands = true;
        return 0;
    }
    if (text[1] != '-')
        return take_letters(parser, text + 1);
    if (!find_option(text, size, &option))
        return report_unknown_option(parser, text, size);
    const char *value = text[size] == '=' ? text + size + 1 : NULL;
    const struct option *known = &COMMAND_OPTIONS[option];
    if (known->value == NULL && value != NULL) {
        print_to(parser->problem, "option %s takes no value", known->name);
        hint_usage(parser);
        return UV_EINVAL;
    }
    if (known->value != NULL && value == NULL && *index + 1 < argc)
        value = argv[++*index];
    if (known->value != NULL && (value == NULL || value[0] == '\0')) {
        print_to(parser->problem, "option %s needs a value: %s %s", known->name, known->name, known->value);
        hint_usage(parser);
        return UV_EINVAL;
    }
    parser->arguments->options[option] = known->value == NULL ? "" : value;
    parser->given[option] = true;
    return 0;
}

/* What can only be said once everything was read. */
static int check_whole(struct parser *parser)
{
    const struct arguments *arguments = parser->arguments;
    const struct command *command = arguments->command;
    bool informs = parser->given[OPTION_HELP] || parser->given[OPTION_VERSION] || arguments->list_commands;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!parser->given[i] || i < OPTION_GLOBAL_COUNT)
            continue;
        if (command == NULL || !command_takes(command, (enum option_id)i)) {
            print_to(parser->problem, "%s%shas no option %s", command != NULL ? command->name : "hospes", " ",
                     COMMAND_OPTIONS[i].name);
            hint_usage(parser);
            return UV_EINVAL;
        }
    }
    if (informs || command == NULL)
        return 0;
    if (arguments->operand_count < command->operands_min) {
        print_to(parser->problem, "%s needs %s", command->name, command->operands);
        hint_usage(parser);
        return UV_EINVAL;
    }
    return 0;
}

int arguments_parse(int argc, char *const *argv, struct arguments *ret,
                    char ret_problem[static ARGUMENTS_PROBLEM_MAX + 1],
                    char ret_hint[static ARGUMENTS_PROBLEM_MAX + 1])
{
    struct parser parser = {.arguments = ret, .problem = ret_problem, .hint = ret_hint};
    bool options_ended = false;
    memset(ret, 0, sizeof(*ret));
    for (int i = 1; i < argc; i++) {
        int status = 0;
        if (!options_ended && strcmp(argv[i], "--") == 0)
            options_ended = true;
        else if (!options_ended && argv[i][0] == '-' && argv[i][1] != '\0')
            status = take_option(&parser, argc, argv, &i);
        else
            status = take_operand(&parser, argv[i]);
        if (status != 0)
            return status;
    }
    return check_whole(&parser);
}
