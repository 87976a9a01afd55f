/* SPDX-License-Identifier: MIT */
/* hospes-bridge: options, signals and the loop. */
#define LOG_MODULE "main"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/bridge.h"
#include "host-bridge/paths.h"
#include "protocol/base/status.h"
#include "services/program/end_signals.h"
#include "services/relay/relay.h"

enum option_id {
    OPTION_CONFIG = 1,
    OPTION_STATE_DIR,
    OPTION_SOCKET,
    OPTION_PANEL,
    OPTION_LOG_LEVEL,
    OPTION_VERSION,
    OPTION_HELP
};

static const struct option OPTIONS[] = {
    {"config", required_argument, NULL, OPTION_CONFIG},
    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
    {"socket", required_argument, NULL, OPTION_SOCKET},
    {"panel", required_argument, NULL, OPTION_PANEL},
    {"log-level", required_argument, NULL, OPTION_LOG_LEVEL},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static const char USAGE[] =
    "usage: hospes-bridge [OPTION]...\n"
    "The host's side of Hospes: connects to the agents of your guests and brings their ports to localhost.\n"
    "\n"
    "  --config FILE        guests and rules (default: $XDG_CONFIG_HOME/hospes/config.json; root: "
    "/etc/hospes/config.json)\n"
    "  --state-dir DIR      what is remembered (default: $XDG_STATE_HOME/hospes; root: /var/lib/hospes)\n"
    "  --socket PATH        Host API (default: $XDG_RUNTIME_DIR/hospes/api.sock; root: "
    "/run/hospes/api.sock)\n"
    "  --panel off          the web panel is not in this version\n"
    "  --log-level LEVEL    error, warn, info or debug\n"
    "  --version, --help\n"
    "\n"
    "Then: hospes add NAME LINK, hospes ports NAME, hospes doctor.\n";

struct options {
    struct paths paths;
    bool config_given;
    const char *log_level;
};

static int set_path(char out[static PATHS_MAX], const char *value, const char *option)
{
    if (snprintf(out, PATHS_MAX, "%s", value) < PATHS_MAX && value[0] != '\0')
        return 0;
    fprintf(stderr, "hospes-bridge: %s: the path is empty or longer than %d bytes\n", option, PATHS_MAX - 1);
    return -1;
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *ret)
{
    int id;
    while ((id = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        switch (id) {
        case OPTION_CONFIG:
            ret->config_given = true;
            if (set_path(ret->paths.config, optarg, "--config") < 0)
                return 2;
            break;
        case OPTION_STATE_DIR:
            if (set_path(ret->paths.state_dir, optarg, "--state-dir") < 0)
                return 2;
            break;
        case OPTION_SOCKET:
            if (set_path(ret->paths.socket, optarg, "--socket") < 0)
                return 2;
            break;
        case OPTION_PANEL:
            if (strcmp(optarg, "off") != 0) {
                fprintf(
                    stderr,
                    "hospes-bridge: --panel: the panel is not in this version; only \"off\" is possible\n");
                return 1;
            }
            break;
        case OPTION_LOG_LEVEL:
            ret->log_level = optarg;
            break;
        case OPTION_VERSION:
            puts("hospes-bridge " HOSPES_VERSION);
            return 0;
        case OPTION_HELP:
            fputs(USAGE, stdout);
            return 0;
        default:
            fputs(USAGE, stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "hospes-bridge: unexpected argument \"%s\"; see --help\n", argv[optind]);
        return 2;
    }
    return -1;
}

static int configure(const struct options *options, struct bridge_config *config)
{
    char problem[CONFIG_PROBLEM_MAX];
    if (bridge_config_load(config, options->paths.config, options->config_given, problem) < 0) {
        fprintf(stderr, "hospes-bridge: %s\n", problem);
        return 1;
    }
    if (options->log_level != NULL && !log_level_parse(options->log_level, &config->log_level)) {
        fprintf(stderr, "hospes-bridge: --log-level: expected error, warn, info or debug\n");
        return 2;
    }
    return -1;
}

struct program {
    struct bridge *bridge;
    bool stopping;
};

static void handle_signal(void *ctx, int number)
{
    struct program *program = ctx;
    log_info(program->stopping ? "still stopping (signal %d)" : "stopping on signal %d", number);
    program->stopping = true;
    if (program->bridge != NULL)
        bridge_stop(program->bridge);
}

static int run(const struct options *options, const struct bridge_config *config)
{
    uv_loop_t loop;
    if (uv_loop_init(&loop) < 0) {
        fprintf(stderr, "hospes-bridge: no event loop\n");
        return 1;
    }
    struct program program = {0};
    struct end_signals signals;
    end_signals_start(&signals, &loop, handle_signal, &program);
    struct bridge_options bridge_options = {options->paths.state_dir, options->paths.socket};
    char problem[CONFIG_PROBLEM_MAX];
    int status = bridge_create(&loop, config, &bridge_options, &program.bridge, problem);
    if (status < 0) {
        fprintf(stderr, "hospes-bridge: %s\n", problem);
        if (program.bridge != NULL)
            bridge_stop(program.bridge);
    } else {
        log_info("ready: %s", options->paths.socket);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    end_signals_finish(&signals);
    bridge_destroy(program.bridge);
    if (uv_loop_close(&loop) < 0)
        log_error("handles were left open");
    return status < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
    struct bridge_config config;
    struct options options = {0};
    paths_default(&options.paths);
    bridge_config_init(&config);
    int status = parse_options(argc, argv, &options);
    if (status < 0)
        status = configure(&options, &config);
    if (status < 0) {
        log_set_level(config.log_level);
        relay_raise_descriptor_limit();
        status = run(&options, &config);
    }
    bridge_config_finish(&config);
    return status;
}
