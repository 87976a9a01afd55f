/* SPDX-License-Identifier: MIT */
/* Reads the mount table and chooses. A mount point that does not fit a message is left out, since its name is
 * used to ask for the size. */
#include "agent/platform/linux_mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <uv.h>

#include "agent/platform/text.h"

#define MOUNTINFO_SIZE_MAX (512 * 1024) /* some thousand mounts */
#define LINES_MAX          4096
#define DEVICE_SIZE        24

struct mount_line {
    char device[DEVICE_SIZE]; /* "8:1" */
    char point[TEXT_COMMAND_MAX + 1];
    char type[TEXT_NAME_MAX + 1];
    bool fits; /* point is whole and clean */
};

static const char LOCAL_TYPES[] =
    " ext2 ext3 ext4 xfs btrfs f2fs zfs bcachefs jfs reiserfs nilfs2 vfat exfat msdos "
    "ntfs ntfs3 hfsplus ufs udf ";
/* In memory or stacked: a disk to people only where it is the root. */
static const char ROOT_TYPES[] = " overlay tmpfs ramfs rootfs squashfs erofs ";
static const char REMOTE_TYPES[] =
    " nfs nfs4 cifs smb3 smbfs 9p virtiofs ceph afs autofs lustre glusterfs beegfs "
    "gfs2 ocfs2 orangefs vboxsf ncpfs coda ";

static bool is_among(const char *word, const char *words)
{
    size_t size = strlen(word);
    for (const char *at = words; (at = strchr(at, ' ')) != NULL; at++) {
        if (size > 0 && strncmp(at + 1, word, size) == 0 && at[1 + size] == ' ')
            return true;
    }
    return false;
}

static bool may_hang(const char *type)
{
    return strncmp(type, "fuse", 4) == 0 || is_among(type, REMOTE_TYPES);
}

