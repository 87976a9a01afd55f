/* SPDX-License-Identifier: MIT */
/* The guest's side of the listen and release probes: a child in the other network namespace. When to ask for
 * what is the probes' business. */
#include "tests/bench/load/guest_listener.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load/loopback.h"
#include "tests/bench/load/samples.h"

#define LISTENERS_MAX 256
#define BACKLOG       64

enum guest_order_kind { ORDER_OPEN = 1, ORDER_CLOSE };

struct guest_order {
    uint32_t kind; /* enum guest_order_kind */
    uint32_t port;
    uint32_t delay_us; /* ORDER_OPEN */
};

/* polls[0] is the line to the parent; polls[i] belongs to ports[i]. */
struct child {
    size_t count;
    struct pollfd polls[1 + LISTENERS_MAX];
    uint32_t ports[1 + LISTENERS_MAX];
};

static void tell(const struct child *child, enum guest_news_kind kind, uint32_t port, uint64_t at_ns)
{
    struct guest_news news = {.kind = kind, .port = port, .at_ns = at_ns};

    if (send(child->polls[0].fd, &news, sizeof news, MSG_NOSIGNAL) != (ssize_t)sizeof news)
        _exit(1); /* the parent is gone */
}

static void open_listener(struct child *child, const struct guest_order *order)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)order->port)};
    struct timespec delay = {.tv_sec = order->delay_us / 1000000,
                             .tv_nsec = (long)(order->delay_us % 1000000) * 1000};
    int on = 1;

    if (child->count > LISTENERS_MAX)
        errx(1, "more than %d listeners", LISTENERS_MAX);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof address) != 0)
        err(1, "guest port %u", order->port);
    nanosleep(&delay, NULL);
    uint64_t at_ns = samples_now_ns();
    if (listen(fd, BACKLOG) != 0)
        err(1, "listen on guest port %u", order->port);
    child->polls[child->count] = (struct pollfd){.fd = fd, .events = POLLIN};
    child->ports[child->count] = order->port;
    child->count++;
    tell(child, GUEST_LISTENS, order->port, at_ns);
}

static void close_listener(struct child *child, uint32_t port)
{
    for (size_t i = 1; i < child->count; i++) {
        if (child->ports[i] != port)
            continue;
        close(child->polls[i].fd);
        uint64_t at_ns = samples_now_ns();
        child->count--;
        child->polls[i] = child->polls[child->count];
        child->ports[i] = child->ports[child->count];
        tell(child, GUEST_CLOSED, port, at_ns);
        return;
    }
    errx(1, "guest port %u is not open", port);
}

static void obey(struct child *child)
{
    struct guest_order order;
    ssize_t got = recv(child->polls[0].fd, &order, sizeof order, 0);

    if (got == 0)
        _exit(0);
    if (got != (ssize_t)sizeof order)
        err(1, "an order");
    if (order.kind == ORDER_OPEN)
        open_listener(child, &order);
    else
        close_listener(child, order.port);
}

static void greet(const struct child *child, size_t index)
{
    int fd = accept4(child->polls[index].fd, NULL, NULL, SOCK_CLOEXEC);
    uint64_t at_ns = samples_now_ns();

    if (fd < 0)
        return; /* gone again before it was accepted */
    loopback_write_all(fd, "!", 1);
    tell(child, GUEST_ACCEPTED, child->ports[index], at_ns);
    close(fd);
}

static void live(struct child *child)
{
    for (;;) {
        if (poll(child->polls, child->count, -1) < 0)
            err(1, "poll");
        /* Connections first: an order may move the listeners. */
        for (size_t i = 1; i < child->count; i++) {
            if (child->polls[i].revents != 0)
                greet(child, i);
        }
        if (child->polls[0].revents != 0)
            obey(child);
    }
}

static void enter(const char *namespace_path)
{
    int fd = open(namespace_path, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
        err(1, "%s", namespace_path);
    close(fd);
}

void guest_listener_start(struct guest_listener *guest, const char *namespace_path)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        err(1, "socketpair");
    guest->pid = fork();
    if (guest->pid < 0)
        err(1, "fork");
    if (guest->pid == 0) {
        struct child child = {.count = 1};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        child.polls[0] = (struct pollfd){.fd = ends[1], .events = POLLIN};
        enter(namespace_path);
        live(&child);
    }
    close(ends[1]);
    guest->fd = ends[0];
}

void guest_listener_stop(struct guest_listener *guest)
{
    close(guest->fd);
    waitpid(guest->pid, NULL, 0);
}

static void order(struct guest_listener *guest, enum guest_order_kind kind, uint16_t port, uint32_t delay_us)
{
    struct guest_order packet = {.kind = kind, .port = port, .delay_us = delay_us};

    if (send(guest->fd, &packet, sizeof packet, MSG_NOSIGNAL) != (ssize_t)sizeof packet)
        err(1, "the guest's listener");
}

void guest_listener_open(struct guest_listener *guest, uint16_t port, uint32_t delay_us)
{
    order(guest, ORDER_OPEN, port, delay_us);
}

void guest_listener_close(struct guest_listener *guest, uint16_t port)
{
    order(guest, ORDER_CLOSE, port, 0);
}

bool guest_listener_next(struct guest_listener *guest, int timeout_ms, struct guest_news *ret)
{
    struct pollfd wait = {.fd = guest->fd, .events = POLLIN};

    if (poll(&wait, 1, timeout_ms) <= 0)
        return false;
    if (recv(guest->fd, ret, sizeof *ret, 0) != (ssize_t)sizeof *ret)
        errx(1, "the guest's listener is gone");
    return true;
}
