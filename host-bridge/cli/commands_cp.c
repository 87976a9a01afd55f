/* SPDX-License-Identifier: MIT */
/* hospes cp. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/copy_request.h"
#include "host-bridge/cli/file_stream.h"
#include "host-bridge/cli/guest_path.h"
#include "host-bridge/cli/transfer_follow.h"

struct copy {
    struct cli *cli;
    const struct arguments *arguments;
    struct guest_path *sources; /* owned */
    size_t source_count;
    struct guest_path to;
    char *to_path; /* owned: as it goes to the bridge */
    json_t *options;
};

static bool given(const struct arguments *arguments, enum option_id option)
{
    return arguments->options[option] != NULL;
}

/* ---- standard input and output ---- */

/* The first option that a stream can't heed; NULL. */
static const char *option_against_stream(const struct arguments *arguments)
{
    static const enum option_id OPTIONS[] = {OPTION_RESUME,     OPTION_UPDATE, OPTION_CHECKSUM,
                                             OPTION_LINKS,      OPTION_OWNER,  OPTION_ATTRIBUTES,
                                             OPTION_NO_CLOBBER, OPTION_RENAME};
    for (size_t i = 0; i < sizeof(OPTIONS) / sizeof(OPTIONS[0]); i++) {
        if (given(arguments, OPTIONS[i]))
            return COMMAND_OPTIONS[OPTIONS[i]].name;
    }
    return NULL;
}

static bool names_folder(const char *path)
{
    size_t size = strlen(path);
    return path[size - 1] == '/' || strcmp(path, ".") == 0;
}

static int copy_stream(struct cli *cli, const struct arguments *arguments, bool from_input)
{
    struct guest_path file;
    const char *user = arguments->options[OPTION_USER];
    const char *option = option_against_stream(arguments);
    const char *text = arguments->operands[from_input ? 1 : 0];
    if (arguments->operand_count != 2)
        return cli_fail(cli, CLI_USAGE, "hospes cp - NAME:FILE, or hospes cp NAME:FILE -",
                        "- stands for one file, and is the only one");
    if (option != NULL)
        return cli_fail(cli, CLI_USAGE, NULL, "%s is not for standard input and output", option);
    if (strcmp(text, "-") == 0)
        return cli_fail(cli, CLI_USAGE, "cp copies between this host and guests; for this there is cat",
                        "both sides are on this host");
    int status = guest_path_take_guest(cli, text, &file);
    if (status != CLI_DONE)
        return status;
    if (from_input && names_folder(file.path))
        return cli_fail(cli, CLI_USAGE, "name the file: standard input has no name of its own",
                        "\"%s\" names a folder", text);
    return from_input ? file_stream_upload(cli, &file, user) : file_stream_download(cli, &file, user);
}

/* ---- files and folders ---- */

static int check_links(struct cli *cli, const char *links)
{
    if (links == NULL || strcmp(links, "skip") == 0 || strcmp(links, "keep") == 0 ||
        strcmp(links, "follow") == 0)
        return CLI_DONE;
    return cli_fail(cli, CLI_USAGE,
                    "skip leaves them out, keep takes those that stay inside, follow what they point to",
                    "--links needs skip, keep or follow, not \"%s\"", links);
}

/* The body's options; NULL when out of memory. */
static json_t *make_options(const struct arguments *arguments)
{
    static const struct {
        enum option_id option;
        const char *key;
    } FLAGS[] = {
        {OPTION_RECURSIVE, "recursive"}, {OPTION_UPDATE, "update"}, {OPTION_CHECKSUM, "checksum"},
        {OPTION_RESUME, "resume"},       {OPTION_OWNER, "owner"},   {OPTION_ATTRIBUTES, "attributes"},
    };
    json_t *options = json_object();
    const char *links = arguments->options[OPTION_LINKS];
    for (size_t i = 0; i < sizeof(FLAGS) / sizeof(FLAGS[0]); i++) {
        if (given(arguments, FLAGS[i].option))
            json_object_set_new(options, FLAGS[i].key, json_true());
    }
    if (links != NULL)
        json_object_set_new(options, "links", json_string(links));
    if (given(arguments, OPTION_NO_CLOBBER) || given(arguments, OPTION_RENAME))
        json_object_set_new(options, "conflict",
                            json_string(given(arguments, OPTION_RENAME) ? "rename" : "fail"));
    return options;
}

