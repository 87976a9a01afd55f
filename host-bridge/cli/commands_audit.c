/* SPDX-License-Identifier: MIT */
/* hospes audit: the last entries of the bridge's audit log, and the check of its chain, by the bridge or, for
 * copies of the files, here. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host-bridge/audit/audit_verify.h"
#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/table.h"
#include "protocol/base/status.h"

#define LAST_MAX       1000 /* what the Host API gives at once */
#define LAST_DEFAULT   "50"
#define PARAMETERS_MAX 511

static const struct table_column COLUMNS[] = {
    {"SEQ", ALIGN_RIGHT, 0},   {"TIME", ALIGN_LEFT, 0}, {"GUEST", ALIGN_LEFT, 6},  {"CLASS", ALIGN_LEFT, 0},
    {"ACTION", ALIGN_LEFT, 8}, {"WITH", ALIGN_LEFT, 8}, {"RESULT", ALIGN_LEFT, 6}, {"BY", ALIGN_LEFT, 8},
};

/* ---- entries ---- */

/* "name=web link=vsock:3" */
static void format_parameters(const json_t *parameters, char out[static PARAMETERS_MAX + 1])
{
    const char *key;
    json_t *value;
    size_t size = 0;
    out[0] = '\0';
    json_object_foreach((json_t *)parameters, key, value)
    {
        char *text = json_is_string(value) ? strdup(json_string_value(value))
                                           : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
        int added = snprintf(out + size, PARAMETERS_MAX + 1 - size, "%s%s=%s", size > 0 ? " " : "", key,
                             text != NULL ? text : "?");
        free(text);
        size += added > 0 ? (size_t)added : 0;
        if (size > PARAMETERS_MAX)
            return;
    }
}

static void add_client(struct table *table, const json_t *client)
{
    if (client == NULL) {
        table_cell(table, STYLE_PLAIN, "–");
        return;
    }
    table_cell_format(
        table, STYLE_PLAIN, "uid %lld, pid %lld, %s", (long long)json_view_integer(client, "uid"),
        (long long)json_view_integer(client, "pid"), json_view_text(client, "executable", "unknown program"));
}

static void add_entry(struct table *table, const json_t *entry)
{
    char parameters[PARAMETERS_MAX + 1];
    const char *result = json_view_text(entry, "result", "?");
    const char *status = json_view_text(entry, "status", "");
    enum style style = strcmp(result, "done") == 0 ? STYLE_GOOD : STYLE_BAD;
    format_parameters(json_view(entry, "parameters"), parameters);
    table_cell_format(table, STYLE_DIM, "%lld", (long long)json_view_integer(entry, "seq"));
    table_cell(table, STYLE_PLAIN, quantity_time(json_view_time(entry, "time")).text);
    table_cell(table, STYLE_STRONG, json_view_text(entry, "guest", "–"));
    table_cell(table, STYLE_PLAIN, json_view_text(entry, "class", "–"));
    table_cell(table, STYLE_PLAIN, json_view_text(entry, "action", "?"));
    table_cell(table, STYLE_PLAIN, parameters);
    table_cell_format(table, style, status[0] != '\0' ? "%s (%s)" : "%s", result, status);
    add_client(table, json_view(entry, "client"));
}

static int print_entries(struct cli *cli, const json_t *entries)
{
    struct table *table = table_create(COLUMNS, sizeof(COLUMNS) / sizeof(COLUMNS[0]));
    size_t index;
    json_t *entry;
    if (table == NULL)
        return cli_out_of_memory(cli);
    json_array_foreach(entries, index, entry)
    {
        add_entry(table, entry);
    }
    int status = table_print(table, cli->out, &cli->terminal, 0);
    table_destroy(table);
    return status == 0 ? CLI_DONE : cli_out_of_memory(cli);
}

static int show(struct cli *cli, const char *guest, const char *last)
{
    uint64_t number = 0;
    if (last == NULL)
        last = LAST_DEFAULT;
    if (!quantity_parse_u64(last, &number) || number < 1 || number > LAST_MAX)
        return cli_fail(cli, CLI_USAGE, "older entries are in the files of the bridge's state folder",
                        "--last needs a number from 1 to %d, not \"%s\"", LAST_MAX, last);
    struct api_path path = {"/api/v1/audit"};
    json_t *answer = NULL;
    if (!api_path_query(&path, "limit", last) || (guest != NULL && !api_path_query(&path, "guest", guest)))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "GET", path.text, NULL, &answer);
    if (status != CLI_DONE)
        return status;
    const json_t *entries = json_view(answer, "entries");
    if (cli->json)
        cli_print_json(cli, answer);
    else if (json_array_size(entries) == 0)
        cli_say(cli, "No entries.");
    else
        status = print_entries(cli, entries);
    json_decref(answer);
    return status;
}

