/* SPDX-License-Identifier: MIT */
/* Reads a provisioned secret. Who may read its file is checked on the open descriptor, so that nobody can
 * swap it between. */
#include "host-bridge/pairing_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "protocol/base/status.h"
#include "services/identity/key_text.h"

#define FILE_MAX 127 /* 44 characters with generous space around them */

static int complain(int status, char *ret_problem, const char *path, const char *problem)
{
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "%.150s: %s", path, problem);
    return status;
}

static int check_file(int fd, const char *path, char *ret_problem)
{
    struct stat facts;
    if (fstat(fd, &facts) != 0)
        return complain(-errno, ret_problem, path, strerror(errno));
    if (!S_ISREG(facts.st_mode))
        return complain(STATUS_NOT_ALLOWED, ret_problem, path, "a secret must be a regular file");
    if (facts.st_uid != geteuid() && facts.st_uid != 0)
        return complain(STATUS_NOT_ALLOWED, ret_problem, path, "the secret belongs to another user");
    if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        return complain(STATUS_NOT_ALLOWED, ret_problem, path, "others may read the secret; chmod 600 helps");
    return 0;
}

/* Up to FILE_MAX + 1 bytes: one more than is allowed tells that there are more. */
static int read_bytes(int fd, uint8_t *out, size_t *ret_size)
{
    size_t size = 0;
    while (size <= FILE_MAX) {
        ssize_t got = read(fd, out + size, FILE_MAX + 1 - size);
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -errno;
        size += got > 0 ? (size_t)got : 0;
    }
    *ret_size = size;
    return 0;
}

static bool parse(const uint8_t *bytes, size_t size, uint8_t *ret)
{
    if (size == NOISE_KEY_SIZE)
        memcpy(ret, bytes, NOISE_KEY_SIZE);
    else if (size > FILE_MAX || !key_text_parse((const char *)bytes, size, ret))
        return false;
    return true;
}

int pairing_secret_load(const char *path, uint8_t ret[static NOISE_KEY_SIZE],
                        char ret_problem[static TEXT_REASON_MAX + 1])
{
    uint8_t bytes[FILE_MAX + 1], secret[NOISE_KEY_SIZE];
    size_t size = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a FIFO must not hold us up */
    if (fd < 0)
        return complain(-errno, ret_problem, path, strerror(errno));
    int status = check_file(fd, path, ret_problem);
    if (status == 0) {
        status = read_bytes(fd, bytes, &size);
        if (status < 0)
            complain(status, ret_problem, path, strerror(-status));
    }
    close(fd);
    if (status == 0 && !parse(bytes, size, secret))
        status = complain(STATUS_MALFORMED, ret_problem, path,
                          "expected a secret: 44 characters of base64, or 32 bytes");
    else if (status == 0 && sodium_is_zero(secret, sizeof(secret)))
        status = complain(STATUS_MALFORMED, ret_problem, path, "a secret of zeros is none");
    if (status == 0)
        memcpy(ret, secret, NOISE_KEY_SIZE);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(secret, sizeof(secret));
    return status;
}
