/* SPDX-License-Identifier: MIT */
/* Reads provisioned keys from wherever they come. What they allow is trust.c's.
 *
 * Nothing here falls back: somebody who provisions a key relies on it, and a guest that took a broken one for
 * none would take the first host that comes. */
#include "agent/trust/provision.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "agent/platform/firmware_config.h"
#include "protocol/base/status.h"
#include "services/identity/key_text.h"

#define SOURCE_MAX 16384 /* PAIRINGS_MAX keys with a comment of 200 bytes each */

enum source_kind { SOURCE_FILE, SOURCE_CREDENTIAL, SOURCE_FIRMWARE, SOURCE_COUNT };

/* One of the places where an item may come from. */
struct source {
    enum source_kind kind;
    bool secret;
    char place[PATH_MAX]; /* for people */
};

bool provisioned_keys_has(const struct provisioned_keys *keys, const uint8_t key[static NOISE_KEY_SIZE])
{
    for (size_t i = 0; i < keys->count; i++) {
        if (memcmp(keys->keys[i], key, NOISE_KEY_SIZE) == 0)
            return true;
    }
    return false;
}

static int add_key(struct provisioned_keys *keys, const uint8_t key[static NOISE_KEY_SIZE])
{
    if (provisioned_keys_has(keys, key))
        return 0;
    if (keys->count == PAIRINGS_MAX)
        return STATUS_TOO_LARGE;
    memcpy(keys->keys[keys->count++], key, NOISE_KEY_SIZE);
    return 0;
}

static bool says_nothing(const char *line, size_t size)
{
    size_t blank = 0;
    while (blank < size && (line[blank] == ' ' || line[blank] == '\t' || line[blank] == '\r'))
        blank++;
    return blank == size || line[blank] == '#';
}

int provision_parse_keys(const char *text, size_t size, struct provisioned_keys *keys, size_t *ret_line)
{
    size_t number = 0, found = 0;
    for (size_t start = 0; start < size;) {
        const char *end = memchr(text + start, '\n', size - start);
        size_t length = end == NULL ? size - start : (size_t)(end - text) - start;
        uint8_t key[NOISE_KEY_SIZE];
        *ret_line = ++number;
        if (!says_nothing(text + start, length)) {
            if (!key_text_parse(text + start, length, key))
                return STATUS_MALFORMED;
            int status = add_key(keys, key);
            if (status < 0)
                return status;
            found++;
        }
        start += length + 1;
    }
    if (found == 0)
        *ret_line = number + 1;
    return found > 0 ? 0 : STATUS_MALFORMED;
}

bool provision_parse_psk(const char *text, size_t size, uint8_t ret[static NOISE_KEY_SIZE])
{
    if (size != NOISE_KEY_SIZE)
        return key_text_parse(text, size, ret);
    memcpy(ret, text, NOISE_KEY_SIZE);
    return true;
}

/* ---- sources ---- */

/* A credential's rights are systemd's to set (an ACL shows as rights of the group). */
static int check_file(const struct stat *facts, const struct source *source)
{
    mode_t forbidden = source->secret ? S_IRWXO : S_IWOTH;
    if (source->secret && facts->st_uid == geteuid())
        forbidden |= S_IRWXG;
    if (!S_ISREG(facts->st_mode))
        return STATUS_NOT_ALLOWED;
    return source->kind == SOURCE_FILE && (facts->st_mode & forbidden) != 0 ? STATUS_NOT_ALLOWED : 0;
}

