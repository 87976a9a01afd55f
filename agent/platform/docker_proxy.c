/* SPDX-License-Identifier: MIT */
/* Finds the container behind a docker-proxy by its address, in the files that Docker keeps of each container.
 * A search in the text is enough: the two keys are written by Docker, without spaces. */
#include "agent/platform/docker_proxy.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/platform/text.h"

#define CONTAINERS_FOLDER "/var/lib/docker/containers"
#define CONTAINERS_MAX    256
#define CONFIG_SIZE_MAX   (64 * 1024)

static bool find_option(const char *arguments, size_t size, const char *option, char *out, size_t out_size)
{
    for (size_t at = 0; at < size;) {
        size_t length = strnlen(arguments + at, size - at);
        size_t next = at + length + 1;
        bool found = length == strlen(option) && memcmp(arguments + at, option, length) == 0;
        if (found && next < size) {
            text_copy(out, out_size, arguments + next, strnlen(arguments + next, size - next));
            return true;
        }
        at = next;
    }
    return false;
}

bool docker_config_match(const char *json, size_t size, const char *address,
                         char ret_name[static TEXT_NAME_MAX + 1])
{
    static const char NAME_KEY[] = "\"Name\":\"/";
    char wanted[96];
    int length = snprintf(wanted, sizeof(wanted), "\"IPAddress\":\"%s\"", address);
    if (length < 0 || (size_t)length >= sizeof(wanted) || memmem(json, size, wanted, (size_t)length) == NULL)
        return false;
    const char *name = memmem(json, size, NAME_KEY, sizeof(NAME_KEY) - 1);
    if (name == NULL)
        return false;
    name += sizeof(NAME_KEY) - 1;
    const char *end = memchr(name, '"', size - (size_t)(name - json));
    if (end == NULL || end == name)
        return false;
    text_copy(ret_name, TEXT_NAME_MAX + 1, name, (size_t)(end - name));
    return true;
}

static bool read_config(int folder, const char *id, char *json, size_t *ret_size)
{
    char path[300];
    snprintf(path, sizeof(path), "%s/config.v2.json", id);
    int fd = openat(folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, json, CONFIG_SIZE_MAX);
    close(fd);
    *ret_size = size > 0 ? (size_t)size : 0;
    return size > 0;
}

static bool find_container(const char *address, char ret_name[static TEXT_NAME_MAX + 1],
                           char ret_id[static TEXT_CONTAINER_MAX + 1])
{
    DIR *folder = opendir(CONTAINERS_FOLDER);
    if (folder == NULL)
        return false;
    char *json = malloc(CONFIG_SIZE_MAX);
    bool found = false;
    struct dirent *entry;
    for (int seen = 0; json != NULL && !found && seen < CONTAINERS_MAX && (entry = readdir(folder)) != NULL;
         seen++) {
        size_t size;
        found = entry->d_name[0] != '.' && read_config(dirfd(folder), entry->d_name, json, &size) &&
                docker_config_match(json, size, address, ret_name);
        if (found)
            text_copy_string(ret_id, TEXT_CONTAINER_MAX + 1, entry->d_name);
    }
    free(json);
    closedir(folder);
    return found;
}

void docker_proxy_name(const char *arguments, size_t size, char ret_name[static TEXT_NAME_MAX + 1],
                       char ret_container[static TEXT_CONTAINER_MAX + 1])
{
    char address[64];
    char port[16] = "";
    char name[TEXT_NAME_MAX + 1];
    char id[TEXT_CONTAINER_MAX + 1];
    char text[TEXT_NAME_MAX + TEXT_CONTAINER_MAX + 16];
    if (!find_option(arguments, size, "-container-ip", address, sizeof(address)))
        return;
    (void)find_option(arguments, size, "-container-port", port, sizeof(port));
    if (find_container(address, name, id)) {
        snprintf(text, sizeof(text), "docker: %s", name);
        text_copy_string(ret_name, TEXT_NAME_MAX + 1, text);
        snprintf(text, sizeof(text), "docker:%s", id);
        text_copy_string(ret_container, TEXT_CONTAINER_MAX + 1, text);
        return;
    }
    snprintf(text, sizeof(text), "docker: %s:%s", address, port);
    text_copy_string(ret_name, TEXT_NAME_MAX + 1, text);
}
