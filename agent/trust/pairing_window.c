/* SPDX-License-Identifier: MIT */
/* Theory of operation
 *
 * closed ──open──▶ waiting ──begin──▶ a code is shown ──yes──▶ agreed ──pairing_pin──▶ paired, closed
 *                     ▲                  │    │                  │
 *                     └────pairing_end───┘    └─no, time──▶ closed
 *                     └──────────────────pairing_end─────────────┘
 *
 * After PAIRING_ATTEMPTS_MAX codes that came to nothing the window is spent: closed to its owner, and until
 * its time is over further hosts learn that a limit is reached. A pairing belongs to whoever began it, until
 * pairing_end: the window may close before. Who is asked and who asks are the callers'; so is what pinning
 * means. */
#include "agent/trust/pairing_window.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/status.h"

struct pairing {
    struct pairing_window *window; /* NULL: that has closed its timer */
    struct pairing_offer offer;
    void (*on_answer)(void *ctx, bool same);
    void *ctx;
    bool answered; /* on_answer has fired, or never will */
    bool agreed;   /* with a yes */
    bool pinned;
};

static void handle_timer(uv_timer_t *timer);

void pairing_window_init(struct pairing_window *window, uv_loop_t *uv, uint64_t window_ms,
                         uint64_t timeout_ms, window_pin pin, void *pin_ctx)
{
    *window = (struct pairing_window){
        .window_ms = window_ms, .timeout_ms = timeout_ms, .pin = pin, .pin_ctx = pin_ctx};
    uv_timer_init(uv, &window->timer);
    window->timer.data = window;
}

int pairing_window_open(struct pairing_window *window, window_listener listener, void *ctx)
{
    if (window->listener != NULL || window->current != NULL)
        return UV_EBUSY;
    window->listener = listener;
    window->listener_ctx = ctx;
    window->attempts = 0;
    window->ends_ms = uv_now(window->timer.loop) + window->window_ms;
    uv_timer_start(&window->timer, handle_timer, window->window_ms, 0);
    return 0;
}

/* The last news. */
static void finish(struct pairing_window *window, enum window_news news)
{
    window_listener listener = window->listener;
    window->listener = NULL;
    if (listener != NULL)
        listener(window->listener_ctx, news);
}

static void answer(struct pairing *pairing, bool same)
{
    if (pairing->answered)
        return;
    pairing->answered = true;
    pairing->agreed = same;
    pairing->on_answer(pairing->ctx, same); /* may end it */
}

static void close_window(struct pairing_window *window, enum window_news news)
{
    uv_timer_stop(&window->timer);
    window->attempts = 0;
    finish(window, news);
    if (window->current != NULL)
        answer(window->current, false);
}

static void handle_timer(uv_timer_t *timer)
{
    struct pairing_window *window = timer->data;
    if (window->current != NULL && !window->current->answered)
        close_window(window, WINDOW_DECLINED);
    else if (window->current == NULL) /* else the people of the host are still looking */
        close_window(window, WINDOW_EXPIRED);
}

static uint64_t remaining_ms(const struct pairing_window *window)
{
    uint64_t now = uv_now(window->timer.loop);
    return window->ends_ms > now ? window->ends_ms - now : 0;
}

int pairing_window_begin(struct pairing_window *window, const struct trust_claim *claim, const char *code,
                         void (*on_answer)(void *ctx, bool same), void *ctx, struct pairing **ret)
{
    if (window->listener == NULL)
        return window->attempts == PAIRING_ATTEMPTS_MAX && remaining_ms(window) > 0 ? STATUS_LIMIT
                                                                                    : STATUS_CODE_NEEDED;
    if (window->current != NULL)
        return UV_EBUSY;
    struct pairing *pairing = calloc(1, sizeof(*pairing));
    if (pairing == NULL)
        return UV_ENOMEM;
    *pairing = (struct pairing){.window = window, .on_answer = on_answer, .ctx = ctx};
    memcpy(pairing->offer.key, claim->key, NOISE_KEY_SIZE);
    snprintf(pairing->offer.link, sizeof(pairing->offer.link), "%s", claim->link);
    snprintf(pairing->offer.code, sizeof(pairing->offer.code), "%s", code);
    window->current = pairing;
    window->attempts++;
    uv_timer_start(&window->timer, handle_timer, window->timeout_ms, 0);
    *ret = pairing;
    window->listener(window->listener_ctx, WINDOW_CODE);
    return 0;
}

void pairing_window_answer(struct pairing_window *window, bool same)
{
    struct pairing *pairing = window->current;
    if (pairing == NULL || pairing->answered)
        return;
    if (same)
        answer(pairing, true);
    else
        close_window(window, WINDOW_DECLINED);
}

void pairing_window_shut(struct pairing_window *window)
{
    window->listener = NULL;
    close_window(window, WINDOW_DECLINED);
}

const struct pairing_offer *pairing_window_offer(const struct pairing_window *window)
{
    return window->current == NULL ? NULL : &window->current->offer;
}

void pairing_window_close(struct pairing_window *window, uv_close_cb on_closed)
{
    pairing_window_shut(window);
    if (window->current != NULL)
        window->current->window = NULL;
    window->current = NULL;
    uv_close((uv_handle_t *)&window->timer, on_closed);
}

void pairing_pin(struct pairing *pairing)
{
    assert(pairing->agreed);
    struct pairing_window *window = pairing->window;
    if (window == NULL || pairing->pinned)
        return;
    pairing->pinned = true;
    window->pin(window->pin_ctx, &pairing->offer);
    uv_timer_stop(&window->timer);
    window->attempts = 0;
    finish(window, WINDOW_PAIRED);
}

/* It came to nothing: the window waits on for as long as it was to, or is spent. */
static void wait_on(struct pairing_window *window)
{
    if (window->listener == NULL)
        return;
    uv_timer_start(&window->timer, handle_timer, remaining_ms(window), 0);
    if (window->attempts < PAIRING_ATTEMPTS_MAX)
        window->listener(window->listener_ctx, WINDOW_LOST);
    else
        finish(window, WINDOW_SPENT);
}

void pairing_end(struct pairing *pairing)
{
    if (pairing == NULL)
        return;
    struct pairing_window *window = pairing->window;
    pairing->answered = true;
    if (window != NULL && window->current == pairing) {
        window->current = NULL;
        if (!pairing->pinned)
            wait_on(window);
    }
    sodium_memzero(pairing, sizeof(*pairing));
    free(pairing);
}