static int read_file(const struct source *source, char *out, size_t *ret_size)
{
    int fd = open(source->place, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    struct stat facts;
    int status = fstat(fd, &facts) < 0 ? uv_translate_sys_error(errno) : check_file(&facts, source);
    size_t size = 0;
    while (status == 0 && size <= SOURCE_MAX) {
        ssize_t got = read(fd, out + size, SOURCE_MAX + 1 - size);
        if (got == 0)
            break;
        if (got > 0)
            size += (size_t)got;
        else if (errno != EINTR)
            status = uv_translate_sys_error(errno);
    }
    close(fd);
    if (status == 0 && size > SOURCE_MAX)
        status = STATUS_TOO_LARGE;
    if (status == 0)
        *ret_size = size;
    return status;
}

/* UV_ENOENT: there is no such source. `out` has SOURCE_MAX + 1 bytes. */
static int read_source(const struct provision_sources *sources, struct source *source, char *out,
                       size_t *ret_size)
{
    const char *file = source->secret ? sources->psk_file : sources->host_key_file;
    const char *credential = source->secret ? PROVISION_PSK_CREDENTIAL : PROVISION_KEY_CREDENTIAL;
    const char *item = source->secret ? PROVISION_PSK_FIRMWARE : PROVISION_KEY_FIRMWARE;
    const char *folder = sources->credentials_folder;
    int status;
    switch (source->kind) {
    case SOURCE_FILE:
        if (file == NULL)
            return UV_ENOENT;
        snprintf(source->place, sizeof(source->place), "%s", file);
        status = read_file(source, out, ret_size);
        return status == UV_ENOENT ? STATUS_NOT_FOUND : status; /* it was configured: it must be there */
    case SOURCE_CREDENTIAL:
        if (folder == NULL || folder[0] == '\0')
            return UV_ENOENT;
        snprintf(source->place, sizeof(source->place), "%s/%s", folder, credential);
        return read_file(source, out, ret_size);
    default:
        snprintf(source->place, sizeof(source->place), "fw_cfg's %s", item);
        return firmware_config_read(sources->system_root, item, out, SOURCE_MAX, ret_size);
    }
}

static int explain(const struct source *source, int status, size_t line, char *ret_problem)
{
    const char *place = source->place;
    if (status == STATUS_NOT_ALLOWED)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%.160s: must be a regular file that others can't %s",
                 place, source->secret ? "read (chmod 0600)" : "change");
    else if (status == STATUS_MALFORMED && source->secret)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%.160s: no secret of 32 bytes, plain or in base64",
                 place);
    else if (status == STATUS_MALFORMED)
        snprintf(ret_problem, TEXT_REASON_MAX + 1,
                 "%.160s:%zu: expected a public key: 44 characters of base64", place, line);
    else if (status == STATUS_TOO_LARGE)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%.160s: too large; %d keys are allowed", place,
                 PAIRINGS_MAX);
    else if (status == STATUS_NOT_FOUND)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%.160s: no such file", place);
    else
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%.160s: can't be read: %s", place, status_text(status));
    return status;
}

int provision_host_keys(const struct provision_sources *sources, struct provisioned_keys *ret,
                        char ret_problem[static TEXT_REASON_MAX + 1])
{
    char text[SOURCE_MAX + 1];
    struct provisioned_keys keys = {0};
    for (int kind = 0; kind < SOURCE_COUNT; kind++) {
        struct source source = {.kind = (enum source_kind)kind};
        size_t size, line = 1;
        int status = read_source(sources, &source, text, &size);
        if (status == UV_ENOENT)
            continue;
        if (status == 0)
            status = provision_parse_keys(text, size, &keys, &line);
        if (status < 0)
            return explain(&source, status, line, ret_problem);
    }
    *ret = keys;
    return 0;
}

int provision_psk(const struct provision_sources *sources, uint8_t ret[static NOISE_KEY_SIZE],
                  bool *ret_found, char ret_problem[static TEXT_REASON_MAX + 1])
{
    char text[SOURCE_MAX + 1];
    struct source source = {.secret = true};
    size_t size = 0;
    int status = UV_ENOENT;
    for (int kind = 0; kind < SOURCE_COUNT && status == UV_ENOENT; kind++) {
        source.kind = (enum source_kind)kind;
        status = read_source(sources, &source, text, &size);
    }
    bool found = status != UV_ENOENT;
    if (status == 0 && !provision_parse_psk(text, size, ret))
        status = STATUS_MALFORMED;
    sodium_memzero(text, sizeof(text));
    if (found && status < 0)
        return explain(&source, status, 0, ret_problem);
    *ret_found = found;
    return 0;
}
