/* SPDX-License-Identifier: MIT */
/* listen_probe NAMESPACE FIRST_PORT SAMPLES: how long after listen(2) in the guest a client of the host's
 * port of the same number is served. A fresh port for each sample, since a host listener in its grace time
 * accepts too.
 *
 * The client tries again RETRY_PAUSE_NS after each refusal: short against what is measured, and it leaves the
 * second core of a small machine to the programs that are measured. The guest waits a random time before it
 * listens, so that a polling agent is met at every phase of its interval.
 *
 * Prints {"accepted":…,"connected":…,"lost":…}: until accept(2) returned in the guest, until connect(2)
 * returned on the host, and the ports that were not served within PATIENCE_NS. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load/guest_listener.h"
#include "tests/bench/load/loopback.h"
#include "tests/bench/load/samples.h"

#define RETRY_PAUSE_NS 20000
#define PATIENCE_NS    UINT64_C(5000000000)
#define DELAY_MIN_US   5000  /* the client is at its loop by then */
#define DELAY_RANGE_US 60000 /* one polling interval and a bit */
#define NEWS_WAIT_MS   1000

struct probe {
    struct guest_listener guest;
    struct samples accepted, connected;
    long lost;
};

/* Whether the server's byte comes over this connection. */
static bool is_served(int fd)
{
    struct timeval limit = {.tv_sec = 2};
    char byte;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return loopback_read_all(fd, &byte, 1);
}

/* The time at which the connection that is then served was made; 0 when there was none in time. */
static uint64_t client_until_served(uint16_t port)
{
    struct timespec pause = {.tv_nsec = RETRY_PAUSE_NS};
    uint64_t end_ns = samples_now_ns() + PATIENCE_NS;

    while (samples_now_ns() < end_ns) {
        int fd = loopback_try_connect(port);
        if (fd >= 0) {
            uint64_t connected_ns = samples_now_ns();
            bool served = is_served(fd);
            close(fd);
            if (served)
                return connected_ns;
        }
        nanosleep(&pause, NULL);
    }
    return 0;
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

static void take_sample(struct probe *probe, uint16_t port)
{
    guest_listener_open(&probe->guest, port, DELAY_MIN_US + (uint32_t)(random() % DELAY_RANGE_US));
    uint64_t connected_ns = client_until_served(port);
    uint64_t listens_ns = news_of(&probe->guest, GUEST_LISTENS);
    if (connected_ns == 0) {
        probe->lost++;
    } else {
        uint64_t accepted_ns = news_of(&probe->guest, GUEST_ACCEPTED);
        samples_add(&probe->accepted, accepted_ns - listens_ns);
        samples_add(&probe->connected, connected_ns - listens_ns);
    }
    guest_listener_close(&probe->guest, port);
    news_of(&probe->guest, GUEST_CLOSED);
}

int main(int argc, char **argv)
{
    struct probe probe = {.lost = 0};

    if (argc != 4)
        errx(2, "usage: listen_probe NAMESPACE FIRST_PORT SAMPLES");
    long first = loopback_number(argv[2], 1, 65535, "FIRST_PORT");
    long count = loopback_number(argv[3], 1, 65536 - first, "SAMPLES");
    samples_init(&probe.accepted, (size_t)count);
    samples_init(&probe.connected, (size_t)count);
    guest_listener_start(&probe.guest, argv[1]);
    for (long i = 0; i < count; i++)
        take_sample(&probe, (uint16_t)(first + i));
    guest_listener_stop(&probe.guest);
    printf("{\"accepted\":");
    samples_print(&probe.accepted);
    printf(",\"connected\":");
    samples_print(&probe.connected);
    printf(",\"lost\":%ld}\n", probe.lost);
    samples_finish(&probe.accepted);
    samples_finish(&probe.connected);
    return 0;
}
