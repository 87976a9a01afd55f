/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *
 * A tracepoint is opened once for each processor, since perf has no system-wide event that can be mapped.
 * Both tracepoints of a processor write into one ring of a single page: a record is 16 bytes, so that 256
 * wait before any is lost, and a lost one costs nothing but a hint, for the reader is awake by then. All
 * descriptors hang in one epoll descriptor, the only thing that the loop sees.
 *
 * perf clears its readiness when it is polled, also by epoll_ctl(2). An event between the opening and the
 * first wait is therefore not signalled: whoever opens a trace looks once by himself afterwards.
 *
 * When to look, and at what, is left to port_watch. */
#include "agent/platform/linux_listen_trace.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <uv.h>

#include "agent/platform/linux_tracefs.h"

#define PROCESSORS_MAX 4096

/* 10 is TCP_LISTEN */
#define LISTEN_FILTER "newstate==10 || oldstate==10"
#define BIND_FILTER   "ret==0"

struct processor_ring {
    int listen_fd;                     /* -1 = none */
    int bind_fd;                       /* -1 = none; writes into listen_fd's ring */
    struct perf_event_mmap_page *page; /* NULL = not mapped; the data page follows */
};

struct listen_trace {
    int epoll_fd;
    size_t page_size;
    bool sees_udp;
    long processors_online;
    size_t ring_count;
    struct processor_ring rings[];
};

static int open_event(uint64_t id, int processor, const char *filter, int *ret_fd)
{
    struct perf_event_attr attributes = {
        .type = PERF_TYPE_TRACEPOINT,
        .size = sizeof(attributes),
        .config = id,
        .sample_period = 1,
        .sample_type = PERF_SAMPLE_TID,
        .disabled = 1,
        .wakeup_events = 1,
    };
    long fd = syscall(SYS_perf_event_open, &attributes, -1, processor, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (ioctl((int)fd, PERF_EVENT_IOC_SET_FILTER, filter) < 0) {
        int status = -errno;
        close((int)fd);
        return status;
    }
    *ret_fd = (int)fd;
    return 0;
}

static int open_ring(struct listen_trace *trace, int processor, uint64_t listen_id, uint64_t bind_id)
{
    struct processor_ring *ring = &trace->rings[trace->ring_count];
    *ring = (struct processor_ring){.listen_fd = -1, .bind_fd = -1};
    int status = open_event(listen_id, processor, LISTEN_FILTER, &ring->listen_fd);
    if (status < 0)
        return status;
    trace->ring_count++; /* from here on destroy releases it */
    void *mapped = mmap(NULL, 2 * trace->page_size, PROT_READ | PROT_WRITE, MAP_SHARED, ring->listen_fd, 0);
    if (mapped == MAP_FAILED)
        return -errno;
    ring->page = mapped;
    if (trace->sees_udp) {
        status = open_event(bind_id, processor, BIND_FILTER, &ring->bind_fd);
        if (status == 0 && ioctl(ring->bind_fd, PERF_EVENT_IOC_SET_OUTPUT, ring->listen_fd) < 0)
            status = -errno;
        if (status < 0)
            return status;
    }
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(trace->epoll_fd, EPOLL_CTL_ADD, ring->listen_fd, &event) < 0 ||
        ioctl(ring->listen_fd, PERF_EVENT_IOC_ENABLE, 0) < 0 ||
        (ring->bind_fd >= 0 && ioctl(ring->bind_fd, PERF_EVENT_IOC_ENABLE, 0) < 0))
        return -errno;
    return 0;
}

static int open_rings(struct listen_trace *trace, long configured, uint64_t listen_id, uint64_t bind_id)
{
    for (long processor = 0; processor < configured; processor++) {
        int status = open_ring(trace, (int)processor, listen_id, bind_id);
        if (status == UV_ENODEV || status == UV_ENXIO) /* a processor that is not online */
            continue;
        if (status < 0)
            return status;
    }
    return trace->ring_count > 0 ? 0 : UV_ENODEV;
}

static const char *reason_of(int status)
{
    switch (status) {
    case UV_EACCES:
    case UV_EPERM:
        return "tracing needs root or CAP_PERFMON";
    case UV_ENOENT:
        return "the kernel has no tracefs or no tracepoint sock:inet_sock_set_state";
    case UV_ENOSYS:
        return "the kernel has no perf events";
    case UV_EMFILE:
    case UV_ENFILE:
        return "too few descriptors for one on each processor";
    default:
        return "perf events do not work here";
    }
}

