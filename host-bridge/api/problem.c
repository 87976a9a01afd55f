/* SPDX-License-Identifier: MIT */
/* Makes error bodies and picks their HTTP status. What counts as an error is the routes' to say. */
#include "host-bridge/api/problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <uv.h>

#include "host-bridge/api/view.h"
#include "protocol/base/status.h"

#define MESSAGE_MAX 1023

static void reply(struct http_request *request, unsigned http_status, const char *code, const char *hint,
                  json_t *details, const char *format, va_list arguments)
    __attribute__((format(printf, 6, 0)));
static void reply(struct http_request *request, unsigned http_status, const char *code, const char *hint,
                  json_t *details, const char *format, va_list arguments)
{
    char message[MESSAGE_MAX + 1];
    vsnprintf(message, sizeof(message), format, arguments);
    json_t *error = json_pack("{s:s, s:o, s:s?}", "code", code, "message", view_text(message), "hint", hint);
    if (error != NULL && details != NULL)
        json_object_set(error, "details", details);
    json_decref(details);
    http_request_set_code(request, code);
    http_request_reply_json(request, http_status, json_pack("{s:o}", "error", error));
}

void problem_reply(struct http_request *request, unsigned http_status, const char *code, const char *hint,
                   json_t *details, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    reply(request, http_status, code, hint, details, format, arguments);
    va_end(arguments);
}

void problem_reply_field(struct http_request *request, const char *field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    reply(request, 422, status_name(STATUS_INVALID), NULL, json_pack("{s:o}", "field", view_text(field)),
          format, arguments);
    va_end(arguments);
}

unsigned problem_http_status(int status)
{
    switch (status) {
    case STATUS_MALFORMED:
        return 400;
    case STATUS_NOT_ALLOWED:
        return 403;
    case STATUS_NOT_FOUND:
        return 404;
    case STATUS_CONFLICT:
        return 409;
    case STATUS_TOO_LARGE:
        return 413;
    case STATUS_INVALID:
        return 422;
    case STATUS_LIMIT:
        return 429;
    case STATUS_NOT_CONNECTED:
        return 503;
    case UV_ETIMEDOUT:
        return 504;
    default:
        return 500;
    }
}

void problem_reply_status(struct http_request *request, int status, const char *message, json_t *details)
{
    if (message == NULL || message[0] == '\0')
        message = status_text(status);
    problem_reply(request, problem_http_status(status), status_name(status), NULL, details, "%s", message);
}
