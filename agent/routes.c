/* SPDX-License-Identifier: MIT */
/* The table of requests. A request that no feature knows is refused by name, alone. */
#define LOG_MODULE "routes"
#include "agent/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "agent/features/health.h"
#include "agent/platform/port_range.h"
#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"

static void answer_error(struct stream *control, const struct message *request, int status, const char *why)
{
    struct message error = {.kind = MESSAGE_ERROR, .id = request->id};
    error.body.failure.status = status;
    snprintf(error.body.failure.text, sizeof(error.body.failure.text), "%s: %s",
             message_kind_name(request->kind), why);
    stream_send_message(control, &error);
}

static void refuse_class(struct stream *control, const struct message *request, enum request_class class)
{
    char why[96];
    snprintf(why, sizeof(why), "the owner of the guest has switched off the class \"%s\"",
             request_class_name(class));
    log_info("refused %s: the class \"%s\" is switched off", message_kind_name(request->kind),
             request_class_name(class));
    answer_error(control, request, STATUS_NOT_ALLOWED, why);
}

/* Reading takes a while: ten thousand requests at once must not keep the other bridges waiting. */
static int refresh_health(struct routes *routes)
{
    uint64_t now = clock_monotonic_ms();
    if (routes->health != NULL && now < routes->health_read_ms + HEALTH_AGE_MAX_MS) {
        routes->health->realtime_ms = clock_realtime_ms();
        return 0;
    }
    struct health_message *health = calloc(1, sizeof(*health));
    int status = health == NULL ? UV_ENOMEM : health_read(health);
    if (status < 0) {
        free(health);
        return status;
    }
    free(routes->health);
    routes->health = health;
    routes->health_read_ms = now;
    return 0;
}

static void answer_health(struct routes *routes, struct stream *control, const struct message *request)
{
    int status = refresh_health(routes);
    if (status == 0) {
        struct message answer = {.kind = MESSAGE_HEALTH, .id = request->id};
        answer.body.health = routes->health;
        status = stream_send_message(control, &answer);
    }
    if (status < 0)
        answer_error(control, request, status, status_text(status));
}

void routes_finish(struct routes *routes)
{
    free(routes->health);
    routes->health = NULL;
}

struct route {
    enum message_kind kind;
    enum request_class request_class;
    void (*answer)(struct routes *routes, struct stream *control, const struct message *request);
};

static const struct route ROUTES[] = {
    {MESSAGE_HEALTH_REQUEST, CLASS_OBSERVE, answer_health},
};

static const struct route *find_route(enum message_kind kind)
{
    for (size_t i = 0; i < sizeof(ROUTES) / sizeof(ROUTES[0]); i++) {
        if (ROUTES[i].kind == kind)
            return &ROUTES[i];
    }
    return NULL;
}

void routes_init(struct routes *routes, struct request_classes classes)
{
    *routes = (struct routes){.classes = classes};
}

void routes_answer(struct routes *routes, struct stream *control, const struct message *request)
{
    const struct route *route = find_route(request->kind);
    if (route == NULL)
        answer_error(control, request, STATUS_NOT_SUPPORTED, status_text(STATUS_NOT_SUPPORTED));
    else if (!request_classes_has(routes->classes, route->request_class))
        refuse_class(control, request, route->request_class);
    else
        route->answer(routes, control, request);
}

void routes_fill_port_range(struct ports_message *ret)
{
    port_range_read(&ret->ephemeral_low, &ret->ephemeral_high);
}
