/* SPDX-License-Identifier: MIT */
/* Guest port → host port, so that a forward gets the same number again. Bounded: the newest stay. */
#ifndef HOSPES_REMEMBERED_PORTS_H
#define HOSPES_REMEMBERED_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REMEMBERED_PORTS_MAX 1024 /* of one guest; 16 KiB at the worst */

struct remembered_port {
    uint32_t group; /* port_group() of the guest's port */
    uint16_t host_port;
    uint64_t stamp; /* higher = newer */
};

/* Sorted by group. All zero is empty. */
struct remembered_ports {
    struct remembered_port *items;
    size_t count, capacity;
    uint64_t next_stamp;
};

void remembered_ports_finish(struct remembered_ports *ports);
uint16_t remembered_ports_find(const struct remembered_ports *ports, uint32_t group); /* 0 = none */
/* True when something changed. What cannot be stored for lack of memory is not remembered. */
bool remembered_ports_put(struct remembered_ports *ports, uint32_t group, uint16_t host_port);
bool remembered_ports_drop(struct remembered_ports *ports, uint32_t group);

#endif
