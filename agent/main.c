/* SPDX-License-Identifier: MIT */
/* hospes-agent: options, signals and the loop. The owner's commands are trust/command.c's. */
#define LOG_MODULE "main"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/agent.h"
#include "agent/trust/command.h"
#include "protocol/base/status.h"
#include "services/program/end_signals.h"
#include "services/relay/relay.h"

enum option_id {
    OPTION_CONFIG = 1,
    OPTION_LISTEN,
    OPTION_STATE_DIR,
    OPTION_ADMIN_SOCKET,
    OPTION_SESSION_SOCKET,
    OPTION_LOG_LEVEL,
    OPTION_STDIO,
    OPTION_VERSION,
    OPTION_HELP
};

static const struct option OPTIONS[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"listen", required_argument, NULL, OPTION_LISTEN},
    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
    {"admin-socket", required_argument, NULL, OPTION_ADMIN_SOCKET},
    {"session-socket", required_argument, NULL, OPTION_SESSION_SOCKET},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"stdio", no_argument, NULL, OPTION_STDIO},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static const char USAGE[] =
    "usage: hospes-agent [OPTION]...\n"
    "       hospes-agent pair|hosts|trust|forget|identity ...\n"
    "The guest's side of Hospes: tells the host's bridge which ports open here, and carries its "
    "connections.\n"
    "\n"
    "  --listen SPEC           where the bridge reaches this agent; repeatable:\n"
    "                          vsock[:CONTROL[:EVENTS]]   unix:PATH[,PATH]   serial:/dev/virtio-ports/NAME\n"
    "                          tcp:ADDRESS[:CONTROL[:EVENTS]]\n"
    "                          (default: vsock, and " AGENT_SERIAL_PATH " where it exists)\n"
    "  --stdio                 speak over stdin and stdout (the other end of an exec: link)\n"
    "  --config FILE           configuration (default: " AGENT_CONFIG_PATH ", if it exists)\n"
    "  --state-dir DIR         where this guest's key and the hosts it trusts are kept (" AGENT_STATE_DIR
    ")\n"
    "  --admin-socket PATH     where the commands below reach the agent (" AGENT_ADMIN_SOCKET ")\n"
    "  --session-socket PATH   where users reach the agent: hospes-send (" AGENT_SESSION_SOCKET ")\n"
    "  --log-level LEVEL       error, warn, info or debug\n"
    "  --version, --help\n";

struct options {
    const char *config_path; /* NULL: the default one, if it exists */
    const char *log_level;
    bool stdio;
};

/* The options that put something into the configuration. */
static int set_option(struct agent_config *config, int id, char *ret_problem)
{
    if (id == OPTION_LISTEN)
        return agent_config_add_listener(config, optarg, ret_problem);
    if (id == OPTION_STATE_DIR)
        return agent_config_set_state_dir(config, optarg, ret_problem);
    if (id == OPTION_SESSION_SOCKET)
        return agent_config_set_session_socket(config, optarg, ret_problem);
    return agent_config_set_admin_socket(config, optarg, ret_problem);
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct agent_config *config, struct options *ret)
{
    char problem[CONFIG_PROBLEM_MAX];
    int id, index = 0;
    while ((id = getopt_long(argc, argv, "", OPTIONS, &index)) != -1) {
        switch (id) {
        case OPTION_CONFIG:
            ret->config_path = optarg;
            break;
        case OPTION_LISTEN:
        case OPTION_STATE_DIR:
        case OPTION_ADMIN_SOCKET:
        case OPTION_SESSION_SOCKET:
            if (set_option(config, id, problem) < 0) {
                fprintf(stderr, "hospes-agent: --%s: %s\n", OPTIONS[index].name, problem);
                return 1;
            }
            break;
        case OPTION_LOG_LEVEL:
            ret->log_level = optarg;
            break;
        case OPTION_STDIO:
            ret->stdio = true;
            break;
        case OPTION_VERSION:
            puts("hospes-agent " HOSPES_VERSION);
            return 0;
        case OPTION_HELP:
            fputs(USAGE, stdout);
            puts("\nCommands of the guest's owner:");
            fputs(AGENT_COMMAND_USAGE, stdout);
            return 0;
        default:
            fputs(USAGE, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "hospes-agent: unexpected argument \"%s\"%s; see --help\n", argv[optind],
                agent_command_is(argv[optind]) ? " (a command comes first)" : "");
        return 2;
    }
    return -1;
}

static int configure(const struct options *options, struct agent_config *config)
{
    char problem[CONFIG_PROBLEM_MAX];
    bool required = options->config_path != NULL;
    if (options->stdio) {
        if (config->listener_count > 0) {
            fprintf(stderr, "hospes-agent: --stdio and --listen exclude each other\n");
            return 2;
        }
        config->listeners[config->listener_count++] = (struct link_spec){.kind = LINK_STDIO};
    }
    if (agent_config_load(config, required ? options->config_path : AGENT_CONFIG_PATH, required, problem) <
        0) {
        fprintf(stderr, "hospes-agent: %s\n", problem);
        return 1;
    }
    if (options->log_level != NULL && !log_level_parse(options->log_level, &config->log_level)) {
        fprintf(stderr, "hospes-agent: --log-level: expected error, warn, info or debug\n");
        return 2;
    }
    config->default_listeners = config->listener_count == 0;
    return -1;
}

static void handle_signal(void *ctx, int number)
{
    struct agent **agent = ctx;
    log_info("stopping on signal %d", number);
    if (*agent != NULL)
        agent_stop(*agent);
}

static int run(const struct agent_config *config)
{
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0) {
        fprintf(stderr, "hospes-agent: no event loop\n");
        return 1;
    }
    struct agent *agent = NULL;
    struct end_signals signals;
    char problem[CONFIG_PROBLEM_MAX] = "out of memory";
    end_signals_start(&signals, &loop, handle_signal, &agent);
    int status = agent_create(&loop, config, &agent, problem);
    if (status < 0) {
        fprintf(stderr, "hospes-agent: %s\n", problem);
        if (agent != NULL)
            agent_stop(agent);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    end_signals_finish(&signals);
    agent_destroy(agent);
    if (uv_loop_close(&loop) < 0)
        log_error("handles were left open");
    return status < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct agent_config config;
    struct options options = {0};
    if (argc > 1 && agent_command_is(argv[1]))
        return agent_command_run(argc - 1, argv + 1);
    agent_config_init(&config);
    int status = parse_options(argc, argv, &config, &options);
    if (status < 0)
        status = configure(&options, &config);
    if (status >= 0)
        return status;
    log_set_level(config.log_level);
    umask(022); /* of what is made in users' folders, whoever started us */
    relay_raise_descriptor_limit();
    return run(&config);
}
