/* SPDX-License-Identifier: MIT */
/* On whose behalf a worker thread touches files: a process of root takes a user's rights for one job, so that
 * nothing is read or written that the user could not, and what is made belongs to the user. Behind platform/.
 */
#ifndef HOSPES_FS_IDENTITY_H
#define HOSPES_FS_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FS_IDENTITY_GROUPS_MAX 64

struct fs_identity {
    bool is_own; /* the process's own rights: nothing to do. All zero but this is "root" */
    uid_t uid;
    gid_t gid;
    size_t group_count;
    gid_t groups[FS_IDENTITY_GROUPS_MAX];
};

/* The process's own. */
struct fs_identity fs_identity_own(void);
/* By name or number. UV_ENOENT: no such user; UV_EPERM: another one, and the process is not root's. May read
 * user databases: not on the loop's thread where they are remote. `ret_home` (FILES_PATH_MAX + 1 bytes, can
 * be NULL) is the user's home. */
int fs_identity_of(const char *user, struct fs_identity *ret, char *ret_home);
/* For the calling thread only, until fs_identity_leave. 0, UV_EPERM. */
int fs_identity_enter(const struct fs_identity *identity);
void fs_identity_leave(const struct fs_identity *identity);

#endif
