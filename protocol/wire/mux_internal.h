/* SPDX-License-Identifier: MIT */
/* What the three parts of the mux share: mux.c (channels and their owners), mux_receive.c (bytes in),
 * mux_produce.c (bytes out). */
#ifndef HOSPES_MUX_INTERNAL_H
#define HOSPES_MUX_INTERNAL_H

#include "protocol/wire/mux.h"
#include "protocol/wire/mux_channel.h"
#include "protocol/wire/mux_marker.h"

#define MUX_SYNC_SIZE (MUX_MARKER_SIZE + SESSION_ID_SIZE)
#define MUX_SMALL_MAX (FRAME_HEADER_SIZE + FRAME_RST_MAX)

/* Numbers below the highest that a listener tells "ended" from "not yet opened": first frames of channels may
 * overtake each other by as much. */
#define MUX_SEEN_NUMBERS MUX_CHANNELS_MAX

struct mux {
    enum mux_side side;
    struct mux_callbacks callbacks;
    void *ctx;

    /* sync */
    bool synced;
    struct session_id nonce; /* dialer: of the next or running sync; listener: of the running one */
    bool sync_due;           /* a SYNC (dialer), its answer or the wish for one (listener) is to be sent */
    bool frame_received;     /* since the sync */

    /* receiving */
    struct marker_scan scan;
    struct session_id peer_nonce; /* that follows the marker just found */
    size_t nonce_missing;         /* bytes of it; 0 when no marker was just found */
    size_t answer_repeated;       /* dialer: bytes of a repeated answer seen at the first boundary */
    int failure;       /* why no more frames are read; a listener reports it once it can be no marker */
    int receive_error; /* found inside a callback of the reader */
    struct frame_reader reader;

    /* channels */
    struct mux_table channels;
    size_t open_count;     /* MUX_CHANNEL_OPEN */
    size_t draining_count; /* MUX_CHANNEL_DRAINING */
    uint64_t next_number;  /* dialer */
    uint32_t highest;      /* listener: highest number seen */
    uint64_t seen[MUX_SEEN_NUMBERS / 64];

    /* sending; at most one of small, current and orphan is under way */
    uint8_t small[MUX_SMALL_MAX]; /* a SYNC, an answer or a frame without a queue */
    size_t small_size, small_sent;
    struct mux_channel *current; /* whose first frame in the queue is sent in part */
    size_t current_left;         /* bytes of that frame */
    struct buffer orphan;        /* the rest of a frame whose channel has ended */
    struct mux_list urgent, ready;
};

/* Makes a channel in state OPEN, known to the table; NULL when out of memory. */
struct mux_channel *mux_channel_add(struct mux *mux, uint32_t number, void *owner);
/* Takes the channel out of everything and frees it; the rest of a frame that was sent in part stays. */
void mux_channel_discard(struct mux *mux, struct mux_channel *channel);
/* Its owner has left it cleanly: only what is queued is still to be sent. */
void mux_channel_drain(struct mux *mux, struct mux_channel *channel);
/* An RST takes the place of everything that was queued. */
void mux_channel_reset(struct mux *mux, struct mux_channel *channel, int status, const char *text);
/* Call after the queue, the credit or fin_wanted changed. */
void mux_channel_update_ready(struct mux *mux, struct mux_channel *channel);

/* Ends all channels with STATUS_GONE, drops all output. */
void mux_drop_everything(struct mux *mux);

#endif
