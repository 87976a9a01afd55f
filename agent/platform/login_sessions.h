/* SPDX-License-Identifier: MIT */
/* Whose desktop this is: the login sessions of the machine. */
#ifndef HOSPES_LOGIN_SESSIONS_H
#define HOSPES_LOGIN_SESSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire/limits.h"

#define LOGIN_SESSIONS_MAX 64

struct login_session {
    char user[TEXT_NAME_MAX + 1];
    uint32_t uid;
    bool active;    /* in the foreground of its seat */
    bool graphical; /* X11 or Wayland */
    uint64_t since_us;
};

/* From the session files of logind, else from utmp. Gives the count; blocks. */
size_t login_sessions_read(struct login_session ret[static LOGIN_SESSIONS_MAX]);

/* The active graphical session; else the oldest one of a normal user; NULL: nobody is there. Pure. */
const struct login_session *login_sessions_choose(const struct login_session *sessions, size_t count);

/* Pure: one of logind's session files. False for what is no user's open session. */
bool login_session_parse(const char *text, size_t size, struct login_session *ret);

#endif
