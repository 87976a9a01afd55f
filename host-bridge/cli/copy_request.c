/* SPDX-License-Identifier: MIT */
/* Makes the requests that a copy consists of. What runs them is the command's. */
#include "host-bridge/cli/copy_request.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/guest_words.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"

/* The end's object with its guest and user; NULL when one of them is not valid UTF-8. */
static json_t *make_end(const char *guest, const char *user)
{
    json_t *end = json_object();
    if (guest[0] == '\0' || (json_object_set_new(end, "vm", json_string(guest)) == 0 &&
                             (user == NULL || json_object_set_new(end, "user", json_string(user)) == 0)))
        return end;
    json_decref(end);
    return NULL;
}

static int report_odd_path(struct cli *cli, const char *path)
{
    return cli_fail(cli, CLI_FAILED, "rename it, or copy the folder that it is in",
                    "%s: the name is not valid UTF-8", path);
}

static int append_source(struct cli *cli, json_t *paths, const struct guest_path *source)
{
    if (!guest_path_is_host(source))
        return json_array_append_new(paths, json_string(source->path)) == 0
                   ? CLI_DONE
                   : report_odd_path(cli, source->path);
    char *absolute = guest_path_absolute(source->path);
    if (absolute == NULL)
        return cli_fail(cli, CLI_FAILED, NULL, "%s: %s", source->path, strerror(errno));
    int status = json_array_append_new(paths, json_string(absolute)) == 0
                     ? CLI_DONE
                     : report_odd_path(cli, source->path);
    free(absolute);
    return status;
}

static int append_sources(struct cli *cli, json_t *paths, const struct copy_request *request, size_t first)
{
    int status = CLI_DONE;
    size_t end = first + COPY_REQUEST_PATHS_MAX;
    for (size_t i = first; status == CLI_DONE && i < request->source_count && i < end; i++)
        status = append_source(cli, paths, &request->sources[i]);
    return status;
}

static int make_body(struct cli *cli, const struct copy_request *request, size_t first, json_t **ret)
{
    json_t *from = make_end(request->sources[0].guest, request->user);
    json_t *to = make_end(request->to_guest, request->user);
    json_t *paths = json_array();
    int status = CLI_DONE;
    if (from == NULL || to == NULL)
        status = cli_fail(cli, CLI_USAGE, NULL, "the name of the guest or of the user is not valid UTF-8");
    if (status == CLI_DONE)
        status = append_sources(cli, paths, request, first);
    if (status == CLI_DONE && request->to_path != NULL &&
        json_object_set_new(to, "path", json_string(request->to_path)) != 0)
        status = report_odd_path(cli, request->to_path);
    if (status == CLI_DONE) {
        *ret = json_deep_copy(request->options);
        json_object_set(from, "paths", paths);
        json_object_set(*ret, "from", from);
        json_object_set(*ret, "to", to);
    }
    json_decref(paths);
    json_decref(to);
    json_decref(from);
    return status;
}

int copy_request_run(struct cli *cli, const struct copy_request *request,
                     int (*each)(void *ctx, json_t *body), void *ctx)
{
    int whole = CLI_DONE;
    for (size_t first = 0; first < request->source_count; first += COPY_REQUEST_PATHS_MAX) {
        json_t *body = NULL;
        int status = make_body(cli, request, first, &body);
        if (status == CLI_DONE)
            status = each(ctx, body);
        json_decref(body);
        if (status != CLI_DONE)
            whole = status;
        if (status != CLI_DONE && status != CLI_FAILED)
            break;
    }
    return whole;
}

int copy_request_check_guest(struct cli *cli, const char *guest)
{
    struct api_path path;
    json_t *answer = NULL;
    if (guest[0] == '\0')
        return CLI_DONE;
    if (!api_path_guest(&path, guest, ""))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "GET", path.text, NULL, &answer);
    if (status == CLI_DONE && strcmp(json_view_text(answer, "state", ""), "connected") != 0) {
        const char *why = guest_words_error(answer);
        char hint[GUEST_PATH_NAME_MAX + 32];
        snprintf(hint, sizeof(hint), "hospes status %s tells more", guest);
        status = guest_words_is_distrust(guest_words_code(answer)) ? CLI_REFUSED : CLI_UNREACHABLE;
        cli_fail(cli, status, hint, "%s is not connected%s%s", guest, why[0] != '\0' ? ": " : "", why);
    }
    json_decref(answer);
    return status;
}
