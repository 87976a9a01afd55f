/* SPDX-License-Identifier: MIT */
/* A partial has a random name and is opened O_EXCL, so nobody else's file is ever written to. Until it is
 * placed the old file is untouched. Where the bytes come from is write_work.c's. */
#include "agent/features/files/atomic_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "agent/features/files/complaint.h"
#include "protocol/base/status.h"
#include "services/transfer/platform/rename.h"
#include "services/transfer/receive/free_name.h"

#define PARTIAL_TRIES 100
#define MODE_MASK     0777 /* no setuid, setgid, sticky */
#define MODE_DEFAULT  0644
#define PATH_ROOM     (FILES_PATH_MAX + 1)

struct atomic_file {
    int folder, fd;
    uint8_t conflict;
    bool placed;
    mode_t mode;
    bool keeps_owner; /* of the file that is replaced */
    uid_t uid;
    gid_t gid;
    uint64_t size;
    crypto_generichash_state hash;
    uint8_t digest[FILES_DIGEST_SIZE];
    char partial[sizeof(ATOMIC_FILE_PREFIX) + 8];
    char name[FILES_NAME_MAX + 1];
    char folder_path[PATH_ROOM];
    char path[PATH_ROOM];
};

static void set_path(struct atomic_file *file)
{
    const char *slash = strcmp(file->folder_path, "/") == 0 ? "" : "/";
    int size = snprintf(file->path, sizeof(file->path), "%s%s%s", file->folder_path, slash, file->name);
    if (size < 0 || (size_t)size >= sizeof(file->path))
        snprintf(file->path, sizeof(file->path), "%s", file->name);
}

/* In place of a file that may not be written to nothing is put, although the folder would allow it. */
static int check_writable(struct atomic_file *file, char *ret_problem)
{
    int fd = openat(file->folder, file->name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd >= 0) {
        close(fd);
        return 0;
    }
    if (errno == ETXTBSY) /* a program that runs keeps its old file */
        return 0;
    return complaint_of_errno(ret_problem, errno, "can't write", file->path);
}

/* What is there now. */
static int look(struct atomic_file *file, uint16_t mode, char *ret_problem)
{
    struct stat info;
    file->mode = mode != 0 ? mode & MODE_MASK : MODE_DEFAULT;
    if (fstatat(file->folder, file->name, &info, AT_SYMLINK_NOFOLLOW) < 0)
        return errno == ENOENT ? 0 : complaint_of_errno(ret_problem, errno, "can't look at", file->path);
    if (file->conflict == FILES_RENAME)
        return 0;
    if (file->conflict == FILES_FAIL)
        return complaint_of_path(ret_problem, UV_EEXIST, file->path, "is there already");
    if (S_ISDIR(info.st_mode))
        return complaint_of_path(ret_problem, UV_EISDIR, file->path, "is a folder");
    if (!S_ISREG(info.st_mode))
        return complaint_of_path(ret_problem, UV_EINVAL, file->path, "is not a regular file");
    if (mode == 0)
        file->mode = info.st_mode & MODE_MASK;
    file->keeps_owner = true;
    file->uid = info.st_uid;
    file->gid = info.st_gid;
    return check_writable(file, ret_problem);
}

static int open_partial(struct atomic_file *file, char *ret_problem)
{
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (int i = 0; i < PARTIAL_TRIES; i++) {
        size_t at = sizeof(ATOMIC_FILE_PREFIX) - 1;
        memcpy(file->partial, ATOMIC_FILE_PREFIX, at);
        for (int j = 0; j < 6; j++)
            file->partial[at++] = LETTERS[randombytes_uniform(sizeof(LETTERS) - 1)];
        file->partial[at] = '\0';
        file->fd =
            openat(file->folder, file->partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (file->fd >= 0)
            return 0;
        if (errno != EEXIST)
            break;
    }
    return complaint_of_errno(ret_problem, errno, "can't write in", file->folder_path);
}

int atomic_file_create(const struct atomic_file_options *options, struct atomic_file **ret, char *ret_problem)
{
    struct atomic_file *file = calloc(1, sizeof(*file));
    if (file == NULL) {
        close(options->folder);
        return complaint_of_errno(ret_problem, ENOMEM, "can't write", options->name);
    }
    file->folder = options->folder;
    file->fd = -1;
    file->conflict = options->conflict;
    snprintf(file->name, sizeof(file->name), "%s", options->name);
    snprintf(file->folder_path, sizeof(file->folder_path), "%s", options->folder_path);
    set_path(file);
    crypto_generichash_init(&file->hash, NULL, 0, FILES_DIGEST_SIZE);
    int status = look(file, options->mode, ret_problem);
    if (status == 0)
        status = open_partial(file, ret_problem);
    if (status < 0) {
        atomic_file_destroy(file);
        return status;
    }
    *ret = file;
    return 0;
}

int atomic_file_write(struct atomic_file *file, struct span bytes, char *ret_problem)
{
    for (size_t at = 0; at < bytes.size;) {
        ssize_t written = write(file->fd, bytes.data + at, bytes.size - at);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return complaint_of_errno(ret_problem, written == 0 ? EIO : errno, "can't write", file->path);
        at += (size_t)written;
    }
    crypto_generichash_update(&file->hash, bytes.data, bytes.size);
    file->size += bytes.size;
    return 0;
}

static int take_free_name(struct atomic_file *file, unsigned number_max)
{
    char wanted[FILES_NAME_MAX + 1];
    int status = UV_EEXIST;
    memcpy(wanted, file->name, sizeof(wanted));
    for (unsigned i = 0; i <= number_max && status == UV_EEXIST; i++) {
        free_name_make(wanted, false, i, file->name);
        status = rename_exclusive(file->folder, file->partial, file->folder, file->name);
    }
    return status;
}

static int give_name(struct atomic_file *file)
{
    if (file->conflict != FILES_REPLACE)
        return take_free_name(file, file->conflict == FILES_RENAME ? FREE_NAME_MAX : 0);
    return renameat(file->folder, file->partial, file->folder, file->name) == 0 ? 0 : complaint_status(errno);
}

int atomic_file_place(struct atomic_file *file, char *ret_problem)
{
    /* Only root may give files away; another user's file becomes one's own, as with mv(1). */
    if (file->keeps_owner && fchown(file->fd, file->uid, file->gid) < 0 && errno != EPERM)
        return complaint_of_errno(ret_problem, errno, "can't keep the owner of", file->path);
    if (fchmod(file->fd, file->mode) < 0 || fsync(file->fd) < 0)
        return complaint_of_errno(ret_problem, errno, "can't finish", file->path);
    int status = give_name(file);
    if (status < 0)
        return complaint_of_status(ret_problem, status, "can't finish", file->path);
    file->placed = true;
    fsync(file->folder); /* the name, too; file systems without it keep it anyway, or can't */
    crypto_generichash_final(&file->hash, file->digest, sizeof(file->digest));
    set_path(file);
    return 0;
}

void atomic_file_destroy(struct atomic_file *file)
{
    if (file == NULL)
        return;
    if (file->fd >= 0) {
        if (!file->placed)
            unlinkat(file->folder, file->partial, 0);
        close(file->fd);
    }
    close(file->folder);
    free(file);
}

uint64_t atomic_file_size(const struct atomic_file *file)
{
    return file->size;
}

const uint8_t *atomic_file_digest(const struct atomic_file *file)
{
    return file->digest;
}

const char *atomic_file_path(const struct atomic_file *file)
{
    return file->path;
}
