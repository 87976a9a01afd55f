/* SPDX-License-Identifier: MIT */
/* HTTP over the bridge's Unix socket. Synchronous: every call returns when the answer is there, a limit is
 * reached or the user interrupts. */
#ifndef HOSPES_CLI_CLIENT_H
#define HOSPES_CLI_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLIENT_SOCKET_PATH_MAX   107                /* sun_path of Linux, with its terminator */
#define CLIENT_ANSWER_MAX        (64 * 1024 * 1024) /* a folder of 100,000 long names, with room */
#define CLIENT_TIMEOUT_MS        15000              /* the bridge's own deadlines are 5 and 10 s */
#define CLIENT_PARALLEL_MAX      8
#define CLIENT_PROGRESS_AFTER_MS 500

struct client; /* opaque */

enum client_failure {
    CLIENT_OK,          /* there is an HTTP answer, whatever its status */
    CLIENT_UNREACHABLE, /* os_error says why: ENOENT, ECONNREFUSED, EACCES … */
    CLIENT_TIMEOUT,     /* connected, but no (whole) answer in time */
    CLIENT_CLOSED,      /* the connection ended before the answer did */
    CLIENT_NOT_HTTP,    /* something else answers there */
    CLIENT_NOT_JSON,    /* HTTP success without the JSON that belongs to it */
    CLIENT_TOO_LARGE,   /* above CLIENT_ANSWER_MAX */
    CLIENT_INTERRUPTED, /* interrupt_seen() */
    CLIENT_STOPPED,     /* a stream's reader had enough */
    CLIENT_INPUT,       /* what was to be sent can't be read; os_error says why */
    CLIENT_NO_MEMORY,
};

struct client_answer {
    enum client_failure failure;
    int os_error; /* errno, CLIENT_UNREACHABLE and CLIENT_INPUT only */
    long status;  /* HTTP, CLIENT_OK only */
    json_t *json; /* owned; NULL when there was no body, or it was an error's that is no JSON */
};

struct client_options {
    const char *socket_path; /* borrowed; at most CLIENT_SOCKET_PATH_MAX bytes */
    long timeout_ms;
    /* Called some ten times a second while waiting, once CLIENT_PROGRESS_AFTER_MS have passed, and once with
     * done when the wait ends after that. Can be NULL. */
    void (*on_wait)(void *ctx, unsigned waited_ms, bool done);
    void *ctx;
};

/* NULL when out of memory. */
struct client *client_create(const struct client_options *options);
void client_destroy(struct client *client); /* can be NULL */

struct client_request {
    const char *method;
    const char *path;   /* from "/api/v1" on, already percent-encoded */
    const json_t *body; /* can be NULL */
};

/* Asks all requests, some at once, and fills as many answers, each to be finished. */
void client_perform(struct client *client, const struct client_request *requests,
                    struct client_answer *answers, size_t count);
/* One request that an interrupt does not stop (a second one ends the program): what must be said before the
 * end. */
void client_perform_last(struct client *client, const struct client_request *request,
                         struct client_answer *ret);
void client_answer_finish(struct client_answer *answer);

struct client_stream {
    const char *path;
    const char *last_event_id; /* NULL or "" = none */
    bool uploads;              /* PUT: what upload_fd gives, to its end, is the request's body */
    int upload_fd;             /* borrowed */
    bool is_file;              /* the answer is no event stream: large pieces */
    bool wait_bounded; /* the head of the answer must come within the timeout; the body never need end */
    /* Bytes of a 200's body; false stops. Can be NULL with uploads. */
    bool (*on_bytes)(void *ctx, const char *bytes, size_t size);
    /* Some ten times a second, once the head is there; false stops. Can be NULL. */
    bool (*on_tick)(void *ctx);
    void *ctx;
};

/* Runs until the stream ends or a callback stops it. A status other than 200 is answered as by
 * client_perform. */
void client_stream(struct client *client, const struct client_stream *stream, struct client_answer *ret);

/* connect(2) alone, to learn why curl could not: 0 or an errno. ret_pid (can be NULL): the listener's
 * process, 0 when not known. */
int client_probe(const char *socket_path, long *ret_pid);

#endif
