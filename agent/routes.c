/* SPDX-License-Identifier: MIT */
/* The table of requests. A request that no feature knows is refused by name, alone. */
#include "agent/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#include "agent/features/health.h"
#include "agent/platform/port_range.h"
#include "protocol/base/status.h"

static void answer_error(struct stream *control, const struct message *request, int status)
{
    struct message error = {.kind = MESSAGE_ERROR, .id = request->id};
    error.body.failure.status = status;
    snprintf(error.body.failure.text, sizeof(error.body.failure.text), "%s: %s",
             message_kind_name(request->kind), status_text(status));
    stream_send_message(control, &error);
}

static void answer_health(struct stream *control, const struct message *request)
{
    struct health_message *health = calloc(1, sizeof(*health));
    int status = health == NULL ? UV_ENOMEM : health_read(health);
    if (status == 0) {
        struct message answer = {.kind = MESSAGE_HEALTH, .id = request->id};
        answer.body.health = health;
        status = stream_send_message(control, &answer);
    }
    free(health);
    if (status < 0)
        answer_error(control, request, status);
}

void routes_answer(struct stream *control, const struct message *request)
{
    if (request->kind == MESSAGE_HEALTH_REQUEST)
        answer_health(control, request);
    else
        answer_error(control, request, STATUS_NOT_SUPPORTED);
}

void routes_fill_port_range(struct ports_message *ret)
{
    port_range_read(&ret->ephemeral_low, &ret->ephemeral_high);
}