/* ---- verify ---- */

static const char *hint_of(const char *why)
{
    if (strcmp(why, "changed") == 0)
        return "somebody wrote to the file: what it says there and after can't be relied on";
    if (strcmp(why, "not JSON") == 0)
        return "the line is not what the bridge writes, and no crash explains it";
    return "lines, or a whole file, were taken away";
}

/* The report of the Host API, and of files here. */
static int print_report(struct cli *cli, const json_t *report)
{
    const json_t *broken = json_view(report, "brokenAt");
    const char *why = json_view_text(broken, "why", "?");
    bool ok = json_view_true(report, "ok");
    if (cli->json)
        cli_print_json(cli, report);
    else if (ok)
        cli_say(cli, "Intact: %lld lines in %lld files, number %lld to %lld.",
                (long long)json_view_integer(report, "lines"), (long long)json_view_integer(report, "files"),
                (long long)json_view_integer(report, "firstSeq"),
                (long long)json_view_integer(report, "lastSeq"));
    if (ok)
        return CLI_DONE;
    return cli_fail(cli, CLI_FAILED, hint_of(why), "the audit log is broken: %s, line %lld: %s",
                    json_view_text(broken, "file", "?"), (long long)json_view_integer(broken, "line"), why);
}

static int verify_by_bridge(struct cli *cli)
{
    json_t *answer = NULL;
    int status = problem_ask(cli, "GET", "/api/v1/audit/verify", NULL, &answer);
    if (status == CLI_DONE)
        status = print_report(cli, answer);
    json_decref(answer);
    return status;
}

static int verify_file(struct cli *cli, struct audit_verify *verify, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return cli_fail(cli, CLI_FAILED, NULL, "can't read %s: %s", path, strerror(errno));
    int status = audit_verify_file(verify, fd, AUDIT_VERIFY_ALL);
    close(fd);
    return status == 0 ? CLI_DONE
                       : cli_fail(cli, CLI_FAILED, NULL, "can't read %s: %s", path, status_text(status));
}

static json_t *view_report(const struct audit_verify *verify, const char *const *paths)
{
    const struct audit_finding *finding = &verify->finding;
    json_t *broken = json_null();
    if (finding->what != AUDIT_INTACT)
        broken = json_pack("{s:s, s:I, s:s}", "file", paths[finding->place.file], "line",
                           (json_int_t)finding->place.line, "why", audit_break_name(finding->what));
    return json_pack("{s:b, s:I, s:I, s:I, s:I, s:o}", "ok", finding->what == AUDIT_INTACT, "files",
                     (json_int_t)verify->files, "lines", (json_int_t)verify->chain.lines, "firstSeq",
                     (json_int_t)verify->chain.first_seq, "lastSeq", (json_int_t)verify->chain.last_seq,
                     "brokenAt", broken);
}

static int verify_here(struct cli *cli, const char *const *paths, size_t count)
{
    struct audit_verify verify;
    audit_verify_init(&verify, false);
    for (size_t i = 0; i < count && verify.finding.what == AUDIT_INTACT; i++) {
        int status = verify_file(cli, &verify, paths[i]);
        if (status != CLI_DONE)
            return status;
    }
    audit_verify_end(&verify, NULL);
    json_t *report = view_report(&verify, paths);
    int status = report == NULL ? cli_fail(cli, CLI_FAILED, NULL, "a file's name is not valid UTF-8")
                                : print_report(cli, report);
    json_decref(report);
    return status;
}

int command_audit(struct cli *cli, const struct arguments *arguments)
{
    const char *last = arguments->options[OPTION_LAST];
    size_t count = arguments->operand_count;
    bool verify = count > 0 && strcmp(arguments->operands[0], "verify") == 0;
    if (!verify && count > 1)
        return cli_fail(cli, CLI_USAGE, "hospes help audit tells more", "unexpected argument \"%s\"",
                        arguments->operands[1]);
    if (!verify)
        return show(cli, count > 0 ? arguments->operands[0] : NULL, last);
    if (last != NULL)
        return cli_fail(cli, CLI_USAGE, NULL, "--last is not for verify, which looks at everything");
    return count == 1 ? verify_by_bridge(cli) : verify_here(cli, arguments->operands + 1, count - 1);
}
