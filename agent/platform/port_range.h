/* SPDX-License-Identifier: MIT */
/* The system's range of ephemeral ports. */
#ifndef HOSPES_PORT_RANGE_H
#define HOSPES_PORT_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* False when the system does not tell; outputs untouched. */
bool port_range_read(uint16_t *ret_low, uint16_t *ret_high);

#endif
