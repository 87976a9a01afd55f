/* SPDX-License-Identifier: MIT */
/* Parameters and errors of the routes for guests' files. What they do with files is features/files'. */
#include "host-bridge/api/file_answer.h"

#include <stdio.h>
#include <string.h>

#include "host-bridge/api/not_connected.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/query.h"
#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"

static int open_files(void *ctx, const struct files_open_message *open,
                      const struct files_dial_handler *handler, void *handler_ctx, struct files_dial **ret)
{
    return guest_open_files(ctx, open, handler, handler_ctx, ret);
}

struct files_io file_answer_io(struct guest *guest)
{
    return (struct files_io){.open = open_files, .cancel = files_dial_cancel, .ctx = guest};
}

/* ---- parameters ---- */

int file_answer_parameter(struct http_request *request, const char *name, bool required, char *out,
                          size_t size)
{
    int status = query_get(http_request_query(request), name, out, size);
    if (status == STATUS_NOT_FOUND) {
        if (required)
            problem_reply(request, 400, status_name(STATUS_MALFORMED), NULL, NULL,
                          "the query has no %s=", name);
        out[0] = '\0';
        return required ? STATUS_MALFORMED : STATUS_NOT_FOUND;
    }
    if (status == STATUS_TOO_LARGE)
        problem_reply_field(request, name, "%s: more than %zu bytes", name, size - 1);
    else if (status < 0)
        problem_reply(request, 400, status_name(STATUS_MALFORMED), NULL, NULL,
                      "%s: a percent sign without two hexadecimal digits, or a byte 0", name);
    else if (out[0] == '\0' || !utf8_is_valid(span_of_text(out)))
        problem_reply_field(request, name, "%s: expected text in UTF-8", name);
    else
        return 0;
    return STATUS_INVALID;
}

bool file_answer_place(struct http_request *request, const struct guest *guest, const char *name,
                       struct file_place *ret)
{
    snprintf(ret->guest, sizeof(ret->guest), "%s", guest_name(guest));
    if (file_answer_parameter(request, name, true, ret->path, sizeof(ret->path)) < 0)
        return false;
    int status = file_answer_parameter(request, "user", false, ret->user, sizeof(ret->user));
    return status == 0 || status == STATUS_NOT_FOUND;
}

bool file_answer_text(struct http_request *request, const char *field, const char *text, size_t max)
{
    if (text[0] != '\0' && strlen(text) <= max)
        return true;
    problem_reply_field(request, field, "%s: expected 1 to %zu bytes", field, max);
    return false;
}

bool file_mode_parse(const char *text, uint16_t *ret)
{
    size_t size = strspn(text, "01234567");
    if (size < 1 || size > 4 || text[size] != '\0')
        return false;
    unsigned mode = 0;
    sscanf(text, "%o", &mode);
    *ret = (uint16_t)mode;
    return true;
}

/* ---- errors ---- */

unsigned file_answer_http_status(int status)
{
    switch (status) {
    case UV_ENOENT:
    case STATUS_NOT_FOUND:
        return 404;
    case UV_EACCES:
    case UV_EPERM:
    case STATUS_NOT_ALLOWED:
        return 403;
    case UV_EEXIST:
    case UV_ENOTEMPTY:
    case STATUS_CONFLICT:
        return 409;
    case UV_EISDIR:
    case UV_ENOTDIR:
    case UV_ENAMETOOLONG:
    case UV_ELOOP:
    case UV_EROFS:
    case UV_EINVAL:
    case UV_ENOTSUP:
    case STATUS_INVALID:
        return 422;
    case UV_ENOSPC:
    case STATUS_QUOTA:
        return 507;
    case STATUS_NOT_CONNECTED:
        return 503;
    case STATUS_NOT_SUPPORTED:
        return 501;
    case STATUS_LIMIT:
        return 429;
    case UV_ETIMEDOUT:
        return 504;
    case UV_ENOMEM:
        return 500;
    default:
        return 502;
    }
}

static const char *hint_of(int status)
{
    switch (status) {
    case UV_EISDIR:
        return "hospes cp -r copies folders";
    case UV_ENOTEMPTY:
        return "recursive=true removes what is in it, too";
    case STATUS_NOT_SUPPORTED:
        return "update the guest's agent; or its owner switched \"files\" off (\"classes\" in its "
               "agent.json)";
    case STATUS_NOT_ALLOWED:
        return "the guest's owner decides: \"classes\" in its agent.json";
    default:
        return NULL;
    }
}

void file_answer_problem(struct api *api, struct http_request *request, const char *guest, int status,
                         const char *text)
{
    const struct guest *there = guests_find(api->guests, guest);
    if (status == STATUS_NOT_CONNECTED && there != NULL) {
        not_connected_reply(request, there);
        return;
    }
    if (text == NULL || text[0] == '\0')
        text = status_text(status);
    problem_reply(request, file_answer_http_status(status), status_name(status), hint_of(status), NULL, "%s",
                  text);
}
