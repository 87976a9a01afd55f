/* SPDX-License-Identifier: MIT */
/* Reports the end of a transfer. */
#include "host-bridge/cli/transfer_end.h"

#include <string.h>

#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/remedy.h"
#include "host-bridge/cli/transfer_words.h"

static int status_of_code(const char *code)
{
    if (strcmp(code, "NOT_CONNECTED") == 0 || strcmp(code, "ETIMEDOUT") == 0)
        return CLI_UNREACHABLE;
    if (strcmp(code, "NOT_ALLOWED") == 0 || strcmp(code, "EACCES") == 0 || strcmp(code, "EPERM") == 0)
        return CLI_REFUSED;
    return CLI_FAILED;
}

/* A line for each, the eldest first (the bridge tells the newest first), and the first advice that there is
 * for one of them. */
static const char *list_failures(struct cli *cli, const json_t *failures)
{
    const char *step = NULL;
    for (size_t i = json_array_size(failures); i > 0; i--) {
        const json_t *failure = json_array_get(failures, i - 1);
        const char *code = json_view_text(failure, "code", "");
        escape_print_line(cli->err, "%s: %s", json_view_text(failure, "path", "?"),
                          json_view_text(failure, "message", code[0] != '\0' ? code : "failed"));
        if (step == NULL)
            step = remedy_file_step(code);
    }
    return step;
}

static int report_failures(struct cli *cli, const json_t *transfer)
{
    const json_t *failures = json_view(transfer, "failures");
    long long failed = (long long)json_view_integer(transfer, "files.failed");
    long long total = (long long)json_view_integer(transfer, "files.total");
    long long listed = (long long)json_array_size(failures);
    fflush(cli->out);
    const char *step = list_failures(cli, failures);
    failed = failed < listed ? listed : failed;
    total = total < failed ? failed : total;
    if (failed > listed && listed > 0)
        escape_print_line(cli->err, "… and %lld more", failed - listed);
    return cli_fail(cli, CLI_FAILED, step, "%lld of %lld file%s %s not copied", failed, total,
                    total == 1 ? "" : "s", failed == 1 ? "was" : "were");
}

static void say_summary(struct cli *cli, const json_t *transfer)
{
    long long files = (long long)json_view_integer(transfer, "files.done");
    long long skipped = (long long)json_view_integer(transfer, "files.skipped");
    double seconds = (double)(json_view_time(transfer, "ended") - json_view_time(transfer, "started")) / 1000;
    double moved = json_view_number(transfer, "bytes.moved");
    char same[64] = "", pace[96] = "";
    if (skipped > 0)
        snprintf(same, sizeof(same), ", %lld unchanged", skipped);
    if (seconds > 0 && moved > 0)
        snprintf(pace, sizeof(pace), " in %s, %s/s", quantity_milliseconds(seconds * 1000).text,
                 quantity_bytes(moved / seconds).text);
    cli_say(cli, "Copied %lld file%s%s: %s%s.", files, files == 1 ? "" : "s", same,
            quantity_bytes(moved).text, pace);
}

int transfer_end_report(struct cli *cli, const json_t *transfer, bool verbose)
{
    const char *state = json_view_text(transfer, "state", "");
    const char *code = json_view_text(transfer, "error.code", "");
    if (strcmp(state, "cancelled") == 0)
        return cli_fail(cli, CLI_FAILED, NULL, "it was cancelled");
    if (strcmp(state, "failed") == 0) {
        list_failures(cli, json_view(transfer, "failures"));
        return cli_fail(cli, status_of_code(code), remedy_file_step(code), "%s",
                        json_view_text(transfer, "error.message", code[0] != '\0' ? code : "it failed"));
    }
    if (verbose)
        say_summary(cli, transfer);
    if (json_view_integer(transfer, "files.failed") > 0 ||
        json_array_size(json_view(transfer, "failures")) > 0)
        return report_failures(cli, transfer);
    return CLI_DONE;
}

void transfer_end_say_names(struct cli *cli, const json_t *transfer)
{
    const char *guest = json_view_text(transfer, "to.vm", "");
    size_t index;
    json_t *name;
    json_array_foreach(json_view(transfer, "names"), index, name)
    {
        if (json_is_string(name) && json_string_length(name) > 0)
            cli_say(cli, "%s%s%s", guest, guest[0] != '\0' ? ":" : "", json_string_value(name));
    }
}
