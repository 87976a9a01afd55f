/* SPDX-License-Identifier: MIT */
/* Extended attributes of an open file or folder, as far as they belong to people: not those of the security
 * modules, of the system, or of programs that are trusted. Only root is given others than user's. */
#ifndef HOSPES_ATTRIBUTES_READ_H
#define HOSPES_ATTRIBUTES_READ_H

#include <stddef.h>
#include <stdint.h>

struct attribute_taker {
    /* Another value than 0 ends it and is returned. `name` as the disk has it. */
    int (*on_attribute)(void *ctx, const char *name, const uint8_t *value, size_t size);
    /* UV_E2BIG: its value is larger than FILES_ATTRIBUTE_MAX. */
    void (*on_failed)(void *ctx, const char *name, int status);
};

/* 0, also where there are none or the file system has none; errors of flistxattr(2); UV_ENOMEM. */
int attributes_read(int fd, const struct attribute_taker *taker, void *ctx);

#endif
