/* SPDX-License-Identifier: MIT */
/* A guest's end: what FILES_OPEN asks for is done by the real engines. */
#include "tests/unit/transfers/fake_guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"
#include "services/transfer/receive/receiver.h"
#include "services/transfer/send/sender.h"
#include "services/transfer/target_path.h"
#include "services/transfer/transfer_link.h"
#include "tests/unit/link/link_fixture.h"

struct fake_visit {
    struct fake_visit *next;
    struct fake_guest *guest;
    struct transfer_link *link; /* NULL: none */
    struct stream *stream;      /* without a link */
};

struct files_dial {
    struct files_dial *next;
    struct fake_guest *guest;
    uv_timer_t answer;
    struct files_open_message open;
    const struct files_dial_handler *handler; /* NULL: taken back, or answered */
    void *ctx;
};

struct fake_guest guests[FAKE_GUESTS];
static struct fake_visit *visits;
static struct files_dial *dials;
static struct item_pool *pool;

void fake_guests_init(void)
{
    static const char *const NAMES[FAKE_GUESTS] = {"one", "two", "three"};
    memset(guests, 0, sizeof(guests));
    for (size_t i = 0; i < FAKE_GUESTS; i++) {
        snprintf(guests[i].name, sizeof(guests[i].name), "%s", NAMES[i]);
        make_path(guests[i].home, sizeof(guests[i].home), NAMES[i]);
        assert_int_equal(mkdir(guests[i].home, 0755), 0);
        guests[i].up = true;
    }
    assert_int_equal(item_pool_create(8, &pool), 0);
}

struct fake_guest *fake_guest_find(const char *name)
{
    for (size_t i = 0; i < FAKE_GUESTS; i++) {
        if (strcmp(guests[i].name, name) == 0)
            return &guests[i];
    }
    return NULL;
}

/* ---- a connection ---- */

static void free_visit(void *ctx)
{
    struct fake_visit *visit = ctx;
    struct fake_visit **link = &visits;
    while (*link != visit)
        link = &(*link)->next;
    *link = visit->next;
    visit->guest->visits--;
    free(visit);
}

static void close_visit(struct fake_visit *visit, bool discard)
{
    struct transfer_link *link = visit->link;
    struct stream *stream = visit->stream;
    visit->link = NULL;
    visit->stream = NULL;
    if (link != NULL) {
        transfer_link_close(link, discard, free_visit, visit);
    } else if (stream != NULL) {
        stream_close(stream);
        free_visit(visit);
    }
}

static void handle_end(void *ctx, int status, const char *text)
{
    close_visit(ctx, status == UV_ECANCELED);
}

static const struct transfer_link_handler LINK_HANDLER = {.on_end = handle_end};

static void handle_idle_frame(void *ctx, enum frame_type type, struct span payload) {}

static size_t handle_idle_data(void *ctx, struct span bytes)
{
    return bytes.size;
}

static void handle_idle_end(void *ctx, int status, const char *text)
{
    close_visit(ctx, false);
}

static const struct stream_handler IDLE_HANDLER = {
    .on_frame = handle_idle_frame, .on_data = handle_idle_data, .on_end = handle_idle_end};

static int make_receiver(struct fake_guest *guest, const struct files_open_message *open,
                         const struct engine_keys *keys, struct engine **ret, char *problem)
{
    struct target_path target;
    int status = open->to[0] == '\0' ? 0 : target_path_resolve(open->to, guest->home, 1, &target, problem);
    if (status < 0)
        return status;
    if (!guest->resolved) {
        snprintf(guest->put_folder, sizeof(guest->put_folder), "%s",
                 open->to[0] == '\0' ? guest->home : target.folder);
        snprintf(guest->put_name, sizeof(guest->put_name), "%s", open->to[0] == '\0' ? "" : target.name);
    }
    const char *names[] = {guest->put_name};
    struct receiver_options options = {
        .pool = pool,
        .keys = *keys,
        .folder = guest->put_folder,
        .name_count = guest->put_name[0] != '\0',
        .names = names,
        .id = open->id,
        .flags = open->flags,
        .conflict = open->conflict,
        .links = open->links,
    };
    return receiver_create(&options, ret, problem);
}

static int make_sender(struct fake_guest *guest, const struct files_open_message *open,
                       const struct engine_keys *keys, struct engine **ret, char *problem)
{
    static char paths[FILES_PATHS_MAX][FILES_PATH_MAX + 1];
    const char *list[FILES_PATHS_MAX];
    size_t count = open->path_count;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(target_path_absolute(open->paths[i].path, guest->home, paths[i]), 0);
        list[i] = paths[i];
    }
    if (open->offer != 0) { /* "offer-7" in its home */
        snprintf(paths[0], sizeof(paths[0]), "%s/offer-%llu", guest->home, (unsigned long long)open->offer);
        list[0] = paths[0];
        count = 1;
    }
    struct sender_options options = {.pool = pool,
                                     .keys = *keys,
                                     .path_count = count,
                                     .paths = list,
                                     .flags = open->flags,
                                     .links = open->links};
    return sender_create(&options, ret, problem);
}

