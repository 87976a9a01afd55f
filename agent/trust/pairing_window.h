/* SPDX-License-Identifier: MIT */
/* Pairing by code: the time in which the guest's owner takes one, and the code that is being compared. */
#ifndef HOSPES_PAIRING_WINDOW_H
#define HOSPES_PAIRING_WINDOW_H

#include <uv.h>

#include "agent/trust/trust.h"

enum window_news {
    WINDOW_CODE = 1, /* a code is to be compared: see pairing_window_offer */
    WINDOW_LOST,     /* the host has ended it; the window waits on */
    /* Each of these is the last one: the window is closed. */
    WINDOW_PAIRED,
    WINDOW_DECLINED, /* the owner said no, or nothing in time */
    WINDOW_EXPIRED,
    WINDOW_SPENT, /* PAIRING_ATTEMPTS_MAX codes were shown, and none was it */
};

struct pairing_offer {
    uint8_t key[NOISE_KEY_SIZE];
    char link[TEXT_NAME_MAX + 1];
    char code[HANDSHAKE_CODE_DIGITS + 1];
};

/* May fire in any call here but pairing_window_open and _init. In WINDOW_CODE it must not call back. */
typedef void (*window_listener)(void *ctx, enum window_news news);
/* Remembers the host. */
typedef void (*window_pin)(void *ctx, const struct pairing_offer *offer);

struct pairing_window {
    uv_timer_t timer;
    uint64_t window_ms, timeout_ms;
    window_pin pin;
    void *pin_ctx;
    window_listener listener; /* NULL: closed */
    void *listener_ctx;
    uint64_t ends_ms; /* of the loop's clock; also while it is spent */
    unsigned attempts;
    struct pairing *current; /* under way; NULL: none */
};

/* window_ms and timeout_ms: PAIRING_WINDOW_MS and PAIRING_TIMEOUT_MS but in tests. */
void pairing_window_init(struct pairing_window *window, uv_loop_t *uv, uint64_t window_ms,
                         uint64_t timeout_ms, window_pin pin, void *pin_ctx);
/* UV_EBUSY: somebody waits already, or a pairing is still under way. */
int pairing_window_open(struct pairing_window *window, window_listener listener, void *ctx);
/* The owner's word about the code that was shown; without one it does nothing. */
void pairing_window_answer(struct pairing_window *window, bool same);
/* The owner has gone: no more news, and a code that was not answered is declined. */
void pairing_window_shut(struct pairing_window *window);
/* What WINDOW_CODE is about; NULL when nothing is under way. */
const struct pairing_offer *pairing_window_offer(const struct pairing_window *window);
/* Shuts, and closes the timer. */
void pairing_window_close(struct pairing_window *window, uv_close_cb on_closed);

/* As trust_begin_pairing. */
int pairing_window_begin(struct pairing_window *window, const struct trust_claim *claim, const char *code,
                         void (*on_answer)(void *ctx, bool same), void *ctx, struct pairing **ret);

#endif
