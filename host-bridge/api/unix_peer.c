/* SPDX-License-Identifier: MIT */
/* Peer credentials of a Unix socket: SO_PEERCRED on Linux, getpeereid elsewhere. What follows from them for a
 * client is the listener's to do. */
#include "host-bridge/api/unix_peer.h"

#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

int unix_peer_uid(int fd, uid_t *ret)
{
#ifdef SO_PEERCRED
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
        return uv_translate_sys_error(errno);
    *ret = credentials.uid;
#else
    gid_t group;
    if (getpeereid(fd, ret, &group) != 0)
        return uv_translate_sys_error(errno);
#endif
    return 0;
}

bool unix_peer_may_use(uid_t peer, uid_t own)
{
    return peer == own || peer == 0;
}
