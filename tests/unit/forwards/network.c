/* SPDX-License-Identifier: MIT */
/* Plain blocking sockets: the kernel completes a connect without the accepting side's loop. */
#include "tests/unit/forwards/network.h"

#include <stdarg.h>
#include <stddef.h>

#include <setjmp.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

void network_isolate(void)
{
    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return;
    struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &request), 0);
    close(fd);
}

static socklen_t loopback(int family, uint16_t port, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    if (family == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return sizeof(*v4);
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    v6->sin6_addr = in6addr_loopback;
    return sizeof(*v6);
}

static int try_hold(int family, int type, uint16_t port)
{
    struct sockaddr_storage name;
    socklen_t size = loopback(family, port, &name);
    int on = 1, fd = socket(family == 4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (type == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&name, size) == 0 && (type != SOCK_STREAM || listen(fd, 8) == 0))
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

int network_hold(int family, int type, uint16_t port)
{
    int fd = try_hold(family, type, port);
    assert_true(fd >= 0);
    return fd;
}

bool network_is_taken(int family, int type, uint16_t port)
{
    int fd = try_hold(family, type, port);
    if (fd >= 0)
        close(fd);
    return fd == -EADDRINUSE;
}

int network_connect(int family, uint16_t port)
{
    struct sockaddr_storage name;
    socklen_t size = loopback(family, port, &name);
    int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&name, size) == 0)
        return fd < 0 ? -errno : fd;
    int error = errno;
    close(fd);
    return -error;
}

bool network_was_reset(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    char byte;
    return poll(&wait, 1, 5000) == 1 && recv(fd, &byte, 1, 0) < 0 && errno == ECONNRESET;
}

void network_set_privilege(bool privileged)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
    assert_int_equal(syscall(SYS_capget, &header, data), 0);
    struct __user_cap_data_struct *word = &data[CAP_TO_INDEX(CAP_NET_BIND_SERVICE)];
    if (privileged)
        word->effective |= word->permitted & CAP_TO_MASK(CAP_NET_BIND_SERVICE);
    else
        word->effective &= ~CAP_TO_MASK(CAP_NET_BIND_SERVICE);
    assert_int_equal(syscall(SYS_capset, &header, data), 0);
}
