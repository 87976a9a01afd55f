/* SPDX-License-Identifier: MIT */
/* Talking to the agent, and what concerns offers that were made before. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "agent/send/sending.h"
#include "protocol/base/status.h"
#include "protocol/wire/limits.h"

int open_agent(const struct send_options *options, struct admin_connection *connection)
{
    int status = admin_connection_open(connection, options->socket);
    if (status == 0)
        return 0;
    if (status == UV_ENOENT || status == UV_ECONNREFUSED)
        fprintf(stderr, "hospes-send: no agent runs here (%s); start it: systemctl start hospes-agent\n",
                options->socket);
    else if (status == STATUS_NOT_ALLOWED)
        fprintf(stderr, "hospes-send: %s is served by somebody who is neither root nor you\n",
                options->socket);
    else
        fprintf(stderr, "hospes-send: can't reach the agent at %s: %s\n", options->socket,
                status_text(status));
    return SEND_NO_AGENT;
}

json_t *hear_agent(struct admin_connection *connection, int timeout_ms, int other_fd, int *ret_exit)
{
    json_t *answer = NULL;
    int status = admin_connection_receive(connection, timeout_ms, other_fd, &answer);
    *ret_exit = SEND_NO_AGENT;
    if (status == UV_EAGAIN) {
        *ret_exit = 0;
        return NULL;
    }
    if (status < 0) {
        fprintf(stderr, "hospes-send: %s\n",
                status == UV_EOF         ? "the agent has ended"
                : status == UV_ETIMEDOUT ? "the agent does not answer"
                                         : status_text(status));
        return NULL;
    }
    const char *error = json_string_value(json_object_get(answer, "error"));
    if (error == NULL)
        return answer;
    char plain[TEXT_REASON_MAX * 2];
    plain_text(error, plain, sizeof(plain));
    fprintf(stderr, "hospes-send: %s\n", plain);
    *ret_exit = SEND_FAILED;
    json_decref(answer);
    return NULL;
}

json_t *ask_agent(struct admin_connection *connection, json_t *request, int other_fd, int *ret_exit)
{
    int status = admin_connection_send(connection, request);
    /* One that was refused closes at once: its answer says why. */
    if (status < 0 && status != UV_EPIPE && status != UV_ECONNRESET) {
        fprintf(stderr, "hospes-send: %s\n", status_text(status));
        *ret_exit = SEND_NO_AGENT;
        return NULL;
    }
    return hear_agent(connection, ADMIN_ANSWER_TIMEOUT_MS, other_fd, ret_exit);
}

void print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT);
    putchar('\n');
    fflush(stdout);
}

static void print_offer(const json_t *offer)
{
    char size[32], when[32] = "?", name[FILES_NAME_MAX + 1];
    time_t created = (time_t)(json_integer_value(json_object_get(offer, "created")) / 1000);
    struct tm local;
    const char *text = json_string_value(json_object_get(offer, "name"));
    if (localtime_r(&created, &local) != NULL)
        strftime(when, sizeof(when), "%Y-%m-%d %H:%M", &local);
    size_text((uint64_t)json_integer_value(json_object_get(offer, "bytes")), size, sizeof(size));
    plain_text(text == NULL ? "?" : text, name, sizeof(name));
    printf("%-14" JSON_INTEGER_FORMAT "  %s  %8s  %s\n", json_integer_value(json_object_get(offer, "id")),
           when, size, name);
}

int list_own_offers(const struct send_options *options)
{
    struct admin_connection connection;
    int result = open_agent(options, &connection);
    if (result != 0)
        return result;
    json_t *answer = ask_agent(&connection, json_pack("{s:s}", "request", "offers"), -1, &result);
    size_t i;
    json_t *offer;
    const json_t *offers = json_object_get(answer, "offers");
    if (answer != NULL && options->json)
        print_json(answer);
    if (answer != NULL && !options->json && json_array_size(offers) == 0)
        fputs("nothing is offered to the host\n", stderr);
    json_array_foreach(options->json ? NULL : offers, i, offer) print_offer(offer);
    if (answer != NULL)
        result = 0;
    json_decref(answer);
    admin_connection_close(&connection);
    return result;
}

int withdraw_own_offer(const struct send_options *options)
{
    struct admin_connection connection;
    int result = open_agent(options, &connection);
    if (result != 0)
        return result;
    json_t *answer = ask_agent(
        &connection, json_pack("{s:s, s:I}", "request", "withdraw", "id", (json_int_t)options->withdraw), -1,
        &result);
    if (answer != NULL) {
        result = 0;
        if (options->json)
            print_json(answer);
    }
    json_decref(answer);
    admin_connection_close(&connection);
    return result;
}
