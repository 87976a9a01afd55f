/* SPDX-License-Identifier: MIT */
/* transfers.h, inbox.h and receiving.h as the API's tests need them: plain data. */
#ifndef HOSPES_TEST_FAKE_TRANSFERS_H
#define HOSPES_TEST_FAKE_TRANSFERS_H

#include "host-bridge/features/inbox/inbox.h"
#include "host-bridge/features/transfers/transfers.h"
#include "host-bridge/receiving.h"

#define FAKE_TRANSFERS_MAX 8

struct transfers {
    size_t count;
    struct transfer items[FAKE_TRANSFERS_MAX];
    struct transfer_request last; /* as added last; its paths are gone */
    char last_from[256], last_to[256];
    struct transfer_failure failure;
    char *paths[2], *target[1];
};

struct inbox {
    size_t count;
    struct inbox_item items[2];
};

struct receiving {
    struct transfers *transfers;
    struct inbox *inbox;
    char to[256];
    uint8_t conflict;
    bool answers_later; /* fake_receiving_answer does */
    int decline_status;
    uv_idle_t idle;
    void (*on_done)(void *ctx, int status, const char *text);
    void *ctx;
};

/* "aaaa…" runs from the host into "web", "bbbb…" came from it. The inbox has "web-7", and "web-8", which is
 * being taken. */
void fake_transfers_init(struct transfers *transfers);
void fake_inbox_init(struct inbox *inbox);
void fake_receiving_init(struct receiving *receiving, uv_loop_t *loop, struct transfers *transfers,
                         struct inbox *inbox);
void fake_receiving_close(struct receiving *receiving);
void fake_receiving_answer(struct receiving *receiving);

#endif
