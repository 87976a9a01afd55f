/* SPDX-License-Identifier: MIT */
/* HTTP requests by libcurl's multi interface, so that several can be under way, progress can be shown and an
 * interrupt ends the wait. Leaves the meaning of answers to problem.c and streams' contents to sse.c. */
#include "host-bridge/cli/client.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/interrupt.h"
#include "protocol/base/buffer.h"
#include "protocol/base/clock.h"

enum {
    TICK_MS = 100,
    CONNECT_TIMEOUT_MS = 3000,
    UPLOAD_BUFFER_SIZE = 2 * 1024 * 1024, /* the most that libcurl takes */
    DOWNLOAD_BUFFER_SIZE = 512 * 1024,    /* the same */
};

struct client {
    struct client_options options;
    CURLM *multi;
    bool ignores_interrupt;
};

/* One request under way. */
struct exchange {
    CURL *easy;
    struct curl_slist *headers;
    char *body; /* of the request; can be NULL */
    struct buffer answer;
    const struct client_stream *stream; /* NULL for an ordinary request */
    bool too_large, stopped, done;
    bool waits_for_input; /* an upload is paused until its descriptor has bytes */
    int input_error;      /* errno of reading it */
    CURLcode code;
};

struct client *client_create(const struct client_options *options)
{
    struct client *client = calloc(1, sizeof(*client));
    if (client == NULL)
        return NULL;
    client->options = *options;
    client->multi = curl_multi_init();
    if (client->multi == NULL) {
        free(client);
        return NULL;
    }
    curl_multi_setopt(client->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CLIENT_PARALLEL_MAX);
    return client;
}

void client_destroy(struct client *client)
{
    if (client == NULL)
        return;
    curl_multi_cleanup(client->multi);
    free(client);
}

static bool streams_body(const struct exchange *exchange)
{
    long status = 0;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
    return exchange->stream != NULL && !exchange->stream->uploads && status == 200;
}

static size_t exchange_on_body(char *bytes, size_t one, size_t count, void *ctx)
{
    struct exchange *exchange = ctx;
    size_t size = one * count;
    if (streams_body(exchange)) {
        exchange->stopped = !exchange->stream->on_bytes(exchange->stream->ctx, bytes, size);
        return exchange->stopped ? 0 : size;
    }
    if (buffer_append(&exchange->answer, bytes, size) == 0)
        return size;
    exchange->too_large = size > buffer_room(&exchange->answer);
    return 0;
}

/* Never blocks: the answer may come, or an interrupt, before the input does. */
static size_t exchange_on_upload(char *out, size_t one, size_t count, void *ctx)
{
    struct exchange *exchange = ctx;
    struct pollfd input = {.fd = exchange->stream->upload_fd, .events = POLLIN};
    ssize_t got = -1;
    errno = EAGAIN;
    if (poll(&input, 1, 0) == 1)
        got = read(input.fd, out, one * count);
    if (got >= 0)
        return (size_t)got;
    if (errno != EAGAIN && errno != EINTR) {
        exchange->input_error = errno;
        return CURL_READFUNC_ABORT;
    }
    exchange->waits_for_input = true;
    return CURL_READFUNC_PAUSE;
}

static void exchange_finish(struct exchange *exchange)
{
    curl_easy_cleanup(exchange->easy);
    curl_slist_free_all(exchange->headers);
    free(exchange->body);
    buffer_finish(&exchange->answer);
}

static bool add_header(struct exchange *exchange, const char *text)
{
    struct curl_slist *list = curl_slist_append(exchange->headers, text);
    if (list != NULL)
        exchange->headers = list;
    return list != NULL;
}

static bool set_request(struct exchange *exchange, const struct client *client,
                        const struct client_request *request)
{
    char url[API_PATH_MAX + 64];
    CURL *easy = exchange->easy;
    int size = snprintf(url, sizeof(url), "http://localhost%s", request->path);
    if (size < 0 || (size_t)size >= sizeof(url))
        return false;
    if (curl_easy_setopt(easy, CURLOPT_URL, url) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, client->options.socket_path) != CURLE_OK ||
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method) != CURLE_OK)
        return false;
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, exchange_on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
    if (exchange->stream == NULL)
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, client->options.timeout_ms);
    if (request->body == NULL)
        return true;
    exchange->body = json_dumps(request->body, JSON_COMPACT);
    return exchange->body != NULL && add_header(exchange, "Content-Type: application/json") &&
           add_header(exchange, "Expect:") &&
           curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body) == CURLE_OK;
}

