/* SPDX-License-Identifier: MIT */
/* Errors as clients see them: {"error":{"code","message","hint"[,"details"]}}. */
#ifndef HOSPES_API_PROBLEM_H
#define HOSPES_API_PROBLEM_H

#include "host-bridge/api/http_request.h"

/* Answers with an error. `hint` can be NULL; `details` can be NULL and is taken. */
void problem_reply(struct http_request *request, unsigned http_status, const char *code, const char *hint,
                   json_t *details, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* Answers with a status of ours or the system's: its code, and `message` (its own text when NULL or empty).
 */
void problem_reply_status(struct http_request *request, int status, const char *message, json_t *details);

/* Answers 422 about one field. */
void problem_reply_field(struct http_request *request, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The HTTP status that says the same; 500 for what has none. */
unsigned problem_http_status(int status);

#endif
