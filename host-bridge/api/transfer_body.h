/* SPDX-License-Identifier: MIT */
/* The body of POST /transfers: what is to be copied, from where to where, and how. */
#ifndef HOSPES_API_TRANSFER_BODY_H
#define HOSPES_API_TRANSFER_BODY_H

#include "host-bridge/api/http_request.h"
#include "host-bridge/features/transfers/transfers.h"

struct transfer_body {
    struct transfer_request request; /* its paths point into what follows */
    char *paths[FILES_PATHS_MAX];
    char *to;
    json_t *root;
};

/* False: answered already: 400 with line and column, 422 naming the field. Else release it with
 * transfer_body_finish. Which guests there are, and who may name files of the host, is not looked at. */
bool transfer_body_read(struct http_request *request, struct transfer_body *ret);
void transfer_body_finish(struct transfer_body *body);

/* "replace", "rename", "fail". */
bool files_conflict_parse(const char *text, uint8_t *ret);

#endif
