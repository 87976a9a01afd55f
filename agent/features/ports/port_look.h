/* SPDX-License-Identifier: MIT */
/* The parts of a look at the ports, put together: source, owners, table. No timers and no loop. */
#ifndef HOSPES_PORT_LOOK_H
#define HOSPES_PORT_LOOK_H

#include "agent/features/ports/port_source.h"
#include "agent/features/ports/port_table.h"
#include "agent/features/ports/port_watch.h"
#include "agent/platform/linux_process.h"
#include "agent/platform/socket_list.h"

#define LOOK_TCP  1U
#define LOOK_UDP  2U
#define LOOK_BOTH (LOOK_TCP | LOOK_UDP)

struct port_look {
    struct port_source source;
    struct process_finder *finder;
    struct port_table *table;
    struct socket_list tcp;
    struct socket_list udp;
    struct socket_list scratch;
    uint16_t own_ports[PORT_WATCH_OWN_PORTS_MAX];
    size_t own_port_count;
};

struct port_look_result {
    bool searched;   /* false: publish again soon, some owners are still searched */
    uint64_t due_ms; /* look again then, for a port that is held back; 0 = no need */
};

/* options can be NULL. UV_ENOMEM, or a forced tier that does not work here. */
int port_look_init(struct port_look *look, const struct port_watch_options *options);
void port_look_finish(struct port_look *look);

/* Reads the ephemeral port range anew. */
void port_look_refresh_range(struct port_look *look);

/* Reads the sockets of the protocols in `what` (LOOK_…). UV_EAGAIN: disturbed, look again. On failure the
 * last known sockets stay. */
int port_look_dump(struct port_look *look, unsigned what);

/* Searches owners for about `budget_us`, updates the table and tells the changes by emit (NULL: nobody).
 * UV_ENOMEM: the next call makes up for it. */
int port_look_publish(struct port_look *look, uint64_t now_ms, uint64_t budget_us, port_emit emit, void *ctx,
                      struct port_look_result *ret);

#endif
