/* SPDX-License-Identifier: MIT */
/* The guest's state of health, as the bridge asks for it. */
#ifndef HOSPES_HEALTH_H
#define HOSPES_HEALTH_H

#include "protocol/wire/message.h"

/* Reads everything now, synchronously (about a millisecond); asks no file system that may not
 * answer. What the system does not tell is left 0 or empty. Negative only when not even memory can be read;
 * *ret is untouched then. */
int health_read(struct health_message *ret);

#endif
