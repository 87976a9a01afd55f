/* SPDX-License-Identifier: MIT */
/* One look at the ports: sockets from the source, owners from the finder, changes from the table. When to
 * look is left to port_watch. */
#include "agent/features/ports/port_look.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "agent/platform/linux_procnet.h"

int port_look_init(struct port_look *look, const struct port_watch_options *options)
{
    memset(look, 0, sizeof(*look));
    if (options != NULL && options->own_ports != NULL) {
        assert(options->own_port_count <= PORT_WATCH_OWN_PORTS_MAX);
        memcpy(look->own_ports, options->own_ports, options->own_port_count * sizeof(uint16_t));
        look->own_port_count = options->own_port_count;
    }
    int status = port_source_open(&look->source, options != NULL ? options->force : PORT_TIER_AUTO,
                                  options != NULL && options->avoid_sock_diag);
    if (status < 0)
        return status;
    status = process_finder_create(&look->finder);
    if (status == 0)
        status = port_table_create(&look->table);
    if (status < 0) {
        port_look_finish(look);
        return status;
    }
    port_look_refresh_range(look);
    return 0;
}

void port_look_finish(struct port_look *look)
{
    port_source_close(&look->source);
    process_finder_destroy(look->finder);
    port_table_destroy(look->table);
    socket_list_finish(&look->tcp);
    socket_list_finish(&look->udp);
    socket_list_finish(&look->scratch);
}

void port_look_refresh_range(struct port_look *look)
{
    uint16_t low;
    uint16_t high;
    procnet_ephemeral_range(&low, &high);
    port_table_set_ephemeral(look->table, low, high);
}

static void describe(void *ctx, const struct port_sighting *sighting, struct port_fact *ret_fact)
{
    struct port_look *look = ctx;
    process_describe(process_finder_owner(look->finder, sighting->socket), ret_fact);
}

static bool is_own(const struct port_look *look, const struct port_key *key)
{
    for (size_t i = 0; i < look->own_port_count; i++) {
        if (key->protocol == PORT_TCP && key->port == look->own_ports[i])
            return true;
    }
    return false;
}

/* Where neither the list nor the owner tells: two sockets can't both take IPv4 on one port. `socket` lies in
 * an array sorted by key that begins at `first`, where IPv4 goes before IPv6. */
static bool guess_v6only(const struct listening_socket *first, const struct listening_socket *socket)
{
    if (!ip_address_is_any(&socket->key.address))
        return false;
    for (const struct listening_socket *other = socket; other > first; other--) {
        const struct port_key *key = &other[-1].key;
        if (key->port != socket->key.port)
            return false;
        if (key->address.family == 4 && ip_address_is_any(&key->address))
            return true;
    }
    return false;
}

static size_t sight(const struct port_look *look, const struct socket_list *list, struct port_sighting *out)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct listening_socket *socket = &list->items[i];
        if (is_own(look, &socket->key))
            continue;
        const struct socket_owner *owner = process_finder_owner(look->finder, socket->inode);
        bool v6only = socket->v6only;
        if (!socket->v6only_known)
            v6only = owner != NULL && owner->v6only_known ? owner->v6only : guess_v6only(list->items, socket);
        out[count++] = (struct port_sighting){
            .key = socket->key,
            .v6only = v6only,
            .uid = socket->uid,
            .socket = socket->inode,
            .version = owner != NULL ? owner->version : 0,
        };
    }
    return count;
}

int port_look_publish(struct port_look *look, uint64_t now_ms, uint64_t budget_us, port_emit emit, void *ctx,
                      struct port_look_result *ret)
{
    size_t room = look->tcp.count + look->udp.count;
    struct port_sighting *sightings = malloc((room + 1) * sizeof(*sightings));
    if (sightings == NULL)
        return UV_ENOMEM;
    bool searched = process_finder_search(look->finder, budget_us, now_ms);
    size_t count = sight(look, &look->tcp, sightings);
    count += sight(look, &look->udp, sightings + count);
    uint64_t due_ms;
    int status = port_table_update(look->table, sightings, count, now_ms, describe, look, emit, ctx, &due_ms);
    free(sightings);
    if (status == 0)
        *ret = (struct port_look_result){.searched = searched, .due_ms = due_ms};
    return status;
}

static int dump(struct port_look *look, uint8_t protocol, struct socket_list *list)
{
    int status = port_source_dump(&look->source, protocol, &look->scratch);
    if (status < 0)
        return status; /* what was known is the best that there is */
    struct socket_list before = *list;
    *list = look->scratch;
    look->scratch = before;
    return 0;
}

int port_look_dump(struct port_look *look, unsigned what)
{
    int tcp_status = what & LOOK_TCP ? dump(look, PORT_TCP, &look->tcp) : 0;
    int udp_status = what & LOOK_UDP ? dump(look, PORT_UDP, &look->udp) : 0;
    int status = process_finder_track(look->finder, &look->tcp, &look->udp);
    return tcp_status < 0 ? tcp_status : udp_status < 0 ? udp_status : status;
}
