/* SPDX-License-Identifier: MIT */
/* The server is a process; each connection gets a process of its own, so that one may hang. */
#include "tests/unit/cli/fake_api.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { REQUEST_MAX = 16384, PATIENCE_MS = 20000 };

static void send_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent <= 0)
            _exit(0); /* the client left: as it may */
        bytes += sent;
        size -= (size_t)sent;
    }
}

static void send_text(int fd, const char *text)
{
    send_all(fd, text, strlen(text));
}

/* Takes chunks until the last one, of which it keeps the first bytes in `out`, which then holds a text: they
 * or, when there are more than 200, how many there were. `have` is what came with the head. */
static void read_chunked(int fd, const char *have, char *out)
{
    char text[256] = "", line[32];
    size_t kept = 0;
    unsigned long total = 0;
    FILE *in = fdopen(dup(fd), "r");
    if (in == NULL || have[0] != '\0') /* the client waits for 100 Continue before it sends any */
        _exit(1);
    while (fgets(line, sizeof(line), in) != NULL && strtoul(line, NULL, 16) > 0) {
        for (unsigned long left = strtoul(line, NULL, 16); left > 0; left--, total++) {
            int byte = fgetc(in);
            if (byte == EOF)
                _exit(0);
            if (kept < 200)
                text[kept++] = (char)byte;
        }
        if (fgets(line, sizeof(line), in) == NULL)
            _exit(0);
    }
    fclose(in);
    if (total <= 200)
        memcpy(out, text, kept + 1);
    else
        sprintf(out, "%lu bytes", total);
}

/* Head and body; false when the client closed before. */
static bool read_request(int fd, char *request, size_t room)
{
    size_t used = 0;
    for (;;) {
        ssize_t got = recv(fd, request + used, room - 1 - used, 0);
        if (got <= 0)
            return false;
        used += (size_t)got;
        request[used] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *length = strcasestr(request, "Content-Length: ");
        size_t body = length != NULL ? strtoul(length + 16, NULL, 10) : 0;
        if (end != NULL && strcasestr(request, "Transfer-Encoding: chunked") != NULL) {
            send_text(fd, "HTTP/1.1 100 Continue\r\n\r\n");
            read_chunked(fd, end + 4, request + (end + 4 - request));
            return true;
        }
        if (end != NULL && used >= (size_t)(end + 4 - request) + body)
            return true;
    }
}

static void wait_for_client(int fd)
{
    char byte;
    while (recv(fd, &byte, 1, 0) > 0)
        continue;
}

static void send_answer(int fd, int status, size_t length, const char *body)
{
    char head[256];
    snprintf(
        head, sizeof(head),
        "HTTP/1.1 %d X\r\nContent-Type: application/json\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
        status, length);
    send_text(fd, head);
    if (body != NULL)
        send_text(fd, body);
}

static void send_huge(int fd)
{
    static char block[1 << 20];
    memset(block, ' ', sizeof(block));
    send_answer(fd, 200, 100 * sizeof(block), NULL);
    for (int i = 0; i < 100; i++)
        send_all(fd, block, sizeof(block));
}

static void send_cut_stream(int fd, const char *body)
{
    char chunk[32];
    snprintf(chunk, sizeof(chunk), "%zx\r\n", strlen(body));
    send_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    send_text(fd, chunk);
    send_text(fd, body);
    send_text(fd, "\r\n100\r\nda");
}

static void behave(int fd, const struct fake_route *route)
{
    switch (route->behaviour) {
    case FAKE_ANSWER:
        send_answer(fd, route->status, route->body != NULL ? strlen(route->body) : 0, route->body);
        break;
    case FAKE_HANG:
        wait_for_client(fd);
        break;
    case FAKE_GARBAGE:
        send_text(fd, "\x01\x02 this is no HTTP\n\n\n");
        break;
    case FAKE_CLOSE:
        break;
    case FAKE_CUT:
        send_answer(fd, 200, 1000, "{\"vms\":[");
        break;
    case FAKE_HUGE:
        send_huge(fd);
        break;
    case FAKE_STREAM_CUT:
        send_cut_stream(fd, route->body);
        break;
    case FAKE_STREAM:
    case FAKE_STREAM_END:
    case FAKE_STREAM_RESUMED:
        send_text(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
        send_text(fd, route->body != NULL ? route->body : "");
        if (route->behaviour != FAKE_STREAM_END)
            wait_for_client(fd);
        break;
    }
}

static const struct fake_route *find_route(const struct fake_route *routes, size_t count, const char *method,
                                           const char *path, bool resumes)
{
    for (size_t i = 0; i < count; i++) {
        bool ends = routes[i].behaviour == FAKE_STREAM_END || routes[i].behaviour == FAKE_STREAM_CUT;
        bool fits = !(resumes && ends) && (resumes || routes[i].behaviour != FAKE_STREAM_RESUMED);
        if (fits && strcmp(routes[i].method, method) == 0 && strcmp(routes[i].path, path) == 0)
            return &routes[i];
    }
    return NULL;
}

static void serve(const struct fake_api *api, int fd, const struct fake_route *routes, size_t count)
{
    static const struct fake_route UNKNOWN = {
        "", "", 404, "{\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"no such path\",\"hint\":null}}",
        FAKE_ANSWER};
    char request[REQUEST_MAX], method[16], path[2048], line[REQUEST_MAX + 64];
    if (!read_request(fd, request, sizeof(request)) || sscanf(request, "%15s %2047s", method, path) != 2)
        _exit(0);
    const char *body = strstr(request, "\r\n\r\n") + 4;
    const char *last = strcasestr(request, "Last-Event-ID: ");
    int size = snprintf(line, sizeof(line), "%s %s%s%s", method, path, *body != '\0' ? " " : "", body);
    if (last != NULL)
        size += snprintf(line + size, sizeof(line) - (size_t)size, " last=%ld", strtol(last + 15, NULL, 10));
    line[size++] = '\n';
    int log = open(api->log, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (write(log, line, (size_t)size) != size)
        _exit(1);
    close(log);
    const struct fake_route *route = find_route(routes, count, method, path, last != NULL);
    behave(fd, route != NULL ? route : &UNKNOWN);
}

static void accept_all(const struct fake_api *api, int listener, const struct fake_route *routes,
                       size_t count)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            _exit(1);
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            serve(api, fd, routes, count);
            _exit(0);
        }
        close(fd);
    }
}

