/* SPDX-License-Identifier: MIT */
/* Things as the JSON that clients see (schemas of docs/openapi.yaml). Each returns a new reference, NULL when
 * out of memory. */
#ifndef HOSPES_API_VIEW_H
#define HOSPES_API_VIEW_H

#include <jansson.h>

#include "host-bridge/features/inbox/inbox.h"
#include "host-bridge/features/transfers/transfers.h"
#include "host-bridge/guest.h"

/* view.c: parts */
json_t *view_text(const char *text);                      /* bytes that are no UTF-8 become "?" */
json_t *view_text_or_null(const char *text);              /* null for "" */
json_t *view_time(uint64_t realtime_ms);                  /* "2026-01-31T12:00:00.000Z" */
json_t *view_time_or_null(uint64_t realtime_ms);          /* null for 0 */
json_t *view_number(double number);                       /* null for what JSON can't say */
json_int_t view_count(uint64_t count);                    /* cut at what JSON integers hold here */
json_t *view_protocol(uint8_t protocol);                  /* "tcp", "udp" */
bool view_protocol_parse(const char *text, uint8_t *ret); /* its inverse */
json_t *view_address(const struct ip_address *address);

/* view_guest.c */
json_t *view_guest(const struct guest *guest);
json_t *view_liveness(const struct guest_liveness *liveness);
const char *view_status_name(enum agent_liveness agent); /* "ok", "silent", "absent" */
json_t *view_health(const struct guest *guest, const struct health_message *health);

/* view_pairing.c */
json_t *view_pairing(const struct guest *guest);
json_t *view_cipher(const struct guest *guest); /* null while not connected */

/* view_port.c */
json_t *view_port(const struct known_port *port);
json_t *view_forward(const struct forward *forward);
const char *view_forward_state_name(enum forward_state state);

/* view_transfer.c */
json_t *view_transfer(const struct transfer *transfer, size_t failures_max);
json_t *view_transfer_progress(const struct transfer *transfer); /* without failures and names */

/* view_inbox.c */
json_t *view_inbox_item(const struct inbox_item *item);

#endif
