/* SPDX-License-Identifier: MIT */
/* The bridge's side of liveness: heartbeats that are due, their round-trip times, and when silence means the
 * end. Pure: time is given. */
#ifndef HOSPES_HEARTBEAT_H
#define HOSPES_HEARTBEAT_H

#include <stdbool.h>
#include <stdint.h>

#define HEARTBEAT_SAMPLES       8
#define HEARTBEAT_CLOCK_JUMP_MS 1000 /* suspend shorter than this is not worth a check */

struct heartbeat {
    uint64_t last_id;        /* of the newest PING */
    uint64_t last_sent_ns;   /* 0: it was answered */
    uint64_t last_heard_ms;  /* monotonic; any frame counts */
    uint64_t check_until_ms; /* after a clock jump: something must be heard by then; 0 = no check */
    int64_t suspended_ms;    /* boot clock minus monotonic clock when last looked */
    uint32_t samples_us[HEARTBEAT_SAMPLES];
    uint8_t sample_count, sample_next;
};

/* A session came up. */
void heartbeat_start(struct heartbeat *heartbeat, uint64_t monotonic_ms, uint64_t boot_ms);
void heartbeat_heard(struct heartbeat *heartbeat, uint64_t monotonic_ms);
/* A PING is sent now; returns its id. */
uint64_t heartbeat_ping(struct heartbeat *heartbeat, uint64_t now_ns);
/* Ignores ids that are not the newest one's (late answers). */
void heartbeat_pong(struct heartbeat *heartbeat, uint64_t id, uint64_t now_ns);

/* At each tick. Returns the delay to the next tick in ms (HEARTBEAT_INTERVAL_MS; shorter during a check and
 * when the timeout comes before), or 0: silent, tear the link down. */
uint32_t heartbeat_tick(struct heartbeat *heartbeat, uint64_t monotonic_ms, uint64_t boot_ms);

uint64_t heartbeat_rtt_us(const struct heartbeat *heartbeat); /* median; 0 = no sample */

#endif
