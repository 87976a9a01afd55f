/* SPDX-License-Identifier: MIT */
/* The bridges that are connected: their sessions, and the flows and works on files that end with them. */
#ifndef HOSPES_VISITS_H
#define HOSPES_VISITS_H

#include "agent/features/files/files.h"
#include "agent/routes.h"
#include "protocol/base/log_limit.h"
#include "protocol/link/served_session.h"
#include "services/relay/flow_set.h"
#include "services/relay/relay.h"

struct visit;

struct visits {
    struct relay *relay;
    struct feed *feed;
    struct files *files;
    struct visit *first; /* newest first */
    size_t count;
    struct routes routes;
    struct log_limit refusals;
    void (*on_heartbeat)(void *ctx);
    void *ctx;
};

void visits_init(struct visits *visits, struct relay *relay, struct feed *feed, struct files *files,
                 struct request_classes classes, void (*on_heartbeat)(void *ctx), void *ctx);
/* A further connection says whose it is: see served_session_join. STATUS_UNKNOWN_SESSION. */
int visits_join(struct visits *visits, struct stream *stream, const struct join_message *join,
                struct stream **ret);
/* Each takes the stream: it becomes a session, a subscription, a flow or a work on files, or is refused by
 * name. */
void visits_begin(struct visits *visits, struct stream *stream, const struct session_keys *keys,
                  const struct welcome_message *welcome, const struct hello_message *hello);
void visits_subscribe(struct visits *visits, struct stream *stream, const struct welcome_message *welcome,
                      const struct hello_message *hello);
void visits_open_channel(struct visits *visits, struct stream *stream,
                         const struct channel_open_message *open);
void visits_open_files(struct visits *visits, struct stream *stream, uint64_t connection,
                       const struct files_open_message *open);
/* Ends the sessions of the host with this key. */
void visits_end_of(struct visits *visits, const uint8_t key[static NOISE_KEY_SIZE]);
void visits_end_all(struct visits *visits);

#endif
