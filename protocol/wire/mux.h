/* SPDX-License-Identifier: MIT */
/* Many channels over one byte stream: pure bookkeeping, no I/O. Bytes from the wire go in by mux_feed, bytes
 * for the wire come out by mux_produce; the loop part (link/mux_stream) moves them.
 *
 * Theory of operation
 *   Sync. One stream may carry leftovers of an earlier life (virtio-serial, a chatty ssh login). The dialer
 * sends SYNC: MUX_MARKER, its 16-byte nonce. The listener, which scans everything it gets for MUX_MARKER,
 * answers with MUX_MARKER_ANSWER and the same nonce; the dialer discards all that comes before that answer. A
 * listener that meets a new SYNC at any moment gives up all channels and starts afresh; the dialer repeats
 * SYNC every SYNC_INTERVAL_MS until answered, and the listener answers the repeats of the nonce in force only
 * by the answer again (before the first frame arrived). Neither marker can occur inside a session: both start
 * with 0xFF bytes, which neither UTF-8 nor a valid header holds in such a row, and a DATA payload that
 * contains a marker is cut in two frames inside it. Channels. The dialer numbers them upwards from 1, never
 * reused in one sync. A channel exists from its first frame to RST, or to FIN both ways. A late frame for an
 * ended channel is dropped; a frame for a number never opened, from the dialer's side, opens it on the
 * listener's. Credit. Each side may have MUX_WINDOW bytes of MESSAGE + DATA + DATAGRAM payload under way on a
 * channel; the receiver's owner takes bytes and the receiver returns CREDIT when half the window has been
 * taken. More than the window: STATUS_MALFORMED, the mux ends. A single message larger than the credit left
 * waits for credit. FIN, RST and CREDIT need none. Order out. CREDIT and RST first, then channels with
 * something to send in turn, one frame each; channel 1 (control) before the others. First frames of channels
 * may overtake each other by MUX_CHANNELS_MAX numbers, so send one soon after mux_open.
 */
#ifndef HOSPES_MUX_H
#define HOSPES_MUX_H

#include "protocol/wire/frame.h"
#include "protocol/wire/message.h"

#define MUX_MARKER_SIZE 16
extern const uint8_t MUX_MARKER[MUX_MARKER_SIZE];        /* dialer → listener */
extern const uint8_t MUX_MARKER_ANSWER[MUX_MARKER_SIZE]; /* listener → dialer */

enum mux_side { MUX_DIALER, MUX_LISTENER };

struct mux; /* opaque */

/* Called from mux_feed (on_reset from mux_reset and mux_sync, on_writable from mux_produce too). They may
 * call mux_open, mux_send, mux_close_channel and mux_taken, never mux_feed, mux_produce, mux_sync, mux_reset
 * or mux_destroy. */
struct mux_callbacks {
    /* Synchronised: earlier channels are all gone (their owners were told by on_reset). */
    void (*on_synced)(void *ctx);
    /* Listener only: the dialer opened a channel. Returns the owner's pointer for it; NULL refuses (an RST is
     * sent). */
    void *(*on_channel)(void *ctx, uint32_t channel);
    /* A whole frame (MESSAGE, DATAGRAM, FIN) of a channel. Its payload counts against the window until
     * mux_taken. */
    void (*on_frame)(void *ctx, void *owner, const struct frame_header *header, struct span payload);
    /* DATA of a channel: the owner keeps or uses all of it, and says mux_taken when it is used. Bounded by
     * MUX_WINDOW. */
    void (*on_data)(void *ctx, void *owner, struct span bytes);
    /* The channel was ended by the other side (RST, its text) or by a new sync (STATUS_GONE). It no longer
     * exists. */
    void (*on_reset)(void *ctx, void *owner, int status, const char *text);
    /* mux_send had given UV_EAGAIN for this channel and there is room again. */
    void (*on_writable)(void *ctx, void *owner);
};

/* nonce: the dialer's, random (ignored for a listener). NULL when out of memory. */
struct mux *mux_create(enum mux_side side, const struct session_id *nonce,
                       const struct mux_callbacks *callbacks, void *ctx);
void mux_destroy(struct mux *mux); /* calls nothing */

/* Dialer: queue (again) the SYNC. A mux that is synced is reset first. */
void mux_sync(struct mux *mux);
bool mux_is_synced(const struct mux *mux);
/* Listener, when bytes come and no sync does: tells the dialer that what it says is not understood. Nothing
 * when synced. */
void mux_ask_for_sync(struct mux *mux);
/* Both: the transport was lost or hung up. Tells every owner by on_reset(STATUS_GONE) and waits for a new
 * sync; unsent bytes go. */
void mux_reset(struct mux *mux);

/* Bytes from the wire. 0, or STATUS_MALFORMED / STATUS_TOO_LARGE / UV_ENOMEM: the stream can't be trusted;
 * call mux_reset. Dialer: UV_ECONNRESET when the listener was started anew and knows nothing of this sync. */
int mux_feed(struct mux *mux, struct span bytes);

/* Bytes for the wire: fills up to `size`, returns how many (0 = nothing to send). on_writable may be called
 * from here too. */
size_t mux_produce(struct mux *mux, uint8_t *out, size_t size);
bool mux_has_output(const struct mux *mux);

/* Dialer: a new channel. STATUS_LIMIT above MUX_CHANNELS_MAX, STATUS_NOT_CONNECTED before the sync. */
int mux_open(struct mux *mux, void *owner, uint32_t *ret_channel);
/* Queues a frame (MESSAGE, DATA, DATAGRAM, FIN). Whole or not at all, but DATA may be taken in part:
 * *ret_taken (bytes of payload; can be NULL for other types). UV_EAGAIN when the channel's queue is full
 * (on_writable follows, also after DATA was taken in part), STATUS_NOT_FOUND for a channel that is gone,
 * STATUS_INVALID after FIN. A MESSAGE above MUX_MESSAGE_MAX is STATUS_TOO_LARGE, one that contains a marker
 * STATUS_INVALID; a DATAGRAM that contains one is lost, as datagrams may be. */
int mux_send(struct mux *mux, uint32_t channel, enum frame_type type, struct span payload, size_t *ret_taken);
/* Bytes of DATA that mux_send takes whole now; 0 when the queue is full (on_writable follows) or the channel
 * is gone. */
size_t mux_send_room(struct mux *mux, uint32_t channel);
/* The owner has used `size` bytes of what on_frame or on_data gave it. Nothing for a channel that is gone. */
void mux_taken(struct mux *mux, uint32_t channel, size_t size);
/* Forget the channel: after FIN was sent and received nothing is sent, else an RST with status and text. No
 * callback follows. Queued frames are still sent before a clean end; an RST discards them. A
 * channel of which nothing was sent yet goes without a trace. A status of 0 travels as STATUS_GONE. */
void mux_close_channel(struct mux *mux, uint32_t channel, int status, const char *text);
/* Channels that have an owner. */
size_t mux_channel_count(const struct mux *mux);

#endif