void fake_api_start(struct fake_api *api, const struct fake_route *routes, size_t count)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (api->folder[0] == '\0') {
        strcpy(api->folder, "/tmp/hospes-cli-test-XXXXXX");
        if (mkdtemp(api->folder) == NULL)
            abort();
        snprintf(api->socket, sizeof(api->socket), "%s/api.sock", api->folder);
        snprintf(api->log, sizeof(api->log), "%s/log", api->folder);
        close(open(api->log, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    }
    unlink(api->socket);
    strcpy(address.sun_path, api->socket);
    mode_t mask = umask(0177);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof(address)) != 0 || listen(listener, 64) != 0)
        abort();
    umask(mask);
    api->pid = fork();
    if (api->pid == 0) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that crashes leaves nothing behind */
        signal(SIGCHLD, SIG_IGN);
        accept_all(api, listener, routes, count);
    }
    setpgid(api->pid, api->pid); /* either of both comes first */
    close(listener);
}

void fake_api_kill(struct fake_api *api)
{
    if (api->pid <= 0)
        return;
    kill(-api->pid, SIGKILL);
    waitpid(api->pid, NULL, 0);
    api->pid = 0;
}

void fake_api_stop(struct fake_api *api)
{
    fake_api_kill(api);
    unlink(api->socket);
    unlink(api->log);
    rmdir(api->folder);
    memset(api, 0, sizeof(*api));
}

bool fake_api_was_asked(const struct fake_api *api, const char *line)
{
    FILE *in = fopen(api->log, "re");
    char *text = NULL;
    size_t room = 0;
    bool found = false;
    while (in != NULL && !found && getline(&text, &room, in) > 0) {
        text[strcspn(text, "\n")] = '\0';
        found = strcmp(text, line) == 0;
    }
    free(text);
    if (in != NULL)
        fclose(in);
    return found;
}

/* Never returns. */
static void execute(const char *socket_path, const char *const *arguments)
{
    const char *vector[256] = {HOSPES_PROGRAM};
    size_t count = 1;
    for (; *arguments != NULL; arguments++)
        vector[count++] = *arguments;
    vector[count] = NULL;
    setenv("HOSPES_SOCKET", socket_path, 1);
    execv(HOSPES_PROGRAM, (char *const *)vector);
    _exit(127);
}

static char *read_whole(int fd)
{
    char *text = calloc(1, RUN_TEXT_MAX + 1);
    if (text == NULL || pread(fd, text, RUN_TEXT_MAX, 0) < 0)
        abort();
    close(fd);
    return text;
}

int run_wait(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run_hospes(struct run *run, const char *socket_path, const char *const *arguments)
{
    run_hospes_with(run, socket_path, arguments, STDIN_FILENO);
}

void run_hospes_with(struct run *run, const char *socket_path, const char *const *arguments, int input)
{
    int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0) {
        if (dup2(input, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
            _exit(127);
        execute(socket_path, arguments);
    }
    run->status = run_wait(pid);
    run->out = read_whole(out);
    run->err = read_whole(err);
}

void run_expect(const struct run *run, int status, const char *out, const char *err)
{
    if (run->status != status || strstr(run->out, out) == NULL || strstr(run->err, err) == NULL)
        print_error("status %d, out:\n%s\nerr:\n%s\n", run->status, run->out, run->err);
    assert_int_equal(run->status, status);
    assert_non_null(strstr(run->out, out));
    assert_non_null(strstr(run->err, err));
    if (err[0] == '\0')
        assert_string_equal(run->err, "");
}

void run_finish(struct run *run)
{
    free(run->out);
    free(run->err);
    memset(run, 0, sizeof(*run));
}

pid_t run_on_terminal(const char *socket_path, const char *const *arguments, unsigned short columns,
                      int *ret_fd)
{
    struct winsize size = {.ws_row = 24, .ws_col = columns};
    pid_t pid = forkpty(ret_fd, NULL, NULL, &size);
    if (pid == 0)
        execute(socket_path, arguments);
    return pid;
}

bool run_terminal_shows(int fd, const char *text, char *out, size_t room)
{
    size_t used = strlen(out);
    struct pollfd input = {.fd = fd, .events = POLLIN};
    while (strstr(out, text) == NULL) {
        if (poll(&input, 1, PATIENCE_MS) != 1)
            return false;
        ssize_t got = used + 1 < room ? read(fd, out + used, room - 1 - used) : 0;
        if (got <= 0)
            return false;
        used += (size_t)got;
        out[used] = '\0';
    }
    return true;
}
