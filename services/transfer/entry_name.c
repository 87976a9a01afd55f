/* SPDX-License-Identifier: MIT */
/* Rules for names and for where links point. Everything here looks at bytes only, never at a disk. */
#include "services/transfer/entry_name.h"

#include <string.h>

#include "protocol/wire/limits.h"
#include "protocol/wire/utf8.h"
#include "services/transfer/receive/receiver.h"

static bool has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 32 || *text == 127)
            return true;
    return false;
}

bool entry_name_is_valid(const char *name)
{
    size_t size = strnlen(name, FILES_NAME_MAX + 1);
    if (size == 0 || size > FILES_NAME_MAX)
        return false;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, PARTIAL_FOLDER) == 0)
        return false;
    return strchr(name, '/') == NULL && !has_control(name) && utf8_is_valid(span_of(name, size));
}

bool entry_link_stays_inside(const char *target, size_t depth)
{
    if (*target == '\0' || *target == '/')
        return false;
    bool beginning = true;
    while (*target != '\0') {
        size_t size = strcspn(target, "/");
        bool is_here = size == 0 || (size == 1 && target[0] == '.');
        if (size == 2 && target[0] == '.' && target[1] == '.') {
            if (!beginning || depth == 0)
                return false;
            depth--;
        } else if (!is_here) {
            beginning = false;
        }
        target += size + strspn(target + size, "/");
    }
    return true;
}

const char *entry_name_of_path(const char *path, size_t *ret_size)
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    *ret_size = end - start;
    return path + start;
}
