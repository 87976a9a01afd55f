/* SPDX-License-Identifier: MIT */
/* Starts and ends the command of an exec link. What travels over its descriptors is mux_link's. */
#include "protocol/link/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define KILL_AFTER_MS 1000

struct command {
    uv_process_t process;
    uv_timer_t kill_timer;
    int handles;
    bool exited;
    bool closing;
    void (*on_exit)(void *ctx, const char *text);
    void (*on_closed)(void *ctx);
    void *ctx;
    void *closed_ctx;
};

static void handle_closed(uv_handle_t *handle)
{
    struct command *command = handle->data;
    if (--command->handles > 0)
        return;
    void (*on_closed)(void *ctx) = command->on_closed;
    void *ctx = command->closed_ctx;
    free(command);
    if (on_closed != NULL)
        on_closed(ctx);
}

static void close_handles(struct command *command)
{
    uv_close((uv_handle_t *)&command->process, handle_closed);
    uv_close((uv_handle_t *)&command->kill_timer, handle_closed);
}

static void handle_exit(uv_process_t *process, int64_t exit_status, int signal)
{
    struct command *command = process->data;
    command->exited = true;
    if (command->closing) {
        close_handles(command);
        return;
    }
    char text[64];
    if (signal != 0)
        snprintf(text, sizeof(text), "the command was ended by signal %d", signal);
    else
        snprintf(text, sizeof(text), "the command ended with exit status %d", (int)exit_status);
    command->on_exit(command->ctx, text);
}

static void handle_kill_timer(uv_timer_t *timer)
{
    struct command *command = timer->data;
    kill(-command->process.pid, SIGKILL);
}

void command_close(struct command *command, void (*on_closed)(void *ctx), void *ctx)
{
    command->closing = true;
    command->on_closed = on_closed;
    command->closed_ctx = ctx;
    if (command->exited) {
        close_handles(command);
        return;
    }
    kill(-command->process.pid, SIGTERM);
    uv_timer_start(&command->kill_timer, handle_kill_timer, KILL_AFTER_MS, 0);
}

static int make_pipes(int to_child[2], int from_child[2])
{
    if (pipe2(to_child, O_CLOEXEC) < 0)
        return uv_translate_sys_error(errno);
    if (pipe2(from_child, O_CLOEXEC) < 0) {
        int error = errno;
        close(to_child[0]);
        close(to_child[1]);
        return uv_translate_sys_error(error);
    }
    fcntl(to_child[1], F_SETFL, O_NONBLOCK);
    fcntl(from_child[0], F_SETFL, O_NONBLOCK);
    return 0;
}

int command_start(uv_loop_t *uv, const char *line, int *ret_stdin, int *ret_stdout,
                  void (*on_exit)(void *ctx, const char *text), void *ctx, struct command **ret)
{
    int to_child[2], from_child[2];
    int status = make_pipes(to_child, from_child);
    if (status < 0)
        return status;
    struct command *command = calloc(1, sizeof(*command));
    if (command == NULL) {
        status = UV_ENOMEM;
        goto fail;
    }
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_INHERIT_FD, .data.fd = to_child[0]},
        {.flags = UV_INHERIT_FD, .data.fd = from_child[1]},
        {.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
    };
    static char shell[] = "/bin/sh", flag[] = "-c";
    char *arguments[] = {shell, flag, (char *)(uintptr_t)line, NULL};
    uv_process_options_t options = {
        .file = shell,
        .args = arguments,
        .stdio = stdio,
        .stdio_count = 3,
        .flags = UV_PROCESS_DETACHED, /* a group of its own, so that all of it can be ended */
        .exit_cb = handle_exit,
    };
    command->on_exit = on_exit;
    command->ctx = ctx;
    command->process.data = command->kill_timer.data = command;
    command->handles = 2;
    uv_timer_init(uv, &command->kill_timer);
    status = uv_spawn(uv, &command->process, &options);
    if (status < 0) {
        close_handles(command);
        goto fail;
    }
    close(to_child[0]);
    close(from_child[1]);
    *ret_stdin = to_child[1];
    *ret_stdout = from_child[0];
    *ret = command;
    return 0;

fail:
    close(to_child[0]);
    close(to_child[1]);
    close(from_child[0]);
    close(from_child[1]);
    return status;
}
