/* SPDX-License-Identifier: MIT */
/* release_probe NAMESPACE FIRST_PORT COUNT: how long after close(2) in the guest the host's port of the same
 * number refuses connections. Opens all ports, waits until the host serves each, closes them one by one
 * CLOSE_INTERVAL_NS apart and tries every closed port once in TRY_INTERVAL_NS: rarely enough not to be the
 * load that is measured. Prints {"released":…,"lost":…}; lost are those still open after PATIENCE_NS. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load/guest_listener.h"
#include "tests/bench/load/loopback.h"
#include "tests/bench/load/samples.h"

#define PORTS_MAX         200
#define TRY_INTERVAL_NS   20000000
#define CLOSE_INTERVAL_NS UINT64_C(150000000)
#define PATIENCE_NS       UINT64_C(10000000000)
#define NEWS_WAIT_MS      5000

struct port {
    uint64_t closed_ns; /* 0: still open in the guest */
    bool done;          /* refused on the host, or given up */
};

static void sleep_an_interval(void)
{
    struct timespec pause = {.tv_nsec = TRY_INTERVAL_NS};

    nanosleep(&pause, NULL);
}

static bool is_refused(uint16_t port)
{
    int fd = loopback_try_connect(port);

    if (fd < 0)
        return true;
    close(fd);
    return false;
}

static bool is_served(uint16_t port)
{
    char byte;
    int fd = loopback_try_connect(port);

    if (fd < 0)
        return false;
    bool served = loopback_read_all(fd, &byte, 1);
    close(fd);
    return served;
}

static uint64_t news_of(struct guest_listener *guest, enum guest_news_kind kind)
{
    struct guest_news news;

    while (guest_listener_next(guest, NEWS_WAIT_MS, &news)) {
        if (news.kind == kind)
            return news.at_ns;
    }
    errx(1, "no news of kind %d from the guest", (int)kind);
}

static void open_all(struct guest_listener *guest, uint16_t first, long count)
{
    uint64_t end_ns = samples_now_ns() + PATIENCE_NS;

    for (long i = 0; i < count; i++) {
        guest_listener_open(guest, (uint16_t)(first + i), 0);
        news_of(guest, GUEST_LISTENS);
    }
    for (long i = 0; i < count; i++) {
        while (!is_served((uint16_t)(first + i))) {
            if (samples_now_ns() > end_ns)
                errx(1, "the host never served port %ld", first + i);
            sleep_an_interval();
        }
    }
}

/* Returns how many closed ports are still to be watched. */
static long try_all(struct port *ports, long closed, uint16_t first, struct samples *samples, long *lost)
{
    long left = 0;

    for (long i = 0; i < closed; i++) {
        if (ports[i].done)
            continue;
        bool refused = is_refused((uint16_t)(first + i));
        uint64_t age_ns = samples_now_ns() - ports[i].closed_ns;
        if (refused)
            samples_add(samples, age_ns);
        else if (age_ns > PATIENCE_NS)
            (*lost)++;
        ports[i].done = refused || age_ns > PATIENCE_NS;
        left += !ports[i].done;
    }
    return left;
}

int main(int argc, char **argv)
{
    struct guest_listener guest;
    struct samples samples;
    struct port ports[PORTS_MAX] = {0};
    long closed = 0, left = 0, lost = 0;

    if (argc != 4)
        errx(2, "usage: release_probe NAMESPACE FIRST_PORT COUNT");
    uint16_t first = (uint16_t)loopback_number(argv[2], 1, 65535 - PORTS_MAX, "FIRST_PORT");
    long count = loopback_number(argv[3], 1, PORTS_MAX, "COUNT");
    samples_init(&samples, (size_t)count);
    guest_listener_start(&guest, argv[1]);
    open_all(&guest, first, count);
    uint64_t next_ns = samples_now_ns();
    while (closed < count || left > 0) {
        if (closed < count && samples_now_ns() >= next_ns) {
            guest_listener_close(&guest, (uint16_t)(first + closed));
            ports[closed++].closed_ns = news_of(&guest, GUEST_CLOSED);
            next_ns += CLOSE_INTERVAL_NS;
        }
        sleep_an_interval();
        left = try_all(ports, closed, first, &samples, &lost);
    }
    guest_listener_stop(&guest);
    printf("{\"released\":");
    samples_print(&samples);
    printf(",\"lost\":%ld}\n", lost);
    samples_finish(&samples);
    return 0;
}
