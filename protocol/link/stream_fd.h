/* SPDX-License-Identifier: MIT */
/* Frames over one connected (or connecting) stream socket: Unix, vsock, TCP. */
#ifndef HOSPES_STREAM_FD_H
#define HOSPES_STREAM_FD_H

#include "protocol/link/link_loop.h"
#include "protocol/link/stream.h"

struct stream_fd_options {
    bool connecting;        /* connect(2) said EINPROGRESS: completion is awaited */
    uint32_t greeting_port; /* hybrid: "CONNECT port" is exchanged first; 0 = none */
    bool splice;            /* the socket's family takes splice(2) well (Unix) */
    int (*connect_error)(
        int error); /* maps a failed connect's negative errno to a status; NULL = unchanged */
};

/* Takes `fd` (non-blocking) in every case: closed on failure. UV_ENOMEM or libuv's error. */
int stream_fd_create(struct link_loop *loop, int fd, const struct stream_fd_options *options,
                     struct stream **ret);

#endif
