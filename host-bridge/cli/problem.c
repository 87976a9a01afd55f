/* SPDX-License-Identifier: MIT */
/* Turns failed requests into a sentence, a hint and an exit status. */
#include "host-bridge/cli/problem.h"

#include <errno.h>
#include <string.h>

#include "host-bridge/cli/guest_words.h"
#include "host-bridge/cli/json_view.h"

static const char START_HINT[] =
    "start it with \"systemctl --user start hospes-bridge\", or run hospes-bridge in a "
    "terminal; hospes doctor tells more";

struct failure_text {
    const char *text, *hint;
};

static struct failure_text text_of_unreachable(int os_error)
{
    switch (os_error) {
    case ENOENT:
    case ENOTDIR:
        return (struct failure_text){"the bridge does not run: there is no socket", START_HINT};
    case ECONNREFUSED:
        return (struct failure_text){"the bridge does not run: nothing answers at its socket", START_HINT};
    case EACCES:
    case EPERM:
        return (struct failure_text){"the bridge's socket belongs to another user",
                                     "each user runs a bridge of their own; ask the one at another path with "
                                     "--socket, as its user"};
    case EAGAIN:
        return (struct failure_text){"the bridge accepts no connections: its queue is full",
                                     "it hangs or is stopped; look at its log and restart it"};
    case ENOTSOCK:
    case EPROTOTYPE:
        return (struct failure_text){"what is at the socket's path is no such socket",
                                     "name the bridge's socket with --socket or HOSPES_SOCKET"};
    default:
        return (struct failure_text){strerror(os_error), "hospes doctor tells more"};
    }
}

static struct failure_text text_of_failure(const struct client_answer *answer)
{
    switch (answer->failure) {
    case CLIENT_UNREACHABLE:
        return text_of_unreachable(answer->os_error);
    case CLIENT_TIMEOUT:
        return (struct failure_text){"the bridge did not answer in time",
                                     "it hangs or is stopped; look at its log and restart it"};
    case CLIENT_CLOSED:
        return (struct failure_text){"the bridge closed the connection before it had answered",
                                     "it may have been stopped just now; try again, or look at its log"};
    case CLIENT_NOT_HTTP:
        return (struct failure_text){"what answers at the socket does not speak HTTP",
                                     "name the bridge's socket with --socket or HOSPES_SOCKET"};
    case CLIENT_NOT_JSON:
        return (struct failure_text){"the answer is not the JSON of a Host API",
                                     "is another program listening there? compare hospes --version with "
                                     "hospes-bridge --version"};
    case CLIENT_TOO_LARGE:
        return (struct failure_text){"the answer is larger than 64 MiB, more than any bridge sends",
                                     "is another program listening there?"};
    case CLIENT_INPUT:
        return (struct failure_text){strerror(answer->os_error), NULL};
    case CLIENT_INTERRUPTED:
        return (struct failure_text){"interrupted", NULL};
    default:
        return (struct failure_text){"out of memory", NULL};
    }
}

static const char *text_of_http(long status)
{
    switch (status) {
    case 400:
        return "the bridge did not understand the request";
    case 401:
    case 403:
        return "the bridge does not allow it";
    case 404:
        return "the bridge knows no such guest or thing";
    case 409:
        return "it exists already";
    case 422:
        return "the bridge found a value that is not valid";
    case 429:
        return "too much is under way already";
    case 501:
        return "the guest's agent does not do that";
    case 502:
        return "the guest failed";
    case 503:
        return "the guest is not connected";
    case 504:
        return "the guest did not answer in time";
    case 507:
        return "there is no space left";
    default:
        return "the bridge failed";
    }
}

int problem_status(const struct client_answer *answer)
{
    switch (answer->failure) {
    case CLIENT_OK:
        break;
    case CLIENT_UNREACHABLE:
        return answer->os_error == EACCES || answer->os_error == EPERM ? CLI_REFUSED : CLI_UNREACHABLE;
    case CLIENT_TIMEOUT:
    case CLIENT_CLOSED:
        return CLI_UNREACHABLE;
    case CLIENT_INTERRUPTED:
        return CLI_INTERRUPTED;
    default:
        return CLI_FAILED;
    }
    if (answer->status >= 200 && answer->status < 300)
        return CLI_DONE;
    if (answer->status == 401 || answer->status == 403 ||
        guest_words_is_distrust(json_view_text(answer->json, "error.details.code", "")))
        return CLI_REFUSED;
    if (answer->status == 503 || answer->status == 504)
        return CLI_UNREACHABLE;
    return CLI_FAILED;
}

const char *problem_text(const struct client_answer *answer, const char **ret_hint)
{
    struct failure_text text = {NULL, NULL};
    if (answer->failure != CLIENT_OK) {
        text = text_of_failure(answer);
    } else {
        text.text = json_view_text(answer->json, "error.message", NULL);
        text.hint = json_view_text(answer->json, "error.hint", NULL);
        /* The API's hints are for its callers; what a user types is another thing. */
        if (text.hint != NULL && strstr(text.hint, "/vms/{vm}/files") != NULL)
            text.hint = "single files: hospes cp - NAME:PATH < FILE, and hospes cat NAME:PATH > FILE";
        else if (text.hint != NULL && strstr(text.hint, "recursive=true") != NULL)
            text.hint = "hospes rm -r removes what is in it, too";
        else if (text.hint != NULL && strstr(text.hint, "/api/v1/") != NULL)
            text.hint = "hospes vms lists the guests";
        if (text.text == NULL || text.text[0] == '\0')
            text.text = text_of_http(answer->status);
    }
    if (ret_hint != NULL)
        *ret_hint = text.hint;
    return text.text;
}

int problem_report(struct cli *cli, const struct client_answer *answer)
{
    const char *hint = NULL;
    const char *text = problem_text(answer, &hint);
    int status = problem_status(answer);
    if (answer->failure == CLIENT_INTERRUPTED)
        return status;
    if (answer->failure == CLIENT_INPUT)
        return cli_fail(cli, status, NULL, "can't read standard input: %s", text);
    if (answer->failure != CLIENT_OK && answer->failure != CLIENT_NO_MEMORY)
        return cli_fail(cli, status, hint, "%s (%s)", text, cli->socket_path);
    return cli_fail(cli, status, hint, "%s", text);
}

int problem_ask(struct cli *cli, const char *method, const char *path, const json_t *body, json_t **ret_json)
{
    struct client_request request = {.method = method, .path = path, .body = body};
    struct client_answer answer;
    client_perform(cli->client, &request, &answer, 1);
    int status = problem_status(&answer);
    if (status != CLI_DONE)
        problem_report(cli, &answer);
    if (status == CLI_DONE && ret_json != NULL)
        *ret_json = json_incref(answer.json);
    client_answer_finish(&answer);
    return status;
}

int problem_path_too_long(struct cli *cli)
{
    return cli_fail(cli, CLI_USAGE, "paths have at most 4095 bytes", "a path is too long");
}

int problem_name_too_long(struct cli *cli)
{
    return cli_fail(cli, CLI_USAGE, "names of guests have at most 63 characters",
                    "an argument is longer than any name or selector");
}
