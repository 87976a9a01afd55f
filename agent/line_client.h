/* SPDX-License-Identifier: MIT */
/* One program at a Unix socket of the agent: JSON in lines, both ways.
 *
 * Nothing of it is trusted to end: one that says nothing, half a line, or does not read is closed after a
 * while, and lines and unsent answers are bounded. */
#ifndef HOSPES_LINE_CLIENT_H
#define HOSPES_LINE_CLIENT_H

#include <jansson.h>
#include <stdbool.h>
#include <uv.h>

#define LINE_CLIENT_UNSENT_MAX 16 /* answers to one that does not read */

struct line_client_handler {
    /* A line without its end; valid until return. */
    void (*on_line)(void *ctx, const char *line, size_t size);
    /* It is being closed, by whichever side: once. Can be NULL. */
    void (*on_closing)(void *ctx);
    /* Its memory may go. Never before line_client_close returns. */
    void (*on_closed)(void *ctx);
};

/* Embedded in whatever the owner keeps of it. */
struct line_client {
    uv_pipe_t pipe;
    uv_timer_t timer; /* idle; the owner's after line_client_stop_idling, until the last answer (data: this
                         struct) */
    int open_handles;
    bool closing;
    bool answered; /* the last answer is on its way */
    unsigned unsent;
    uint64_t idle_ms;
    const struct line_client_handler *handler;
    void *ctx;
    char *line; /* borrowed: the owner's room for one line */
    size_t size, capacity;
};

/* Accepts a connection. < 0: there is none; line_client_close it all the same. Nothing is read yet. */
int line_client_accept(struct line_client *client, uv_stream_t *server, char *room, size_t capacity,
                       uint64_t idle_ms, const struct line_client_handler *handler, void *ctx);
void line_client_start(struct line_client *client);
/* It waits for something that takes its time. */
void line_client_stop_idling(struct line_client *client);
/* Takes `answer`; after the last one the client is closed. */
void line_client_send(struct line_client *client, json_t *answer, bool last);
/* {"error", "status"}. */
void line_client_fail(struct line_client *client, int status, const char *text);
/* At once, without reading, for one that is not let in. */
void line_client_turn_away(struct line_client *client, const char *text);
void line_client_close(struct line_client *client); /* no-op when it is closing */

#endif
