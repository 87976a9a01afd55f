/* SPDX-License-Identifier: MIT */
/* The small ones: hospes ls, cat, mkdir, mv, rm. */
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/file_stream.h"
#include "host-bridge/cli/guest_path.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/table.h"

static const struct table_column LS_COLUMNS[] = {{"MODE", ALIGN_LEFT, 0},     {"UID", ALIGN_RIGHT, 0},
                                                 {"GID", ALIGN_RIGHT, 0},     {"SIZE", ALIGN_RIGHT, 0},
                                                 {"MODIFIED", ALIGN_LEFT, 0}, {"NAME", ALIGN_LEFT, 12}};

static const char *user_of(const struct arguments *arguments)
{
    return arguments->options[OPTION_USER];
}

/* ---- ls ---- */

/* "drwxr-xr-x" of "0755". */
static void format_mode(const json_t *entry, char out[static 11])
{
    static const char LETTERS[] = "rwxrwxrwx";
    const char *type = json_view_text(entry, "type", "");
    const char *text = json_view_text(entry, "mode", "");
    unsigned mode = 0;
    for (; *text >= '0' && *text <= '7' && mode <= 07777; text++)
        mode = mode * 8 + (unsigned)(*text - '0');
    out[0] = strcmp(type, "folder") == 0 ? 'd' : strcmp(type, "link") == 0 ? 'l' : '-';
    for (int i = 0; i < 9; i++)
        out[i + 1] = (mode >> (8 - i) & 1) != 0 ? LETTERS[i] : '-';
    if ((mode & 04000) != 0)
        out[3] = out[3] == 'x' ? 's' : 'S';
    if ((mode & 02000) != 0)
        out[6] = out[6] == 'x' ? 's' : 'S';
    if ((mode & 01000) != 0)
        out[9] = out[9] == 'x' ? 't' : 'T';
    out[10] = '\0';
}

static void add_entry(struct table *table, const json_t *entry)
{
    char mode[11];
    const char *target = json_view_text(entry, "target", NULL);
    bool folder = strcmp(json_view_text(entry, "type", ""), "folder") == 0;
    format_mode(entry, mode);
    table_cell(table, STYLE_PLAIN, mode);
    table_cell_format(table, STYLE_PLAIN, "%lld", (long long)json_view_integer(entry, "uid"));
    table_cell_format(table, STYLE_PLAIN, "%lld", (long long)json_view_integer(entry, "gid"));
    table_cell(table, STYLE_PLAIN, folder ? "–" : quantity_bytes(json_view_number(entry, "size")).text);
    table_cell(table, STYLE_PLAIN, quantity_time(json_view_time(entry, "modified")).text);
    table_cell_format(table, folder ? STYLE_STRONG : STYLE_PLAIN, "%s%s%s%s",
                      json_view_text(entry, "name", "?"), folder ? "/" : "", target != NULL ? " → " : "",
                      target != NULL ? target : "");
}

static int print_entries(struct cli *cli, const json_t *answer)
{
    struct table *table = table_create(LS_COLUMNS, sizeof(LS_COLUMNS) / sizeof(LS_COLUMNS[0]));
    size_t index;
    json_t *entry;
    json_array_foreach(json_view(answer, "entries"), index, entry)
    {
        if (table != NULL)
            add_entry(table, entry);
    }
    int status = table == NULL || table_print(table, cli->out, &cli->terminal, 0) != 0
                     ? cli_out_of_memory(cli)
                     : CLI_DONE;
    table_destroy(table);
    return status;
}

static bool make_fs_path(struct api_path *path, const char *rest, const struct guest_path *at,
                         const char *user)
{
    return api_path_guest(path, at->guest, rest) && api_path_query(path, "path", at->path) &&
           (user == NULL || api_path_query(path, "user", user));
}

int command_ls(struct cli *cli, const struct arguments *arguments)
{
    struct guest_path at;
    struct api_path path;
    json_t *answer = NULL;
    int status = guest_path_take_guest(cli, arguments->operands[0], &at);
    if (status == CLI_DONE && !make_fs_path(&path, "/fs", &at, user_of(arguments)))
        status = problem_path_too_long(cli);
    if (status == CLI_DONE)
        status = problem_ask(cli, "GET", path.text, NULL, &answer);
    if (status != CLI_DONE)
        return status;
    if (cli->json)
        cli_print_json(cli, answer);
    else if (json_array_size(json_view(answer, "entries")) == 0)
        cli_say(cli, "%s is empty.", json_view_text(answer, "path", at.path));
    else
        status = print_entries(cli, answer);
    if (status == CLI_DONE && json_view_true(answer, "truncated"))
        status = cli_fail(cli, CLI_FAILED, NULL, "there is more in it than is shown");
    json_decref(answer);
    return status;
}

