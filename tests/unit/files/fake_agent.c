/* SPDX-License-Identifier: MIT */
/* The agent's side of FILES_OPEN over a socket pair. */
#include "tests/unit/files/fake_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <sodium.h>

#include "protocol/base/status.h"
#include "protocol/link/stream_fd.h"

struct fake_job {
    struct fake_agent *agent;
    struct fake_job *previous, *next;
    struct stream *stream;
    uint8_t operation;
    uint64_t at, end; /* READ */
    bool said_fin;
    crypto_generichash_state state; /* WRITE */
    uint64_t written;
};

static struct fake_agent *the_agent;

uint8_t fake_agent_byte(uint64_t offset)
{
    return (uint8_t)(offset * 7 + (offset >> 8));
}

static void end_job(struct fake_job *job)
{
    if (job->previous != NULL)
        job->previous->next = job->next;
    else
        job->agent->jobs = job->next;
    if (job->next != NULL)
        job->next->previous = job->previous;
    stream_close(job->stream);
    free(job);
}

static void reset_job(struct fake_job *job, int status, const char *text)
{
    uint8_t payload[FRAME_RST_MAX];
    stream_send(job->stream, FRAME_RST, span_of(payload, frame_rst_encode(status, text, payload)));
    end_job(job);
}

static void say_fin(struct fake_job *job)
{
    if (!job->said_fin)
        stream_send(job->stream, FRAME_FIN, span_of(NULL, 0));
    job->said_fin = true;
}

static void say_done(struct fake_job *job, const uint8_t *digest, const char *path)
{
    struct message message = {.kind = MESSAGE_FILES_DONE};
    struct files_path name;
    snprintf(name.path, sizeof(name.path), "%s", path);
    message.body.files_done.names = &name;
    message.body.files_done.name_count = 1;
    if (digest != NULL) {
        message.body.files_done.digest_size = FILES_DIGEST_SIZE;
        memcpy(message.body.files_done.digest, digest, FILES_DIGEST_SIZE);
    }
    stream_send_message(job->stream, &message);
    say_fin(job);
}

/* ---- READ ---- */

static void go_on_reading(struct fake_job *job)
{
    static uint8_t space[FRAME_HEADER_SIZE + 64 * 1024];
    uint64_t stop = job->agent->stalls_at < job->end ? job->agent->stalls_at : job->end;
    while (job->at < stop) {
        uint64_t size = stop - job->at;
        size_t room = stream_write_room(job->stream);
        size = size > sizeof(space) - FRAME_HEADER_SIZE ? sizeof(space) - FRAME_HEADER_SIZE : size;
        size = size > room ? room : size;
        if (size == 0)
            return;
        for (size_t i = 0; i < size; i++)
            space[FRAME_HEADER_SIZE + i] = fake_agent_byte(job->at + i);
        stream_write(job->stream, space, (size_t)size);
        job->at += size;
        job->agent->sent += size;
    }
    if (job->at == job->end)
        say_fin(job);
}

static void begin_reading(struct fake_job *job, const struct files_open_message *open)
{
    const struct fake_agent *agent = job->agent;
    uint64_t end = open->length == 0 ? agent->size : open->offset + open->length;
    job->at = open->offset;
    job->end = end < agent->size ? end : agent->size;
    if (agent->sends != FAKE_AGENT_ALL)
        job->end = job->at + agent->sends;
    if (agent->type == ENTRY_FILE)
        go_on_reading(job);
}

/* ---- LIST ---- */

static void send_part(struct fake_job *job, uint64_t first, const struct manifest_entry *entries,
                      size_t count, bool last)
{
    struct message message = {.kind = MESSAGE_MANIFEST};
    message.body.manifest.first = first;
    message.body.manifest.count = count;
    message.body.manifest.entries = (struct manifest_entry *)(uintptr_t)entries;
    message.body.manifest.last = last;
    stream_send_message(job->stream, &message);
}

static void go_on_listing(struct fake_job *job)
{
    static struct manifest_entry entries[FILES_ENTRIES_A_MESSAGE_MAX];
    while (job->at < job->end && stream_write_room(job->stream) > 0) {
        size_t count = 0;
        for (; count < FILES_ENTRIES_A_MESSAGE_MAX && job->at + count < job->end; count++) {
            entries[count] =
                (struct manifest_entry){.type = ENTRY_FILE, .size = job->at + count, .mode = 0644};
            snprintf(entries[count].name, sizeof(entries[count].name), "f%09llu",
                     (unsigned long long)(job->end - job->at - count));
        }
        send_part(job, job->at, entries, count, job->at + count == job->end);
        job->at += count;
    }
    if (job->at == job->end && !job->said_fin)
        say_done(job, NULL, job->agent->path);
}

static void begin_listing(struct fake_job *job)
{
    struct fake_agent *agent = job->agent;
    job->end = agent->many;
    if (agent->many > 0) {
        go_on_listing(job);
        return;
    }
    send_part(job, agent->list_skips ? 3 : 0, agent->entries, agent->entry_count, true);
    say_done(job, NULL, agent->path);
}

/* ---- WRITE ---- */

static size_t handle_data(void *ctx, struct span bytes)
{
    struct fake_job *job = ctx;
    struct fake_agent *agent = job->agent;
    if (agent->takes_nothing)
        return 0;
    crypto_generichash_update(&job->state, bytes.data, bytes.size);
    job->written += bytes.size;
    agent->written += bytes.size;
    if (job->written >= agent->fails_at)
        reset_job(job, UV_ENOSPC, "the disk is full");
    return bytes.size;
}

