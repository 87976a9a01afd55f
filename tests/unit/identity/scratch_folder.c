/* SPDX-License-Identifier: MIT */
/* Folders and files of tests. */
#include "tests/unit/identity/scratch_folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/testing.h"

#define READ_MAX (256 * 1024)

void scratch_make(struct scratch_folder *folder)
{
    snprintf(folder->path, sizeof(folder->path), "/tmp/hospes-scratch-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
}

static int remove_one(const char *path, const struct stat *facts, int type, struct FTW *place)
{
    return remove(path);
}

void scratch_remove(struct scratch_folder *folder)
{
    nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *scratch_path(const struct scratch_folder *folder, const char *name)
{
    static char paths[8][SCRATCH_PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 8];
    assert_true(snprintf(path, SCRATCH_PATH_MAX, "%s/%s", folder->path, name) < SCRATCH_PATH_MAX);
    return path;
}

void scratch_write(const struct scratch_folder *folder, const char *name, const void *data, size_t size,
                   mode_t mode)
{
    char path[SCRATCH_PATH_MAX];
    snprintf(path, sizeof(path), "%s", scratch_path(folder, name));
    for (char *slash = strchr(path + strlen(folder->path) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, size), size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

void scratch_write_text(const struct scratch_folder *folder, const char *name, const char *text)
{
    scratch_write(folder, name, text, strlen(text), 0600);
}

const char *scratch_read(const struct scratch_folder *folder, const char *name)
{
    static char text[READ_MAX];
    FILE *file = fopen(scratch_path(folder, name), "re");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[size] = '\0';
    return text;
}

bool scratch_has(const struct scratch_folder *folder, const char *name)
{
    struct stat facts;
    return lstat(scratch_path(folder, name), &facts) == 0;
}

mode_t scratch_mode(const struct scratch_folder *folder, const char *name)
{
    struct stat facts;
    assert_int_equal(stat(scratch_path(folder, name), &facts), 0);
    return facts.st_mode & 07777;
}

void scratch_run_as(uid_t user, int (*body)(void *ctx), void *ctx)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (user != 0 && geteuid() == 0 && (setgid(user) != 0 || setuid(user) != 0))
            _exit(99);
        _exit(body(ctx));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the child ended with %d", status);
}
