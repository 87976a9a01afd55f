/* SPDX-License-Identifier: MIT */
/* JSON bodies: one object with the fields that a route names, and no others. */
#ifndef HOSPES_API_BODY_H
#define HOSPES_API_BODY_H

#include <stdint.h>

#include "host-bridge/api/http_request.h"

enum field_kind {
    FIELD_TEXT,   /* const char *: valid as long as the object */
    FIELD_PORT,   /* uint16_t, 1 … 65535 */
    FIELD_SWITCH, /* bool */
    FIELD_OBJECT, /* const json_t *: as FIELD_TEXT; what is in it is the route's to check */
};

/* What `ret` points to is left untouched when the field is absent. */
struct field {
    const char *name;
    enum field_kind kind;
    bool required;
    void *ret;
};

/* The request's body as an object (json_decref it after use of its texts). NULL: the error is answered
 * already: 400 with line and column, 422 naming the field. */
json_t *body_read(struct http_request *request, const struct field *fields, size_t count);

#endif
