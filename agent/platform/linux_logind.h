/* SPDX-License-Identifier: MIT */
/* logind's session files (KEY=value lines), read directly, so that nothing but a file system is needed. */
#ifndef HOSPES_LINUX_LOGIND_H
#define HOSPES_LINUX_LOGIND_H

#include <stdbool.h>
#include <stddef.h>

/* Each session's file, as bytes: their writer is the system, names in them come from elsewhere. False ends
 * it. Nothing without logind. */
void logind_each_session(bool (*on_session)(void *ctx, const char *text, size_t size), void *ctx);

#endif
