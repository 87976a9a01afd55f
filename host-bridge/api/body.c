/* SPDX-License-Identifier: MIT */
/* Reads and checks JSON bodies. Ranges beyond a field's kind are the routes' to check. */
#include "host-bridge/api/body.h"

#include <string.h>

#include "host-bridge/api/problem.h"
#include "host-bridge/api/view.h"

static json_t *parse(struct http_request *request)
{
    struct span bytes = http_request_body(request);
    json_error_t error;
    json_t *root = json_loadb(bytes.size == 0 ? "" : (const char *)bytes.data, bytes.size,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (root == NULL) {
        problem_reply(request, 400, "MALFORMED", "send one JSON object",
                      json_pack("{s:i, s:i}", "line", error.line, "column", error.column),
                      "line %d, column %d: %s", error.line, error.column, error.text);
        return NULL;
    }
    if (!json_is_object(root)) {
        problem_reply(request, 422, "INVALID", NULL, NULL, "the body must be a JSON object");
        json_decref(root);
        return NULL;
    }
    return root;
}

static bool names_are_known(struct http_request *request, json_t *root, const struct field *fields,
                            size_t count)
{
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        size_t i = 0;
        while (i < count && strcmp(fields[i].name, key) != 0)
            i++;
        if (i == count) {
            problem_reply_field(request, key, "%.100s: unknown field", key);
            return false;
        }
    }
    return true;
}

/* NULL when the value fits and was stored; else what was expected. */
static const char *store(const json_t *value, const struct field *field)
{
    json_int_t number = json_integer_value(value);
    switch (field->kind) {
    case FIELD_TEXT:
        if (!json_is_string(value))
            return "a string";
        *(const char **)field->ret = json_string_value(value);
        return NULL;
    case FIELD_PORT:
        if (!json_is_integer(value) || number < 1 || number > UINT16_MAX)
            return "a whole number from 1 to 65535";
        *(uint16_t *)field->ret = (uint16_t)number;
        return NULL;
    case FIELD_SWITCH:
        if (!json_is_boolean(value))
            return "true or false";
        *(bool *)field->ret = json_is_true(value);
        return NULL;
    case FIELD_OBJECT:
        if (!json_is_object(value))
            return "an object";
        *(const json_t **)field->ret = value;
        return NULL;
    }
    return "nothing";
}

static bool fields_fit(struct http_request *request, const json_t *root, const struct field *fields,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(root, fields[i].name);
        if (value == NULL && !fields[i].required)
            continue;
        const char *expected = value == NULL ? "a value; it is missing" : store(value, &fields[i]);
        if (expected != NULL) {
            problem_reply_field(request, fields[i].name, "%s: expected %s", fields[i].name, expected);
            return false;
        }
    }
    return true;
}

json_t *body_read(struct http_request *request, const struct field *fields, size_t count)
{
    json_t *root = parse(request);
    if (root == NULL)
        return NULL;
    if (names_are_known(request, root, fields, count) && fields_fit(request, root, fields, count))
        return root;
    json_decref(root);
    return NULL;
}