static int take_sources(struct copy *copy)
{
    const struct arguments *arguments = copy->arguments;
    struct cli *cli = copy->cli;
    for (size_t i = 0; i < copy->source_count; i++) {
        int status = guest_path_take(cli, arguments->operands[i], &copy->sources[i]);
        if (status != CLI_DONE)
            return status;
        if (strcmp(copy->sources[i].path, "-") == 0)
            return cli_fail(cli, CLI_USAGE, "a file of that name is written ./-",
                            "- stands for one file, and is the only one");
        if (strcmp(copy->sources[i].guest, copy->sources[0].guest) != 0)
            return cli_fail(cli, CLI_USAGE, "copy from each of them by a command of its own",
                            "the sources are not all in the same place: \"%s\"", arguments->operands[i]);
    }
    return CLI_DONE;
}

/* Several sources need a folder to go to: a slash at the end says so, in every part of the request. */
static int take_target(struct copy *copy)
{
    const char *text = copy->arguments->operands[copy->source_count];
    int status = guest_path_take(copy->cli, text, &copy->to);
    if (status != CLI_DONE)
        return status;
    if (guest_path_is_host(&copy->sources[0]) && guest_path_is_host(&copy->to))
        return cli_fail(copy->cli, CLI_USAGE,
                        "write NAME:PATH for the guest's side; for copies on this host there is cp",
                        "both sides are on this host");
    char *path = guest_path_is_host(&copy->to) ? guest_path_absolute(copy->to.path) : strdup(copy->to.path);
    if (path == NULL)
        return cli_fail(copy->cli, CLI_FAILED, NULL, "%s: %s", text, strerror(errno));
    bool slash = copy->source_count > 1 && !names_folder(path);
    int size = asprintf(&copy->to_path, "%s%s", path, slash ? "/" : "");
    free(path);
    if (size >= 0)
        return CLI_DONE;
    copy->to_path = NULL;
    return cli_out_of_memory(copy->cli);
}

static int follow_part(void *ctx, json_t *body)
{
    const struct copy *copy = ctx;
    struct transfer_follow follow = {
        .cli = copy->cli,
        .body = body,
        .no_progress = given(copy->arguments, OPTION_NO_PROGRESS),
        .verbose = given(copy->arguments, OPTION_VERBOSE),
        .resume =
            given(copy->arguments, OPTION_RECURSIVE) ? "hospes cp -r --resume …" : "hospes cp --resume …",
    };
    return transfer_follow_new(&follow);
}

static int copy_files(struct copy *copy)
{
    struct cli *cli = copy->cli;
    const char *from = copy->sources[0].guest, *to = copy->to.guest;
    struct copy_request request = {
        .sources = copy->sources,
        .source_count = copy->source_count,
        .to_guest = to,
        .to_path = copy->to_path,
        .user = copy->arguments->options[OPTION_USER],
        .options = copy->options,
    };
    int status = copy_request_check_guest(cli, from);
    if (status == CLI_DONE && strcmp(from, to) != 0)
        status = copy_request_check_guest(cli, to);
    return status == CLI_DONE ? copy_request_run(cli, &request, follow_part, copy) : status;
}

int command_cp(struct cli *cli, const struct arguments *arguments)
{
    struct copy copy = {.cli = cli, .arguments = arguments, .source_count = arguments->operand_count - 1};
    if (strcmp(arguments->operands[0], "-") == 0)
        return copy_stream(cli, arguments, true);
    if (strcmp(arguments->operands[copy.source_count], "-") == 0)
        return copy_stream(cli, arguments, false);
    if (given(arguments, OPTION_NO_CLOBBER) && given(arguments, OPTION_RENAME))
        return cli_fail(cli, CLI_USAGE, "hospes help cp tells more",
                        "--no-clobber and --rename exclude each other");
    int status = check_links(cli, arguments->options[OPTION_LINKS]);
    if (status != CLI_DONE)
        return status;
    copy.sources = calloc(copy.source_count, sizeof(*copy.sources));
    copy.options = make_options(arguments);
    status = copy.sources == NULL || copy.options == NULL ? cli_out_of_memory(cli) : take_sources(&copy);
    if (status == CLI_DONE)
        status = take_target(&copy);
    if (status == CLI_DONE)
        status = copy_files(&copy);
    json_decref(copy.options);
    free(copy.to_path);
    free(copy.sources);
    return status;
}
