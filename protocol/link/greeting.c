/* SPDX-License-Identifier: MIT */
/* Makes the request and judges the answer; the socket belongs to stream_fd. */
#include "protocol/link/greeting.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"

void greeting_init(struct greeting *greeting, uint32_t port)
{
    *greeting = (struct greeting){.port = port};
}

size_t greeting_request(const struct greeting *greeting, char out[static GREETING_REQUEST_MAX])
{
    int size = snprintf(out, GREETING_REQUEST_MAX, "CONNECT %u\n", (unsigned)greeting->port);
    return (size_t)size;
}

int greeting_feed(struct greeting *greeting, char c)
{
    static const char EXPECTED[] = "OK ";
    size_t prefix = sizeof(EXPECTED) - 1;
    if (greeting->size < prefix ? c != EXPECTED[greeting->size] : c != '\n' && (c < '0' || c > '9'))
        return STATUS_MALFORMED;
    if (greeting->size >= prefix && c == '\n')
        return greeting->size > prefix ? 1 : STATUS_MALFORMED;
    if (greeting->size == GREETING_ANSWER_MAX)
        return STATUS_MALFORMED;
    greeting->answer[greeting->size++] = c;
    return 0;
}
