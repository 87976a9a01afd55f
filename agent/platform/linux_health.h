/* SPDX-License-Identifier: MIT */
/* The machine's figures, one function a subject. */
#ifndef HOSPES_LINUX_HEALTH_H
#define HOSPES_LINUX_HEALTH_H

#include "protocol/wire/message.h"

/* Bytes. UV_ENOENT without /proc, UV_EPROTO. */
int memory_read(uint64_t *ret_total, uint64_t *ret_available);
/* Pure: the text of /proc/meminfo. Kernels before 3.14 do not tell what is available: free + buffers +
 * cached. */
int memory_parse(const char *text, size_t size, uint64_t *ret_total, uint64_t *ret_available);

/* Addresses of interfaces that are up, loopback left out. Gives the count. */
size_t addresses_read(struct health_address addresses[static HEALTH_ADDRESSES_MAX]);

/* Milliseconds since this process started. */
int process_uptime_ms(uint64_t *ret_ms);

#endif
