/* SPDX-License-Identifier: MIT */
/* Takes paths of guests and of this host apart. Leaves what is at them to the bridge and the agents. */
#include "host-bridge/cli/guest_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

/* What the bridge takes for a name. */
static bool is_name(const char *text, size_t size)
{
    static const char ALLOWED[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return size > 0 && size <= GUEST_PATH_NAME_MAX && text[0] != '.' && text[0] != '-' &&
           strspn(text, ALLOWED) >= size;
}

/* The agent knows paths that begin at the root or at the home. */
static const char *in_home(const char *path)
{
    if (path[0] == '~' && path[1] == '/')
        path += 2;
    else if (strcmp(path, "~") == 0)
        path++;
    else
        return path[0] == '\0' ? "." : path;
    path += strspn(path, "/");
    return path[0] == '\0' ? "." : path;
}

int guest_path_parse(const char *text, struct guest_path *ret)
{
    size_t size = strcspn(text, ":/");
    if (text[0] == '\0' || text[0] == ':')
        return UV_ENOENT;
    if (text[size] != ':') {
        *ret = (struct guest_path){.path = text};
        return 0;
    }
    if (!is_name(text, size))
        return UV_EINVAL;
    memcpy(ret->guest, text, size);
    ret->guest[size] = '\0';
    ret->path = in_home(text + size + 1);
    return 0;
}

bool guest_path_is_host(const struct guest_path *path)
{
    return path->guest[0] == '\0';
}

int guest_path_take(struct cli *cli, const char *text, struct guest_path *ret)
{
    int status = guest_path_parse(text, ret);
    if (status == 0)
        return CLI_DONE;
    if (status == UV_ENOENT)
        return cli_fail(cli, CLI_USAGE, "write NAME:PATH for a path in a guest", "\"%s\" is no path", text);
    return cli_fail(cli, CLI_USAGE, "a path of this host with a colon in it is written ./a:b",
                    "what is before the colon of \"%s\" is no name of a guest", text);
}

int guest_path_take_guest(struct cli *cli, const char *text, struct guest_path *ret)
{
    int status = guest_path_take(cli, text, ret);
    if (status != CLI_DONE || !guest_path_is_host(ret))
        return status;
    return cli_fail(cli, CLI_USAGE, "write NAME:PATH; hospes vms lists the names", "\"%s\" names no guest",
                    text);
}

/* The last component is "." or "..". */
static bool ends_without_name(const char *path)
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    size_t size = end - start;
    return (size == 1 || size == 2) && memcmp(path + start, "..", size) == 0;
}

char *guest_path_absolute(const char *path)
{
    if (ends_without_name(path))
        return realpath(path, NULL);
    if (path[0] == '/')
        return strdup(path);
    char *folder = getcwd(NULL, 0);
    if (folder == NULL)
        return NULL;
    while (path[0] == '.' && path[1] == '/') {
        path += 2;
        path += strspn(path, "/");
    }
    char *absolute = NULL;
    int size = asprintf(&absolute, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, path);
    free(folder);
    if (size >= 0)
        return absolute;
    errno = ENOMEM;
    return NULL;
}
