/* SPDX-License-Identifier: MIT */
/* Blocking TCP on 127.0.0.1 for the load programs. A load program has nothing to recover: what fails here
 * says so on stderr and ends the program with 1, unless the comment says otherwise. */
#ifndef BENCH_LOOPBACK_H
#define BENCH_LOOPBACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A whole decimal number from low to high; `what` names it in the message. */
long loopback_number(const char *text, long low, long high, const char *what);

/* Non-blocking, close-on-exec, the longest backlog that the kernel allows. */
int loopback_listen(uint16_t port);

/* Blocking, TCP_NODELAY. `source` is the last byte of the 127.0.0.x to connect from; 0 leaves the choice to
 * the kernel. */
int loopback_connect(uint16_t port, uint8_t source);
/* The same from 127.0.0.1, but a refused or reset connection is an ordinary answer: -1. */
int loopback_try_connect(uint16_t port);

/* All bytes; false at the end of the stream or on an error. */
bool loopback_read_all(int fd, void *data, size_t size);
bool loopback_write_all(int fd, const void *data, size_t size);

#endif
