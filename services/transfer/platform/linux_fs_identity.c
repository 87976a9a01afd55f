/* SPDX-License-Identifier: MIT */
/* A thread's rights on files: setfsuid(2) and setfsgid(2) are the thread's own, and so is the system call
 * setgroups(2), which the C library's function would do to all threads. With a user that is not root the
 * kernel takes the thread's rights over files of others away (CAP_DAC_OVERRIDE, CAP_CHOWN …) and gives them
 * back on leave. Looking users up is the C library's. */
#include "services/transfer/fs_identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/wire/limits.h"

#define LOOKUP_SIZE (64 * 1024) /* of a user's record with all its texts */

/* i386 and old ARM have two system calls; the first of them cuts ids at 16 bits. */
#ifdef SYS_setgroups32
#define SETGROUPS SYS_setgroups32
#else
#define SETGROUPS SYS_setgroups
#endif

struct fs_identity fs_identity_own(void)
{
    return (struct fs_identity){.is_own = true, .uid = geteuid(), .gid = getegid()};
}

static int look_up(const char *user, char *room, struct passwd *record)
{
    struct passwd *found = NULL;
    int error = getpwnam_r(user, record, room, LOOKUP_SIZE, &found);
    char *end = NULL;
    if (found == NULL && user[0] >= '0' && user[0] <= '9') {
        errno = 0;
        unsigned long number = strtoul(user, &end, 10);
        if (errno == 0 && *end == '\0' && number < UINT32_MAX)
            error = getpwuid_r((uid_t)number, record, room, LOOKUP_SIZE, &found);
    }
    if (found != NULL)
        return 0;
    return error == ENOMEM || error == EMFILE || error == ENFILE ? uv_translate_sys_error(error) : UV_ENOENT;
}

/* All groups of a user where they fit, else the first of them: fewer rights, never more. */
static void take_groups(const struct passwd *record, struct fs_identity *identity)
{
    int count = 0;
    getgrouplist(record->pw_name, record->pw_gid, NULL, &count);
    gid_t *groups = count > 0 ? calloc((size_t)count, sizeof(*groups)) : NULL;
    if (groups == NULL || getgrouplist(record->pw_name, record->pw_gid, groups, &count) < 0)
        count = 0;
    identity->group_count = count < FS_IDENTITY_GROUPS_MAX ? (size_t)count : FS_IDENTITY_GROUPS_MAX;
    if (identity->group_count > 0)
        memcpy(identity->groups, groups, identity->group_count * sizeof(*groups));
    free(groups);
}

int fs_identity_of(const char *user, struct fs_identity *ret, char *ret_home)
{
    char *room = malloc(LOOKUP_SIZE);
    if (room == NULL)
        return UV_ENOMEM;
    struct passwd record;
    int status = look_up(user, room, &record);
    struct fs_identity identity = fs_identity_own();
    if (status == 0 && record.pw_uid != geteuid()) {
        if (geteuid() != 0)
            status = UV_EPERM;
        identity = (struct fs_identity){.uid = record.pw_uid, .gid = record.pw_gid};
    }
    if (status == 0 && !identity.is_own)
        take_groups(&record, &identity);
    if (status == 0 && ret_home != NULL) {
        if (strlen(record.pw_dir) > FILES_PATH_MAX)
            status = UV_ENAMETOOLONG;
        else
            strcpy(ret_home, record.pw_dir);
    }
    if (status == 0)
        *ret = identity;
    free(room);
    return status;
}

static int own_groups(size_t *ret_count, gid_t **ret)
{
    int count = getgroups(0, NULL);
    gid_t *groups = calloc(count > 0 ? (size_t)count : 1, sizeof(*groups));
    if (groups == NULL)
        return UV_ENOMEM;
    count = getgroups(count, groups);
    if (count < 0) {
        free(groups);
        return uv_translate_sys_error(errno);
    }
    *ret_count = (size_t)count;
    *ret = groups;
    return 0;
}

/* The process's groups, as the main thread has them. They are read from there on leave, since this thread's
 * were replaced: the first one to enter keeps them for all, as a process changes its groups at its start. */
static uv_once_t groups_once = UV_ONCE_INIT;
static int groups_status;
static size_t groups_count;
static gid_t *groups_of_process;

static void keep_groups(void)
{
    groups_status = own_groups(&groups_count, &groups_of_process);
}

static bool has_fs_ids(uid_t uid, gid_t gid)
{
    return (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid;
}

int fs_identity_enter(const struct fs_identity *identity)
{
    if (identity->is_own)
        return 0;
    uv_once(&groups_once, keep_groups);
    if (groups_status < 0)
        return groups_status;
    if (syscall(SETGROUPS, identity->group_count, identity->groups) < 0)
        return uv_translate_sys_error(errno);
    setfsgid(identity->gid);
    setfsuid(identity->uid); /* last: it takes rights away */
    if (has_fs_ids(identity->uid, identity->gid))
        return 0;
    fs_identity_leave(identity);
    return UV_EPERM;
}

void fs_identity_leave(const struct fs_identity *identity)
{
    if (identity->is_own)
        return;
    setfsuid(geteuid());
    setfsgid(getegid());
    /* A thread that kept another user's groups would have rights that are not its own. */
    if (syscall(SETGROUPS, groups_count, groups_of_process) < 0 || !has_fs_ids(geteuid(), getegid()))
        abort();
}
