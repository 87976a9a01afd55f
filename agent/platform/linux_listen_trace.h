/* SPDX-License-Identifier: MIT */
/* Wakes when anything on this machine starts or stops listening: perf events (perf_event_open(2)) on the
 * tracepoints sock:inet_sock_set_state, filtered in the kernel to transitions to and from LISTEN, and
 * syscalls:sys_exit_bind for UDP. Needs tracefs and root or CAP_PERFMON. Every network namespace wakes it: it
 * says only "look", and who to look at first. */
#ifndef HOSPES_LINUX_LISTEN_TRACE_H
#define HOSPES_LINUX_LISTEN_TRACE_H

#include <stdbool.h>
#include <stdint.h>

struct listen_trace;

/* Mounts tracefs where it is not mounted and may be. On failure *ret_reason is one line in static storage
 * that says what is missing. */
int listen_trace_create(struct listen_trace **ret, const char **ret_reason);
void listen_trace_destroy(struct listen_trace *trace);

/* Readable when there is news. Owned by the trace. */
int listen_trace_fd(const struct listen_trace *trace);

/* True when binding a UDP socket wakes too; not every kernel traces system calls. */
bool listen_trace_sees_udp(const struct listen_trace *trace);

/* Reads the news; on_pid gets the process of each (never 0). True when there was any. */
bool listen_trace_drain(struct listen_trace *trace, void (*on_pid)(void *ctx, int32_t pid), void *ctx);

/* True when processors came or went since creation: make a new trace. */
bool listen_trace_is_stale(const struct listen_trace *trace);

#endif
