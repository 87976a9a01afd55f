/* SPDX-License-Identifier: MIT */
/* machine-id(5) and, in QEMU, the VM generation id. What a change of them means is trust/identity.c's. */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/platform/firmware_config.h"
#include "agent/platform/machine.h"

/* QEMU's docs/specs/vmgenid: a page with the GUID at this offset, in Microsoft's byte order. */
#define GENERATION_ITEM   "etc/vmgenid_guid"
#define GENERATION_OFFSET 40
#define GENERATION_PAGE   4096
#define GUID_SIZE         16

static void read_id(const char *root, char out[static MACHINE_ID_SIZE])
{
    char path[PATH_MAX], text[MACHINE_ID_SIZE] = "";
    out[0] = '\0';
    if (snprintf(path, sizeof(path), "%s/etc/machine-id", root) >= (int)sizeof(path))
        return;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t size = read(fd, text, sizeof(text));
    close(fd);
    const size_t digits = MACHINE_ID_SIZE - 1;
    bool whole = size == (ssize_t)digits || (size == (ssize_t)digits + 1 && text[digits] == '\n');
    text[digits] = '\0';
    /* "uninitialized", and an empty file in images: no id yet */
    if (!whole || strspn(text, "0123456789abcdef") < digits)
        return;
    memcpy(out, text, digits);
    out[digits] = '\0';
}

static void read_generation(const char *root, char out[static MACHINE_GENERATION_SIZE])
{
    static const uint8_t NOBODY[GUID_SIZE];
    uint8_t page[GENERATION_PAGE];
    size_t size;
    out[0] = '\0';
    if (firmware_config_read(root, GENERATION_ITEM, page, sizeof(page), &size) < 0 ||
        size < GENERATION_OFFSET + GUID_SIZE)
        return;
    const uint8_t *guid = page + GENERATION_OFFSET;
    if (memcmp(guid, NOBODY, GUID_SIZE) == 0)
        return;
    snprintf(out, MACHINE_GENERATION_SIZE,
             "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", guid[3], guid[2],
             guid[1], guid[0], guid[5], guid[4], guid[7], guid[6], guid[8], guid[9], guid[10], guid[11],
             guid[12], guid[13], guid[14], guid[15]);
}

void machine_read(const char *root, struct machine *ret)
{
    read_id(root, ret->id);
    read_generation(root, ret->generation);
}
