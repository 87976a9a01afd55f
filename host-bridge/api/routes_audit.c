/* SPDX-License-Identifier: MIT */
/* GET /audit and /audit/verify. What is looked for in the files is host-bridge/audit's.
 *
 * The files may be large, so that they are read on a worker thread: it gets descriptors of its own and
 * touches nothing else. `struct audit_inquiry` lives until the thread is done and the client's request has
 * ended, in any order. */
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/problem.h"
#include "host-bridge/api/query.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"
#include "host-bridge/audit/audit_tail.h"
#include "host-bridge/audit/audit_verify.h"
#include "protocol/base/status.h"

#define INQUIRIES_MAX   2 /* at a time: the threads are few, and others need them */
#define ENTRIES_DEFAULT 100

struct audit_inquiry {
    struct audit_inquiry *next;   /* of the API's */
    struct api *api;              /* NULL: it is gone */
    struct http_request *request; /* NULL: its client went */
    bool working;
    uv_work_t work;
    struct audit_snapshot snapshot;
    int status;
    /* entries */
    size_t limit;
    char guest[TEXT_NAME_MAX + 1];
    json_t *entries;
    /* verify */
    struct audit_verify verify;
};

static void forget(struct audit_inquiry *inquiry)
{
    if (inquiry->api == NULL)
        return;
    struct audit_inquiry **link = &inquiry->api->inquiries;
    while (*link != inquiry)
        link = &(*link)->next;
    *link = inquiry->next;
    inquiry->api = NULL;
}

void api_forget_inquiries(struct api *api)
{
    while (api->inquiries != NULL)
        forget(api->inquiries);
}

static void release(struct audit_inquiry *inquiry)
{
    if (inquiry->working || inquiry->request != NULL)
        return;
    forget(inquiry);
    audit_snapshot_finish(&inquiry->snapshot);
    json_decref(inquiry->entries);
    free(inquiry);
}

static void handle_gone(void *ctx)
{
    struct audit_inquiry *inquiry = ctx;
    inquiry->request = NULL;
    release(inquiry);
}

static size_t count_inquiries(const struct api *api)
{
    size_t count = 0;
    for (const struct audit_inquiry *inquiry = api->inquiries; inquiry != NULL; inquiry = inquiry->next)
        count++;
    return count;
}

/* NULL: answered with an error. */
static struct audit_inquiry *make_inquiry(struct api *api, struct http_request *request)
{
    if (api->audit == NULL) {
        problem_reply(request, 404, "NOT_FOUND", NULL, NULL, "this bridge keeps no audit log");
        return NULL;
    }
    if (count_inquiries(api) >= INQUIRIES_MAX) {
        problem_reply_status(request, STATUS_LIMIT, "the audit log is being read already", NULL);
        return NULL;
    }
    struct audit_inquiry *inquiry = calloc(1, sizeof(*inquiry));
    audit_log_settle(api->audit);
    int status = inquiry == NULL ? UV_ENOMEM : audit_snapshot_take(api->audit, &inquiry->snapshot);
    if (status < 0) {
        free(inquiry);
        problem_reply_status(request, status, NULL, NULL);
        return NULL;
    }
    inquiry->request = request;
    inquiry->work.data = inquiry;
    inquiry->api = api;
    inquiry->next = api->inquiries;
    api->inquiries = inquiry;
    return inquiry;
}

static void start(struct audit_inquiry *inquiry, uv_work_cb work, uv_after_work_cb after)
{
    struct http_request *request = inquiry->request;
    int status = uv_queue_work(inquiry->api->loop, &inquiry->work, work, after);
    if (status < 0) {
        inquiry->request = NULL;
        release(inquiry);
        problem_reply_status(request, status, NULL, NULL);
        return;
    }
    inquiry->working = true;
    http_request_wait(request, handle_gone, inquiry);
}

/* The answer's on_gone releases the inquiry, now or at the request's end. */
static void finish(struct audit_inquiry *inquiry, json_t *answer)
{
    inquiry->working = false;
    if (inquiry->request == NULL) {
        json_decref(answer);
        release(inquiry);
    } else if (inquiry->status < 0) {
        json_decref(answer);
        problem_reply_status(inquiry->request, inquiry->status, NULL, NULL);
    } else {
        http_request_reply_json(inquiry->request, 200, answer);
    }
}

