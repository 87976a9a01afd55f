/* SPDX-License-Identifier: MIT */
/* stream_server PORT: source and sink of bulk data, a thread for each connection (they block, and a server
 * that is short of breath would be measured instead of the relay). Runs until it is killed. */
#include <err.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load/loopback.h"
#include "tests/bench/load/samples.h"
#include "tests/bench/load/stream_order.h"

static void sink(int fd, uint8_t *chunk)
{
    uint64_t total = 0;

    for (;;) {
        ssize_t got = read(fd, chunk, STREAM_CHUNK_SIZE);
        if (got < 0)
            return; /* no total: the client reports the loss */
        if (got == 0)
            break;
        total += (uint64_t)got;
    }
    loopback_write_all(fd, &total, sizeof total);
}

static void source(int fd, uint8_t *chunk, uint32_t milliseconds)
{
    uint64_t end_ns = samples_now_ns() + milliseconds * UINT64_C(1000000);
    uint8_t rest;

    while (samples_now_ns() < end_ns) {
        if (!loopback_write_all(fd, chunk, STREAM_CHUNK_SIZE))
            return;
    }
    shutdown(fd, SHUT_WR);
    loopback_read_all(fd, &rest, sizeof rest); /* the client's end of stream */
}

static void *serve(void *argument)
{
    int fd = (int)(intptr_t)argument;
    struct stream_order order;
    uint8_t *chunk = calloc(1, STREAM_CHUNK_SIZE);

    if (chunk == NULL)
        err(1, "a chunk");
    if (loopback_read_all(fd, &order, sizeof order)) {
        if (order.direction == STREAM_UPLOAD)
            sink(fd, chunk);
        else
            source(fd, chunk, order.milliseconds);
    }
    free(chunk);
    close(fd);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        errx(2, "usage: stream_server PORT");
    int listener = loopback_listen((uint16_t)loopback_number(argv[1], 1, 65535, "PORT"));
    for (;;) {
        struct pollfd wait = {.fd = listener, .events = POLLIN};
        pthread_t thread;
        poll(&wait, 1, -1);
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) != 0)
            errx(1, "no thread");
        pthread_detach(thread);
    }
}
