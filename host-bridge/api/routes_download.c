/* SPDX-License-Identifier: MIT */
/* GET of a file's bytes: whole, a range, or only what it is (HEAD).
 *
 * Theory of operation
 * A range can only be answered for one state of the file, and where it ends may depend on the size. So a
 * request with a Range first asks for one byte, to learn the state (PROBE), and then for the bytes that the
 * range means (READ). Where the state has changed between the two, it begins anew, a few times. HEAD is a
 * probe alone. Everything else reads at once. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/content_range.h"
#include "host-bridge/api/file_answer.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/features/files/file_read.h"
#include "protocol/base/status.h"

#define TRIES_MAX 3
#define TAG_SIZE  72

struct download {
    struct api *api;
    struct http_request *request;
    struct file_place place;
    struct file_read *read;
    bool is_probe;
    bool is_head;
    bool has_failed; /* half-way */
    unsigned tries;
    uint64_t offset, length; /* of the range that READ asks for; length 0: the whole file */
    char tag[TAG_SIZE];      /* of the state that was probed; "" */
};

static void fail(struct download *download, int status, const char *text)
{
    file_read_close(download->read);
    download->read = NULL;
    file_answer_problem(download->api, download->request, download->place.guest, status, text);
}

static const struct file_read_handler HANDLER;

/* < 0: it was not begun. */
static int begin(struct download *download, struct guest *guest, bool is_probe)
{
    const struct files_io io = file_answer_io(guest);
    download->is_probe = is_probe;
    return file_read_begin(&io, download->place.user, download->place.path, is_probe ? 0 : download->offset,
                           is_probe ? 1 : download->length, &HANDLER, download, &download->read);
}

/* Once more, after what was read so far. */
static void begin_again(struct download *download, bool is_probe)
{
    file_read_close(download->read);
    download->read = NULL;
    struct guest *guest = guests_find(download->api->guests, download->place.guest);
    int status = guest == NULL ? STATUS_NOT_CONNECTED : begin(download, guest, is_probe);
    if (status < 0)
        fail(download, status, NULL);
}

/* ---- the bytes ---- */

static ssize_t give_bytes(void *ctx, char *out, size_t max)
{
    struct download *download = ctx;
    if (download->has_failed || download->read == NULL)
        return -1;
    return file_read_take(download->read, out, max);
}

static void handle_bytes(void *ctx)
{
    struct download *download = ctx;
    http_request_wake(download->request);
}

static void give(struct download *download, unsigned status, uint64_t size)
{
    const struct http_request_stream stream = {.read = give_bytes, .ctx = download};
    http_request_reply_content(download->request, status, "application/octet-stream", size, &stream);
    download->tries = TRIES_MAX + 1; /* answered */
}

static bool is_answered(const struct download *download)
{
    return download->tries > TRIES_MAX;
}

/* ---- the answer ---- */

static void set_headers(struct http_request *request, const struct files_opened_message *opened,
                        const char *tag)
{
    char date[CONTENT_DATE_SIZE];
    content_date_format(opened->mtime.s, date);
    http_request_set_header(request, "ETag", tag);
    http_request_set_header(request, "Last-Modified", date);
    http_request_set_header(request, "Accept-Ranges", "bytes");
}

static void refuse_range(struct download *download, uint64_t size)
{
    char range[48];
    snprintf(range, sizeof(range), "bytes */%" PRIu64, size);
    http_request_set_header(download->request, "Content-Range", range);
    file_read_close(download->read);
    download->read = NULL;
    problem_reply(download->request, 416, "RANGE", NULL, NULL, "the file has %" PRIu64 " bytes", size);
}

/* The state is known: which bytes of it are to be read? */
static void go_on_from_probe(struct download *download, const struct files_opened_message *opened)
{
    const char *condition = http_request_header(download->request, "If-Range");
    const char *header = http_request_header(download->request, "Range");
    download->offset = download->length = 0;
    if (condition != NULL && strcmp(condition, download->tag) != 0)
        header = NULL;
    if (content_range_parse(header, opened->size, &download->offset, &download->length) == RANGE_IMPOSSIBLE)
        refuse_range(download, opened->size);
    else
        begin_again(download, false);
}

static void answer_read(struct download *download, const struct files_opened_message *opened)
{
    set_headers(download->request, opened, download->tag);
    if (download->length == 0) {
        give(download, 200, opened->size);
        return;
    }
    char range[80];
    snprintf(range, sizeof(range), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, download->offset,
             download->offset + download->length - 1, opened->size);
    http_request_set_header(download->request, "Content-Range", range);
    give(download, 206, download->length);
}

static void answer_unchanged(struct download *download, const struct files_opened_message *opened)
{
    file_read_close(download->read);
    download->read = NULL;
    set_headers(download->request, opened, download->tag);
    http_request_reply_empty(download->request, 304);
}

/* False: it is no file that has bytes; answered. */
static bool check_kind(struct download *download, const struct files_opened_message *opened)
{
    if (opened->type == ENTRY_FILE)
        return true;
    if (opened->type == ENTRY_FOLDER)
        fail(download, UV_EISDIR, "it is a folder");
    else
        fail(download, STATUS_INVALID, "it is no file");
    return false;
}

static void handle_opened(void *ctx, const struct files_opened_message *opened)
{
    struct download *download = ctx;
    http_request_heard(download->request);
    if (!check_kind(download, opened))
        return;
    char tag[TAG_SIZE];
    snprintf(tag, sizeof(tag), "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 ".%" PRIx32 "\"", opened->inode,
             opened->size, (uint64_t)opened->mtime.s, opened->mtime.ns);
    bool has_changed = download->tag[0] != '\0' && strcmp(download->tag, tag) != 0;
    memcpy(download->tag, tag, sizeof(tag));
    if (content_tag_matches(http_request_header(download->request, "If-None-Match"), tag)) {
        answer_unchanged(download, opened);
    } else if (download->is_head) {
        set_headers(download->request, opened, tag);
        give(download, 200, opened->size);
    } else if (download->is_probe) {
        go_on_from_probe(download, opened);
    } else if (!has_changed) {
        answer_read(download, opened);
    } else if (++download->tries >= TRIES_MAX) {
        fail(download, STATUS_CHANGED, NULL);
    } else {
        begin_again(download, true);
    }
}

static void handle_failed(void *ctx, int status, const char *text)
{
    struct download *download = ctx;
    if (!is_answered(download)) {
        fail(download, status, text);
        return;
    }
    download->has_failed = true;
    http_request_wake(download->request);
}

static const struct file_read_handler HANDLER = {
    .on_opened = handle_opened, .on_bytes = handle_bytes, .on_failed = handle_failed};

static void handle_gone(void *ctx)
{
    struct download *download = ctx;
    file_read_close(download->read);
    free(download);
}

void route_get_file(struct api *api, struct guest *guest, struct http_request *request)
{
    struct download *download = calloc(1, sizeof(*download));
    if (download == NULL) {
        problem_reply_status(request, UV_ENOMEM, NULL, NULL);
        return;
    }
    download->api = api;
    download->request = request;
    download->is_head = strcmp(http_request_method(request), "HEAD") == 0;
    if (!file_answer_place(request, guest, "path", &download->place)) {
        free(download);
        return;
    }
    bool has_range = content_range_is_asked(http_request_header(request, "Range"));
    int status = begin(download, guest, download->is_head || has_range);
    if (status < 0) {
        fail(download, status, NULL);
        free(download);
        return;
    }
    http_request_wait_long(request, handle_gone, download);
}
