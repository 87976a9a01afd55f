/* SPDX-License-Identifier: MIT */
/* 503 for a guest that is not connected, with what is known of its link. */
#ifndef HOSPES_API_NOT_CONNECTED_H
#define HOSPES_API_NOT_CONNECTED_H

#include "host-bridge/api/http_request.h"
#include "host-bridge/guest.h"

/* What the link knows, for errors. NULL when out of memory. */
json_t *not_connected_details(const struct guest *guest);
void not_connected_reply(struct http_request *request, const struct guest *guest);

#endif
