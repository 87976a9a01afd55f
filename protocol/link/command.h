/* SPDX-License-Identifier: MIT */
/* The child process of an exec link: its stdin and stdout carry the mux. */
#ifndef HOSPES_COMMAND_H
#define HOSPES_COMMAND_H

#include <uv.h>

struct command; /* opaque */

/* Runs `line` by /bin/sh -c in a process group of its own; its stderr is ours. The two descriptors are the
 * caller's, non-blocking. on_exit fires once when it ended by itself, with a text such as "exit status 255".
 * libuv's codes. */
int command_start(uv_loop_t *uv, const char *line, int *ret_stdin, int *ret_stdout,
                  void (*on_exit)(void *ctx, const char *text), void *ctx, struct command **ret);
/* SIGTERM to the group, SIGKILL a second later. on_closed (can be NULL) when it is gone; no on_exit follows.
 */
void command_close(struct command *command, void (*on_closed)(void *ctx), void *ctx);

#endif
