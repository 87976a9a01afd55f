/* SPDX-License-Identifier: MIT */
/* What names a control session to the other connections that belong to it. */
#ifndef HOSPES_SESSION_ID_H
#define HOSPES_SESSION_ID_H

#include <stdint.h>

#include "protocol/wire/limits.h"

struct session_id {
    uint8_t bytes[SESSION_ID_SIZE];
};

#endif
