/* SPDX-License-Identifier: MIT */
/* The API over fake guests as a program, for openapi_check.py: `--routes` prints the router's table, a path
 * serves there until standard input ends. Questions to agents are answered at once. */
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "host-bridge/api/router.h"
#include "tests/unit/api/fake_guests.h"
#include "tests/unit/api/fake_transfers.h"
#include "tests/unit/files/fake_agent.h"

#define FILE_BYTES 1000

static const char *const TRANSFER_NEWS[] = {"added", "changed", "progress", "removed"};
static const char *const INBOX_NEWS[] = {"offered", "accepted", "gone"};

struct program {
    uv_loop_t loop;
    struct guests guests;
    struct fake_agent agent;
    struct transfers transfers;
    struct inbox inbox;
    struct receiving receiving;
    struct api *api;
    struct audit_log *audit;
    uv_pipe_t input;
    uv_prepare_t prepare;
    char byte;
};

static void print_routes(void)
{
    size_t count;
    const struct route *routes = router_routes(&count);
    for (size_t i = 0; i < count; i++)
        printf("%s %s %s\n", routes[i].method, routes[i].pattern, request_class_name(routes[i].class));
}

static void handle_added(void *ctx, struct guest *guest)
{
    struct program *program = ctx;
    api_guest_added(program->api, guest);
}

static void handle_removed(void *ctx, struct guest *guest)
{
    struct program *program = ctx;
    api_guest_removed(program->api, guest);
}

static void answer_agents(uv_prepare_t *prepare)
{
    struct program *program = prepare->data;
    if (program->guests.ask_count > 0)
        fake_answer(&program->guests, 0);
}

static void handle_api_closed(void *ctx)
{
    struct program *program = ctx;
    fake_receiving_close(&program->receiving);
    uv_close((uv_handle_t *)&program->prepare, NULL);
    uv_close((uv_handle_t *)&program->input, NULL);
}

static void give_byte(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct program *program = handle->data;
    *ret = uv_buf_init(&program->byte, 1);
}

/* A byte: one piece of each kind of news. The end: stop. */
static void handle_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct program *program = stream->data;
    if (size < 0) {
        uv_read_stop(stream);
        api_close(program->api, handle_api_closed, program);
        return;
    }
    struct guest *web = guests_find(&program->guests, "web"), *db = guests_find(&program->guests, "db");
    api_guest_added(program->api, web);
    api_guest_changed(program->api, web);
    api_guest_changed(program->api, db);
    api_pairing_changed(program->api, web);
    api_port_changed(program->api, web, &web->forwards.ports[0], "opened");
    api_port_changed(program->api, web, &web->forwards.ports[0], "changed");
    api_port_changed(program->api, web, &web->forwards.ports[1], "closed");
    api_forward_changed(program->api, web, &web->forwards.forwards[0], "opened");
    api_forward_changed(program->api, web, &web->forwards.forwards[0], "changed");
    api_forward_changed(program->api, web, &web->forwards.forwards[0], "closed");
    for (size_t i = 0; i < sizeof(TRANSFER_NEWS) / sizeof(TRANSFER_NEWS[0]); i++)
        api_transfer_changed(program->api, &program->transfers.items[0], TRANSFER_NEWS[i]);
    for (size_t i = 0; i < sizeof(INBOX_NEWS) / sizeof(INBOX_NEWS[0]); i++)
        api_inbox_changed(program->api, &program->inbox.items[0], INBOX_NEWS[i]);
    api_guest_removed(program->api, db);
}

static int serve(const char *socket_path)
{
    static struct program program;
    uv_loop_init(&program.loop);
    fake_guests_init(&program.guests);
    fake_agent_init(&program.agent, &program.loop);
    program.agent.size = FILE_BYTES;
    fake_transfers_init(&program.transfers);
    fake_inbox_init(&program.inbox);
    fake_receiving_init(&program.receiving, &program.loop, &program.transfers, &program.inbox);
    char problem[TEXT_REASON_MAX + 1], folder[512];
    snprintf(folder, sizeof(folder), "%s", socket_path);
    const struct audit_log_options audit = {.folder = dirname(folder)};
    if (audit_log_open(&audit, &program.audit, problem) < 0) {
        fprintf(stderr, "%s\n", problem);
        return 1;
    }
    const struct api_options options = {.socket_path = socket_path,
                                        .version = "0.1.0",
                                        .key = FAKE_KEY,
                                        .audit = program.audit,
                                        .transfers = &program.transfers,
                                        .inbox = &program.inbox,
                                        .receiving = &program.receiving,
                                        .first_event = 1};
    if (api_create(&program.loop, &program.guests, &options, &program.api, problem) < 0) {
        fprintf(stderr, "%s\n", problem);
        return 1;
    }
    program.guests.on_added = handle_added;
    program.guests.on_removed = handle_removed;
    program.guests.ctx = &program;
    uv_pipe_init(&program.loop, &program.input, 0);
    uv_prepare_init(&program.loop, &program.prepare);
    program.input.data = program.prepare.data = &program;
    uv_pipe_open(&program.input, 0);
    uv_read_start((uv_stream_t *)&program.input, give_byte, handle_input);
    uv_prepare_start(&program.prepare, answer_agents);
    printf("ready\n");
    fflush(stdout);
    uv_run(&program.loop, UV_RUN_DEFAULT);
    fake_guests_finish(&program.guests);
    fake_agent_finish(&program.agent);
    audit_log_close(program.audit);
    return uv_loop_close(&program.loop) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--routes") == 0) {
        print_routes();
        return 0;
    }
    return argc == 2 ? serve(argv[1]) : 2;
}
