/* SPDX-License-Identifier: MIT */
/* Reads the bridge's event stream and keeps it alive. Leaves events' meaning and printing to the commands.
 *
 * The API's stream never ends. A bridge that goes away is tried again, with the id of the last event, until
 * it answers; only a first try that fails, and an answer 4xx, is an error. Without `follow` the end of the
 * ring is recognised by silence, since the stream does not mark it: the bridge sends what it holds in one
 * go. So that a bridge that is merely slow is not taken for a silent one, it must also answer a request that
 * was made after the silence began. */
#include "host-bridge/cli/event_stream.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/interrupt.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/sse.h"
#include "protocol/base/clock.h"

enum { RETRY_FIRST_MS = 100 };

struct reader {
    struct cli *cli;
    const struct event_stream *stream;
    struct sse sse;
    uint64_t heard_ms; /* monotonic: the last byte */
    uint64_t lost_ms;  /* monotonic: since when there is no connection */
    bool connected;    /* on_connection(true) was called */
    bool answered;     /* the bridge answered another request since then */
    bool ended;        /* by a callback, the closed output, or the ring's end */
    int parse_status;
};

json_t *event_stream_object(const char *type, const char *id, const json_t *data)
{
    json_t *object = json_object();
    uint64_t number = 0;
    bool is_number = quantity_parse_u64(id, &number) && number <= INT64_MAX;
    json_object_set_new(object, "id", is_number ? json_integer((json_int_t)number) : json_string(id));
    json_object_set_new(object, "type", json_string(type));
    const char *key;
    json_t *value;
    json_t *fields = json_deep_copy(data);
    json_object_foreach(fields, key, value)
    {
        if (json_object_get(object, key) == NULL)
            json_object_set(object, key, value);
    }
    json_decref(fields);
    return object;
}

/* Nobody reads the output any more: a pipe's reader is gone. */
static bool output_is_closed(const struct reader *reader)
{
    struct pollfd output = {.fd = fileno(reader->cli->out)};
    if (reader->stream->needs_no_output)
        return false;
    fflush(reader->cli->out);
    return ferror(reader->cli->out) != 0 ||
           (output.fd >= 0 && poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0);
}

static bool reader_on_event(void *ctx, const char *type, const char *id, const char *text, size_t size)
{
    struct reader *reader = ctx;
    json_error_t error;
    json_t *data = json_loadb(text, size, 0, &error);
    if (!json_is_object(data)) {
        json_decref(data);
        reader->parse_status = UV_EPROTO;
        return false;
    }
    if (!reader->stream->on_event(reader->stream->ctx, type, id, data))
        reader->ended = true;
    json_decref(data);
    return !reader->ended;
}

/* A byte or a tick of a 200's body. */
static void mark_connected(struct reader *reader)
{
    const struct event_stream *stream = reader->stream;
    if (reader->connected)
        return;
    reader->connected = true;
    reader->heard_ms = clock_monotonic_ms();
    if (stream->on_connection != NULL && !stream->on_connection(stream->ctx, true))
        reader->ended = true;
}

static bool reader_on_bytes(void *ctx, const char *bytes, size_t size)
{
    struct reader *reader = ctx;
    mark_connected(reader);
    reader->heard_ms = clock_monotonic_ms();
    reader->answered = false;
    int status = sse_feed(&reader->sse, bytes, size);
    if (status != 0 && !reader->ended && reader->parse_status == 0)
        reader->parse_status = status;
    return status == 0;
}

/* True where the ring ends: silence, an answer to another question, and silence still. */
static bool ring_ends(struct reader *reader)
{
    struct client_request request = {.method = "GET", .path = "/api/v1/health"};
    struct client_answer answer;
    if (clock_monotonic_ms() - reader->heard_ms < EVENT_STREAM_QUIET_MS)
        return false;
    if (reader->answered)
        return true;
    client_perform(reader->cli->client, &request, &answer, 1);
    client_answer_finish(&answer);
    reader->answered = true;
    return false;
}

static bool reader_on_tick(void *ctx)
{
    struct reader *reader = ctx;
    const struct event_stream *stream = reader->stream;
    mark_connected(reader);
    if (!stream->follow && ring_ends(reader))
        reader->ended = true;
    if (stream->on_tick != NULL && !stream->on_tick(stream->ctx))
        reader->ended = true;
    if (output_is_closed(reader))
        reader->ended = true;
    return !reader->ended;
}

