/* SPDX-License-Identifier: MIT */
/* The bridge's events, read until they end: over restarts of the bridge (Last-Event-ID), until an interrupt,
 * or only as far as the bridge's ring holds them. */
#ifndef HOSPES_CLI_EVENT_STREAM_H
#define HOSPES_CLI_EVENT_STREAM_H

#include "host-bridge/cli/cli.h"

#define EVENT_STREAM_QUIET_MS 200  /* the ring is sent in one go: so much silence may be its end */
#define EVENT_STREAM_RETRY_MS 2000 /* between tries to reach the bridge again; the first ones come sooner */

struct event_stream {
    const char *path;     /* another stream than /events: guest and since do not count; can be NULL */
    const char *guest;    /* NULL = all */
    const char *since;    /* a number; NULL = from now on */
    bool follow;          /* false: end where the ring ends */
    unsigned patience_ms; /* a bridge that is away so long, also at first, is a failure; 0 = it is waited for
                           * for ever once it was there */
    bool needs_no_output; /* goes on when nobody reads the output any more */
    /* One event: data is the object of its data line. False ends the stream. */
    bool (*on_event)(void *ctx, const char *type, const char *id, const json_t *data);
    /* connected is false when the bridge went away, true when it is (again) there. False ends the stream. Can
     * be NULL. */
    bool (*on_connection)(void *ctx, bool connected);
    /* Some ten times a second while connected; false ends the stream. Can be NULL. */
    bool (*on_tick)(void *ctx);
    void *ctx;
};

/* CLI_DONE when a callback, an interrupt, the closed output or (without follow) the ring's end ended it; else
 * the reported failure. */
int event_stream_run(struct cli *cli, const struct event_stream *stream);

/* {"id":…,"type":…, and the data's fields}: an event as --json prints it. NULL when out of memory. */
json_t *event_stream_object(const char *type, const char *id, const json_t *data);

#endif
