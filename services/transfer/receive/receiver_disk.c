/* SPDX-License-Identifier: MIT */
/* What every written file needs: room on the disk, its name in the staging folder, and then owner,
 * attributes, mode and time. Bytes are written by file_target.c and pack_write.c. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/attributes_write.h"
#include "services/transfer/platform/file_system.h"
#include "services/transfer/receive/receiver_internal.h"

#define SPACE_LOOK_BYTES (64 << 20) /* written between two looks at the free space */
#define BLOCK_SIZE       4096       /* what a small file takes, as a rule */

bool status_is_disk_full(int status)
{
    return status == UV_ENOSPC || status == STATUS_QUOTA;
}

bool status_is_fatal(int status)
{
    return status == UV_ENOMEM || status == UV_ECANCELED || status == STATUS_MALFORMED;
}

int receiver_pause(struct receiver *receiver, int status)
{
    receiver->engine.counts.paused = status;
    receiver->room = 0;
    return UV_EAGAIN;
}

int receiver_claim_space(struct receiver *receiver, uint64_t size)
{
    size = (size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
    if (size <= receiver->room) {
        receiver->room -= size;
        return 0;
    }
    uint64_t available, total;
    int status = file_system_space(receiver->staging.own, &available, &total);
    if (status < 0)
        return status;
    uint64_t reserve = total / 100 < SPACE_RESERVE ? total / 100 : SPACE_RESERVE;
    available = available > reserve ? available - reserve : 0;
    if (available < size)
        return UV_ENOSPC;
    uint64_t room = available - size;
    receiver->room = room < SPACE_LOOK_BYTES ? room : SPACE_LOOK_BYTES;
    return 0;
}

int receiver_make_file(struct receiver *receiver, struct incoming_file *file, int flags, mode_t mode,
                       int *ret_fd)
{
    char room[STAGED_NAME_SIZE];
    int folder;
    int status = folder_stack_fd(&receiver->folders, file->folder, SIDE_STAGED, &folder);
    if (status < 0)
        return status;
    int fd = openat(folder, staged_name(file->folder, file->root, file->name, room),
                    flags | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return file_status(errno);
    receiver->has_staged = true;
    *ret_fd = fd;
    return 0;
}

void receiver_remove_file(struct receiver *receiver, struct incoming_file *file)
{
    char room[STAGED_NAME_SIZE];
    int folder;
    if (folder_stack_fd(&receiver->folders, file->folder, SIDE_STAGED, &folder) == 0)
        unlinkat(folder, staged_name(file->folder, file->root, file->name, room), 0);
}

void receiver_set_owner(struct receiver *receiver, const struct folder *parent, const char *name, int fd,
                        uint32_t uid, uint32_t gid)
{
    if ((receiver->flags & FILES_OWNER) == 0 || receiver->owner_refused || fchown(fd, uid, gid) == 0)
        return;
    receiver->owner_refused = true; /* once for all: it will be so for the others */
    receiver_note(receiver, parent, name, uv_translate_sys_error(errno),
                  "owners are not kept: only root may give files to others");
}

void receiver_write_attribute(struct receiver *receiver, const struct folder *parent, const char *file_name,
                              int fd, const char *name, const void *value, size_t size)
{
    int status = attribute_write(fd, name, value, size);
    if (status == 0 || receiver->attributes_refused)
        return;
    receiver->attributes_refused = true;
    receiver_note(receiver, parent, file_name, status, "some extended attributes are not kept here");
}

static void write_attributes(struct receiver *receiver, struct incoming_file *file, int fd)
{
    for (const struct kept_attribute *kept = file->attributes; kept != NULL; kept = kept->next) {
        size_t size = kept->size - sizeof(*kept) - strlen(kept->name) - 1;
        receiver_write_attribute(receiver, file->folder, file->name, fd, kept->name, kept->value, size);
    }
    if (receiver->origin != NULL) /* a help for people: no failure where it can't be kept */
        attribute_write(fd, ATTRIBUTE_ORIGIN, receiver->origin, strlen(receiver->origin));
}

static int set_time(int fd, const struct files_time *mtime)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                {.tv_sec = (time_t)mtime->s, .tv_nsec = (long)mtime->ns}};
    return futimens(fd, times) == 0 ? 0 : file_status(errno);
}

int receiver_dress_file(struct receiver *receiver, struct incoming_file *file, int fd, bool has_mode,
                        const struct files_time *mtime)
{
    receiver_set_owner(receiver, file->folder, file->name, fd, file->uid, file->gid);
    write_attributes(receiver, file, fd);
    if ((!has_mode || (file->mode & receiver->staging.mask) != 0) && fchmod(fd, file->mode) < 0)
        return file_status(errno);
    return set_time(fd, mtime);
}

/* A root that its owner may not write to could not be moved: it gets the rest of its mode in its place. */
int receiver_dress_folder(struct receiver *receiver, struct folder *folder)
{
    int fd;
    int status = folder_stack_fd(&receiver->folders, folder, SIDE_STAGED, &fd);
    if (status < 0)
        return status;
    receiver_set_owner(receiver, folder->parent, folder->name, fd, folder->uid, folder->gid);
    mode_t mode = folder->mode | (folder->depth == 1 ? S_IWUSR : 0);
    if (fchmod(fd, mode) < 0)
        return file_status(errno);
    return set_time(fd, &folder->mtime);
}
