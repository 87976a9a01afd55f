/* SPDX-License-Identifier: MIT */
/* Sentences of bounded length, in valid UTF-8 whatever a path holds. */
#include "agent/features/files/complaint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/utf8.h"

int complaint_status(int error)
{
    return error == EDQUOT ? STATUS_QUOTA : uv_translate_sys_error(error);
}

static void show_path(char out[static COMPLAINT_PATH_MAX + 8], const char *path)
{
    size_t size = strlen(path), start = 0;
    if (size > COMPLAINT_PATH_MAX) {
        start = size - COMPLAINT_PATH_MAX;
        while ((path[start] & 0xc0) == 0x80) /* not within a character */
            start++;
    }
    size_t used = start > 0 ? (size_t)snprintf(out, 4, "...") : 0;
    utf8_copy(out + used, COMPLAINT_PATH_MAX + 1, span_of(path + start, size - start));
}

int complaint_of_status(char ret_problem[static TEXT_REASON_MAX + 1], int status, const char *verb,
                        const char *path)
{
    char shown[COMPLAINT_PATH_MAX + 8];
    show_path(shown, path);
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s %s: %s", verb, shown, status_text(status));
    return status;
}

int complaint_of_errno(char ret_problem[static TEXT_REASON_MAX + 1], int error, const char *verb,
                       const char *path)
{
    return complaint_of_status(ret_problem, complaint_status(error), verb, path);
}

int complaint_of_path(char ret_problem[static TEXT_REASON_MAX + 1], int status, const char *path,
                      const char *what)
{
    char shown[COMPLAINT_PATH_MAX + 8];
    show_path(shown, path);
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s %s", shown, what);
    return status;
}
