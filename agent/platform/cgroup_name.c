/* SPDX-License-Identifier: MIT */
/* Knows how systemd and the container engines name their groups. */
#include "agent/platform/cgroup_name.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/platform/text.h"

#define CONTAINER_ID_SIZE 64

struct engine {
    const char *prefix; /* of the component; the id follows */
    const char *label;  /* short, since TEXT_CONTAINER_MAX holds it and the id */
};

static const struct engine ENGINES[] = {
    {"docker-", "docker"}, {"libpod-", "podman"},  {"cri-containerd-", "cri"},
    {"crio-", "crio"},     {"containerd-", "cri"}, {"nerdctl-", "nerd"},
};

/* Parents whose children are named by the bare id. */
static const struct engine PARENTS[] = {
    {"docker", "docker"},
    {"libpod_parent", "podman"},
    {"lxc.payload", "lxc"},
};

static bool starts_with(const char *text, size_t size, const char *prefix)
{
    size_t length = strlen(prefix);
    return size >= length && memcmp(text, prefix, length) == 0;
}

static bool ends_with(const char *text, size_t size, const char *suffix)
{
    size_t length = strlen(suffix);
    return size > length && memcmp(text + size - length, suffix, length) == 0;
}

static bool is_container_id(const char *text, size_t size)
{
    if (size != CONTAINER_ID_SIZE)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (!isxdigit((unsigned char)text[i]))
            return false;
    }
    return true;
}

static void set_container(const char *label, const char *id, size_t size,
                          char out[static TEXT_CONTAINER_MAX + 1])
{
    char text[TEXT_CONTAINER_MAX + 1];
    int length = snprintf(text, sizeof(text), "%s:%.*s", label, (int)size, id);
    if (length > 0)
        text_copy_string(out, TEXT_CONTAINER_MAX + 1, text);
}

static const char *parent_label(const char *parent, size_t size)
{
    for (size_t i = 0; i < sizeof(PARENTS) / sizeof(PARENTS[0]); i++) {
        if (size == strlen(PARENTS[i].prefix) && starts_with(parent, size, PARENTS[i].prefix))
            return PARENTS[i].label;
    }
    bool pod = starts_with(parent, size, "pod") || starts_with(parent, size, "kubepods");
    return pod ? "cri" : "oci";
}

static void read_component(const char *component, size_t size, const char *parent, size_t parent_size,
                           char ret_unit[static TEXT_UNIT_MAX + 1],
                           char ret_container[static TEXT_CONTAINER_MAX + 1])
{
    bool scope = ends_with(component, size, ".scope");
    size_t bare = scope ? size - strlen(".scope") : size;
    for (size_t i = 0; i < sizeof(ENGINES) / sizeof(ENGINES[0]); i++) {
        size_t prefix = strlen(ENGINES[i].prefix);
        if (starts_with(component, bare, ENGINES[i].prefix) &&
            is_container_id(component + prefix, bare - prefix)) {
            set_container(ENGINES[i].label, component + prefix, bare - prefix, ret_container);
            return; /* the engine's scope is no unit that somebody wrote */
        }
    }
    if (is_container_id(component, size)) {
        set_container(parent_label(parent, parent_size), component, size, ret_container);
        return;
    }
    if (starts_with(component, size, "lxc.payload.")) {
        size_t prefix = strlen("lxc.payload.");
        set_container("lxc", component + prefix, size - prefix, ret_container);
        return;
    }
    if (scope || ends_with(component, size, ".service") || ends_with(component, size, ".socket"))
        text_copy(ret_unit, TEXT_UNIT_MAX + 1, component, size);
}

void cgroup_name(const char *path, size_t size, char ret_unit[static TEXT_UNIT_MAX + 1],
                 char ret_container[static TEXT_CONTAINER_MAX + 1])
{
    const char *parent = "";
    size_t parent_size = 0;
    ret_unit[0] = '\0';
    ret_container[0] = '\0';
    for (size_t at = 0; at < size;) {
        const char *slash = memchr(path + at, '/', size - at);
        size_t length = slash != NULL ? (size_t)(slash - (path + at)) : size - at;
        if (length > 0) {
            read_component(path + at, length, parent, parent_size, ret_unit, ret_container);
            parent = path + at;
            parent_size = length;
        }
        at += length + 1;
    }
}

const char *cgroup_path_of(const char *text, size_t size, size_t *ret_size)
{
    const char *found = NULL;
    *ret_size = 0;
    for (size_t at = 0; at < size;) {
        const char *line = text + at;
        const char *newline = memchr(line, '\n', size - at);
        size_t length = newline != NULL ? (size_t)(newline - line) : size - at;
        at += length + 1;
        const char *first = memchr(line, ':', length);
        const char *second =
            first != NULL ? memchr(first + 1, ':', length - (size_t)(first + 1 - line)) : NULL;
        if (second == NULL)
            continue;
        size_t path_size = length - (size_t)(second + 1 - line);
        bool version2 = starts_with(line, length, "0::");
        bool systemd = starts_with(first + 1, (size_t)(second - first - 1), "name=systemd");
        if ((version2 && (found == NULL || path_size > 1)) || (systemd && *ret_size <= 1)) {
            found = second + 1;
            *ret_size = path_size;
        }
    }
    return found;
}
