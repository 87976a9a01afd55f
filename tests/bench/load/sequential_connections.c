/* SPDX-License-Identifier: MIT */
/* sequential_connections PORT COUNT: one connection after another, a byte there and back on each, the client
 * closing first. Prints the order statistics of a whole turn. */
#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/load/loopback.h"
#include "tests/bench/load/samples.h"

#define SOURCES 50 /* 127.0.0.1 … .50 in turn: ports rest in TIME_WAIT for a minute */

int main(int argc, char **argv)
{
    struct samples samples;
    char byte = 'x';

    if (argc != 3)
        errx(2, "usage: sequential_connections PORT COUNT");
    uint16_t port = (uint16_t)loopback_number(argv[1], 1, 65535, "PORT");
    long count = loopback_number(argv[2], 1, 10000000, "COUNT");
    samples_init(&samples, (size_t)count);
    for (long i = 0; i < count; i++) {
        uint64_t start_ns = samples_now_ns();
        int fd = loopback_connect(port, (uint8_t)(1 + i % SOURCES));
        if (!loopback_write_all(fd, &byte, 1) || !loopback_read_all(fd, &byte, 1))
            errx(1, "connection %ld broke", i);
        close(fd);
        samples_add(&samples, samples_now_ns() - start_ns);
    }
    samples_print(&samples);
    putchar('\n');
    samples_finish(&samples);
    return 0;
}
