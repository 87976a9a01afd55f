/* SPDX-License-Identifier: MIT */
/* What no single field of a message can say. Private to protocol/wire: the encoder asserts it, the decoder
 * checks it. */
#ifndef HOSPES_MESSAGE_RULES_H
#define HOSPES_MESSAGE_RULES_H

#include "protocol/wire/message.h"

/* 0, STATUS_MALFORMED, or STATUS_NOT_SUPPORTED where a later version may mean something. */
int message_rules_check(const struct message *message);

#endif
