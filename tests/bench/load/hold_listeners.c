/* SPDX-License-Identifier: MIT */
/* hold_listeners FIRST_PORT COUNT: listens on so many ports in a row, prints {"listening":COUNT} and sleeps
 * until it is killed. */
#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/load/loopback.h"

int main(int argc, char **argv)
{
    if (argc != 3)
        errx(2, "usage: hold_listeners FIRST_PORT COUNT");
    long first = loopback_number(argv[1], 1, 65535, "FIRST_PORT");
    long count = loopback_number(argv[2], 1, 65536 - first, "COUNT");
    for (long i = 0; i < count; i++)
        loopback_listen((uint16_t)(first + i));
    printf("{\"listening\":%ld}\n", count);
    fflush(stdout);
    for (;;)
        pause();
}
