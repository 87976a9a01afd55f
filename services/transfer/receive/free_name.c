/* SPDX-License-Identifier: MIT */
/* Where an extension begins, as people see it: the last dot that is not the first character, and not too far
 * from the end; ".tar" before it belongs to it. */
#include "services/transfer/receive/free_name.h"

#include <stdio.h>
#include <string.h>

#define EXTENSION_MAX 16

static size_t stem_size(const char *name, bool is_folder)
{
    size_t size = strlen(name);
    const char *dot = strrchr(name, '.');
    if (is_folder || dot == NULL || dot == name || dot[1] == '\0' || strlen(dot) > EXTENSION_MAX)
        return size;
    size_t stem = (size_t)(dot - name);
    static const char tar[] = ".tar";
    if (stem > sizeof(tar) - 1 && strncmp(dot - (sizeof(tar) - 1), tar, sizeof(tar) - 1) == 0)
        stem -= sizeof(tar) - 1;
    return stem;
}

void free_name_make(const char *name, bool is_folder, unsigned number, char ret[static FILES_NAME_MAX + 1])
{
    if (number == 0) {
        snprintf(ret, FILES_NAME_MAX + 1, "%s", name);
        return;
    }
    char mark[16];
    snprintf(mark, sizeof(mark), " (%u)", number);
    size_t stem = stem_size(name, is_folder);
    const char *extension = name + stem;
    size_t rest = strlen(mark) + strlen(extension);
    if (stem + rest > FILES_NAME_MAX) {
        stem = FILES_NAME_MAX - rest;
        while (stem > 0 && ((unsigned char)name[stem] & 0xc0) == 0x80)
            stem--;
    }
    snprintf(ret, FILES_NAME_MAX + 1, "%.*s%s%s", (int)stem, name, mark, extension);
}
