/* SPDX-License-Identifier: MIT */
/* The table's file in the state folder. Blocks. */
#ifndef HOSPES_OFFERS_FILE_H
#define HOSPES_OFFERS_FILE_H

#include "agent/features/offers/offer_table.h"

#define OFFERS_FILE_NAME "offers.json"

/* UV_ENOENT: there is none. STATUS_MALFORMED: it was set aside under another name. The table stays empty
 * then. */
int offers_file_load(const char *state_dir, struct offer_table *table);
int offers_file_save(const char *state_dir, const struct offer_table *table);

#endif
