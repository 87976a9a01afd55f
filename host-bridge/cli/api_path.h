/* SPDX-License-Identifier: MIT */
/* Paths of the Host API, with what the user typed percent-encoded. */
#ifndef HOSPES_CLI_API_PATH_H
#define HOSPES_CLI_API_PATH_H

#include <stdbool.h>

#define API_PATH_MAX 14335 /* a path of 4,095 bytes, each encoded, and some more; a bridge takes 32 KiB */

struct api_path {
    char text[API_PATH_MAX + 1];
};

/* "/api/v1/vms/NAME" and `rest`, which is taken as it stands. False when too long. */
bool api_path_guest(struct api_path *path, const char *name, const char *rest);
/* Appends text, encoded. */
bool api_path_append(struct api_path *path, const char *text);
/* Appends ?key=value or &key=value. */
bool api_path_query(struct api_path *path, const char *key, const char *value);

#endif
