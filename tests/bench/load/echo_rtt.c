/* SPDX-License-Identifier: MIT */
/* echo_rtt PORT SAMPLES: round trips of one byte over one connection, printed as order statistics. */
#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/load/loopback.h"
#include "tests/bench/load/samples.h"

#define WARM_UP 100

int main(int argc, char **argv)
{
    struct samples samples;
    char byte = 'x';

    if (argc != 3)
        errx(2, "usage: echo_rtt PORT SAMPLES");
    int fd = loopback_connect((uint16_t)loopback_number(argv[1], 1, 65535, "PORT"), 0);
    long count = loopback_number(argv[2], 1, 10000000, "SAMPLES");
    samples_init(&samples, (size_t)count);
    for (long i = -WARM_UP; i < count; i++) {
        uint64_t start_ns = samples_now_ns();
        if (!loopback_write_all(fd, &byte, 1) || !loopback_read_all(fd, &byte, 1))
            errx(1, "the connection broke at round trip %ld", i);
        if (i >= 0)
            samples_add(&samples, samples_now_ns() - start_ns);
    }
    samples_print(&samples);
    putchar('\n');
    samples_finish(&samples);
    close(fd);
    return 0;
}
