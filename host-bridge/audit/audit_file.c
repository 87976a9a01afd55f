/* SPDX-License-Identifier: MIT */
/* Names, checks, the last line, renaming. What is written, and when files change, is audit_log.c's. */
#include "host-bridge/audit/audit_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"

#define TAIL_SIZE (2 * AUDIT_LINE_MAX + 2) /* holds the start of the last line whatever is in front of it */

int audit_file_path(const char *folder, unsigned number, char out[static AUDIT_PATH_SIZE])
{
    char suffix[16] = "";
    if (number > 0)
        snprintf(suffix, sizeof(suffix), ".%u", number);
    int size = snprintf(out, AUDIT_PATH_SIZE, "%s/audit.log%s", folder, suffix);
    return size < AUDIT_PATH_SIZE ? 0 : UV_ENAMETOOLONG;
}

static int explain(char *ret_problem, int status, const char *path, const char *what)
{
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "the audit log %.120s %s%s%s", path, what,
             what[0] != '\0' ? "" : ": ", what[0] != '\0' ? "" : status_text(status));
    return status;
}

/* NULL: it may be used. */
static const char *objection(int fd)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode))
        return "is not a regular file; move it away";
    if (facts.st_uid != geteuid())
        return "belongs to another user; move it away";
    if (facts.st_nlink > 1)
        return "has a second name (a hard link); move it away";
    if ((facts.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "may be written by others; look at it, then chmod it to 0600";
    return NULL;
}

int audit_file_open(const char *path, int *ret_fd, char ret_problem[static TEXT_REASON_MAX + 1])
{
    int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY, 0600);
    if (fd < 0 && (errno == ELOOP || errno == ENXIO || errno == EISDIR))
        return explain(ret_problem, STATUS_NOT_ALLOWED, path, "is not a regular file; move it away");
    if (fd < 0)
        return explain(ret_problem, uv_translate_sys_error(errno), path, "");
    int status = 0;
    const char *problem = objection(fd);
    if (problem != NULL)
        status = explain(ret_problem, STATUS_NOT_ALLOWED, path, problem);
    else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        status = explain(ret_problem, UV_EBUSY, path,
                         "is written by another bridge; give each its own --state-dir");
    if (status < 0)
        close(fd);
    else
        *ret_fd = fd;
    return status;
}

int audit_file_open_to_read(const char *path, int *ret_fd)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno == ELOOP ? STATUS_NOT_ALLOWED : uv_translate_sys_error(errno);
    struct stat facts;
    if (fstat(fd, &facts) != 0 || !S_ISREG(facts.st_mode)) {
        close(fd);
        return STATUS_NOT_ALLOWED;
    }
    *ret_fd = fd;
    return 0;
}

/* Each line of the tail moves the end on by one; a number that can be read is taken as it is. */
static void pass_lines(const char *tail, size_t size, struct audit_end *end)
{
    for (size_t start = 0; start < size;) {
        const char *newline = memchr(tail + start, '\n', size - start);
        size_t length = newline == NULL ? size - start : (size_t)(newline - tail) - start;
        json_t *json = json_loadb(tail + start, length, JSON_REJECT_DUPLICATES, NULL);
        json_int_t seq = json_integer_value(json_object_get(json, "seq"));
        end->seq = seq > 0 ? (uint64_t)seq : end->seq + 1;
        end->hash = audit_hash_line(span_of(tail + start, length));
        end->unfinished = newline == NULL;
        json_decref(json);
        start += length + 1;
    }
}

int audit_file_end(int fd, struct audit_end *end)
{
    struct stat facts;
    char *tail = malloc(TAIL_SIZE);
    if (tail == NULL || fstat(fd, &facts) != 0) {
        free(tail);
        return tail == NULL ? UV_ENOMEM : uv_translate_sys_error(errno);
    }
    size_t wanted = facts.st_size > TAIL_SIZE ? TAIL_SIZE : (size_t)facts.st_size;
    off_t offset = facts.st_size - (off_t)wanted;
    size_t size = 0;
    while (size < wanted) {
        ssize_t got = pread(fd, tail + size, wanted - size, offset + (off_t)size);
        if (got <= 0)
            break;
        size += (size_t)got;
    }
    int status = size < wanted ? UV_EIO : 0;
    const char *first = tail;
    if (offset > 0) { /* the first line in it has no beginning */
        first = memchr(tail, '\n', size);
        first = first == NULL ? tail : first + 1;
    }
    if (status == 0) {
        end->unfinished = false;
        end->size = (uint64_t)facts.st_size;
        pass_lines(first, size - (size_t)(first - tail), end);
    }
    free(tail);
    return status;
}

int audit_file_rotate(const char *folder)
{
    char from[AUDIT_PATH_SIZE], to[AUDIT_PATH_SIZE];
    for (unsigned number = AUDIT_FILES_KEPT; number > 0; number--) {
        audit_file_path(folder, number - 1, from);
        audit_file_path(folder, number, to);
        if (rename(from, to) != 0 && errno != ENOENT)
            return uv_translate_sys_error(errno);
    }
    return 0;
}

void audit_file_rotate_back(const char *folder)
{
    char from[AUDIT_PATH_SIZE], to[AUDIT_PATH_SIZE];
    audit_file_path(folder, 1, from);
    audit_file_path(folder, 0, to);
    if (access(to, F_OK) != 0)
        rename(from, to);
}
