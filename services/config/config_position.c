/* SPDX-License-Identifier: MIT */
/* Walks a valid JSON text, following one path. */
#include "services/config/config_position.h"

#include <stdlib.h>
#include <string.h>

#define NESTING_MAX 64

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* `at` stands on the opening quote; returns what follows the closing one. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
    }
    return *at == '"' ? at + 1 : at;
}

static const char *skip_value(const char *at)
{
    int depth = 0;
    do {
        at = skip_space(at);
        if (*at == '"')
            at = skip_string(at);
        else if (*at == '{' || *at == '[')
            depth++, at++;
        else if (*at == '}' || *at == ']')
            depth--, at++;
        else if (*at == ',' || *at == ':')
            at++;
        else
            at += strcspn(at, " \t\r\n,:{}[]\"");
    } while (depth > 0 && *at != '\0');
    return at;
}

/* The key `name` (size bytes) of the object at `at`; *ret_value is its value. NULL when it has none. */
static const char *find_key(const char *at, const char *name, size_t size, const char **ret_value)
{
    const char *found = NULL;
    at = skip_space(at);
    if (*at != '{')
        return NULL;
    for (at = skip_space(at + 1); *at == '"'; at = skip_space(at)) {
        const char *key = at;
        at = skip_string(at);
        bool same = (size_t)(at - key) == size + 2 && memcmp(key + 1, name, size) == 0;
        at = skip_space(at);
        if (*at == ':')
            at = skip_space(at + 1);
        if (same) {
            found = key;
            *ret_value = at;
        }
        at = skip_space(skip_value(at));
        if (*at == ',')
            at = at + 1;
    }
    return found;
}

static const char *find_element(const char *at, unsigned long index)
{
    at = skip_space(at);
    if (*at != '[')
        return NULL;
    at = skip_space(at + 1);
    for (; index > 0 && *at != ']' && *at != '\0'; index--) {
        at = skip_space(skip_value(at));
        if (*at == ',')
            at = skip_space(at + 1);
    }
    return *at == ']' || *at == '\0' ? NULL : at;
}

bool config_position_find(const char *text, const char *path, int *ret_line, int *ret_column)
{
    const char *place = skip_space(text), *value = place;
    for (int i = 0; *path != '\0' && place != NULL && i < NESTING_MAX; i++) {
        if (*path == '[') {
            char *end;
            place = value = find_element(value, strtoul(path + 1, &end, 10));
            path = *end == ']' ? end + 1 : end;
        } else {
            size_t size = strcspn(path, ".[");
            place = find_key(value, path, size, &value);
            path += size;
        }
        if (*path == '.')
            path++;
    }
    if (place == NULL)
        return false;
    int line = 1;
    const char *line_start = text;
    for (const char *c = text; c < place; c++) {
        if (*c == '\n') {
            line++;
            line_start = c + 1;
        }
    }
    *ret_line = line;
    *ret_column = (int)(place - line_start) + 1;
    return true;
}
