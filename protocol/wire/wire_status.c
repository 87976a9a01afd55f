/* SPDX-License-Identifier: MIT */
/* The table between this system's error codes and the numbers of the protocol. */
#include "protocol/wire/wire_status.h"

#include "protocol/base/status.h"

#include <stddef.h>
#include <uv.h>

#define OWN_FIRST (-10001)
#define OWN_LAST  (-10999)

struct wire_number {
    int32_t number;
    int status;
};

/* Numbers are for ever: add at the end only. */
static const struct wire_number NUMBERS[] = {
    {-11001, UV_EIO},
    {-11002, UV_ECONNREFUSED},
    {-11003, UV_ECONNRESET},
    {-11004, UV_ETIMEDOUT},
    {-11005, UV_EHOSTUNREACH},
    {-11006, UV_ENETUNREACH},
    {-11007, UV_EACCES},
    {-11008, UV_EPERM},
    {-11009, UV_EMFILE},
    {-11010, UV_ENFILE},
    {-11011, UV_ENOMEM},
    {-11012, UV_ENOBUFS},
    {-11013, UV_EADDRNOTAVAIL},
    {-11014, UV_EADDRINUSE},
    {-11015, UV_EINVAL},
    {-11016, UV_EPIPE},
    {-11017, UV_EOF},
    {-11018, UV_ENOENT},
    {-11019, UV_ECANCELED},
    {-11020, UV_ECONNABORTED},
    {-11021, UV_ENETDOWN},
    {-11022, UV_EAFNOSUPPORT},
    {-11023, UV_EPROTONOSUPPORT},
    {-11024, UV_EMSGSIZE},
    {-11025, UV_ENOTCONN},
    {-11026, UV_EBUSY},
    {-11027, UV_EEXIST},
    {-11028, UV_ENOTSUP},
    {-11029, UV_EAGAIN},
    {-11030, UV_ENODEV},
    {-11031, UV_ENOSPC},
    {-11032, UV_EROFS},
    {-11033, UV_ENAMETOOLONG},
    {-11034, UV_ENOTDIR},
    {-11035, UV_EISDIR},
    {-11036, UV_ENOTEMPTY},
    {-11037, UV_ELOOP},
    {-11038, UV_EXDEV},
    {-11039, UV_EFBIG},
    {-11040, UV_ETXTBSY},
    {-11041, UV_EMLINK},
    {-11042, UV_EILSEQ},
};

#define NUMBER_COUNT (sizeof(NUMBERS) / sizeof(NUMBERS[0]))

int32_t wire_status_encode(int status)
{
    if (status >= 0)
        return STATUS_GONE;
    if (status <= OWN_FIRST && status >= OWN_LAST)
        return status;
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (NUMBERS[i].status == status)
            return NUMBERS[i].number;
    }
    return NUMBERS[0].number;
}

int wire_status_decode(int32_t number)
{
    if (number <= OWN_FIRST && number >= OWN_LAST)
        return number;
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        if (NUMBERS[i].number == number)
            return NUMBERS[i].status;
    }
    return UV_EIO;
}
