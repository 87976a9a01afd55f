/* SPDX-License-Identifier: MIT */
/* Streams a file by the Host API's PUT and GET of files; nothing is kept whole in memory. */
#include "host-bridge/cli/file_stream.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/interrupt.h"
#include "host-bridge/cli/problem.h"

struct download {
    int fd;
    int write_error; /* errno */
};

static bool make_path(struct api_path *path, const struct guest_path *file, const char *user)
{
    return api_path_guest(path, file->guest, "/files") && api_path_query(path, "path", file->path) &&
           (user == NULL || api_path_query(path, "user", user));
}

int file_stream_upload(struct cli *cli, const struct guest_path *file, const char *user)
{
    struct api_path path;
    struct client_stream stream = {.path = path.text, .uploads = true, .upload_fd = STDIN_FILENO};
    struct client_answer answer;
    if (!make_path(&path, file, user))
        return problem_path_too_long(cli);
    client_stream(cli->client, &stream, &answer);
    int status = problem_status(&answer);
    if (status != CLI_DONE)
        problem_report(cli, &answer);
    else if (cli->json)
        cli_print_json(cli, answer.json);
    client_answer_finish(&answer);
    return status;
}

static bool write_all(void *ctx, const char *bytes, size_t size)
{
    struct download *download = ctx;
    while (size > 0) {
        ssize_t written = write(download->fd, bytes, size);
        if (written < 0 && errno == EINTR && !interrupt_seen())
            continue;
        if (written < 0) {
            download->write_error = errno;
            return false;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static int report_download(struct cli *cli, const struct client_answer *answer,
                           const struct download *download)
{
    if (interrupt_seen())
        return CLI_INTERRUPTED;
    if (answer->failure == CLIENT_STOPPED)
        return download->write_error == EPIPE ? CLI_DONE
                                              : cli_fail(cli, CLI_FAILED, NULL, "can't write the output: %s",
                                                         strerror(download->write_error));
    if (answer->failure == CLIENT_CLOSED)
        return cli_fail(cli, CLI_UNREACHABLE, "what was printed is not the whole file; try again",
                        "the connection ended before the file did");
    return problem_status(answer) == CLI_DONE ? CLI_DONE : problem_report(cli, answer);
}

int file_stream_download(struct cli *cli, const struct guest_path *file, const char *user)
{
    struct api_path path;
    struct download download = {.fd = fileno(cli->out)};
    struct client_stream stream = {.path = path.text, .is_file = true, .wait_bounded = true};
    struct client_answer answer;
    stream.on_bytes = write_all;
    stream.ctx = &download;
    if (!make_path(&path, file, user))
        return problem_path_too_long(cli);
    client_stream(cli->client, &stream, &answer);
    int status = report_download(cli, &answer, &download);
    client_answer_finish(&answer);
    return status;
}
