/* SPDX-License-Identifier: MIT */
/* NAME:PATH, and how it is told from a path of this host. */
#ifndef HOSPES_CLI_GUEST_PATH_H
#define HOSPES_CLI_GUEST_PATH_H

#include <stdbool.h>

#include "host-bridge/cli/cli.h"

#define GUEST_PATH_NAME_MAX 63

struct guest_path {
    char guest[GUEST_PATH_NAME_MAX + 1]; /* "": this host */
    const char *path;                    /* borrowed or static; a guest's home is "." */
};

/* Text before the first colon is a guest's name unless there is a slash in it. UV_EINVAL: it can be no name;
 * UV_ENOENT: the path or the name is empty. */
int guest_path_parse(const char *text, struct guest_path *ret);
bool guest_path_is_host(const struct guest_path *path);

/* The same with the failure reported: CLI_DONE or CLI_USAGE. */
int guest_path_take(struct cli *cli, const char *text, struct guest_path *ret);
/* The same, and a path of this host is a failure, too. */
int guest_path_take_guest(struct cli *cli, const char *text, struct guest_path *ret);

/* A path of this host in its absolute form, links in it as they are; only where its last component is "." or
 * ".." it is looked up, since that is no name. Owned by the caller; NULL with errno. */
char *guest_path_absolute(const char *path);

#endif
