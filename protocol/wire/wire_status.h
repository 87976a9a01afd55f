/* SPDX-License-Identifier: MIT */
/* Status codes as they travel. Errno values differ between systems, so system errors have fixed numbers from
 * -11001 downwards on the wire (docs/protocol.md, "Status numbers"); our own codes travel as they are. */
#ifndef HOSPES_WIRE_STATUS_H
#define HOSPES_WIRE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

/* A local status (negative) as its number. A system error outside the table travels as EIO; what is no error
 * (0 or above) as STATUS_GONE. */
int32_t wire_status_encode(int status);

/* The local status of a number; always negative. Unknown numbers are UV_EIO. */
int wire_status_decode(int32_t number);

#endif