static bool set_upload(struct exchange *exchange)
{
    CURL *easy = exchange->easy;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER_SIZE);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, exchange_on_upload);
    return curl_easy_setopt(easy, CURLOPT_READDATA, exchange) == CURLE_OK &&
           add_header(exchange, "Content-Type: application/octet-stream") &&
           add_header(exchange, "Transfer-Encoding: chunked");
}

static bool set_stream(struct exchange *exchange)
{
    char text[128];
    const char *last = exchange->stream->last_event_id;
    if (exchange->stream->uploads)
        return set_upload(exchange);
    if (exchange->stream->is_file)
        return curl_easy_setopt(exchange->easy, CURLOPT_BUFFERSIZE, (long)DOWNLOAD_BUFFER_SIZE) == CURLE_OK;
    if (!add_header(exchange, "Accept: text/event-stream"))
        return false;
    if (last == NULL || last[0] == '\0')
        return true;
    int size = snprintf(text, sizeof(text), "Last-Event-ID: %s", last);
    return size > 0 && (size_t)size < sizeof(text) && add_header(exchange, text);
}

/* False when out of memory; the exchange is to be finished either way. */
static bool exchange_start(struct exchange *exchange, struct client *client,
                           const struct client_request *request)
{
    buffer_init(&exchange->answer, CLIENT_ANSWER_MAX);
    exchange->easy = curl_easy_init();
    if (exchange->easy == NULL || !set_request(exchange, client, request) ||
        (exchange->stream != NULL && !set_stream(exchange)))
        return false;
    curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
    curl_easy_setopt(exchange->easy, CURLOPT_PRIVATE, exchange);
    return curl_multi_add_handle(client->multi, exchange->easy) == CURLM_OK;
}

/* Anything else than JSON after a success is a failure; after an error it is only unhelpful. */
static void read_json(const struct exchange *exchange, struct client_answer *ret)
{
    struct span body = buffer_span(&exchange->answer);
    json_error_t error;
    if (body.size > 0)
        ret->json = json_loadb((const char *)body.data, body.size, 0, &error);
    bool success = ret->status >= 200 && ret->status < 300;
    if (success && ret->status != 204 && !json_is_object(ret->json))
        ret->failure = CLIENT_NOT_JSON;
}

static bool is_interrupted(const struct client *client)
{
    return interrupt_seen() && !client->ignores_interrupt;
}

static enum client_failure failure_of(const struct client *client, const struct exchange *exchange,
                                      int *ret_os_error)
{
    if (!exchange->done)
        return is_interrupted(client) ? CLIENT_INTERRUPTED : CLIENT_TIMEOUT;
    if (exchange->stopped)
        return CLIENT_STOPPED;
    if (exchange->too_large)
        return CLIENT_TOO_LARGE;
    if (exchange->input_error != 0) {
        *ret_os_error = exchange->input_error;
        return CLIENT_INPUT;
    }
    switch (exchange->code) {
    case CURLE_OK:
        return CLIENT_OK;
    case CURLE_COULDNT_CONNECT:
        *ret_os_error = client_probe(client->options.socket_path, NULL);
        if (*ret_os_error == 0)
            *ret_os_error = ECONNREFUSED; /* it listens by now; it did not a moment ago */
        return CLIENT_UNREACHABLE;
    case CURLE_OPERATION_TIMEDOUT:
        return CLIENT_TIMEOUT;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_WRITE_ERROR:
        return CLIENT_NO_MEMORY;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        return CLIENT_CLOSED;
    default:
        return CLIENT_NOT_HTTP;
    }
}

static void exchange_answer(const struct client *client, const struct exchange *exchange,
                            struct client_answer *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->failure = failure_of(client, exchange, &ret->os_error);
    if (ret->failure != CLIENT_OK)
        return;
    curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &ret->status);
    if (!streams_body(exchange))
        read_json(exchange, ret);
}

static void collect_done(struct client *client)
{
    int left = 0;
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left)) != NULL;) {
        struct exchange *exchange = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
        exchange->done = true;
        exchange->code = message->data.result;
    }
}

/* False when a stream is to end now: its reader stops, or no head came in time. */
static bool tick_stream(const struct client *client, struct exchange *exchange, uint64_t waited_ms)
{
    if (streams_body(exchange)) {
        const struct client_stream *stream = exchange->stream;
        exchange->stopped = stream->on_tick != NULL && !stream->on_tick(stream->ctx);
        exchange->done = exchange->stopped;
        return !exchange->stopped;
    }
    return !exchange->stream->wait_bounded || waited_ms < (uint64_t)client->options.timeout_ms;
}

