/* SPDX-License-Identifier: MIT */
/* Decides from clocks and answers whether a link lives. Sending is the session's. */
#include "protocol/link/heartbeat.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/wire/limits.h"

void heartbeat_start(struct heartbeat *heartbeat, uint64_t monotonic_ms, uint64_t boot_ms)
{
    *heartbeat = (struct heartbeat){
        .last_heard_ms = monotonic_ms,
        .suspended_ms = (int64_t)(boot_ms - monotonic_ms),
    };
}

void heartbeat_heard(struct heartbeat *heartbeat, uint64_t monotonic_ms)
{
    heartbeat->last_heard_ms = monotonic_ms;
    heartbeat->check_until_ms = 0;
}

uint64_t heartbeat_ping(struct heartbeat *heartbeat, uint64_t now_ns)
{
    heartbeat->last_sent_ns = now_ns;
    return ++heartbeat->last_id;
}

void heartbeat_pong(struct heartbeat *heartbeat, uint64_t id, uint64_t now_ns)
{
    if (id != heartbeat->last_id || heartbeat->last_sent_ns == 0)
        return;
    uint64_t us = (now_ns - heartbeat->last_sent_ns) / 1000;
    heartbeat->last_sent_ns = 0;
    heartbeat->samples_us[heartbeat->sample_next] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    heartbeat->sample_next = (uint8_t)((heartbeat->sample_next + 1) % HEARTBEAT_SAMPLES);
    if (heartbeat->sample_count < HEARTBEAT_SAMPLES)
        heartbeat->sample_count++;
}

uint32_t heartbeat_tick(struct heartbeat *heartbeat, uint64_t monotonic_ms, uint64_t boot_ms)
{
    if (heartbeat->check_until_ms != 0 && monotonic_ms >= heartbeat->check_until_ms)
        return 0;
    uint64_t silence = monotonic_ms - heartbeat->last_heard_ms;
    if (silence >= HEARTBEAT_TIMEOUT_MS)
        return 0;
    int64_t suspended = (int64_t)(boot_ms - monotonic_ms);
    int64_t jump = suspended - heartbeat->suspended_ms;
    heartbeat->suspended_ms = suspended;
    if (jump > HEARTBEAT_CLOCK_JUMP_MS)
        heartbeat->check_until_ms = monotonic_ms + HEARTBEAT_CHECK_TIMEOUT_MS;
    uint64_t delay =
        heartbeat->check_until_ms != 0 ? heartbeat->check_until_ms - monotonic_ms : HEARTBEAT_INTERVAL_MS;
    uint64_t left = HEARTBEAT_TIMEOUT_MS - silence;
    return (uint32_t)(left < delay ? left : delay);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint64_t heartbeat_rtt_us(const struct heartbeat *heartbeat)
{
    if (heartbeat->sample_count == 0)
        return 0;
    uint32_t sorted[HEARTBEAT_SAMPLES];
    memcpy(sorted, heartbeat->samples_us, sizeof(sorted));
    qsort(sorted, heartbeat->sample_count, sizeof(sorted[0]), compare);
    return sorted[heartbeat->sample_count / 2];
}
