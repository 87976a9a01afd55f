/* SPDX-License-Identifier: MIT */
/* Makes, compares and removes trees of files, the plain way. */
#include "tests/unit/transfers/file_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/link/link_fixture.h"

void put_folder(const char *path)
{
    assert_int_equal(mkdir(path, 0755), 0);
}

void put_file(const char *path, size_t size, uint32_t seed, unsigned mode)
{
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    fill_pattern(bytes, size, seed);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    struct timespec times[2] = {{.tv_sec = 1700000000 + seed, .tv_nsec = 123456789},
                                {.tv_sec = 1700000000 + seed, .tv_nsec = 123456789}};
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    free(bytes);
}

void put_tree(const char *path, size_t large)
{
    char name[PATH_MAX];
    put_folder(path);
    for (uint32_t folder = 0; folder < 4; folder++) {
        snprintf(name, sizeof(name), "%s/folder %u", path, folder);
        put_folder(name);
        for (uint32_t i = 0; i < 12; i++) {
            snprintf(name, sizeof(name), "%s/folder %u/file-%u", path, folder, i);
            put_file(name, i * 997, folder * 100 + i, i % 2 == 0 ? 0644 : 0750);
        }
    }
    snprintf(name, sizeof(name), "%s/.hidden", path);
    put_file(name, 10, 7, 0600);
    snprintf(name, sizeof(name), "%s/empty", path);
    put_folder(name);
    snprintf(name, sizeof(name), "%s/large", path);
    put_file(name, large, 99, 0640);
}

static bool contents_are_equal(const char *a, const char *b)
{
    FILE *one = fopen(a, "re"), *other = fopen(b, "re");
    bool equal = one != NULL && other != NULL;
    while (equal) {
        char mine[65536], yours[65536];
        size_t size = fread(mine, 1, sizeof(mine), one);
        equal = fread(yours, 1, sizeof(yours), other) == size && memcmp(mine, yours, size) == 0;
        if (size == 0)
            break;
    }
    if (one != NULL)
        fclose(one);
    if (other != NULL)
        fclose(other);
    return equal;
}

static bool are_equal(const char *a, const char *b);

static bool folders_are_equal(const char *a, const char *b)
{
    struct dirent **mine, **yours;
    int count = scandir(a, &mine, NULL, alphasort), other = scandir(b, &yours, NULL, alphasort);
    assert_true(count >= 0 && other >= 0);
    bool equal = count == other;
    for (int i = 0; i < count && equal; i++) {
        char left[PATH_MAX], right[PATH_MAX];
        snprintf(left, sizeof(left), "%s/%s", a, mine[i]->d_name);
        snprintf(right, sizeof(right), "%s/%s", b, mine[i]->d_name);
        bool is_dots = strcmp(mine[i]->d_name, ".") == 0 || strcmp(mine[i]->d_name, "..") == 0;
        equal = strcmp(mine[i]->d_name, yours[i]->d_name) == 0 && (is_dots || are_equal(left, right));
    }
    for (int i = 0; i < count; i++)
        free(mine[i]);
    for (int i = 0; i < other; i++)
        free(yours[i]);
    free(mine);
    free(yours);
    return equal;
}

static bool are_equal(const char *a, const char *b)
{
    struct stat mine, yours;
    bool equal = lstat(a, &mine) == 0 && lstat(b, &yours) == 0 && mine.st_mode == yours.st_mode &&
                 mine.st_mtim.tv_sec == yours.st_mtim.tv_sec && mine.st_mtim.tv_nsec == yours.st_mtim.tv_nsec;
    if (equal)
        equal = S_ISDIR(mine.st_mode) ? folders_are_equal(a, b) : contents_are_equal(a, b);
    if (!equal)
        print_message("%s and %s differ\n", a, b);
    return equal;
}

bool trees_are_equal(const char *a, const char *b)
{
    return are_equal(a, b);
}

bool path_exists(const char *path)
{
    struct stat stat;
    return lstat(path, &stat) == 0;
}

size_t entries_in(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, NULL);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    if (count >= 0)
        free(entries);
    return count < 2 ? 0 : (size_t)count - 2;
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
    return remove(path);
}

void remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
