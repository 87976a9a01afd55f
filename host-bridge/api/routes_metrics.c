/* SPDX-License-Identifier: MIT */
/* GET /metrics: what is counted of the bridge and of each guest. The text format is metrics.c's.
 *
 * Connections and bytes are kept by each forward and go with it; api.c adds those of a closed forward to the
 * guest's entry, so that these counters never fall. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/api/metrics.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/refusals.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"

#define FORWARD_STATES 4

struct figures {
    const char *name;
    double connected, rtt_seconds, reconnects, ports, forwards[FORWARD_STATES], open_connections, connections,
        bytes_in, bytes_out, dropped_ports, file_bytes_in, file_bytes_out;
};

static void collect(const struct api *api, struct guest *guest, struct figures *ret)
{
    struct forwards *forwards = guest_forwards(guest);
    const struct guest_entry *entry = api_entry(api, guest_name(guest));
    *ret = (struct figures){.name = guest_name(guest),
                            .connected = guest_state(guest) == GUEST_CONNECTED,
                            .rtt_seconds = (double)guest_rtt_us(guest) / 1e6,
                            .reconnects = (double)guest_reconnects(guest),
                            .ports = (double)forwards_port_count(forwards),
                            .dropped_ports = (double)forwards_dropped(forwards)};
    if (entry != NULL) {
        ret->connections = (double)entry->connections;
        ret->bytes_in = (double)entry->bytes_in;
        ret->bytes_out = (double)entry->bytes_out;
        ret->file_bytes_in = (double)entry->file_bytes_in;
        ret->file_bytes_out = (double)entry->file_bytes_out;
    }
    for (size_t i = 0; i < forwards_count(forwards); i++) {
        const struct forward *forward = forwards_at(forwards, i);
        assert(forward->state - FORWARD_ACTIVE < FORWARD_STATES);
        ret->forwards[forward->state - FORWARD_ACTIVE]++;
        ret->open_connections += (double)forward->flows.active;
        ret->connections += (double)forward->flows.total;
        ret->bytes_in += (double)forward->flows.bytes_in;
        ret->bytes_out += (double)forward->flows.bytes_out;
    }
}

static struct figures *find_figures(struct figures *figures, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(figures[i].name, name) == 0)
            return &figures[i];
    }
    return NULL;
}

static void collect_transfers(const struct api *api, struct figures *figures, size_t count)
{
    for (size_t i = 0; api->transfers != NULL && i < transfers_count(api->transfers); i++) {
        const struct transfer *transfer = transfers_at(api->transfers, i);
        struct figures *from = find_figures(figures, count, transfer->from.vm);
        struct figures *to = find_figures(figures, count, transfer->to.vm);
        if (from != NULL)
            from->file_bytes_in += (double)transfer->counts.bytes_moved;
        if (to != NULL)
            to->file_bytes_out += (double)transfer->counts.bytes_moved;
    }
}

/* A family with one sample for each guest. */
struct family {
    const char *name, *type, *unit, *help;
    size_t offset; /* of the double in struct figures */
};

#define GUEST_FAMILY(name, type, unit, help, field)                                                          \
    {                                                                                                        \
        "hospes_guest_" name, type, unit, help, offsetof(struct figures, field)                              \
    }

static const struct family FAMILIES[] = {
    GUEST_FAMILY("connected", "gauge", NULL, "1 while the guest's agent is connected.", connected),
    GUEST_FAMILY("rtt_seconds", "gauge", "seconds", "Median round trip of the last heartbeats; 0 before.",
                 rtt_seconds),
    GUEST_FAMILY("reconnects", "counter", NULL, "Connections made, minus the first.", reconnects),
    GUEST_FAMILY("ports", "gauge", NULL, "Listening ports known.", ports),
    GUEST_FAMILY("connections", "gauge", NULL, "Forwarded connections open now.", open_connections),
    GUEST_FAMILY("opened_connections", "counter", NULL, "Forwarded connections ever accepted.", connections),
    GUEST_FAMILY("in_bytes", "counter", "bytes", "Bytes from the guest to clients on the host.", bytes_in),
    GUEST_FAMILY("out_bytes", "counter", "bytes", "Bytes from clients on the host to the guest.", bytes_out),
    GUEST_FAMILY("dropped_ports", "counter", NULL, "Ports not taken up because the guest has too many.",
                 dropped_ports),
};

static void put_bridge(struct buffer *out, const struct api *api)
{
    metrics_family(out, "hospes_build", "info", NULL, "The bridge.");
    metrics_sample(out, "hospes_build", "_info",
                   (struct metrics_label[]){{"version", api->version}, {NULL, NULL}}, 1);
    metrics_family(out, "hospes_guests", "gauge", NULL, "Guests by state.");
    for (int state = GUEST_CONNECTING; state <= GUEST_DISABLED; state++) {
        double count = 0;
        for (size_t i = 0; i < guests_count(api->guests); i++)
            count += guest_state(guests_at(api->guests, i)) == (enum guest_state)state;
        metrics_sample(
            out, "hospes_guests", "",
            (struct metrics_label[]){{"state", guest_state_name((enum guest_state)state)}, {NULL, NULL}},
            count);
    }
}

