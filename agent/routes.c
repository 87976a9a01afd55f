/* SPDX-License-Identifier: MIT */
/* The table of requests. A request that no feature knows is refused by name, alone. */
#include "agent/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "agent/features/health.h"
#include "agent/platform/port_range.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"

static void answer_error(struct stream *control, const struct message *request, int status)
{
    struct message error = {.kind = MESSAGE_ERROR, .id = request->id};
    error.body.failure.status = status;
    snprintf(error.body.failure.text, sizeof(error.body.failure.text), "%s: %s",
             message_kind_name(request->kind), status_text(status));
    stream_send_message(control, &error);
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
        answer_error(control, request, status);
}

void routes_finish(struct routes *routes)
{
    free(routes->health);
    routes->health = NULL;
}

void routes_answer(struct routes *routes, struct stream *control, const struct message *request)
{
    if (request->kind == MESSAGE_HEALTH_REQUEST)
        answer_health(routes, control, request);
    else
        answer_error(control, request, STATUS_NOT_SUPPORTED);
}

void routes_fill_port_range(struct ports_message *ret)
{
    port_range_read(&ret->ephemeral_low, &ret->ephemeral_high);
}