static void end_writing(struct fake_job *job)
{
    uint8_t digest[FILES_DIGEST_SIZE];
    if (job->agent->never_ends)
        return;
    crypto_generichash_final(&job->state, digest, sizeof(digest));
    digest[0] ^= job->agent->lies;
    say_done(job, digest, job->agent->to);
}

/* ---- connections ---- */

static void remember(struct fake_agent *agent, const struct files_open_message *open)
{
    agent->opens++;
    agent->operation = open->operation;
    agent->conflict = open->conflict;
    agent->flags = open->flags;
    agent->mode = open->mode;
    agent->offset = open->offset;
    agent->length = open->length;
    agent->id = open->id;
    snprintf(agent->path, sizeof(agent->path), "%s", open->path_count > 0 ? open->paths[0].path : "");
    snprintf(agent->to, sizeof(agent->to), "%s", open->to);
    snprintf(agent->user, sizeof(agent->user), "%s", open->user);
}

static void say_opened(struct fake_job *job)
{
    struct fake_agent *agent = job->agent;
    struct message message = {.kind = MESSAGE_FILES_OPENED};
    struct files_opened_message *opened = &message.body.files_opened;
    if (job->operation == FILES_READ)
        *opened = (struct files_opened_message){.type = agent->type,
                                                .size = agent->size,
                                                .mode = 0644,
                                                .mtime = {1769860800, 5},
                                                .inode = agent->changes ? agent->inode++ : agent->inode};
    stream_send_message(job->stream, &message);
}

static void begin(struct fake_job *job, const struct files_open_message *open)
{
    struct fake_agent *agent = job->agent;
    remember(agent, open);
    job->operation = open->operation;
    crypto_generichash_init(&job->state, NULL, 0, FILES_DIGEST_SIZE);
    if (agent->refuse != 0) {
        reset_job(job, agent->refuse, agent->refuse_text != NULL ? agent->refuse_text : "");
        return;
    }
    if (agent->is_silent)
        return;
    say_opened(job);
    if (job->operation == FILES_READ)
        begin_reading(job, open);
    else if (job->operation == FILES_LIST)
        begin_listing(job);
    else if (job->operation != FILES_WRITE && job->operation != FILES_WATCH && !agent->never_ends)
        say_done(job, NULL, job->operation == FILES_MOVE ? agent->to : agent->path);
}

static void handle_frame(void *ctx, enum frame_type type, struct span payload)
{
    struct fake_job *job = ctx;
    struct message message;
    struct message_head head;
    if (type == FRAME_RST) {
        job->agent->resets++;
        end_job(job);
    } else if (type == FRAME_FIN && job->operation == FILES_WRITE) {
        end_writing(job);
    } else if (type == FRAME_MESSAGE && message_decode(payload, &message, &head) == 0) {
        begin(job, &message.body.files_open);
        message_finish(&message);
    }
}

static void handle_writable(void *ctx)
{
    struct fake_job *job = ctx;
    if (job->operation == FILES_READ)
        go_on_reading(job);
    else if (job->operation == FILES_LIST)
        go_on_listing(job);
}

static void handle_end(void *ctx, int status, const char *text)
{
    end_job(ctx);
}

static const struct stream_handler HANDLER = {
    .on_frame = handle_frame, .on_data = handle_data, .on_writable = handle_writable, .on_end = handle_end};

/* session.h */

enum aead_cipher session_cipher(const struct session *session)
{
    return 0;
}

int session_open_files(struct session *session, const struct files_open_message *open, struct stream **ret,
                       struct files_keys *ret_keys)
{
    struct fake_agent *agent = the_agent;
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) != 0)
        return UV_EMFILE;
    static const struct stream_fd_options OPTIONS = {0};
    struct fake_job *job = calloc(1, sizeof(*job));
    job->agent = agent;
    job->next = agent->jobs;
    if (job->next != NULL)
        job->next->previous = job;
    agent->jobs = job;
    stream_fd_create(&agent->link, fds[0], &OPTIONS, ret);
    stream_fd_create(&agent->link, fds[1], &OPTIONS, &job->stream);
    stream_set_handler(job->stream, &HANDLER, job);
    memset(ret_keys, 0, sizeof(*ret_keys));
    const struct message message = {.kind = MESSAGE_FILES_OPEN, .body.files_open = *open};
    return stream_send_message(*ret, &message);
}

/* For tests */

void fake_agent_init(struct fake_agent *agent, uv_loop_t *loop)
{
    *agent = (struct fake_agent){.type = ENTRY_FILE,
                                 .size = 10,
                                 .inode = 77,
                                 .sends = FAKE_AGENT_ALL,
                                 .stalls_at = FAKE_AGENT_ALL,
                                 .fails_at = FAKE_AGENT_ALL};
    link_loop_init(&agent->link, loop);
    the_agent = agent;
}

void fake_agent_finish(struct fake_agent *agent)
{
    link_loop_finish(&agent->link);
}

void fake_agent_go_on(struct fake_agent *agent)
{
    agent->takes_nothing = false;
    agent->stalls_at = FAKE_AGENT_ALL;
    for (struct fake_job *job = agent->jobs, *next; job != NULL; job = next) {
        next = job->next;
        handle_writable(job);
        stream_resume(job->stream);
    }
}

void fake_agent_tell_changes(struct fake_agent *agent, const struct changes_message *changes)
{
    const struct message message = {.kind = MESSAGE_CHANGES, .body.changes = *changes};
    for (struct fake_job *job = agent->jobs; job != NULL; job = job->next) {
        if (job->operation == FILES_WATCH)
            stream_send_message(job->stream, &message);
    }
}

void fake_agent_reset(struct fake_agent *agent, int status)
{
    while (agent->jobs != NULL)
        reset_job(agent->jobs, status, "");
}
