/* SPDX-License-Identifier: MIT */
/* hospes-send: offers files of the guest to its host. Options only; the work is offering.c's and
 * own_offers.c's. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/send/sending.h"

enum option_id {
    OPTION_NO_WAIT = 1,
    OPTION_LIST,
    OPTION_WITHDRAW,
    OPTION_SOCKET,
    OPTION_JSON,
    OPTION_VERSION,
    OPTION_HELP
};

static const struct option OPTIONS[] = {
    {"no-wait", no_argument, NULL, OPTION_NO_WAIT},
    {"list", no_argument, NULL, OPTION_LIST},
    {"withdraw", required_argument, NULL, OPTION_WITHDRAW},
    {"session-socket", required_argument, NULL, OPTION_SOCKET},
    {"json", no_argument, NULL, OPTION_JSON},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static const char USAGE[] =
    "usage: hospes-send [OPTION]... FILE...\n"
    "       hospes-send --list | --withdraw ID\n"
    "Offers files and folders of this guest to its host, and waits until they are taken.\n"
    "\n"
    "  --no-wait               leave the offer there, and end\n"
    "  --list                  what you have offered\n"
    "  --withdraw ID           take an offer back\n"
    "  --session-socket PATH   where the agent is reached (" SEND_SOCKET ")\n"
    "  --json                  print JSON lines\n"
    "  --version, --help\n"
    "\n"
    "Ends with 0 when the host has taken them, 1 when it did not, 2 when it was called wrongly, 3 "
    "when no agent answers.\n";

static bool parse_id(const char *text, uint64_t *ret)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value == 0 || value > INT64_MAX)
        return false;
    *ret = value;
    return true;
}

/* -1: go on; else the exit status. */
static int take_option(int id, struct send_options *options)
{
    switch (id) {
    case OPTION_NO_WAIT:
        options->wait = false;
        return -1;
    case OPTION_LIST:
        options->list = true;
        return -1;
    case OPTION_WITHDRAW:
        if (parse_id(optarg, &options->withdraw))
            return -1;
        fputs("hospes-send: --withdraw: expected the number of an offer (see --list)\n", stderr);
        return SEND_USAGE;
    case OPTION_SOCKET:
        options->socket = optarg;
        return -1;
    case OPTION_JSON:
        options->json = true;
        return -1;
    case OPTION_VERSION:
        puts("hospes-send " HOSPES_VERSION);
        return 0;
    case OPTION_HELP:
        fputs(USAGE, stdout);
        return 0;
    default:
        fputs(USAGE, stderr);
        return SEND_USAGE;
    }
}

int main(int argc, char **argv)
{
    struct send_options options = {.socket = SEND_SOCKET, .wait = true};
    int id;
    while ((id = getopt_long(argc, argv, "", OPTIONS, NULL)) != -1) {
        int status = take_option(id, &options);
        if (status >= 0)
            return status;
    }
    bool other = options.list || options.withdraw != 0;
    if (other == (optind < argc) || (options.list && options.withdraw != 0)) {
        fputs(USAGE, stderr);
        return SEND_USAGE;
    }
    if (options.list)
        return list_own_offers(&options);
    if (options.withdraw != 0)
        return withdraw_own_offer(&options);
    return offer_files(&options, argv + optind, argc - optind);
}
