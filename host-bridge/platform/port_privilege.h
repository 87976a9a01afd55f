/* SPDX-License-Identifier: MIT */
/* Which ports this process may not bind. */
#ifndef HOSPES_PORT_PRIVILEGE_H
#define HOSPES_PORT_PRIVILEGE_H

#include <stdbool.h>
#include <stdint.h>

/* The port is below the first that anyone may bind, and this process has no privilege to bind it. */
bool port_privilege_lacking(uint16_t port);
/* The first port that anyone may bind: 1024 unless the administrator changed it. */
uint16_t port_privilege_first_free(void);

#endif
