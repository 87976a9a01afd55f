/* SPDX-License-Identifier: MIT */
/* hospes forward, unforward. */
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/port_table.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"

/* "80" or "80:8080"; host port 0 = not given. */
static bool parse_ports(const char *text, uint16_t *ret_guest, uint16_t *ret_host)
{
    char guest[8];
    size_t size = strcspn(text, ":");
    uint16_t host = 0;
    if (size >= sizeof(guest) || (text[size] == ':' && !quantity_parse_port(text + size + 1, &host)))
        return false;
    memcpy(guest, text, size);
    guest[size] = '\0';
    if (!quantity_parse_port(guest, ret_guest))
        return false;
    *ret_host = host;
    return true;
}

/* A forward that could not listen is kept by the bridge, yet it is not what was asked for. */
static int tell_forward(struct cli *cli, const json_t *forward, const char *guest)
{
    char host[320];
    const char *reason = json_view_text(forward, "reason", "");
    long long host_port = (long long)json_view_integer(forward, "hostPort");
    long long asked = (long long)json_view_integer(forward, "requestedHostPort");
    if (cli->json)
        cli_print_json(cli, forward);
    if (strcmp(json_view_text(forward, "state", ""), "active") != 0)
        return cli_fail(cli, CLI_FAILED,
                        "it is kept and tried again when the port becomes free; hospes unforward gives it up",
                        "the forward does not listen yet: %s", reason);
    port_table_host(forward, host, sizeof(host));
    cli_say(cli, "%s port %lld of %s is at %s", json_view_text(forward, "protocol", "?"),
            (long long)json_view_integer(forward, "guestPort"), guest, host);
    if (host_port != asked)
        cli_say(cli, "  not on %lld as asked%s%s", asked, reason[0] != '\0' ? ": " : "", reason);
    return CLI_DONE;
}

int command_forward(struct cli *cli, const struct arguments *arguments)
{
    const char *guest = arguments->operands[0];
    const char *bind = arguments->options[OPTION_BIND];
    uint16_t guest_port = 0, host_port = 0;
    struct api_path path;
    json_t *answer = NULL;
    if (!parse_ports(arguments->operands[1], &guest_port, &host_port))
        return cli_fail(cli, CLI_USAGE, "write GUESTPORT or GUESTPORT:HOSTPORT, each 1 to 65535: 80:8080",
                        "\"%s\" is no pair of ports", arguments->operands[1]);
    if (!api_path_guest(&path, guest, "/forwards"))
        return problem_name_too_long(cli);
    json_t *body = json_pack("{s:i, s:s, s:b}", "guestPort", (int)guest_port, "protocol",
                             arguments->options[OPTION_UDP] != NULL ? "udp" : "tcp", "fallback",
                             arguments->options[OPTION_NO_FALLBACK] == NULL);
    if (host_port != 0)
        json_object_set_new(body, "hostPort", json_integer(host_port));
    if (bind != NULL && json_object_set_new(body, "bind", json_string(bind)) != 0) {
        json_decref(body);
        return cli_fail(cli, CLI_USAGE, "name an address, as in --bind 127.0.0.1",
                        "--bind is not valid UTF-8");
    }
    int status = problem_ask(cli, "POST", path.text, body, &answer);
    json_decref(body);
    if (status == CLI_DONE)
        status = tell_forward(cli, answer, guest);
    json_decref(answer);
    return status;
}

/* What listens on the host port goes before what only asked for it; without --udp TCP goes before UDP. */
static const json_t *find_forward(const json_t *forwards, uint16_t host_port, bool udp_only)
{
    const json_t *best = NULL;
    int best_rank = 0;
    size_t index;
    json_t *forward;
    json_array_foreach(forwards, index, forward)
    {
        bool listens = json_view_integer(forward, "hostPort") == host_port;
        bool asked = json_view_integer(forward, "requestedHostPort") == host_port;
        bool udp = strcmp(json_view_text(forward, "protocol", ""), "udp") == 0;
        if ((!listens && !asked) || (udp_only && !udp))
            continue;
        int rank = (listens ? 2 : 0) + (udp ? 1 : 2);
        if (rank > best_rank) {
            best = forward;
            best_rank = rank;
        }
    }
    return best;
}

static int remove_forward(struct cli *cli, const json_t *forward, const char *guest)
{
    struct api_path path;
    const char *id = json_view_text(forward, "id", "");
    if (!api_path_guest(&path, guest, "/forwards/") || !api_path_append(&path, id))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "DELETE", path.text, NULL, NULL);
    if (status != CLI_DONE)
        return status;
    if (cli->json)
        cli_print_json(cli, forward);
    cli_say(cli, "Ended the forward of %s port %lld of %s.", json_view_text(forward, "protocol", "?"),
            (long long)json_view_integer(forward, "guestPort"), guest);
    if (strcmp(json_view_text(forward, "kind", ""), "auto") == 0)
        cli_say(cli,
                "  It was automatic; a rule \"ignore\" keeps it away. To have it back: hospes policy %s "
                "%lld forward",
                guest, (long long)json_view_integer(forward, "guestPort"));
    return CLI_DONE;
}

int command_unforward(struct cli *cli, const struct arguments *arguments)
{
    const char *guest = arguments->operands[0];
    uint16_t host_port = 0;
    struct api_path path;
    json_t *answer = NULL;
    if (!quantity_parse_port(arguments->operands[1], &host_port))
        return cli_fail(cli, CLI_USAGE, "the host's port, 1 to 65535; hospes ports shows it",
                        "\"%s\" is no port", arguments->operands[1]);
    if (!api_path_guest(&path, guest, "/forwards"))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "GET", path.text, NULL, &answer);
    if (status != CLI_DONE)
        return status;
    const json_t *forward =
        find_forward(json_view(answer, "forwards"), host_port, arguments->options[OPTION_UDP] != NULL);
    if (forward != NULL)
        status = remove_forward(cli, forward, guest);
    else
        status = cli_fail(cli, CLI_FAILED, "hospes ports shows the host's side of each port",
                          "no forward of %s uses host port %u", guest, (unsigned)host_port);
    json_decref(answer);
    return status;
}
