/* SPDX-License-Identifier: MIT */
/* The hybrid-vsock greeting of Firecracker and its relatives: "CONNECT port\n" → "OK number\n". Pure. */
#ifndef HOSPES_GREETING_H
#define HOSPES_GREETING_H

#include <stddef.h>
#include <stdint.h>

#define GREETING_REQUEST_MAX 32 /* Firecracker reads the request in one go of 32 bytes */
#define GREETING_ANSWER_MAX  32

struct greeting {
    uint32_t port; /* 0 = no greeting on this connection */
    uint8_t size;
    char answer[GREETING_ANSWER_MAX];
};

void greeting_init(struct greeting *greeting, uint32_t port);
/* Writes the request, returns its size. */
size_t greeting_request(const struct greeting *greeting, char out[static GREETING_REQUEST_MAX]);
/* One byte of the answer. 1 when the answer is whole and good, 0 for more, STATUS_MALFORMED otherwise. The
 * number is not looked at. */
int greeting_feed(struct greeting *greeting, char c);

#endif