static void serve(struct fake_visit *visit, struct files_dial *dial, struct stream *stream,
                  const struct engine_keys *keys)
{
    struct fake_guest *guest = visit->guest;
    struct engine *engine;
    struct fs_identity identity = fs_identity_own();
    char problem[TEXT_REASON_MAX + 1] = "";
    int status = dial->open.operation == FILES_PUT ? make_receiver(guest, &dial->open, keys, &engine, problem)
                                                   : make_sender(guest, &dial->open, keys, &engine, problem);
    if (status < 0) {
        stream_abort(stream, status, problem);
        free_visit(visit);
        return;
    }
    guest->resolved = guest->resolved || dial->open.operation == FILES_PUT;
    assert_int_equal(transfer_link_create(&uv, stream, engine, &identity, &LINK_HANDLER, visit, &visit->link),
                     0);
}

static void begin(struct files_dial *dial, struct stream *stream, const struct engine_keys *keys)
{
    struct fake_visit *visit = calloc(1, sizeof(*visit));
    assert_non_null(visit);
    visit->guest = dial->guest;
    visit->guest->visits++;
    visit->next = visits;
    visits = visit;
    bool idles = dial->guest->hangs || dial->guest->misbehave != NULL;
    if (!idles) {
        serve(visit, dial, stream, keys);
        return;
    }
    visit->stream = stream;
    stream_set_handler(stream, &IDLE_HANDLER, visit);
    if (dial->guest->misbehave != NULL)
        dial->guest->misbehave(stream);
}

/* ---- dialling ---- */

static void free_dial(uv_handle_t *handle)
{
    struct files_dial *dial = handle->data;
    struct files_dial **link = &dials;
    while (*link != dial)
        link = &(*link)->next;
    *link = dial->next;
    free(dial->open.paths);
    free(dial);
}

static void end_dial(struct files_dial *dial)
{
    dial->handler = NULL;
    uv_close((uv_handle_t *)&dial->answer, free_dial);
}

static struct engine_keys engine_keys_of(const struct files_keys *keys, uint8_t check)
{
    struct engine_keys made = {.check = check};
    memcpy(made.check_key, keys->check, sizeof(made.check_key));
    memcpy(made.digest_key, keys->digest, sizeof(made.digest_key));
    return made;
}

static void answer(uv_timer_t *timer)
{
    struct files_dial *dial = timer->data;
    const struct files_dial_handler *handler = dial->handler;
    void *ctx = dial->ctx;
    if (dial->guest->mute)
        return;
    dial->handler = NULL;
    if (!dial->guest->up || dial->guest->refuse < 0) {
        handler->on_failed(ctx, dial->guest->up ? dial->guest->refuse : UV_ECONNRESET, "so says the test");
        end_dial(dial);
        return;
    }
    int pair[2];
    struct stream *here, *there;
    struct stream_fd_options options = {0};
    struct files_keys keys;
    struct files_opened_message opened = {.check = 1};
    memset(&keys, 42, sizeof(keys));
    socket_pair(pair);
    assert_int_equal(stream_fd_create(&loop, pair[0], &options, &here), 0);
    assert_int_equal(stream_fd_create(&loop, pair[1], &options, &there), 0);
    struct engine_keys guest_keys = engine_keys_of(&keys, opened.check);
    begin(dial, there, &guest_keys);
    handler->on_opened(ctx, here, &opened, &keys, false);
    end_dial(dial);
}

int fake_guest_open(void *ctx, const char *vm, const struct files_open_message *open,
                    const struct files_dial_handler *handler, void *handler_ctx, struct files_dial **ret)
{
    struct fake_guest *guest = fake_guest_find(vm);
    if (guest == NULL)
        return STATUS_NOT_FOUND;
    if (guest->refuse_at_open < 0)
        return guest->refuse_at_open;
    if (!guest->up)
        return STATUS_NOT_CONNECTED;
    struct files_dial *dial = calloc(1, sizeof(*dial));
    assert_non_null(dial);
    guest->opens++;
    guest->last = dial->open = *open;
    guest->last.paths = dial->open.paths = NULL;
    if (open->path_count > 0) {
        dial->open.paths = calloc(open->path_count, sizeof(*open->paths));
        assert_non_null(dial->open.paths);
        memcpy(dial->open.paths, open->paths, open->path_count * sizeof(*open->paths));
    }
    dial->guest = guest;
    dial->handler = handler;
    dial->ctx = handler_ctx;
    dial->next = dials;
    dials = dial;
    uv_timer_init(&uv, &dial->answer);
    dial->answer.data = dial;
    uv_timer_start(&dial->answer, answer, 0, 0);
    *ret = dial;
    return 0;
}

void files_dial_cancel(struct files_dial *dial)
{
    if (dial != NULL && dial->handler != NULL)
        end_dial(dial);
}

/* ---- the end ---- */

void fake_guest_cut(struct fake_guest *guest)
{
    for (struct fake_visit *next, *visit = visits; visit != NULL; visit = next) {
        next = visit->next;
        if (visit->guest == guest)
            close_visit(visit, false);
    }
}

void fake_guests_finish(void)
{
    for (size_t i = 0; i < FAKE_GUESTS; i++)
        fake_guest_cut(&guests[i]);
    RUN_UNTIL(visits == NULL && dials == NULL);
    item_pool_destroy(pool);
}
