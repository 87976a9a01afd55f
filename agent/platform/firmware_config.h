/* SPDX-License-Identifier: MIT */
/* Items that the VM manager hands to the guest beside its devices: QEMU's fw_cfg. */
#ifndef HOSPES_FIRMWARE_CONFIG_H
#define HOSPES_FIRMWARE_CONFIG_H

#include <stddef.h>

/* Reads the item `name` ("opt/org.hospes/psk"). UV_ENOENT: there is none; STATUS_TOO_LARGE: it has more than
 * `max` bytes; UV_EACCES: only root may read it. `root` is put before the path: "" but in tests. */
int firmware_config_read(const char *root, const char *name, void *out, size_t max, size_t *ret_size);

#endif
