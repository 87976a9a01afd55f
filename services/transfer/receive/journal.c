/* SPDX-License-Identifier: MIT */
/* The journal's lines: "root STATE KIND MODE NAME" for each root, "begin FILES BYTES SKIPPED FAILED", then
 * "as NUMBER NAME" before a root gets its name, "fail NUMBER", and "done". Names have no control characters,
 * so a line's end is a line's end. It is the user's own file; what can't be read ends the reading. */
#include "services/transfer/receive/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/entry_name.h"
#include "services/transfer/platform/file_system.h"

#define LINE_MAX_SIZE (FILES_NAME_MAX + 128)
#define BEGIN_NAME    JOURNAL_NAME ".new"

void journal_state_finish(struct journal_state *state)
{
    for (size_t i = 0; i < state->root_count; i++)
        free(state->roots[i].name);
    free(state->roots);
    *state = (struct journal_state){.root_count = 0};
}

static int read_root(struct journal_state *state, const char *line)
{
    unsigned number_of_state = 0, mode = 0;
    char kind = 0;
    int used = 0;
    if (sscanf(line, "root %u %c %o%n", &number_of_state, &kind, &mode, &used) != 3 || line[used] != ' ' ||
        state->root_count == ROOTS_MAX || number_of_state < ROOT_STAGED || number_of_state > ROOT_FAILED)
        return STATUS_INVALID;
    const char *name = line + used + 1; /* it may begin with spaces itself */
    if (number_of_state != ROOT_FAILED && !entry_name_is_valid(name))
        return STATUS_INVALID;
    struct root *roots = realloc(state->roots, (state->root_count + 1) * sizeof(*roots));
    if (roots == NULL)
        return UV_ENOMEM;
    state->roots = roots;
    char *copy = strdup(name);
    if (copy == NULL)
        return UV_ENOMEM;
    roots[state->root_count++] = (struct root){.name = copy,
                                               .state = (uint8_t)number_of_state,
                                               .is_folder = kind == 'd',
                                               .mode = (uint16_t)(mode & 0777)};
    return 0;
}

static int read_name(struct journal_state *state, const char *line)
{
    size_t number = 0;
    int used = 0;
    if (sscanf(line, "as %zu%n", &number, &used) != 1 || line[used] != ' ' || number >= state->root_count ||
        !entry_name_is_valid(line + used + 1))
        return STATUS_INVALID;
    char *copy = strdup(line + used + 1);
    if (copy == NULL)
        return UV_ENOMEM;
    free(state->roots[number].name);
    state->roots[number].name = copy;
    return 0;
}

static int read_line(struct journal_state *state, const char *line)
{
    size_t number = 0;
    if (strncmp(line, "root ", 5) == 0)
        return state->has_begun ? STATUS_INVALID : read_root(state, line);
    if (strncmp(line, "as ", 3) == 0)
        return read_name(state, line);
    if (sscanf(line, "fail %zu", &number) == 1 && number < state->root_count) {
        state->roots[number].state = ROOT_FAILED;
        return 0;
    }
    if (strcmp(line, "done") == 0 && state->has_begun) {
        state->is_done = true;
        return 0;
    }
    if (sscanf(line, "begin %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &state->files, &state->bytes,
               &state->skipped, &state->failed) != 4)
        return STATUS_INVALID;
    state->has_begun = true;
    return 0;
}

int journal_read(int folder, struct journal_state *ret)
{
    struct journal_state state = {.root_count = 0};
    int fd = openat(folder, JOURNAL_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
    if (fd >= 0 && file == NULL)
        close(fd);
    int status = 0;
    char line[LINE_MAX_SIZE];
    while (file != NULL && status == 0 && fgets(line, sizeof(line), file) != NULL) {
        size_t size = strlen(line);
        if (line[size - 1] != '\n')
            break; /* torn */
        line[size - 1] = '\0';
        status = read_line(&state, line);
    }
    if (file != NULL)
        fclose(file);
    if (status == UV_ENOMEM) {
        journal_state_finish(&state);
        return status;
    }
    if (!state.has_begun)
        journal_state_finish(&state);
    *ret = state;
    return 0;
}

int journal_begin(int folder, const struct journal_state *state, bool sync)
{
    unlinkat(folder, BEGIN_NAME, 0);
    int fd = openat(folder, BEGIN_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (file == NULL) {
        int status = file_status(errno);
        if (fd >= 0)
            close(fd);
        return status;
    }
    for (size_t i = 0; i < state->root_count; i++) {
        const struct root *root = &state->roots[i];
        fprintf(file, "root %u %c %o %s\n", root->state, root->is_folder ? 'd' : 'f', root->mode,
                root->state == ROOT_FAILED ? "" : root->name);
    }
    fprintf(file, "begin %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", state->files, state->bytes,
            state->skipped, state->failed);
    errno = 0;
    bool written = fflush(file) == 0 && !ferror(file);
    int error = errno;
    if (written && sync && file_system_sync(fd) < 0) {
        error = errno;
        written = false;
    }
    written = fclose(file) == 0 && written;
    if (written && renameat(folder, BEGIN_NAME, folder, JOURNAL_NAME) == 0)
        return 0;
    return file_status(written ? errno : error != 0 ? error : EIO);
}

static int append(int folder, const char *line, bool sync)
{
    int fd = openat(folder, JOURNAL_NAME, O_WRONLY | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return file_status(errno);
    size_t size = strlen(line);
    ssize_t written = write(fd, line, size);
    int status = written == (ssize_t)size ? 0 : written < 0 ? file_status(errno) : UV_ENOSPC;
    if (status == 0 && sync && fdatasync(fd) < 0)
        status = file_status(errno);
    close(fd);
    return status;
}

int journal_note_name(int folder, size_t number, const char *name)
{
    char line[LINE_MAX_SIZE];
    snprintf(line, sizeof(line), "as %zu %s\n", number, name);
    return append(folder, line, true);
}

int journal_note_failed(int folder, size_t number)
{
    char line[64];
    snprintf(line, sizeof(line), "fail %zu\n", number);
    return append(folder, line, false);
}

int journal_note_done(int folder)
{
    return append(folder, "done\n", false);
}
