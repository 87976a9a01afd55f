/* SPDX-License-Identifier: MIT */
/* Offers files, and waits for what the host says. The connection is the offer: when this program ends, it is
 * withdrawn. So it needs to do nothing on Ctrl-C but say so. When the agent ends, the offer stays. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/send/sending.h"
#include "protocol/wire/limits.h"

static int stop_pipe[2] = {-1, -1};

static void handle_signal(int number)
{
    int kept = errno;
    ssize_t ignored = write(stop_pipe[1], "x", 1);
    (void)ignored;
    errno = kept;
}

static void watch_signals(void)
{
    struct sigaction action = {.sa_handler = handle_signal};
    if (pipe(stop_pipe) < 0)
        return; /* then the signal just ends the program, which withdraws as well */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* Of the text alone: a link that is named is to be sent by its own name. */
static json_t *absolute_path(const char *file)
{
    char folder[PATH_MAX], path[2 * PATH_MAX];
    if (file[0] == '/')
        return json_string(file);
    if (getcwd(folder, sizeof(folder)) == NULL)
        return NULL;
    while (strncmp(file, "./", 2) == 0)
        file += 2;
    /* "." and "..": their names are those of the folders they lead to. */
    const char *last = strrchr(file, '/');
    last = last == NULL ? file : last + 1;
    snprintf(path, sizeof(path), "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, file);
    if (file[0] != '\0' && strcmp(last, ".") != 0 && strcmp(last, "..") != 0)
        return json_string(path);
    char *real = realpath(path, NULL);
    json_t *text = real == NULL ? NULL : json_string(real);
    free(real);
    return text;
}

/* NULL: it was said. */
static json_t *make_request(const struct send_options *options, char *const *files, int count)
{
    json_t *paths = json_array();
    for (int i = 0; i < count && paths != NULL; i++) {
        json_t *path = absolute_path(files[i]);
        if (access(files[i], R_OK) < 0)
            fprintf(stderr, "hospes-send: %s: %s\n", files[i], strerror(errno));
        else if (path == NULL)
            fprintf(stderr, "hospes-send: %s: its name can't be sent: it is not UTF-8\n", files[i]);
        else if (json_array_append(paths, path) == 0) {
            json_decref(path);
            continue;
        }
        json_decref(path);
        json_decref(paths);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:b}", "request", "offer", "paths", paths, "wait", options->wait);
}

static uint64_t number(const json_t *answer, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(answer, key));
    return value > 0 ? (uint64_t)value : 0;
}

static void say_offered(const struct send_options *options, const json_t *answer)
{
    char size[32];
    uint64_t files = number(answer, "files");
    size_text(number(answer, "bytes"), size, sizeof(size));
    printf("offered %" PRIu64 " file%s (%s) to the host", files, files == 1 ? "" : "s", size);
    if (options->wait)
        puts(": waiting for somebody there to accept (Ctrl-C withdraws it, --no-wait leaves it)");
    else
        printf("; hospes-send --withdraw %" PRIu64 " takes it back\n", number(answer, "id"));
    fflush(stdout);
}

static void show_progress(uint64_t moved, uint64_t total)
{
    char done[32], all[32];
    if (!isatty(STDERR_FILENO))
        return;
    size_text(moved, done, sizeof(done));
    size_text(total, all, sizeof(all));
    if (total > 0)
        fprintf(stderr, "\r\033[K%s of %s (%.0f %%)", done, all,
                moved >= total ? 100.0 : 100.0 * (double)moved / (double)total);
    else
        fprintf(stderr, "\r\033[K%s", done);
}

static void end_progress(void)
{
    if (isatty(STDERR_FILENO))
        fputs("\r\033[K", stderr);
}

/* -1: not the last word. */
static int take_state(const struct send_options *options, const json_t *answer, uint64_t total)
{
    const char *state = json_string_value(json_object_get(answer, "state"));
    const char *problem = json_string_value(json_object_get(answer, "problem"));
    char plain[TEXT_REASON_MAX * 2] = "";
    if (options->json)
        print_json(answer);
    if (state != NULL && strcmp(state, "moving") == 0) {
        if (!options->json)
            show_progress(number(answer, "bytes"), total);
        return -1;
    }
    end_progress();
    if (problem != NULL)
        plain_text(problem, plain, sizeof(plain));
    if (state != NULL && strcmp(state, "offered") == 0) {
        fprintf(stderr, "hospes-send: that broke off%s%s; it is still offered\n",
                plain[0] != '\0' ? ": " : "", plain);
        return -1;
    }
    if (state != NULL && strcmp(state, "taken") == 0) {
        if (!options->json)
            puts("the host has it");
        return SEND_TAKEN;
    }
    fprintf(stderr, "hospes-send: %s%s%s\n",
            state == NULL                     ? "the agent said something that makes no sense"
            : strcmp(state, "declined") == 0  ? "the host declined it"
            : strcmp(state, "withdrawn") == 0 ? "it was withdrawn"
                                              : "it failed",
            plain[0] != '\0' ? ": " : "", plain);
    return SEND_FAILED;
}

static int wait_for_host(const struct send_options *options, struct admin_connection *connection,
                         uint64_t total)
{
    int result = -1;
    while (result < 0) {
        json_t *answer = hear_agent(connection, -1, stop_pipe[0], &result);
        if (answer != NULL) {
            result = take_state(options, answer, total);
            json_decref(answer);
        } else if (result == 0) {
            end_progress();
            fputs("hospes-send: withdrawn\n", stderr);
            result = SEND_FAILED;
        } else {
            end_progress();
            if (result == SEND_NO_AGENT)
                fputs("hospes-send: it stays offered; hospes-send --list shows it\n", stderr);
        }
    }
    return result;
}

int offer_files(const struct send_options *options, char *const *files, int count)
{
    struct admin_connection connection;
    if (count > FILES_PATHS_MAX) {
        fprintf(stderr,
                "hospes-send: at most %d files and folders at once; put them into a folder, and send that\n",
                FILES_PATHS_MAX);
        return SEND_USAGE;
    }
    json_t *request = make_request(options, files, count);
    if (request == NULL)
        return SEND_FAILED;
    int result = open_agent(options, &connection);
    if (result != 0) {
        json_decref(request);
        return result;
    }
    watch_signals();
    json_t *answer = ask_agent(&connection, request, stop_pipe[0], &result);
    if (answer != NULL) {
        if (options->json)
            print_json(answer);
        else
            say_offered(options, answer);
        result = options->wait ? wait_for_host(options, &connection, number(answer, "bytes")) : 0;
    } else if (result == 0) {
        result = SEND_FAILED; /* Ctrl-C before the answer */
    }
    json_decref(answer);
    admin_connection_close(&connection);
    return result;
}
