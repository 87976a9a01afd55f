/* SPDX-License-Identifier: MIT */
/* connect_first_byte PORT SAMPLES: from connect(2) until the byte that the server sends on its own has come,
 * a new connection each time. The close is not in the time but waits its turn before the next connection. */
#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/load/loopback.h"
#include "tests/bench/load/samples.h"

#define WARM_UP 20

int main(int argc, char **argv)
{
    struct samples samples;
    char byte;

    if (argc != 3)
        errx(2, "usage: connect_first_byte PORT SAMPLES");
    uint16_t port = (uint16_t)loopback_number(argv[1], 1, 65535, "PORT");
    long count = loopback_number(argv[2], 1, 1000000, "SAMPLES");
    samples_init(&samples, (size_t)count);
    for (long i = -WARM_UP; i < count; i++) {
        uint64_t start_ns = samples_now_ns();
        int fd = loopback_connect(port, 0);
        if (!loopback_read_all(fd, &byte, 1))
            errx(1, "connection %ld ended without its byte", i);
        if (i >= 0)
            samples_add(&samples, samples_now_ns() - start_ns);
        close(fd);
    }
    samples_print(&samples);
    putchar('\n');
    samples_finish(&samples);
    return 0;
}
