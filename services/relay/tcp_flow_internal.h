/* SPDX-License-Identifier: MIT */
/* The flow as tcp_flow.c (life, channel → socket), tcp_flow_up.c (socket → channel) and tcp_flow_dial.c see
 * it. */
#ifndef HOSPES_TCP_FLOW_INTERNAL_H
#define HOSPES_TCP_FLOW_INTERNAL_H

#include "services/relay/tcp_flow.h"

/* The addresses that are still to be tried while a flow connects. */
struct tcp_dial {
    struct dial_target target;
    uint8_t next;   /* index of the next address */
    int last_error; /* of the address before */
};

struct tcp_flow {
    struct flow_member member; /* first: found back by a cast */
    struct relay *relay;
    struct deadline opening; /* runs until the guest's end is connected */
    struct channel channel;
    uv_poll_t poll;
    int fd;
    bool over;
    bool hung_up;         /* the socket is shut both ways; what it holds is still read */
    bool socket_eof;      /* the socket will give no more bytes */
    bool fin_waits;       /* FIN did not fit into the stream's queue */
    bool channel_blocked; /* socket → channel waits for on_writable */
    bool socket_blocked;  /* channel → socket waits for the socket */
    uint8_t poll_events;  /* as last given to libuv */
    uint8_t full_reads;   /* in a row: busy enough for splice? */
    uint32_t read_size;
    bool bulk_up;                /* socket → channel goes by splice */
    struct bulk_pipe *pipe_up;   /* holds bytes that the channel has not taken yet; NULL: none */
    struct bulk_pipe *pipe_down; /* the same of channel → socket */
    struct tcp_dial *dial;       /* NULL when connected */
};

/* tcp_flow.c */
/* Takes fd and stream in every case. */
int tcp_flow_create(struct relay *relay, int fd, struct stream *stream, struct flow_set *flows,
                    struct tcp_flow **ret);
void tcp_flow_start(struct tcp_flow *flow); /* the socket is connected: move bytes */
void tcp_flow_update_poll(struct tcp_flow *flow);
void tcp_flow_maybe_finish(struct tcp_flow *flow);
/* Both ends are reset. */
void tcp_flow_abort(struct tcp_flow *flow, int status, const char *text);

/* tcp_flow_up.c */
void tcp_flow_pump_up(struct tcp_flow *flow); /* socket → channel, as far as it goes now */
void tcp_flow_send_fin(struct tcp_flow *flow);

/* tcp_flow_down.c */
size_t tcp_flow_take_data(struct tcp_flow *flow, struct span bytes);      /* channel_handler.on_data */
ssize_t tcp_flow_take_splice(struct tcp_flow *flow, int fd, size_t size); /* channel_handler.on_splice */
void tcp_flow_socket_writable(struct tcp_flow *flow);
/* FIN came from the channel: shuts the socket down when everything before it is out. */
void tcp_flow_finish_down(struct tcp_flow *flow);

/* tcp_flow_dial.c */
void tcp_flow_dial_go_on(struct tcp_flow *flow); /* the socket being connected is writable or failed */

#endif
