/* SPDX-License-Identifier: MIT */
/* idle_connections PORT COUNT: opens so many connections, proves each with a byte there and back, prints
 * {"open":COUNT} and holds them until its standard input ends. Then proves them all once more: an idle
 * connection that was quietly dropped is a failure. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/load/loopback.h"

#define CONNECTIONS_A_SOURCE 5000 /* well below the ephemeral ports of one address */

static void prove(int fd, long index, const char *when)
{
    char byte = 'x';

    if (!loopback_write_all(fd, &byte, 1) || !loopback_read_all(fd, &byte, 1))
        errx(1, "connection %ld is dead %s", index, when);
}

int main(int argc, char **argv)
{
    char byte;

    if (argc != 3)
        errx(2, "usage: idle_connections PORT COUNT");
    uint16_t port = (uint16_t)loopback_number(argv[1], 1, 65535, "PORT");
    long count = loopback_number(argv[2], 1, 200 * CONNECTIONS_A_SOURCE, "COUNT");
    int *fds = calloc((size_t)count, sizeof *fds);
    if (fds == NULL)
        err(1, "%ld connections", count);
    for (long i = 0; i < count; i++) {
        fds[i] = loopback_connect(port, (uint8_t)(1 + i / CONNECTIONS_A_SOURCE));
        prove(fds[i], i, "when new");
    }
    printf("{\"open\":%ld}\n", count);
    fflush(stdout);
    loopback_read_all(STDIN_FILENO, &byte, 1);
    for (long i = 0; i < count; i++)
        prove(fds[i], i, "after its rest");
    for (long i = 0; i < count; i++)
        close(fds[i]);
    free(fds);
    return 0;
}
