/* SPDX-License-Identifier: MIT */
/* Tolerant reading of the API's answers. */
#include "host-bridge/cli/json_view.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { KEY_MAX = 63 };

const json_t *json_view(const json_t *object, const char *path)
{
    while (object != NULL && *path != '\0') {
        char key[KEY_MAX + 1];
        size_t size = strcspn(path, ".");
        if (size > KEY_MAX)
            return NULL;
        memcpy(key, path, size);
        key[size] = '\0';
        object = json_object_get(object, key); /* NULL for what is no object */
        path += size + (path[size] == '.' ? 1 : 0);
    }
    return json_is_null(object) ? NULL : object;
}

const char *json_view_text(const json_t *object, const char *path, const char *fallback)
{
    const char *text = json_string_value(json_view(object, path));
    return text != NULL ? text : fallback;
}

double json_view_number(const json_t *object, const char *path)
{
    const json_t *value = json_view(object, path);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

int64_t json_view_integer(const json_t *object, const char *path)
{
    const json_t *value = json_view(object, path);
    if (json_is_integer(value))
        return json_integer_value(value);
    double number = json_is_real(value) ? json_real_value(value) : 0;
    return number > -9e15 && number < 9e15 ? (int64_t)number : 0;
}

bool json_view_true(const json_t *object, const char *path)
{
    return json_is_true(json_view(object, path));
}

int64_t json_view_time(const json_t *object, const char *path)
{
    const char *text = json_view_text(object, path, NULL);
    if (text == NULL)
        return json_view_integer(object, path);
    struct tm parts = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == NULL)
        return 0;
    time_t seconds = timegm(&parts);
    return seconds > 0 ? (int64_t)seconds * 1000 : 0;
}
