/* SPDX-License-Identifier: MIT */
/* What befalls the trust between this host and its guests, on its way to the audit log. */
#ifndef HOSPES_SECURITY_NEWS_H
#define HOSPES_SECURITY_NEWS_H

#include "host-bridge/audit/audit_log.h"
#include "host-bridge/guest.h"

/* `audit` NULL: nothing happens. `what` as in struct guest_news. */
void security_news_pairing(struct audit_log *audit, const struct guest *guest, const char *what);
/* The guest's agent turned somebody away. */
void security_news_refusals(struct audit_log *audit, const struct guest *guest,
                            const struct refusals_message *refusals);

#endif
