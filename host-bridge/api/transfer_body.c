/* SPDX-License-Identifier: MIT */
/* Reads and checks the body of POST /transfers, which is nested, as body.c's are not. */
#include "host-bridge/api/transfer_body.h"

#include <stdio.h>
#include <string.h>

#include "host-bridge/api/body.h"
#include "host-bridge/api/problem.h"

/* ---- choices ---- */

static bool parse_choice(const char *text, const char *const names[3], uint8_t *ret)
{
    for (uint8_t i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret = i;
            return true;
        }
    }
    return false;
}

bool files_conflict_parse(const char *text, uint8_t *ret)
{
    static const char *const NAMES[] = {
        [FILES_REPLACE] = "replace", [FILES_RENAME] = "rename", [FILES_FAIL] = "fail"};
    return parse_choice(text, NAMES, ret);
}

static bool links_parse(const char *text, uint8_t *ret)
{
    static const char *const NAMES[] = {
        [FILES_LINKS_SKIP] = "skip", [FILES_LINKS_KEEP] = "keep", [FILES_LINKS_FOLLOW] = "follow"};
    return parse_choice(text, NAMES, ret);
}

/* ---- places ---- */

/* `names` end with NULL. */
static bool names_are_known(struct http_request *request, json_t *object, const char *where,
                            const char *const *names)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        const char *const *name = names;
        while (*name != NULL && strcmp(*name, key) != 0)
            name++;
        if (*name == NULL) {
            problem_reply_field(request, where, "%s.%.100s: unknown field", where, key);
            return false;
        }
    }
    return true;
}

/* Absent and null are the same: "". */
static bool take_name(struct http_request *request, const json_t *object, const char *where, const char *name,
                      char ret[static TEXT_NAME_MAX + 1])
{
    const json_t *value = json_object_get(object, name);
    if (value == NULL || json_is_null(value))
        return true;
    size_t size = json_string_length(value);
    if (json_is_string(value) && size >= 1 && size <= TEXT_NAME_MAX) {
        memcpy(ret, json_string_value(value), size + 1);
        return true;
    }
    problem_reply_field(request, where, "%s.%s: expected a name of 1 to %d bytes", where, name,
                        TEXT_NAME_MAX);
    return false;
}

static bool take_vm_and_user(struct http_request *request, const json_t *object, const char *where,
                             struct transfer_place *ret)
{
    if (!take_name(request, object, where, "vm", ret->vm) ||
        !take_name(request, object, where, "user", ret->user))
        return false;
    if (ret->vm[0] != '\0' || ret->user[0] == '\0')
        return true;
    problem_reply_field(request, where, "%s.user: only a guest has users here; on the host it is yours",
                        where);
    return false;
}

/* NULL: answered already. */
static const char *check_path(struct http_request *request, const json_t *value, const char *where,
                              bool on_host)
{
    const char *path = json_string_value(value);
    size_t size = json_string_length(value);
    if (path == NULL || size < 1 || size > FILES_PATH_MAX) {
        problem_reply_field(request, where, "%s: expected a path of 1 to %d bytes", where, FILES_PATH_MAX);
        return NULL;
    }
    if (on_host && path[0] != '/') {
        problem_reply_field(request, where, "%s: a path of the host must be absolute", where);
        return NULL;
    }
    return path;
}

static bool read_from(struct http_request *request, struct transfer_body *body)
{
    static const char *const NAMES[] = {"vm", "user", "paths", NULL};
    struct transfer_place *from = &body->request.from;
    json_t *object = json_object_get(body->root, "from");
    const json_t *paths = json_object_get(object, "paths");
    if (!names_are_known(request, object, "from", NAMES) || !take_vm_and_user(request, object, "from", from))
        return false;
    if (json_array_size(paths) < 1 || json_array_size(paths) > FILES_PATHS_MAX) {
        problem_reply_field(request, "from.paths", "from.paths: expected a list of 1 to %d paths",
                            FILES_PATHS_MAX);
        return false;
    }
    for (size_t i = 0; i < json_array_size(paths); i++) {
        const char *path = check_path(request, json_array_get(paths, i), "from.paths", from->vm[0] == '\0');
        if (path == NULL)
            return false;
        body->paths[i] = (char *)(uintptr_t)path;
    }
    from->paths = body->paths;
    from->path_count = json_array_size(paths);
    return true;
}

