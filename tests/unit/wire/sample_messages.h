/* SPDX-License-Identifier: MIT */
/* One or more messages of every kind, with every field set to something of its own. */
#ifndef HOSPES_SAMPLE_MESSAGES_H
#define HOSPES_SAMPLE_MESSAGES_H

#include "protocol/wire/message.h"

/* Makes sample number `index`; false beyond the last. Release it with message_finish. *ret_name is its file's
 * name without an ending. */
bool sample_message(size_t index, struct message *ret, const char **ret_name);

/* The largest PORTS message that the limits allow. */
void sample_largest_ports(struct message *ret);

#endif