/* ---- the others ---- */

int command_cat(struct cli *cli, const struct arguments *arguments)
{
    struct guest_path at;
    int status = guest_path_take_guest(cli, arguments->operands[0], &at);
    return status == CLI_DONE ? file_stream_download(cli, &at, user_of(arguments)) : status;
}

/* POST /vms/{vm}/fs/… with `body` (taken; NULL: a text in it is not valid UTF-8). */
static int post(struct cli *cli, const char *guest, const char *rest, const char *user, json_t *body,
                json_t **ret_answer)
{
    struct api_path path;
    int status = CLI_DONE;
    if (body == NULL || (user != NULL && json_object_set_new(body, "user", json_string(user)) != 0))
        status = cli_fail(cli, CLI_USAGE, NULL, "a path is not valid UTF-8");
    else if (!api_path_guest(&path, guest, rest))
        status = problem_name_too_long(cli);
    else
        status = problem_ask(cli, "POST", path.text, body, ret_answer);
    json_decref(body);
    return status;
}

static int finish_post(struct cli *cli, int status, json_t *answer, const char *did, const char *guest)
{
    if (status == CLI_DONE && cli->json)
        cli_print_json(cli, answer);
    else if (status == CLI_DONE)
        cli_say(cli, "%s %s:%s", did, guest, json_view_text(answer, "path", "?"));
    json_decref(answer);
    return status;
}

int command_mkdir(struct cli *cli, const struct arguments *arguments)
{
    struct guest_path at;
    json_t *answer = NULL;
    bool parents = arguments->options[OPTION_PARENTS] != NULL;
    int status = guest_path_take_guest(cli, arguments->operands[0], &at);
    if (status == CLI_DONE)
        status = post(cli, at.guest, "/fs/mkdir", user_of(arguments),
                      json_pack("{s:s, s:b}", "path", at.path, "parents", parents), &answer);
    return finish_post(cli, status, answer, "Made", at.guest);
}

int command_mv(struct cli *cli, const struct arguments *arguments)
{
    struct guest_path from, to;
    json_t *answer = NULL;
    bool replace = arguments->options[OPTION_NO_CLOBBER] == NULL;
    int status = guest_path_take_guest(cli, arguments->operands[0], &from);
    if (status == CLI_DONE)
        status = guest_path_take_guest(cli, arguments->operands[1], &to);
    if (status == CLI_DONE && strcmp(from.guest, to.guest) != 0)
        status =
            cli_fail(cli, CLI_USAGE, "hospes cp copies from guest to guest", "mv stays within one guest");
    if (status == CLI_DONE)
        status =
            post(cli, from.guest, "/fs/move", user_of(arguments),
                 json_pack("{s:s, s:s, s:b}", "from", from.path, "to", to.path, "replace", replace), &answer);
    return finish_post(cli, status, answer, "Moved to", from.guest);
}

int command_rm(struct cli *cli, const struct arguments *arguments)
{
    struct guest_path at;
    struct api_path path;
    int status = guest_path_take_guest(cli, arguments->operands[0], &at);
    if (status != CLI_DONE)
        return status;
    if (strcmp(at.path, ".") == 0)
        return cli_fail(cli, CLI_USAGE, "name what is in it", "this would remove the home folder");
    if (!make_fs_path(&path, "/fs", &at, user_of(arguments)) ||
        (arguments->options[OPTION_RECURSIVE] != NULL && !api_path_query(&path, "recursive", "true")))
        return problem_path_too_long(cli);
    status = problem_ask(cli, "DELETE", path.text, NULL, NULL);
    if (status == CLI_DONE && cli->json) {
        json_t *document = json_pack("{s:s}", "removed", at.path);
        cli_print_json(cli, document);
        json_decref(document);
    }
    if (status == CLI_DONE)
        cli_say(cli, "Removed %s:%s", at.guest, at.path);
    return status;
}