/* ---- entries ---- */

static void read_tail(uv_work_t *work)
{
    struct audit_inquiry *inquiry = work->data;
    inquiry->status = audit_tail_read(&inquiry->snapshot, inquiry->limit, inquiry->guest, &inquiry->entries);
}

static void handle_tail(uv_work_t *work, int status)
{
    struct audit_inquiry *inquiry = work->data;
    json_t *entries = inquiry->entries;
    inquiry->entries = NULL;
    if (status < 0)
        inquiry->status = status;
    finish(inquiry, entries == NULL ? NULL : json_pack("{s:o}", "entries", entries));
}

/* False: answered with an error. */
static bool read_limit(struct http_request *request, size_t *ret)
{
    char text[8];
    int status = query_get(http_request_query(request), "limit", text, sizeof(text));
    *ret = ENTRIES_DEFAULT;
    if (status == STATUS_NOT_FOUND)
        return true;
    char *end = text;
    long number = status == 0 && text[0] >= '0' && text[0] <= '9' ? strtol(text, &end, 10) : 0;
    if (number < 1 || number > AUDIT_TAIL_ENTRIES_MAX || *end != '\0') {
        problem_reply(request, 400, "MALFORMED", NULL, NULL, "limit is a number from 1 to %d",
                      AUDIT_TAIL_ENTRIES_MAX);
        return false;
    }
    *ret = (size_t)number;
    return true;
}

void route_get_audit(struct api *api, struct guest *guest, struct http_request *request)
{
    size_t limit;
    char name[TEXT_NAME_MAX + 1] = "";
    int status = query_get(http_request_query(request), "guest", name, sizeof(name));
    if (status < 0 && status != STATUS_NOT_FOUND) {
        problem_reply(request, 400, "MALFORMED", NULL, NULL, "guest is no name of a guest");
        return;
    }
    if (!read_limit(request, &limit))
        return;
    struct audit_inquiry *inquiry = make_inquiry(api, request);
    if (inquiry == NULL)
        return;
    inquiry->limit = limit;
    if (status == 0) /* a guest that is gone still has its entries */
        memcpy(inquiry->guest, name, sizeof(name));
    start(inquiry, read_tail, handle_tail);
}

/* ---- verify ---- */

static void verify_files(uv_work_t *work)
{
    struct audit_inquiry *inquiry = work->data;
    const struct audit_snapshot *snapshot = &inquiry->snapshot;
    audit_verify_init(&inquiry->verify, snapshot->complete);
    for (size_t i = 0; i < snapshot->count && inquiry->status == 0; i++) {
        if (inquiry->verify.finding.what == AUDIT_INTACT)
            inquiry->status =
                audit_verify_file(&inquiry->verify, snapshot->files[i].fd, snapshot->files[i].size);
    }
    audit_verify_end(&inquiry->verify, &snapshot->head);
}

static json_t *view_finding(const struct audit_inquiry *inquiry)
{
    const struct audit_finding *finding = &inquiry->verify.finding;
    if (finding->what == AUDIT_INTACT)
        return json_null();
    size_t file = finding->place.file;
    return json_pack("{s:s, s:I, s:s}", "file",
                     file < inquiry->snapshot.count ? inquiry->snapshot.files[file].name : "audit.log",
                     "line", view_count(finding->place.line), "why", audit_break_name(finding->what));
}

static void handle_verified(uv_work_t *work, int status)
{
    struct audit_inquiry *inquiry = work->data;
    const struct audit_chain *chain = &inquiry->verify.chain;
    if (status < 0)
        inquiry->status = status;
    finish(inquiry,
           json_pack("{s:b, s:I, s:I, s:I, s:I, s:o}", "ok", inquiry->verify.finding.what == AUDIT_INTACT,
                     "files", view_count(inquiry->snapshot.count), "lines", view_count(chain->lines),
                     "firstSeq", view_count(chain->first_seq), "lastSeq", view_count(chain->last_seq),
                     "brokenAt", view_finding(inquiry)));
}

void route_verify_audit(struct api *api, struct guest *guest, struct http_request *request)
{
    struct audit_inquiry *inquiry = make_inquiry(api, request);
    if (inquiry != NULL)
        start(inquiry, verify_files, handle_verified);
}
