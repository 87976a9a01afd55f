/* SPDX-License-Identifier: MIT */
/* A sorted array with a stamp for each item; the oldest makes room. Saving it is forwards_state.c. */
#include "host-bridge/features/forwards/remembered_ports.h"

#include <stdlib.h>
#include <string.h>

static size_t search(const struct remembered_ports *ports, uint32_t group)
{
    size_t low = 0, high = ports->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (ports->items[middle].group < group)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const struct remembered_ports *ports, size_t index, uint32_t group)
{
    return index < ports->count && ports->items[index].group == group;
}

static void remove_at(struct remembered_ports *ports, size_t index)
{
    ports->count--;
    memmove(&ports->items[index], &ports->items[index + 1], (ports->count - index) * sizeof(ports->items[0]));
}

static void drop_oldest(struct remembered_ports *ports)
{
    size_t oldest = 0;
    for (size_t i = 1; i < ports->count; i++) {
        if (ports->items[i].stamp < ports->items[oldest].stamp)
            oldest = i;
    }
    remove_at(ports, oldest);
}

static bool make_room(struct remembered_ports *ports)
{
    if (ports->count == REMEMBERED_PORTS_MAX)
        drop_oldest(ports);
    if (ports->count < ports->capacity)
        return true;
    size_t capacity = ports->capacity == 0 ? 8 : ports->capacity * 2;
    struct remembered_port *items = realloc(ports->items, capacity * sizeof(items[0]));
    if (items == NULL)
        return false;
    ports->items = items;
    ports->capacity = capacity;
    return true;
}

void remembered_ports_finish(struct remembered_ports *ports)
{
    free(ports->items);
    *ports = (struct remembered_ports){0};
}

uint16_t remembered_ports_find(const struct remembered_ports *ports, uint32_t group)
{
    size_t index = search(ports, group);
    return is_at(ports, index, group) ? ports->items[index].host_port : 0;
}

bool remembered_ports_put(struct remembered_ports *ports, uint32_t group, uint16_t host_port)
{
    size_t index = search(ports, group);
    if (is_at(ports, index, group)) {
        bool changed = ports->items[index].host_port != host_port;
        ports->items[index].host_port = host_port;
        ports->items[index].stamp = ports->next_stamp++;
        return changed;
    }
    if (!make_room(ports))
        return false;
    index = search(ports, group); /* the oldest may have gone from before it */
    memmove(&ports->items[index + 1], &ports->items[index], (ports->count - index) * sizeof(ports->items[0]));
    ports->items[index] = (struct remembered_port){group, host_port, ports->next_stamp++};
    ports->count++;
    return true;
}

bool remembered_ports_drop(struct remembered_ports *ports, uint32_t group)
{
    size_t index = search(ports, group);
    if (!is_at(ports, index, group))
        return false;
    remove_at(ports, index);
    return true;
}
