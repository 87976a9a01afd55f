/* SPDX-License-Identifier: MIT */
/* Joins the features that may not know each other: offers with the feed, the transfers, the outbox and the
 * session socket; watches with the connections that ask for them. */
#define LOG_MODULE "sharing"
#include "agent/sharing.h"

#include <stdlib.h>
#include <string.h>

#include "agent/features/files/acting_user.h"
#include "agent/features/offers/offers.h"
#include "agent/features/offers/outbox.h"
#include "agent/features/watch/watch.h"
#include "agent/session_socket.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"

struct sharing {
    const struct agent_config *config;
    struct feed *feed; /* NULL: closed */
    struct offers *offers;
    struct outbox *outbox;
    struct session_socket *session;
    struct watches *watches;
};

/* ---- offers ---- */

static void handle_delta(void *ctx, const struct offers_message *delta)
{
    struct sharing *sharing = ctx;
    struct message event = {.kind = MESSAGE_OFFERS};
    event.body.offers = *delta;
    if (sharing->feed != NULL && feed_publish(sharing->feed, &event) < 0)
        log_warn("out of memory: a change of offers goes out as a snapshot");
}

static void handle_news(void *ctx, uint64_t id, enum offer_news news, uint64_t bytes, const char *problem)
{
    struct sharing *sharing = ctx;
    session_socket_tell(sharing->session, id, news, bytes, problem);
    outbox_take_news(sharing->outbox, id, news);
}

static int offer_paths(void *ctx, uint64_t offer, struct offered_files *ret)
{
    struct sharing *sharing = ctx;
    const struct offer_record *record;
    int status = sharing->offers == NULL ? STATUS_NOT_FOUND : offers_begin(sharing->offers, offer, &record);
    if (status == 0)
        *ret = (struct offered_files){.identity = record->identity,
                                      .path_count = record->facts.roots,
                                      .paths = (const char *const *)record->paths};
    return status;
}

static void offer_moved(void *ctx, uint64_t offer, uint64_t bytes)
{
    struct sharing *sharing = ctx;
    if (sharing->offers != NULL)
        offers_progress(sharing->offers, offer, bytes);
}

static void offer_taken(void *ctx, uint64_t offer, int status)
{
    struct sharing *sharing = ctx;
    if (sharing->offers != NULL)
        offers_end(sharing->offers, offer, status);
}

static int offer_decline(void *ctx, uint64_t offer)
{
    struct sharing *sharing = ctx;
    return sharing->offers == NULL ? STATUS_NOT_FOUND : offers_decline(sharing->offers, offer);
}

static const struct offers_source OFFERS_SOURCE = {
    .paths = offer_paths, .moved = offer_moved, .taken = offer_taken, .decline = offer_decline};

void sharing_snapshot(struct sharing *sharing,
                      void (*emit)(void *emit_ctx, const struct offers_message *part), void *emit_ctx)
{
    if (sharing != NULL && sharing->offers != NULL)
        offers_snapshot(sharing->offers, emit, emit_ctx);
}

/* Root's home is nobody's outbox, unless the configuration says so. */
static int find_outbox_user(void *ctx, struct fs_identity *ret, char *ret_home)
{
    struct sharing *sharing = ctx;
    char problem[TEXT_REASON_MAX + 1];
    struct acting_user *user = malloc(sizeof(*user));
    int status = user == NULL ? UV_ENOMEM : acting_user_find("", sharing->config->files_user, user, problem);
    if (status == 0 && user->identity.uid == 0 && sharing->config->files_user[0] == '\0')
        status = UV_ENOENT;
    if (status == 0) {
        *ret = user->identity;
        memcpy(ret_home, user->home, sizeof(user->home));
    }
    free(user);
    return status;
}

/* ---- watches ---- */

static int start_watch(void *ctx, const char *path, const struct fs_identity *identity,
                       const struct watch_listener *listener, void *listener_ctx, void **ret_watch,
                       char *ret_problem)
{
    struct sharing *sharing = ctx;
    const struct watch_handler handler = {
        .on_ready = listener->on_ready, .on_changes = listener->on_changes, .on_end = listener->on_end};
    struct watch *watch;
    if (sharing->watches == NULL)
        return UV_ECANCELED;
    int status = watch_start(sharing->watches, path, identity, &handler, listener_ctx, &watch, ret_problem);
    if (status == 0)
        *ret_watch = watch;
    return status;
}

static void resume_watch(void *ctx, void *watch)
{
    watch_resume(watch);
}

static void stop_watch(void *ctx, void *watch)
{
    watch_stop(watch);
}

static const struct watch_source WATCH_SOURCE = {
    .start = start_watch, .resume = resume_watch, .stop = stop_watch};

/* ---- life ---- */

static int create_offers(struct sharing *sharing, uv_loop_t *uv)
{
    struct offers_options options = {.uv = uv,
                                     .state_dir = sharing->config->state_dir,
                                     .on_delta = handle_delta,
                                     .on_news = handle_news,
                                     .ctx = sharing};
    int status = offers_create(&options, &sharing->offers);
    if (status < 0 || sharing->config->outbox[0] == '\0')
        return status;
    struct outbox_options outbox = {.uv = uv,
                                    .offers = sharing->offers,
                                    .path = sharing->config->outbox,
                                    .find_user = find_outbox_user,
                                    .ctx = sharing};
    return outbox_create(&outbox, &sharing->outbox);
}

static void open_session_socket(struct sharing *sharing, uv_loop_t *uv)
{
    char problem[TEXT_REASON_MAX + 1];
    struct session_socket_options options = {.uv = uv,
                                             .offers = sharing->offers,
                                             .path = sharing->config->session_socket,
                                             .idle_ms = SESSION_CLIENT_IDLE_MS};
    if (session_socket_create(&options, &sharing->session, problem) < 0)
        log_info("no session socket: %s", problem);
}

int sharing_create(uv_loop_t *uv, const struct agent_config *config, struct feed *feed, struct files *files,
                   struct sharing **ret)
{
    struct sharing *sharing = calloc(1, sizeof(*sharing));
    if (sharing == NULL)
        return UV_ENOMEM;
    sharing->config = config;
    sharing->feed = feed;
    *ret = sharing;
    if (request_classes_has(config->classes, CLASS_FILES)) {
        int status = create_offers(sharing, uv);
        if (status == 0)
            status = watches_create(uv, &sharing->watches);
        if (status < 0)
            return status;
        files_set_offers(files, &OFFERS_SOURCE, sharing);
        files_set_watches(files, &WATCH_SOURCE, sharing);
    }
    open_session_socket(sharing, uv);
    return 0;
}

void sharing_close(struct sharing *sharing)
{
    if (sharing == NULL)
        return;
    sharing->feed = NULL;
    session_socket_close(sharing->session);
    outbox_close(sharing->outbox);
    watches_close(sharing->watches);
    offers_close(sharing->offers);
    sharing->session = NULL;
    sharing->outbox = NULL;
    sharing->watches = NULL;
    sharing->offers = NULL;
}

void sharing_destroy(struct sharing *sharing)
{
    free(sharing);
}

void sharing_check(struct sharing *sharing)
{
    if (sharing != NULL)
        outbox_check(sharing->outbox);
}