static void put_audit(struct buffer *out, const struct api *api)
{
    struct audit_counts counts = {0};
    if (api->audit != NULL)
        audit_log_counts(api->audit, &counts);
    metrics_family(out, "hospes_audit_lines", "counter", NULL, "Lines written to the audit log.");
    metrics_sample(out, "hospes_audit_lines", "_total", NULL, (double)counts.lines);
    metrics_family(out, "hospes_audit_lost", "counter", NULL,
                   "Lines that the audit log lacks: the disk failed, or there were too many at once.");
    metrics_sample(out, "hospes_audit_lost", "_total", NULL, (double)counts.lost);
}

static void put_refusals(struct buffer *out, const struct api *api)
{
    metrics_family(out, "hospes_api_refused", "counter", NULL,
                   "Clients and requests turned away, by reason.");
    for (int reason = 0; reason < REFUSAL_COUNT; reason++)
        metrics_sample(out, "hospes_api_refused", "_total",
                       (struct metrics_label[]){{"reason", refusal_name((enum refusal)reason)}, {NULL, NULL}},
                       (double)api->refused[reason]);
}

static void put_family(struct buffer *out, const struct family *family, const struct figures *figures,
                       size_t count)
{
    metrics_family(out, family->name, family->type, family->unit, family->help);
    bool is_counter = family->type[0] == 'c';
    for (size_t i = 0; i < count; i++)
        metrics_sample(out, family->name, is_counter ? "_total" : "",
                       (struct metrics_label[]){{"vm", figures[i].name}, {NULL, NULL}},
                       *(const double *)((const char *)&figures[i] + family->offset));
}

static void put_forwards(struct buffer *out, const struct figures *figures, size_t count)
{
    metrics_family(out, "hospes_guest_forwards", "gauge", NULL, "Forwards by state.");
    for (size_t i = 0; i < count; i++) {
        for (int state = 0; state < FORWARD_STATES; state++)
            metrics_sample(out, "hospes_guest_forwards", "",
                           (struct metrics_label[]){{"vm", figures[i].name},
                                                    {"state", view_forward_state_name((enum forward_state)(
                                                                  FORWARD_ACTIVE + state))},
                                                    {NULL, NULL}},
                           figures[i].forwards[state]);
    }
}

static void put_transfers(struct buffer *out, const struct api *api, const struct figures *figures,
                          size_t count)
{
    double running = 0;
    for (size_t i = 0; api->transfers != NULL && i < transfers_count(api->transfers); i++)
        running += transfers_at(api->transfers, i)->state == TRANSFER_RUNNING;
    metrics_family(out, "hospes_transfers_running", "gauge", NULL, "Transfers of files under way.");
    metrics_sample(out, "hospes_transfers_running", "", NULL, running);
    metrics_family(out, "hospes_transfer_bytes", "counter", "bytes",
                   "Bytes of files moved by transfers: in from the guest, out to it.");
    for (size_t i = 0; i < count; i++) {
        metrics_sample(out, "hospes_transfer_bytes", "_total",
                       (struct metrics_label[]){{"vm", figures[i].name}, {"direction", "in"}, {NULL, NULL}},
                       figures[i].file_bytes_in);
        metrics_sample(out, "hospes_transfer_bytes", "_total",
                       (struct metrics_label[]){{"vm", figures[i].name}, {"direction", "out"}, {NULL, NULL}},
                       figures[i].file_bytes_out);
    }
    metrics_family(out, "hospes_inbox_items", "gauge", NULL, "Offers of guests that wait in the inbox.");
    metrics_sample(out, "hospes_inbox_items", "", NULL,
                   api->inbox == NULL ? 0 : (double)inbox_count(api->inbox));
}

/* Per class, for the classes in which a guest sends by itself. */
static void put_limited(struct buffer *out, const struct api *api)
{
    static const enum request_class CLASSES[] = {CLASS_PORTS, CLASS_OBSERVE};
    metrics_family(out, "hospes_guest_limited", "counter", NULL,
                   "Times that a guest was let go of because it sent more by itself than it may.");
    for (size_t i = 0; i < guests_count(api->guests); i++) {
        const struct guest *guest = guests_at(api->guests, i);
        for (size_t j = 0; j < sizeof(CLASSES) / sizeof(CLASSES[0]); j++)
            metrics_sample(out, "hospes_guest_limited", "_total",
                           (struct metrics_label[]){{"vm", guest_name(guest)},
                                                    {"class", request_class_name(CLASSES[j])},
                                                    {NULL, NULL}},
                           (double)guest_limited(guest, CLASSES[j]));
    }
}

void route_get_metrics(struct api *api, struct guest *guest, struct http_request *request)
{
    size_t count = guests_count(api->guests);
    struct figures *figures = calloc(count + 1, sizeof(*figures));
    if (figures == NULL) {
        http_request_reply_json(request, 500, NULL);
        return;
    }
    for (size_t i = 0; i < count; i++)
        collect(api, guests_at(api->guests, i), &figures[i]);
    collect_transfers(api, figures, count);
    struct buffer out;
    buffer_init(&out, METRICS_BYTES_MAX);
    put_bridge(&out, api);
    put_audit(&out, api);
    put_refusals(&out, api);
    for (size_t i = 0; i < sizeof(FAMILIES) / sizeof(FAMILIES[0]); i++)
        put_family(&out, &FAMILIES[i], figures, count);
    put_forwards(&out, figures, count);
    put_transfers(&out, api, figures, count);
    put_limited(&out, api);
    metrics_end(&out);
    free(figures);
    /* nothing was consumed: the storage starts with the text, and goes to the answer */
    http_request_reply_bytes(request, 200, METRICS_TYPE, out.storage, buffer_size(&out));
}
