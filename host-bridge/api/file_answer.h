/* SPDX-License-Identifier: MIT */
/* What the routes for guests' files have in common: their way to the guest, their parameters, their errors.
 */
#ifndef HOSPES_API_FILE_ANSWER_H
#define HOSPES_API_FILE_ANSWER_H

#include "host-bridge/api/owner.h"
#include "host-bridge/features/files/file_work.h"

/* To this guest. Used by the call that gets it. */
struct files_io file_answer_io(struct guest *guest);

/* Whose files, and which; of the query or a body. */
struct file_place {
    char guest[TEXT_NAME_MAX + 1];
    char user[TEXT_NAME_MAX + 1];  /* "": the agent's choice */
    char path[FILES_PATH_MAX + 1]; /* not empty */
};

/* A parameter of the query as text: UTF-8, not empty, below `size` bytes. 0; STATUS_NOT_FOUND: there is none
 * (and none is required); else it was answered: 400, 422 naming the field. */
int file_answer_parameter(struct http_request *request, const char *name, bool required, char *out,
                          size_t size);
/* path (or what `name` says instead) and user of the query. False: answered already. */
bool file_answer_place(struct http_request *request, const struct guest *guest, const char *name,
                       struct file_place *ret);
/* Of a body's text: not empty, and within the limit. False: answered already. */
bool file_answer_text(struct http_request *request, const char *field, const char *text, size_t max);

/* "0644": up to four octal digits. */
bool file_mode_parse(const char *text, uint16_t *ret);

/* What a guest, or the host's own disk, said of files, as an answer. `text` may be empty or NULL. */
void file_answer_problem(struct api *api, struct http_request *request, const char *guest, int status,
                         const char *text);
unsigned file_answer_http_status(int status);

#endif