static void wait_to_retry(struct reader *reader, unsigned wait_ms)
{
    uint64_t until = clock_monotonic_ms() + wait_ms;
    while (!interrupt_seen() && !reader->ended && clock_monotonic_ms() < until) {
        poll(NULL, 0, 50);
        reader->ended = output_is_closed(reader);
    }
}

/* A bridge that is not there, or is just starting or stopping, may come back; a refusal stays one. */
static bool is_passing(const struct client_answer *answer)
{
    if (answer->failure == CLIENT_OK)
        return answer->status == 200 || answer->status >= 500;
    return answer->failure == CLIENT_UNREACHABLE || answer->failure == CLIENT_CLOSED ||
           answer->failure == CLIENT_TIMEOUT;
}

static int report_parse_problem(struct reader *reader)
{
    if (reader->parse_status == UV_ENOMEM)
        return cli_out_of_memory(reader->cli);
    return cli_fail(reader->cli, CLI_FAILED, "compare hospes --version with hospes-bridge --version",
                    "the event stream holds what is no event (%s)", uv_err_name(reader->parse_status));
}

static bool has_patience(const struct reader *reader, const struct client_answer *answer, bool first)
{
    unsigned patience_ms = reader->stream->patience_ms;
    if (!is_passing(answer))
        return false;
    if (reader->connected && reader->stream->follow)
        return true;
    if (patience_ms == 0)
        return !first || (answer->failure == CLIENT_OK && answer->status == 200);
    return clock_monotonic_ms() - reader->lost_ms < patience_ms;
}

/* One connection. True: try again. */
static bool read_once(struct reader *reader, const char *path, bool first, int *ret_status)
{
    struct client_answer answer;
    struct client_stream request = {.path = path, .last_event_id = reader->sse.id, .wait_bounded = true};
    request.on_bytes = reader_on_bytes;
    request.on_tick = reader_on_tick;
    request.ctx = reader;
    client_stream(reader->cli->client, &request, &answer);
    sse_restart(&reader->sse);
    bool again = false;
    if (reader->parse_status != 0)
        *ret_status = report_parse_problem(reader);
    else if (reader->ended || interrupt_seen())
        *ret_status = CLI_DONE;
    else if (has_patience(reader, &answer, first))
        again = reader->stream->follow;
    else
        *ret_status = problem_report(reader->cli, &answer);
    client_answer_finish(&answer);
    return again;
}

/* After a loss without any event's id to go on from: all that the new bridge holds happened meanwhile. */
static bool make_path(struct api_path *path, const struct event_stream *stream, bool resumes)
{
    const char *since = stream->since == NULL && resumes ? "0" : stream->since;
    if (stream->path != NULL) {
        int size = snprintf(path->text, sizeof(path->text), "%s", stream->path);
        return size >= 0 && (size_t)size < sizeof(path->text);
    }
    strcpy(path->text, "/api/v1/events");
    return (stream->guest == NULL || api_path_query(path, "vm", stream->guest)) &&
           (since == NULL || api_path_query(path, "since", since));
}

int event_stream_run(struct cli *cli, const struct event_stream *stream)
{
    struct reader reader = {.cli = cli, .stream = stream};
    struct api_path path;
    int status = CLI_DONE;
    unsigned wait_ms = RETRY_FIRST_MS;
    bool was_connected = false;
    if (!make_path(&path, stream, false))
        return problem_name_too_long(cli);
    sse_init(&reader.sse, reader_on_event, &reader);
    reader.lost_ms = clock_monotonic_ms();
    while (read_once(&reader, path.text, !was_connected, &status)) {
        was_connected = true;
        wait_ms = reader.connected ? RETRY_FIRST_MS : wait_ms * 2;
        wait_ms = wait_ms > EVENT_STREAM_RETRY_MS ? EVENT_STREAM_RETRY_MS : wait_ms;
        if (reader.connected)
            reader.lost_ms = clock_monotonic_ms();
        if (reader.connected && stream->on_connection != NULL && !stream->on_connection(stream->ctx, false))
            break;
        reader.connected = false;
        if (!make_path(&path, stream, reader.sse.id[0] == '\0'))
            break;
        wait_to_retry(&reader, wait_ms);
        if (reader.ended || interrupt_seen())
            break;
    }
    sse_finish(&reader.sse);
    return status;
}
