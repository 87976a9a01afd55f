/* SPDX-License-Identifier: MIT */
/* Lines of the form XDG_DOWNLOAD_DIR="$HOME/Downloads", as a shell would read them; no other shell is spoken
 * in these files. */
#include "services/config/user_dirs.h"

#include <stddef.h>
#include <string.h>

static const char KEY[] = "XDG_DOWNLOAD_DIR=\"";

/* The value up to its closing quote. False: there is none, or it is too long. */
static bool read_value(const char *text, char ret[static FILES_PATH_MAX + 1])
{
    size_t size = 0;
    for (; *text != '"'; text++) {
        if (*text == '\\')
            text++;
        if (*text == '\0' || *text == '\n' || size == FILES_PATH_MAX)
            return false;
        ret[size++] = *text;
    }
    ret[size] = '\0';
    return true;
}

static size_t size_without_slashes(const char *path)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    return size;
}

static bool expand(const char *value, const char *home, char ret[static FILES_PATH_MAX + 1])
{
    size_t home_size = 0;
    if (strncmp(value, "$HOME", 5) == 0 && (value[5] == '/' || value[5] == '\0')) {
        home_size = size_without_slashes(home);
        value += 5;
    } else if (value[0] != '/') {
        return false;
    }
    size_t size = strlen(value);
    if (home_size + size > FILES_PATH_MAX)
        return false;
    memcpy(ret, home, home_size);
    memcpy(ret + home_size, value, size + 1);
    ret[size_without_slashes(ret)] = '\0';
    return true;
}

bool user_dirs_download(const char *text, const char *home, char ret[static FILES_PATH_MAX + 1])
{
    char value[FILES_PATH_MAX + 1], folder[FILES_PATH_MAX + 1];
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += strspn(line, " \t\n");
        if (strncmp(line, KEY, sizeof(KEY) - 1) != 0)
            continue;
        if (!read_value(line + sizeof(KEY) - 1, value) || !expand(value, home, folder))
            return false;
        size_t size = strlen(folder);
        if (size == size_without_slashes(home) && strncmp(folder, home, size) == 0)
            return false;
        memcpy(ret, folder, size + 1);
        return true;
    }
    return false;
}
