/* SPDX-License-Identifier: MIT */
/* The real API over fake guests, and raw clients on its sockets, all on one loop: whoever waits turns the
 * loop. */
#ifndef HOSPES_TEST_HARNESS_H
#define HOSPES_TEST_HARNESS_H

#include "host-bridge/api/api.h"
#include "tests/unit/api/fake_guests.h"
#include "tests/unit/api/fake_transfers.h"
#include "tests/unit/files/fake_agent.h"

#include <jansson.h>

#define HARNESS_OTHER_UID 54321 /* the one other user that the API lets in, for every class */

struct harness {
    uv_loop_t loop;
    struct guests guests;
    struct fake_agent agent; /* of every guest */
    struct transfers transfers;
    struct inbox inbox;
    struct receiving receiving;
    struct api *api; /* NULL after harness_stop */
    struct audit_log *audit;
    char folder[64]; /* temporary; the sockets' folder is one below */
    char socket_path[96];
    char guest_dir[96];
};

/* cmocka set-up and tear-down; *state is the harness. The latter checks that nothing is left on the loop. */
int harness_setup(void **state);
int harness_setup_impatient(void **state); /* requests must be complete in 400 ms, answers in 800 */
int harness_teardown(void **state);
/* Closes the API and waits. */
void harness_stop(struct harness *harness);
/* One non-blocking turn of the loop, after waiting for `fd` (-1: none) or the loop, at most 100 ms. */
void harness_turn(struct harness *harness, int fd, short events);

struct client {
    struct harness *harness;
    int fd;
    struct buffer in;
    bool eof; /* or reset */
};

void client_open(struct client *client, struct harness *harness, const char *path);
void client_close(struct client *client);
/* Sends what the server takes; false when it has closed. */
bool client_send(struct client *client, const void *bytes, size_t size);
void client_print(struct client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Reads until `text` has come; fails the test when the connection ends or 20 s pass before. */
void client_expect(struct client *client, const char *text);
/* Reads until the end of the connection. */
void client_expect_end(struct client *client);
/* What has come so far, as text (the storage is the client's). */
const char *client_text(struct client *client);

struct response {
    int status;
    char head[4096]; /* status line and headers */
    char *body;      /* with a terminator */
    size_t size;
    json_t *json; /* NULL when the body is none */
};

/* The next response on this connection (Content-Length or chunked). `has_body` is false for HEAD. */
void client_response(struct client *client, bool has_body, struct response *ret);
void response_finish(struct response *response);

/* A request on a connection of its own to the main socket. `body` can be NULL. */
void ask(struct harness *harness, const char *method, const char *path, const char *body,
         struct response *ret);
/* The same, with the status checked; returns the body's JSON (new reference; NULL when it is none). */
json_t *ask_json(struct harness *harness, const char *method, const char *path, const char *body, int status);
/* An error: checks status and code; returns "message". */
void ask_problem(struct harness *harness, const char *method, const char *path, const char *body, int status,
                 const char *code, char message[static 512]);

#endif
