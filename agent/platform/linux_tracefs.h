/* SPDX-License-Identifier: MIT */
/* Where the kernel's tracepoints are found. */
#ifndef HOSPES_LINUX_TRACEFS_H
#define HOSPES_LINUX_TRACEFS_H

#include <stdint.h>

/* The perf id of a tracepoint ("sock", "inet_sock_set_state"). Mounts tracefs at /sys/kernel/tracing when it
 * is not mounted and this process may. UV_ENOENT: no tracefs or no such tracepoint; UV_EACCES: may not look.
 */
int tracefs_event_id(const char *system, const char *event, uint64_t *ret_id);

#endif
