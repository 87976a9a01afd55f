/* SPDX-License-Identifier: MIT */
/* Peer credentials: SO_PEERCRED on Linux, getpeereid elsewhere. What follows from them is the caller's to
 * say.
 */
#include "protocol/link/unix_peer.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#ifdef SO_PEERCRED

int unix_peer_of(int fd, struct unix_peer *ret)
{
    struct ucred credentials;
    socklen_t size = sizeof(credentials);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
        return uv_translate_sys_error(errno);
    if (credentials.uid == (uid_t)-1) /* nobody has connected yet, or it is no Unix socket */
        return UV_ENOTCONN;
    *ret = (struct unix_peer){.uid = credentials.uid, .pid = credentials.pid};
    return 0;
}

#else

int unix_peer_of(int fd, struct unix_peer *ret)
{
    uid_t user;
    gid_t group;
    if (getpeereid(fd, &user, &group) < 0)
        return uv_translate_sys_error(errno);
    *ret = (struct unix_peer){.uid = user};
    return 0;
}

#endif

bool unix_peer_is_own(const struct unix_peer *peer)
{
    return peer->uid == geteuid() || peer->uid == 0;
}

void unix_peer_format(const struct unix_peer *peer, char *out, size_t out_size)
{
    if (peer->pid > 0)
        snprintf(out, out_size, "uid %u (pid %d)", (unsigned)peer->uid, (int)peer->pid);
    else
        snprintf(out, out_size, "uid %u", (unsigned)peer->uid);
}