int listen_trace_create(struct listen_trace **ret, const char **ret_reason)
{
    uint64_t listen_id;
    uint64_t bind_id = 0;
    struct listen_trace *trace = NULL;
    long configured = sysconf(_SC_NPROCESSORS_CONF);
    int status = tracefs_event_id("sock", "inet_sock_set_state", &listen_id);
    if (status < 0)
        goto fail;
    status = UV_ENOMEM;
    if (configured < 1 || configured > PROCESSORS_MAX)
        configured = configured < 1 ? 1 : PROCESSORS_MAX;
    trace = calloc(1, sizeof(*trace) + (size_t)configured * sizeof(trace->rings[0]));
    if (trace == NULL)
        goto fail;
    trace->page_size = (size_t)sysconf(_SC_PAGESIZE);
    trace->processors_online = sysconf(_SC_NPROCESSORS_ONLN);
    trace->sees_udp = tracefs_event_id("syscalls", "sys_exit_bind", &bind_id) == 0;
    trace->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    status = trace->epoll_fd < 0 ? -errno : open_rings(trace, configured, listen_id, bind_id);
    if (status < 0)
        goto fail;
    *ret = trace;
    return 0;
fail:
    listen_trace_destroy(trace);
    *ret_reason = reason_of(status);
    return status;
}

void listen_trace_destroy(struct listen_trace *trace)
{
    if (trace == NULL)
        return;
    for (size_t i = 0; i < trace->ring_count; i++) {
        struct processor_ring *ring = &trace->rings[i];
        if (ring->bind_fd >= 0)
            close(ring->bind_fd);
        if (ring->page != NULL)
            munmap(ring->page, 2 * trace->page_size);
        close(ring->listen_fd);
    }
    if (trace->epoll_fd >= 0)
        close(trace->epoll_fd);
    free(trace);
}

int listen_trace_fd(const struct listen_trace *trace)
{
    return trace->epoll_fd;
}

bool listen_trace_sees_udp(const struct listen_trace *trace)
{
    return trace->sees_udp;
}

bool listen_trace_is_stale(const struct listen_trace *trace)
{
    return sysconf(_SC_NPROCESSORS_ONLN) != trace->processors_online;
}

static void copy_from_ring(const uint8_t *data, size_t data_size, uint64_t at, void *out, size_t size)
{
    size_t offset = (size_t)(at % data_size);
    size_t first = size < data_size - offset ? size : data_size - offset;
    memcpy(out, data + offset, first);
    memcpy((uint8_t *)out + first, data, size - first);
}

static bool drain_ring(struct processor_ring *ring, size_t page_size, void (*on_pid)(void *ctx, int32_t pid),
                       void *ctx)
{
    const uint8_t *data = (const uint8_t *)ring->page + page_size;
    uint64_t head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
    uint64_t tail = ring->page->data_tail;
    bool news = head != tail;
    while (head - tail >= sizeof(struct perf_event_header)) {
        struct {
            struct perf_event_header header;
            uint32_t pid;
            uint32_t tid;
        } record = {.pid = 0};
        copy_from_ring(data, page_size, tail, &record.header, sizeof(record.header));
        if (record.header.size < sizeof(record.header) || record.header.size > head - tail)
            break;
        if (record.header.type == PERF_RECORD_SAMPLE && record.header.size >= sizeof(record)) {
            copy_from_ring(data, page_size, tail, &record, sizeof(record));
            if (record.pid != 0 && record.pid <= INT32_MAX)
                on_pid(ctx, (int32_t)record.pid);
        }
        tail += record.header.size;
    }
    __atomic_store_n(&ring->page->data_tail, head, __ATOMIC_RELEASE);
    return news;
}

bool listen_trace_drain(struct listen_trace *trace, void (*on_pid)(void *ctx, int32_t pid), void *ctx)
{
    bool news = false;
    for (size_t i = 0; i < trace->ring_count; i++)
        news |= drain_ring(&trace->rings[i], trace->page_size, on_pid, ctx);
    return news;
}
