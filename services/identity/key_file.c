/* SPDX-License-Identifier: MIT */
/* A key pair and its file: two lines, "key BASE64" (the private half) and "bound TEXT". What a program binds
 * its key to is its own matter. Processes that start at once agree on one key, since the file is looked at
 * and made under one lock. */
#include "services/identity/key_file.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/identity/key_text.h"
#include "services/identity/private_file.h"

#define KEY_WORD      "key "
#define BOUND_WORD    "bound "
#define KEY_LINE_SIZE (sizeof(KEY_WORD) - 1 + KEY_TEXT_SIZE - 1 + 1)
#define FILE_SIZE_MAX (KEY_LINE_SIZE + sizeof(BOUND_WORD) - 1 + KEY_FILE_BINDING_MAX + 1)

struct key_record {
    struct noise_key_pair pair;
    char binding[KEY_FILE_BINDING_MAX + 1];
};

static bool is_binding(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return size <= KEY_FILE_BINDING_MAX;
}

static int parse(const char *text, size_t size, struct key_record *ret)
{
    const size_t key_size = KEY_TEXT_SIZE - 1, word_size = sizeof(KEY_WORD) - 1,
                 bound_size = sizeof(BOUND_WORD) - 1;
    const char *key = text + word_size, *bound = text + KEY_LINE_SIZE;
    if (size < KEY_LINE_SIZE + bound_size + 1 || memcmp(text, KEY_WORD, word_size) != 0 ||
        bound[-1] != '\n' || !key_text_parse(key, key_size, ret->pair.private_key))
        return STATUS_MALFORMED;
    size_t binding_size = size - KEY_LINE_SIZE - bound_size - 1;
    if (memcmp(bound, BOUND_WORD, bound_size) != 0 || text[size - 1] != '\n' ||
        !is_binding(bound + bound_size, binding_size))
        return STATUS_MALFORMED;
    memcpy(ret->binding, bound + bound_size, binding_size);
    ret->binding[binding_size] = '\0';
    noise_key_pair_complete(&ret->pair);
    return 0;
}

static int read_record(int folder, const char *name, struct key_record *ret)
{
    char text[FILE_SIZE_MAX];
    size_t size;
    int status = private_file_read(folder, name, text, sizeof(text), &size);
    if (status == 0)
        status = parse(text, size, ret);
    sodium_memzero(text, sizeof(text));
    return status == STATUS_TOO_LARGE ? STATUS_MALFORMED : status;
}

static int write_record(int folder, const char *name, const struct noise_key_pair *pair, const char *binding)
{
    char text[FILE_SIZE_MAX + 1], key[KEY_TEXT_SIZE];
    key_text_format(pair->private_key, key);
    int size = snprintf(text, sizeof(text), KEY_WORD "%s\n" BOUND_WORD "%s\n", key, binding);
    int status = private_file_replace(folder, name, text, (size_t)size);
    sodium_memzero(text, sizeof(text));
    sodium_memzero(key, sizeof(key));
    return status;
}

static int explain(int status, const char *folder, const char *name, char *ret_problem)
{
    if (status == STATUS_NOT_ALLOWED)
        snprintf(ret_problem, TEXT_REASON_MAX + 1,
                 "%s/%s holds a secret key, so it must be a regular file that only its owner can read (chmod "
                 "0600), in a "
                 "folder that others can't change",
                 folder, name);
    else if (status == STATUS_MALFORMED)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s/%s is no key file; remove it to get a new key", folder,
                 name);
    else
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s/%s can't be kept: %s", folder, name,
                 status_text(status));
    return status;
}

/* libuv's codes about a file that is there mean that it can't be read, not that a new one may take its place.
 */
static int refusal(int status)
{
    return status == STATUS_MALFORMED || status == STATUS_NOT_ALLOWED ? status : STATUS_NOT_ALLOWED;
}

/* Reads, or makes and writes. `made` tells that *ret is filled although the status is negative. */
static int read_or_make(int folder, const char *name, const char *binding, struct key_record *record,
                        enum key_file_origin *ret_origin, bool *ret_made)
{
    int lock = -1;
    int lock_status = private_folder_lock(folder, &lock);
    int status = read_record(folder, name, record);
    if (status < 0 && status != UV_ENOENT) {
        status = refusal(status);
    } else if (status == 0 && strcmp(record->binding, binding) == 0) {
        *ret_origin = KEY_FILE_READ;
    } else {
        *ret_origin = status == 0 ? KEY_FILE_MADE_FOR_ANOTHER_BINDING : KEY_FILE_MADE;
        *ret_made = true;
        noise_key_pair_make(&record->pair);
        status = lock_status < 0 ? lock_status : write_record(folder, name, &record->pair, binding);
    }
    if (lock >= 0)
        close(lock);
    return status;
}

int key_file_load(const char *folder, const char *name, const char *binding, struct noise_key_pair *ret,
                  enum key_file_origin *ret_origin, char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct key_record record;
    int fd;
    if (!is_binding(binding, strlen(binding))) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1,
                 "a key can't be bound to more than %d characters of one line", KEY_FILE_BINDING_MAX);
        return STATUS_INVALID;
    }
    bool made = false;
    enum key_file_origin origin = KEY_FILE_MADE;
    int status = private_folder_open(folder, true, &fd);
    if (status == 0) {
        status = read_or_make(fd, name, binding, &record, &origin, &made);
        close(fd);
    } else if (status != STATUS_NOT_ALLOWED) {
        made = true;
        noise_key_pair_make(&record.pair);
    }
    if (status == 0 || made) {
        *ret = record.pair;
        *ret_origin = origin;
    }
    sodium_memzero(&record, sizeof(record));
    return status < 0 ? explain(status, folder, name, ret_problem) : 0;
}

static int read_existing(const char *folder, const char *name, struct key_record *ret)
{
    int fd;
    int status = private_folder_open(folder, false, &fd);
    if (status < 0)
        return status;
    status = read_record(fd, name, ret);
    close(fd);
    return status == 0 || status == UV_ENOENT ? status : refusal(status);
}

bool key_file_binding(const char *folder, const char *name, char ret[static KEY_FILE_BINDING_MAX + 1])
{
    struct key_record record;
    int status = read_existing(folder, name, &record);
    snprintf(ret, KEY_FILE_BINDING_MAX + 1, "%s", status == 0 ? record.binding : "");
    sodium_memzero(&record, sizeof(record));
    return status == 0;
}

int key_file_public(const char *folder, const char *name, uint8_t ret[static NOISE_KEY_SIZE])
{
    struct key_record record;
    int status = read_existing(folder, name, &record);
    if (status == 0)
        memcpy(ret, record.pair.public_key, NOISE_KEY_SIZE);
    sodium_memzero(&record, sizeof(record));
    return status;
}

int key_file_rebind(const char *folder, const char *name, const char *binding)
{
    struct key_record record;
    int fd, lock;
    if (!is_binding(binding, strlen(binding)))
        return STATUS_INVALID;
    int status = private_folder_open(folder, false, &fd);
    if (status < 0)
        return status;
    status = private_folder_lock(fd, &lock);
    if (status == 0) {
        status = read_record(fd, name, &record);
        if (status == 0)
            status = write_record(fd, name, &record.pair, binding);
        sodium_memzero(&record, sizeof(record));
        close(lock);
    }
    close(fd);
    return status;
}