/* The next field of [*at, end); false when there is none. */
static bool next_field(const char **at, const char *end, const char **ret, size_t *ret_size)
{
    while (*at < end && **at == ' ')
        (*at)++;
    const char *start = *at;
    while (*at < end && **at != ' ')
        (*at)++;
    *ret = start;
    *ret_size = (size_t)(*at - start);
    return *ret_size > 0;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* "\040" stands for a space. True when it fits and is text that a message may hold as it is. */
static bool decode_point(const char *field, size_t size, char out[static TEXT_COMMAND_MAX + 1])
{
    char raw[TEXT_COMMAND_MAX + 1];
    size_t used = 0;
    for (size_t i = 0; i < size; i++) {
        if (used == TEXT_COMMAND_MAX)
            return false;
        if (field[i] == '\\' && size - i >= 4 && is_octal(field[i + 1]) && is_octal(field[i + 2]) &&
            is_octal(field[i + 3])) {
            raw[used++] =
                (char)((field[i + 1] - '0') << 6 | (field[i + 2] - '0') << 3 | (field[i + 3] - '0'));
            i += 3;
        } else {
            raw[used++] = field[i];
        }
    }
    text_copy(out, TEXT_COMMAND_MAX + 1, raw, used);
    return strlen(out) == used && memcmp(out, raw, used) == 0;
}

/* "36 35 98:0 /root /point options optional… - type source …" */
static bool read_line(const char *at, const char *end, struct mount_line *ret)
{
    const char *field;
    size_t size;
    for (int skipped = 0; skipped < 2; skipped++) {
        if (!next_field(&at, end, &field, &size))
            return false;
    }
    if (!next_field(&at, end, &field, &size) || size >= DEVICE_SIZE)
        return false;
    text_copy(ret->device, sizeof(ret->device), field, size);
    if (!next_field(&at, end, &field, &size) || !next_field(&at, end, &field, &size))
        return false;
    ret->fits = decode_point(field, size, ret->point);
    do {
        if (!next_field(&at, end, &field, &size))
            return false;
    } while (size != 1 || field[0] != '-');
    if (!next_field(&at, end, &field, &size))
        return false;
    text_copy(ret->type, sizeof(ret->type), field, size);
    return true;
}

static bool is_beneath(const char *path, const char *folder)
{
    size_t size = strlen(folder);
    if (strcmp(folder, "/") == 0)
        return true;
    return strncmp(path, folder, size) == 0 && (path[size] == '\0' || path[size] == '/');
}

/* A mount counts when nothing later covers it and nothing on its way may hang. */
static bool is_disk(const struct mount_line *lines, size_t count, size_t index)
{
    const struct mount_line *line = &lines[index];
    bool root = strcmp(line->point, "/") == 0;
    if (!line->fits || !(is_among(line->type, LOCAL_TYPES) || (root && is_among(line->type, ROOT_TYPES))))
        return false;
    for (size_t i = 0; i < count; i++) {
        bool on_the_way = is_beneath(line->point, lines[i].point) && lines[i].fits;
        if (on_the_way && i > index)
            return false;
        if (on_the_way && i != index && may_hang(lines[i].type))
            return false;
    }
    return true;
}

static void add_disk(const struct mount_line *line, struct health_disk disks[static HEALTH_DISKS_MAX],
                     char devices[][DEVICE_SIZE], size_t *count)
{
    size_t at = 0;
    while (at < *count && strcmp(devices[at], line->device) != 0)
        at++;
    if (at == HEALTH_DISKS_MAX || (at < *count && strlen(disks[at].mount) <= strlen(line->point)))
        return;
    if (at == *count)
        (*count)++;
    memset(&disks[at], 0, sizeof(disks[at]));
    memcpy(devices[at], line->device, DEVICE_SIZE);
    memcpy(disks[at].mount, line->point, sizeof(line->point));
    memcpy(disks[at].type, line->type, sizeof(line->type));
}

size_t mounts_parse(const char *text, size_t size, struct health_disk disks[static HEALTH_DISKS_MAX])
{
    char devices[HEALTH_DISKS_MAX][DEVICE_SIZE];
    size_t lines_max = 0;
    for (size_t i = 0; i < size && lines_max < LINES_MAX; i++)
        lines_max += text[i] == '\n';
    struct mount_line *lines = malloc((lines_max + 1) * sizeof(*lines));
    if (lines == NULL)
        return 0;
    size_t count = 0;
    for (size_t at = 0; at < size && count < lines_max;) {
        const char *newline = memchr(text + at, '\n', size - at);
        if (newline == NULL)
            break;
        if (read_line(text + at, newline, &lines[count]))
            count++;
        at = (size_t)(newline - text) + 1;
    }
    size_t disk_count = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_disk(lines, count, i))
            add_disk(&lines[i], disks, devices, &disk_count);
    }
    free(lines);
    return disk_count;
}

static int read_mountinfo(char **ret_text, size_t *ret_size)
{
    int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t capacity = 16384;
    size_t used = 0;
    char *text = malloc(capacity);
    int status = text == NULL ? UV_ENOMEM : 0;
    while (status == 0) {
        if (used == capacity && capacity < MOUNTINFO_SIZE_MAX) {
            char *grown = realloc(text, capacity * 2);
            if (grown == NULL) {
                status = UV_ENOMEM;
                break;
            }
            text = grown;
            capacity *= 2;
        }
        ssize_t got = read(fd, text + used, capacity - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            status = got < 0 ? -errno : 0;
            break;
        }
        used += (size_t)got;
    }
    close(fd);
    if (status < 0) {
        free(text);
        return status;
    }
    *ret_text = text;
    *ret_size = used;
    return 0;
}

int mounts_read(struct health_disk disks[static HEALTH_DISKS_MAX], size_t *ret_count)
{
    char *text = NULL;
    size_t size = 0;
    int status = read_mountinfo(&text, &size);
    if (status < 0)
        return status;
    size_t found = mounts_parse(text, size, disks);
    free(text);
    size_t count = 0;
    for (size_t i = 0; i < found; i++) {
        struct statvfs sizes;
        if (statvfs(disks[i].mount, &sizes) < 0 || sizes.f_blocks == 0)
            continue;
        disks[i].total = (uint64_t)sizes.f_blocks * sizes.f_frsize;
        disks[i].available = (uint64_t)sizes.f_bavail * sizes.f_frsize;
        disks[count++] = disks[i];
    }
    *ret_count = count;
    return 0;
}
