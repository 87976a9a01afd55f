/* SPDX-License-Identifier: MIT */
/* Sockets for the tests of forwards: a loopback of their own, ports that somebody holds, clients. */
#ifndef HOSPES_TEST_NETWORK_H
#define HOSPES_TEST_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

/* Moves the process into an empty network namespace with its loopback up, where no foreign port is taken. A
 * system that does not allow it leaves the tests in the machine's own network. */
void network_isolate(void);
/* A socket bound (TCP: and listening) on the loopback of `family` (4, 6). Fails the test on error. */
int network_hold(int family, int type, uint16_t port);
/* A connected TCP client on the loopback; negative: -errno. */
int network_connect(int family, uint16_t port);
/* The peer ended the connection with RST, within five seconds. */
bool network_was_reset(int fd);
/* Nobody else can bind the port on the loopback of `family`. */
bool network_is_taken(int family, int type, uint16_t port);
/* Switches CAP_NET_BIND_SERVICE off and on again. */
void network_set_privilege(bool privileged);

#endif
