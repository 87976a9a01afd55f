/* SPDX-License-Identifier: MIT */
/* Reads, parses and checks; what the keys mean is each program's. */
#include "services/config/config_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/config/config_position.h"

static int read_file(const char *path, char **ret_text, size_t *ret_size, char *ret_problem)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        int error = errno;
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s: %s", path, strerror(error));
        return error == ENOENT ? UV_ENOENT : STATUS_MALFORMED;
    }
    char *text = malloc(CONFIG_FILE_MAX_BYTES + 1);
    size_t size = text == NULL ? 0 : fread(text, 1, CONFIG_FILE_MAX_BYTES + 1, file);
    bool failed = text == NULL || ferror(file) != 0;
    fclose(file);
    if (failed || size > CONFIG_FILE_MAX_BYTES) {
        snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s: %s", path,
                 failed ? "cannot be read" : "is larger than 1 MiB, so it is hardly a configuration");
        free(text);
        return STATUS_MALFORMED;
    }
    text[size] = '\0';
    *ret_text = text;
    *ret_size = size;
    return 0;
}

int config_file_load(const char *path, struct config_file *ret, char ret_problem[static CONFIG_PROBLEM_MAX])
{
    char *text;
    size_t size;
    int status = read_file(path, &text, &size, ret_problem);
    if (status < 0)
        return status;
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (root == NULL || !json_is_object(root)) {
        if (root == NULL)
            snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s:%d:%d: %s", path, error.line,
                     error.column < 1 ? 1 : error.column, error.text);
        else
            snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s:1:1: expected an object: { … }", path);
        json_decref(root);
        free(text);
        return STATUS_MALFORMED;
    }
    *ret = (struct config_file){path, text, root};
    return 0;
}

void config_file_finish(struct config_file *file)
{
    json_decref(file->root);
    free(file->text);
    *file = (struct config_file){0};
}

int config_file_complain(const struct config_file *file, const char *place,
                         char ret_problem[static CONFIG_PROBLEM_MAX], const char *format, ...)
{
    int line = 1, column = 1;
    config_position_find(file->text, place, &line, &column);
    int size = snprintf(ret_problem, CONFIG_PROBLEM_MAX, "%s:%d:%d: ", file->path, line, column);
    if (size < 0 || size >= CONFIG_PROBLEM_MAX)
        return STATUS_MALFORMED;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_problem + size, CONFIG_PROBLEM_MAX - (size_t)size, format, arguments);
    va_end(arguments);
    return STATUS_MALFORMED;
}

static const char *type_name(json_type type)
{
    switch (type) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a whole number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "true or false";
    default:
        return "null";
    }
}

static void key_place(const char *place, const char *key, char *out, size_t size)
{
    snprintf(out, size, "%s%s%s", place, place[0] != '\0' ? "." : "", key);
}

static void list_keys(const struct config_key *keys, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (; keys->name != NULL && used < size; keys++)
        used += (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", keys->name);
}

static int check_key(const struct config_file *file, const char *place, const char *key, const json_t *value,
                     const struct config_key *keys, char *ret_problem)
{
    char at[256], known[200];
    key_place(place, key, at, sizeof(at));
    const struct config_key *rule = keys;
    while (rule->name != NULL && strcmp(rule->name, key) != 0)
        rule++;
    if (rule->name == NULL) {
        list_keys(keys, known, sizeof(known));
        return config_file_complain(file, at, ret_problem, "unknown key \"%.60s\"; expected one of: %s", key,
                                    known);
    }
    json_type type = json_is_boolean(value) ? JSON_TRUE : json_typeof(value);
    if (type != rule->type)
        return config_file_complain(file, at, ret_problem, "\"%.60s\" must be %s", key,
                                    type_name(rule->type));
    return 0;
}

int config_file_check_keys(const struct config_file *file, const json_t *object, const char *place,
                           const struct config_key *keys, char ret_problem[static CONFIG_PROBLEM_MAX])
{
    if (!json_is_object(object))
        return config_file_complain(file, place, ret_problem, "expected an object: { … }");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        int status = check_key(file, place, key, value, keys, ret_problem);
        if (status < 0)
            return status;
    }
    for (const struct config_key *rule = keys; rule->name != NULL; rule++) {
        if (rule->required && json_object_get(object, rule->name) == NULL)
            return config_file_complain(file, place, ret_problem, "\"%s\" is missing", rule->name);
    }
    return 0;
}
