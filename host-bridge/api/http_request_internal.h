/* SPDX-License-Identifier: MIT */
/* A request as its own parts see it: http_request.c (life and steps), http_body.c (what comes in) and
 * http_reply.c (what goes out). */
#ifndef HOSPES_API_HTTP_REQUEST_INTERNAL_H
#define HOSPES_API_HTTP_REQUEST_INTERNAL_H

#include "host-bridge/api/http_request_steps.h"

#define HTTP_METHOD_MAX  15
#define HTTP_HEADERS_MAX 8

/* See http_request.c. */
enum http_phase {
    PHASE_HEAD,
    PHASE_BODY,
    PHASE_HELD,
    PHASE_UPLOAD,
    PHASE_DISCARD,
    PHASE_DRAIN,
    PHASE_WAITING,
    PHASE_ANSWERED,
};

struct http_reply_header {
    const char *name; /* static */
    char *value;      /* owned */
};

struct http_request {
    const struct http_request_owner *owner;
    void *connection;
    struct MHD_Connection *mhd;
    const char *guest;
    const struct http_client *client;
    char *path;  /* owned; the query follows its terminator */
    char *query; /* into path; NULL */
    char method[HTTP_METHOD_MAX + 1];
    char parameter[HTTP_REQUEST_PARAMETER_MAX + 1];
    enum http_phase phase;
    bool suspended;
    bool gone;  /* nobody reads the answer */
    bool ended; /* the server closes: a stream ends in order */
    /* what comes in */
    bool expects;       /* the client waits for 100 Continue */
    uint64_t announced; /* bytes of the body; 0 = none, or not known */
    uint64_t dropped;   /* bytes of it that nobody wanted */
    struct buffer body;
    struct http_request_upload upload; /* take is NULL where the body is gathered */
    /* the answer */
    uint64_t wait_ms; /* how long it is waited for */
    struct http_reply_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    struct MHD_Response *response; /* NULL until there is one */
    unsigned status;
    struct http_request_stream stream; /* read is NULL when the answer is none */
    bool is_sized;                     /* the stream has a known size, and an idle deadline */
    void (*on_gone)(void *ctx);
    void *gone_ctx;
    http_request_answered on_answer; /* NULL once it was told */
    void *answer_ctx;
    char code[HTTP_REQUEST_CODE_MAX + 1];
};

/* http_request.c */
void http_request_resume(struct http_request *request);
void http_request_suspend(struct http_request *request);
void http_request_set_deadline(struct http_request *request, uint64_t timeout_ms);
void http_request_detach(struct http_request *request); /* whoever owes the answer forgets the request */
void http_request_tell_answer(struct http_request *request, unsigned status);

/* http_reply.c */
enum MHD_Result http_reply_queue(struct http_request *request);

/* http_body.c */
enum MHD_Result http_body_step_head(struct http_request *request, const char *method);
/* The head was held back; now there is an answer, or the body is wanted. */
enum MHD_Result http_body_step_held(struct http_request *request);
enum MHD_Result http_body_step_bytes(struct http_request *request, const char *data, size_t *size);

#endif
