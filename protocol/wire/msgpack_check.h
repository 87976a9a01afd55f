/* SPDX-License-Identifier: MIT */
/* Walks msgpack bytes without allocating, before the unpacker sees them. */
#ifndef HOSPES_MSGPACK_CHECK_H
#define HOSPES_MSGPACK_CHECK_H

#include "protocol/base/buffer.h"

/* 0 when `bytes` are exactly one object within MSGPACK_DEPTH_MAX containers inside each other and
 * MSGPACK_OBJECTS_MAX objects, every length within the bytes that are there. STATUS_MALFORMED (truncated,
 * trailing bytes, extension types, the unused byte 0xc1) or STATUS_TOO_LARGE (depth, count). */
int msgpack_check(struct span bytes);

#endif
