/* SPDX-License-Identifier: MIT */
/* Which rule takes an offer: for inbox.c. */
#ifndef HOSPES_INBOX_RULES_H
#define HOSPES_INBOX_RULES_H

#include "host-bridge/features/inbox/inbox.h"

/* The first one that matches; NULL: none. */
const struct inbox_rule *inbox_rule_find(const struct inbox_rule *rules, size_t count,
                                         const struct inbox_item *item);

#endif
