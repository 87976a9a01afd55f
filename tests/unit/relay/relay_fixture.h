/* SPDX-License-Identifier: MIT */
/* A bridge's and an agent's relay in one process: a client on one side, a server on the other, and between
 * them flows over a pair of streams. */
#ifndef HOSPES_RELAY_FIXTURE_H
#define HOSPES_RELAY_FIXTURE_H

#include "protocol/link/mux_link.h"
#include "services/relay/tcp_flow.h"
#include "tests/unit/link/link_fixture.h"

enum carrier { OVER_SOCKET, OVER_MUX };

extern struct relay relay;
extern struct flow_set bridge_flows, agent_flows;
extern int server_listener;
extern uint16_t server_port;

int relay_fixture_setup(void **state);
int relay_fixture_teardown(void **state); /* all flows must be over, or are ended */
void relay_fixture_use(enum carrier carrier);
void relay_fixture_lose_link(void);

struct dial_target loopback_target(uint8_t protocol, uint16_t port);
int listen_tcp(uint16_t *ret_port);
int connect_tcp(uint16_t port);
/* A port that refuses: bound, not listening. Close *ret_fd when done. */
uint16_t refusing_port(int type, int *ret_fd);
void reset_peer(struct peer *peer); /* closes it with a TCP reset */

/* A connected client and the bridge's end of it. */
void connect_client(struct peer *ret_client, int *ret_bridge_fd);
/* Two streams joined to each other. */
void stream_pair(struct stream *ret[2]);
/* A client whose connection is carried to the target by the carrier in use. */
void open_flow(struct peer *ret_client, const struct dial_target *target);
/* The same to the fixture's server, which has accepted. */
void open_flow_to_server(struct peer *ret_client, struct peer *ret_server);
size_t allocated_bytes(void);

#endif
