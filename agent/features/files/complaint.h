/* SPDX-License-Identifier: MIT */
/* Why something with a file failed: a status for programs, a sentence for people. */
#ifndef HOSPES_COMPLAINT_H
#define HOSPES_COMPLAINT_H

#include "protocol/wire/limits.h"

#define COMPLAINT_PATH_MAX 160 /* bytes of a path in a sentence; of longer ones the end is shown */

/* The status of an errno; EDQUOT is STATUS_QUOTA. */
int complaint_status(int error);
/* "VERB PATH: what the error says". Gives complaint_status(error). */
int complaint_of_errno(char ret_problem[static TEXT_REASON_MAX + 1], int error, const char *verb,
                       const char *path);
/* The same of a status. */
int complaint_of_status(char ret_problem[static TEXT_REASON_MAX + 1], int status, const char *verb,
                        const char *path);
/* "PATH WHAT". Gives `status`. */
int complaint_of_path(char ret_problem[static TEXT_REASON_MAX + 1], int status, const char *path,
                      const char *what);

#endif