/* Waits for something to happen, at most TICK_MS. */
static bool wait_a_tick(struct client *client, struct exchange *stream)
{
    struct curl_waitfd input = {.events = CURL_WAIT_POLLIN};
    bool waits = stream != NULL && stream->waits_for_input;
    if (waits)
        input.fd = stream->stream->upload_fd;
    if (curl_multi_poll(client->multi, waits ? &input : NULL, waits ? 1 : 0, TICK_MS, NULL) != CURLM_OK)
        return false;
    if (!waits || input.revents == 0)
        return true;
    stream->waits_for_input = false;
    return curl_easy_pause(stream->easy, CURLPAUSE_CONT) == CURLE_OK;
}

/* Until nothing runs any more, an interrupt, or the stream's end. */
static void run(struct client *client, struct exchange *stream)
{
    uint64_t started = clock_monotonic_ms();
    bool shown = false;
    int running = 1;
    while (running > 0 && !is_interrupted(client)) {
        if (curl_multi_perform(client->multi, &running) != CURLM_OK)
            break;
        collect_done(client);
        uint64_t waited = clock_monotonic_ms() - started;
        if (running == 0 || (stream != NULL && !tick_stream(client, stream, waited)))
            break;
        if (stream == NULL && client->options.on_wait != NULL && waited >= CLIENT_PROGRESS_AFTER_MS) {
            client->options.on_wait(client->options.ctx, (unsigned)waited, false);
            shown = true;
        }
        if (!wait_a_tick(client, stream))
            break;
    }
    if (shown)
        client->options.on_wait(client->options.ctx, (unsigned)(clock_monotonic_ms() - started), true);
}

void client_perform(struct client *client, const struct client_request *requests,
                    struct client_answer *answers, size_t count)
{
    struct exchange *exchanges = calloc(count, sizeof(*exchanges));
    bool ready = exchanges != NULL;
    size_t started = 0;
    memset(answers, 0, count * sizeof(*answers));
    while (ready && started < count) {
        ready = exchange_start(&exchanges[started], client, &requests[started]);
        started++;
    }
    if (ready)
        run(client, NULL);
    for (size_t i = 0; i < count; i++) {
        if (ready)
            exchange_answer(client, &exchanges[i], &answers[i]);
        else
            answers[i].failure = CLIENT_NO_MEMORY;
    }
    for (size_t i = 0; i < started; i++) {
        curl_multi_remove_handle(client->multi, exchanges[i].easy);
        exchange_finish(&exchanges[i]);
    }
    free(exchanges);
}

void client_perform_last(struct client *client, const struct client_request *request,
                         struct client_answer *ret)
{
    client->ignores_interrupt = true;
    client_perform(client, request, ret, 1);
    client->ignores_interrupt = false;
}

void client_answer_finish(struct client_answer *answer)
{
    json_decref(answer->json);
    answer->json = NULL;
}

void client_stream(struct client *client, const struct client_stream *stream, struct client_answer *ret)
{
    struct exchange exchange = {.stream = stream};
    struct client_request request = {.method = stream->uploads ? "PUT" : "GET", .path = stream->path};
    /* A multi handle of its own, so that a callback may ask something by client_perform. */
    struct client *own = client_create(&client->options);
    memset(ret, 0, sizeof(*ret));
    if (own != NULL && exchange_start(&exchange, own, &request)) {
        run(own, &exchange);
        exchange_answer(own, &exchange, ret);
    } else {
        ret->failure = CLIENT_NO_MEMORY;
    }
    if (own != NULL)
        curl_multi_remove_handle(own->multi, exchange.easy);
    exchange_finish(&exchange);
    client_destroy(own);
}

int client_probe(const char *socket_path, long *ret_pid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(socket_path);
    if (ret_pid != NULL)
        *ret_pid = 0;
    if (size > CLIENT_SOCKET_PATH_MAX)
        return ENAMETOOLONG;
    memcpy(address.sun_path, socket_path, size + 1);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return errno;
    int problem = connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
#ifdef SO_PEERCRED
    struct ucred peer;
    socklen_t length = sizeof(peer);
    if (problem == 0 && ret_pid != NULL &&
        getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0)
        *ret_pid = peer.pid;
#endif
    close(descriptor);
    return problem;
}
