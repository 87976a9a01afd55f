/* SPDX-License-Identifier: MIT */
/* A Host API that answers from a table, misbehaves on request, and remembers what it was asked; and a way to
 * run the program against it. For tests only. */
#ifndef HOSPES_TEST_FAKE_API_H
#define HOSPES_TEST_FAKE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum fake_behaviour {
    FAKE_ANSWER,     /* status and body, as JSON */
    FAKE_HANG,       /* takes the request, says nothing */
    FAKE_GARBAGE,    /* answers what is no HTTP */
    FAKE_CLOSE,      /* closes without an answer */
    FAKE_CUT,        /* announces more than it sends */
    FAKE_HUGE,       /* a 100 MB body */
    FAKE_STREAM,     /* server-sent events: the body, then open until the client leaves */
    FAKE_STREAM_END, /* the same, but the connection ends after the body (a bridge that restarts); only a
                        request without Last-Event-ID is answered so */
    FAKE_STREAM_CUT, /* as FAKE_STREAM_END, in chunks, and in the midst of one (a bridge that is killed) */
    FAKE_STREAM_RESUMED, /* FAKE_STREAM for requests with Last-Event-ID */
};

struct fake_route {
    const char *method;
    const char *path; /* the query included */
    int status;
    const char *body; /* can be NULL */
    enum fake_behaviour behaviour;
};

struct fake_api {
    char folder[64];
    char socket[96];
    char
        log[96]; /* a line for each request: METHOD PATH[ BODY]; a chunked body above 200 bytes as its size */
    pid_t pid;
};

/* Routes are borrowed until stop. The socket accepts when this returns. */
void fake_api_start(struct fake_api *api, const struct fake_route *routes, size_t count);
/* Ends the server and its children. */
void fake_api_kill(struct fake_api *api);
/* The same, and removes the folder. */
void fake_api_stop(struct fake_api *api);
/* True when the log has exactly this line. */
bool fake_api_was_asked(const struct fake_api *api, const char *line);

#define RUN_TEXT_MAX (256 * 1024)

struct run {
    int status; /* exit status; 128 + N when signal N ended it */
    char *out, *err;
};

/* Runs the program with these arguments (ended by NULL) and HOSPES_SOCKET = socket. */
void run_hospes(struct run *run, const char *socket, const char *const *arguments);
/* The same with this descriptor as standard input. */
void run_hospes_with(struct run *run, const char *socket, const char *const *arguments, int input);
/* Fails the test unless it ended with this status and said both; err "": nothing on stderr at all. */
void run_expect(const struct run *run, int status, const char *out, const char *err);
void run_finish(struct run *run); /* can be called twice */

/* Starts it on a terminal of so many columns. */
pid_t run_on_terminal(const char *socket, const char *const *arguments, unsigned short columns, int *ret_fd);
/* Reads the terminal until it shows `text` (true), or the program ended (false). Appends to out. */
bool run_terminal_shows(int fd, const char *text, char *out, size_t room);

int run_wait(pid_t pid);

#endif
