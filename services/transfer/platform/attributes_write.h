/* SPDX-License-Identifier: MIT */
/* Extended attributes of an open file. Blocks. */
#ifndef HOSPES_ATTRIBUTES_WRITE_H
#define HOSPES_ATTRIBUTES_WRITE_H

#include <stdbool.h>
#include <stddef.h>

#define ATTRIBUTE_ORIGIN "user.xdg.origin.url" /* where a file came from (freedesktop.org) */

/* Whether another side may give it: only those of people ("user."), never what grants rights. */
bool attribute_may_be_given(const char *name);
/* UV_ENOTSUP: not on this file system. UV_ENOSPC and UV_E2BIG: no room for it beside the file. */
int attribute_write(int fd, const char *name, const void *value, size_t size);

#endif
