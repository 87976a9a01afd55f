/* SPDX-License-Identifier: MIT */
/* Clients that were turned away: counted, logged, told as an event. */
#ifndef HOSPES_API_REFUSALS_H
#define HOSPES_API_REFUSALS_H

#include "host-bridge/api/owner.h"

const char *refusal_name(enum refusal reason); /* "peer", "class" */

/* Somebody who may not use the API connected. To the audit log, too: no request will. */
void refusals_note_stranger(struct api *api, const struct unix_peer *peer);
/* A client asked for what its classes don't hold. */
void refusals_note_class(struct api *api, const struct unix_peer *peer, enum request_class wanted);

#endif
