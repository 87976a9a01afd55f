/* SPDX-License-Identifier: MIT */
/* What to dial in the guest for listeners that share a port number. Pure. */
#ifndef HOSPES_FORWARD_TARGET_H
#define HOSPES_FORWARD_TARGET_H

#include "protocol/wire/message.h"

void forward_target_init(struct dial_target *target, uint8_t protocol, uint16_t port);
/* Adds where this listener can be reached: 0.0.0.0 → 127.0.0.1; :: → 127.0.0.1 and ::1, with v6only ::1
 * alone; any other address itself. Loopbacks go first; of the rest the first to come stay when
 * DIAL_ADDRESSES_MAX is reached. */
void forward_target_add(struct dial_target *target, const struct port_fact *fact);
/* Takes out every address that `barred` holds too. */
void forward_target_subtract(struct dial_target *target, const struct dial_target *barred);
/* 127.0.0.1, then ::1: for a port of which nothing is known. */
void forward_target_set_loopbacks(struct dial_target *target);
bool forward_target_equals(const struct dial_target *a, const struct dial_target *b);

#endif
