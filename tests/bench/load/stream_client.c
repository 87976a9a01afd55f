/* SPDX-License-Identifier: MIT */
/* stream_client PORT up|down MILLISECONDS STREAMS: moves bulk data over so many connections at once, a thread
 * each, and prints {"bytes":…,"seconds":…}. Bytes count where they arrive: for an upload the server's own
 * total, asked for after the half-close, so that nothing still in a relay's buffers is counted. */
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/load/loopback.h"
#include "tests/bench/load/samples.h"
#include "tests/bench/load/stream_order.h"

#define STREAMS_MAX 1024

struct stream {
    struct stream_order order;
    int fd;
    uint64_t bytes; /* that arrived */
    pthread_t thread;
};

static void upload(struct stream *stream, uint8_t *chunk)
{
    uint64_t end_ns = samples_now_ns() + stream->order.milliseconds * UINT64_C(1000000);
    uint64_t sent = 0;

    while (samples_now_ns() < end_ns) {
        if (!loopback_write_all(stream->fd, chunk, STREAM_CHUNK_SIZE))
            errx(1, "the connection broke in the middle of an upload");
        sent += STREAM_CHUNK_SIZE;
    }
    shutdown(stream->fd, SHUT_WR);
    if (!loopback_read_all(stream->fd, &stream->bytes, sizeof stream->bytes))
        errx(1, "no answer after the half-close");
    if (stream->bytes != sent)
        errx(1, "%llu bytes sent, %llu arrived", (unsigned long long)sent, (unsigned long long)stream->bytes);
}

static void download(struct stream *stream, uint8_t *chunk)
{
    for (;;) {
        ssize_t got = read(stream->fd, chunk, STREAM_CHUNK_SIZE);
        if (got < 0)
            err(1, "the connection broke in the middle of a download");
        if (got == 0)
            break;
        stream->bytes += (uint64_t)got;
    }
    if (stream->bytes == 0 || stream->bytes % STREAM_CHUNK_SIZE != 0)
        errx(1, "%llu bytes arrived, which is no number of whole chunks", (unsigned long long)stream->bytes);
}

static void *run(void *argument)
{
    struct stream *stream = argument;
    uint8_t *chunk = calloc(1, STREAM_CHUNK_SIZE);

    if (chunk == NULL)
        err(1, "a chunk");
    if (!loopback_write_all(stream->fd, &stream->order, sizeof stream->order))
        errx(1, "the connection broke at its start");
    if (stream->order.direction == STREAM_UPLOAD)
        upload(stream, chunk);
    else
        download(stream, chunk);
    free(chunk);
    close(stream->fd);
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t bytes = 0;

    if (argc != 5 || (strcmp(argv[2], "up") != 0 && strcmp(argv[2], "down") != 0))
        errx(2, "usage: stream_client PORT up|down MILLISECONDS STREAMS");
    uint16_t port = (uint16_t)loopback_number(argv[1], 1, 65535, "PORT");
    struct stream_order order = {
        .direction = strcmp(argv[2], "up") == 0 ? STREAM_UPLOAD : STREAM_DOWNLOAD,
        .milliseconds = (uint32_t)loopback_number(argv[3], 1, 3600000, "MILLISECONDS"),
    };
    size_t count = (size_t)loopback_number(argv[4], 1, STREAMS_MAX, "STREAMS");
    struct stream *streams = calloc(count, sizeof *streams);
    if (streams == NULL)
        err(1, "%zu streams", count);
    for (size_t i = 0; i < count; i++) {
        streams[i].order = order;
        streams[i].fd = loopback_connect(port, 0);
    }
    uint64_t start_ns = samples_now_ns();
    for (size_t i = 0; i < count; i++) {
        if (pthread_create(&streams[i].thread, NULL, run, &streams[i]) != 0)
            errx(1, "no thread");
    }
    for (size_t i = 0; i < count; i++) {
        pthread_join(streams[i].thread, NULL);
        bytes += streams[i].bytes;
    }
    printf("{\"bytes\":%llu,\"seconds\":%.6f}\n", (unsigned long long)bytes,
           (double)(samples_now_ns() - start_ns) / 1e9);
    free(streams);
    return 0;
}