static bool read_to(struct http_request *request, struct transfer_body *body)
{
    static const char *const NAMES[] = {"vm", "user", "path", NULL};
    struct transfer_place *to = &body->request.to;
    json_t *object = json_object_get(body->root, "to");
    if (!names_are_known(request, object, "to", NAMES) || !take_vm_and_user(request, object, "to", to))
        return false;
    const json_t *path = json_object_get(object, "path");
    if ((path == NULL || json_is_null(path)) && to->vm[0] != '\0') {
        body->request.kind = TRANSFER_DROP;
        return true;
    }
    const char *text = check_path(request, path, "to.path", to->vm[0] == '\0');
    if (text == NULL)
        return false;
    body->to = (char *)(uintptr_t)text;
    to->paths = &body->to;
    to->path_count = 1;
    return true;
}

/* ---- the whole ---- */

static bool read_places(struct http_request *request, struct transfer_body *body)
{
    if (!read_from(request, body) || !read_to(request, body))
        return false;
    if (body->request.from.vm[0] != '\0' || body->request.to.vm[0] != '\0')
        return true;
    problem_reply_field(request, "to", "from host to host: name a guest in from.vm or to.vm");
    return false;
}

static bool apply_choices(struct http_request *request, struct transfer_body *body, const char *links,
                          const char *conflict)
{
    if (links != NULL && !links_parse(links, &body->request.links)) {
        problem_reply_field(request, "links", "links: expected skip, keep or follow");
        return false;
    }
    if (conflict != NULL && !files_conflict_parse(conflict, &body->request.conflict)) {
        problem_reply_field(request, "conflict", "conflict: expected replace, rename or fail");
        return false;
    }
    if (body->request.kind == TRANSFER_DROP) /* nothing is replaced unasked in a drop folder */
        body->request.conflict = FILES_RENAME;
    return true;
}

bool transfer_body_read(struct http_request *request, struct transfer_body *ret)
{
    *ret = (struct transfer_body){.request = {.kind = TRANSFER_COPY, .bytes_max = UINT64_MAX}};
    struct {
        bool is_set;
        uint32_t flag;
    } flags[] = {{false, FILES_RECURSIVE}, {false, FILES_UPDATE}, {false, FILES_CHECKSUM},
                 {false, FILES_RESUME},    {false, FILES_OWNER},  {false, FILES_ATTRIBUTES}};
    const char *links = NULL, *conflict = NULL;
    const json_t *from = NULL, *to = NULL;
    const struct field fields[] = {{"from", FIELD_OBJECT, true, &from},
                                   {"to", FIELD_OBJECT, true, &to},
                                   {"recursive", FIELD_SWITCH, false, &flags[0].is_set},
                                   {"update", FIELD_SWITCH, false, &flags[1].is_set},
                                   {"checksum", FIELD_SWITCH, false, &flags[2].is_set},
                                   {"resume", FIELD_SWITCH, false, &flags[3].is_set},
                                   {"owner", FIELD_SWITCH, false, &flags[4].is_set},
                                   {"attributes", FIELD_SWITCH, false, &flags[5].is_set},
                                   {"links", FIELD_TEXT, false, &links},
                                   {"conflict", FIELD_TEXT, false, &conflict}};
    ret->root = body_read(request, fields, sizeof(fields) / sizeof(fields[0]));
    if (ret->root == NULL)
        return false;
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        ret->request.flags |= flags[i].is_set ? flags[i].flag : 0;
    if (read_places(request, ret) && apply_choices(request, ret, links, conflict))
        return true;
    transfer_body_finish(ret);
    return false;
}

void transfer_body_finish(struct transfer_body *body)
{
    json_decref(body->root);
    body->root = NULL;
}
