/* SPDX-License-Identifier: MIT */
/* Reads the command lines of the owner's commands. What each does is command_hosts.c's and command_pair.c's.
 */
#include "agent/trust/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/trust/command_private.h"
#include "services/identity/key_text.h"

const char AGENT_COMMAND_USAGE[] =
    "  pair [--yes-if CODE]    wait for a host to pair with, and compare the code\n"
    "  hosts [--json]          the hosts that this guest trusts\n"
    "  trust KEY [--name TEXT] trust the host with this public key\n"
    "  forget KEY | --all      trust it, or any of them, no longer\n"
    "  identity                print this guest's public key\n"
    "  Each takes --config FILE, --state-dir DIR and --admin-socket PATH, as the agent was given.\n";

enum takes { TAKES_KEY = 1, TAKES_JSON = 2, TAKES_ALL = 4, TAKES_NAME = 8, TAKES_YES_IF = 16 };

static const struct command {
    const char *name;
    int (*run)(const struct command_line *line);
    int takes;
} COMMANDS[] = {
    {"pair", command_pair, TAKES_YES_IF},
    {"hosts", command_hosts, TAKES_JSON},
    {"trust", command_trust, TAKES_KEY | TAKES_NAME},
    {"forget", command_forget, TAKES_KEY | TAKES_ALL},
    {"identity", command_identity, 0},
};

enum option_id {
    OPTION_CONFIG = 1,
    OPTION_STATE_DIR,
    OPTION_ADMIN_SOCKET,
    OPTION_JSON,
    OPTION_ALL,
    OPTION_NAME,
    OPTION_YES_IF
};

static const struct option OPTIONS[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
    {"admin-socket", required_argument, NULL, OPTION_ADMIN_SOCKET},
    {"json", no_argument, NULL, OPTION_JSON},
    {"all", no_argument, NULL, OPTION_ALL},
    {"name", required_argument, NULL, OPTION_NAME},
    {"yes-if", required_argument, NULL, OPTION_YES_IF},
    {0},
};

int command_fail(const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_escape(text);
    fprintf(stderr, "hospes-agent: %s\n", text);
    return 1;
}

void command_print_escaped(const char *text)
{
    char copy[1024];
    snprintf(copy, sizeof(copy), "%s", text);
    log_escape(copy);
    fputs(copy, stdout);
}

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
        if (strcmp(name, COMMANDS[i].name) == 0)
            return &COMMANDS[i];
    }
    return NULL;
}

bool agent_command_is(const char *name)
{
    return find(name) != NULL;
}

static int usage(const char *text, const char *what)
{
    command_fail("%s%s; see hospes-agent --help", text, what);
    return 2;
}

/* Returns 0, or the exit status. *ret_given gathers TAKES_… of the options. */
static int parse_options(int argc, char **argv, struct command_line *line, const char **ret_config,
                         int *ret_given)
{
    char problem[CONFIG_PROBLEM_MAX];
    int id, status = 0;
    optind = 1;
    while (status == 0 && (id = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (id) {
        case OPTION_CONFIG:
            *ret_config = optarg;
            break;
        case OPTION_STATE_DIR:
            status = agent_config_set_state_dir(&line->config, optarg, problem);
            break;
        case OPTION_ADMIN_SOCKET:
            status = agent_config_set_admin_socket(&line->config, optarg, problem);
            break;
        case OPTION_JSON:
            line->json = true;
            *ret_given |= TAKES_JSON;
            break;
        case OPTION_ALL:
            line->all = true;
            *ret_given |= TAKES_ALL;
            break;
        case OPTION_NAME:
            line->name = optarg;
            *ret_given |= TAKES_NAME;
            break;
        case OPTION_YES_IF:
            line->yes_if = optarg;
            *ret_given |= TAKES_YES_IF;
            break;
        default: /* getopt has said why */
            return 2;
        }
    }
    return status < 0 ? command_fail("%s", problem) : 0;
}

static int take_key(int argc, char **argv, const struct command *command, struct command_line *line)
{
    bool wants_key = (command->takes & TAKES_KEY) != 0 && !line->all;
    if (optind < argc - (wants_key ? 1 : 0))
        return usage("unexpected argument ", argv[argc - 1]);
    if (!wants_key)
        return 0;
    if (optind == argc)
        return usage(command->name, (command->takes & TAKES_ALL) != 0 ? " needs KEY or --all" : " needs KEY");
    line->key_text = argv[optind];
    if (!key_text_parse(line->key_text, strlen(line->key_text), line->key))
        return usage(line->key_text, " is no public key: that has 44 characters of base64");
    return 0;
}

int agent_command_run(int argc, char **argv)
{
    const struct command *command = find(argv[0]);
    struct command_line line = {0};
    const char *config_path = NULL;
    char problem[CONFIG_PROBLEM_MAX];
    int given = 0;
    agent_config_init(&line.config);
    int status = parse_options(argc, argv, &line, &config_path, &given);
    if (status == 0 && (given & ~command->takes) != 0)
        status = usage(command->name, " does not take that option");
    if (status == 0)
        status = take_key(argc, argv, command, &line);
    if (status == 0 && line.name != NULL && strlen(line.name) > TEXT_NAME_MAX)
        status = usage("--name", ": at most 63 bytes");
    if (status != 0)
        return status;
    const char *path = config_path != NULL ? config_path : AGENT_CONFIG_PATH;
    if (agent_config_load(&line.config, path, config_path != NULL, problem) < 0)
        return command_fail("%s", problem);
    return command->run(&line);
}
