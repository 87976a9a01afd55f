/* SPDX-License-Identifier: MIT */
/* Who is logged in. */
#ifndef HOSPES_LINUX_USERS_H
#define HOSPES_LINUX_USERS_H

#include "protocol/wire/message.h"

/* From utmp(5) where the system keeps one, else from the session files of logind. At most HEALTH_USERS_MAX.
 * Gives the count; nobody when neither is there. */
size_t users_read(struct health_user users[static HEALTH_USERS_MAX]);

/* Pure: the bytes of a utmp file. */
size_t users_parse_utmp(const void *bytes, size_t size, struct health_user users[static HEALTH_USERS_MAX]);

/* Pure: one of logind's session files (KEY=value lines). False for what is no user's open session. */
bool users_parse_session(const char *text, size_t size, struct health_user *ret);

#endif
