/* SPDX-License-Identifier: MIT */
/* Appends lines, changes files, keeps bursts within bounds and counts what is lost. The text of a line is
 * audit_entry.c's, the files audit_file.c's.
 *
 * Theory of operation
 * - `end` is where the chain stands: the last line's hash and number. It moves on only when a whole line is
 * in the file, so that a line that could not be written leaves no trace in the chain.
 * - A short write is cut off again. Where that fails, too, and at the start, the file may end in an
 * unfinished line: it gets its newline, and the next line says so and hashes the bytes as they stand.
 * - Lost lines are made up for by one line "audit.gap" with their number, before the first line that can be
 * written. */
#include "host-bridge/audit/audit_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

#include "host-bridge/audit/audit_file.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"

#define BURST_WINDOW_MS 1000

struct audit_log {
    struct audit_log_options options;
    char folder[AUDIT_PATH_SIZE];
    int fd;
    struct audit_end end;
    bool doubtful;      /* the file may end in an unfinished line: mend before the next one */
    uint64_t rotate_at; /* the size at which a new file is due */
    uint64_t gap;       /* lost by the disk, not yet told */
    struct audit_counts counts;
    uint64_t window_ms; /* when the burst's second began */
    uint64_t in_window, left_out;
};

static void tell(struct audit_log *log, const char *what, int status)
{
    char sentence[TEXT_REASON_MAX + 1];
    snprintf(sentence, sizeof(sentence), "the audit log %s%s%s", what, status == 0 ? "" : ": ",
             status == 0 ? "" : status_text(status));
    if (log->options.on_trouble != NULL)
        log->options.on_trouble(log->options.ctx, sentence);
}

/* ---- the file ---- */

/* `text` and a newline, all or nothing; in front of them the newline that the file lacks. */
static int write_line(struct audit_log *log, const char *text, size_t size)
{
    size_t lacking = log->end.unfinished ? 1 : 0;
    struct iovec parts[] = {{(char *)"\n", lacking}, {(char *)text, size}, {(char *)"\n", 1}};
    ssize_t written = writev(log->fd, parts, 3);
    if (written == (ssize_t)(lacking + size + 1)) {
        log->end.size += (uint64_t)written;
        log->end.unfinished = false;
        return 0;
    }
    int status = written < 0 ? uv_translate_sys_error(errno) : UV_ENOSPC;
    if (written > 0 && ftruncate(log->fd, (off_t)log->end.size) != 0) {
        log->doubtful = true;
        log->end.unfinished = false; /* not known: mend looks */
    }
    return status;
}

static int append(struct audit_log *log, const struct audit_entry *entry)
{
    char *text = audit_entry_format(entry, log->options.now_ms(), log->end.seq + 1, &log->end.hash);
    if (text == NULL)
        return UV_ENOMEM;
    size_t size = strlen(text);
    int status = size > AUDIT_LINE_MAX ? STATUS_TOO_LARGE : write_line(log, text, size);
    if (status == 0) {
        log->end.hash = audit_hash_line(span_of(text, size));
        log->end.seq++;
        log->counts.lines++;
    }
    free(text);
    return status;
}

static int append_note(struct audit_log *log, const char *action, const char *name, uint64_t count)
{
    json_t *parameters = name == NULL ? NULL : json_pack("{s:I}", name, (json_int_t)count);
    const struct audit_entry note = {.action = action, .parameters = parameters, .result = AUDIT_DONE};
    int status = append(log, &note);
    json_decref(parameters);
    return status;
}

/* Ends an unfinished line: its newline and the note go out as one. */
static int mend(struct audit_log *log)
{
    int status = log->end.unfinished ? 0 : audit_file_end(log->fd, &log->end);
    if (status < 0)
        return status;
    log->doubtful = false;
    if (log->end.unfinished)
        status = append_note(log, AUDIT_TORN_ACTION, NULL, 0);
    if (status < 0)
        log->doubtful = true;
    return status;
}

static int open_new(struct audit_log *log)
{
    char path[AUDIT_PATH_SIZE], problem[TEXT_REASON_MAX + 1];
    int fd;
    audit_file_path(log->folder, 0, path);
    int status = audit_file_open(path, &fd, problem);
    if (status < 0)
        return status;
    close(log->fd);
    log->fd = fd;
    log->end.size = 0;
    log->end.unfinished = false;
    log->rotate_at = log->options.file_bytes_max;
    return 0;
}

/* The old file stays in use when there is no new one, and the next try waits until as much again is written:
 * each one moves the eldest file on. */
static void rotate(struct audit_log *log)
{
    int status = audit_file_rotate(log->folder);
    if (status == 0)
        status = open_new(log);
    if (status < 0) {
        audit_file_rotate_back(log->folder);
        log->rotate_at = log->end.size + log->options.file_bytes_max;
        tell(log, "grows on, since there is no new file", status);
    }
}

/* ---- entries ---- */

static void lose(struct audit_log *log, int status)
{
    if (log->gap++ == 0)
        tell(log, "can't be written, requests go on without it", status);
    log->counts.lost++;
}

/* Somebody removed the file: the next lines would go nowhere. The new file's first line names the hash of a
 * line that is gone, which is what a check finds. Somebody wrote to it: only its size is taken note of, a
 * check finds the rest. */
static int look_at_file(struct audit_log *log)
{
    struct stat facts;
    if (fstat(log->fd, &facts) != 0)
        return uv_translate_sys_error(errno);
    log->end.size = (uint64_t)facts.st_size;
    return facts.st_nlink > 0 ? 0 : open_new(log);
}

static int prepare(struct audit_log *log)
{
    int status = look_at_file(log);
    if (status == 0 && log->doubtful)
        status = mend(log);
    if (status == 0 && log->end.size >= log->rotate_at)
        rotate(log);
    if (status == 0 && log->gap > 0) {
        status = append_note(log, "audit.gap", "lost", log->gap);
        if (status == 0) {
            log->gap = 0;
            tell(log, "is written again", 0);
        }
    }
    return status;
}

static void tell_left_out(struct audit_log *log)
{
    if (log->left_out > 0 && prepare(log) == 0 &&
        append_note(log, "audit.limited", "leftOut", log->left_out) == 0)
        log->left_out = 0;
}

void audit_log_settle(struct audit_log *log)
{
    uint64_t now = log->options.now_ms();
    if (now >= log->window_ms && now - log->window_ms < BURST_WINDOW_MS)
        return;
    log->window_ms = now;
    log->in_window = 0;
    tell_left_out(log);
}

static bool within_burst(struct audit_log *log, const struct audit_entry *entry)
{
    audit_log_settle(log);
    if (entry->result != AUDIT_REFUSED && entry->client != NULL)
        return true;
    if (log->in_window < log->options.burst_max) {
        log->in_window++;
        return true;
    }
    log->left_out++;
    log->counts.lost++;
    return false;
}

void audit_event(struct audit_log *log, const struct audit_entry *entry)
{
    if (log == NULL || !within_burst(log, entry))
        return;
    int status = prepare(log);
    if (status == 0)
        status = append(log, entry);
    if (status < 0)
        lose(log, status);
}

/* ---- life ---- */

/* The chain goes on from the file before when the new one is empty. */
static int find_end(struct audit_log *log, char *ret_problem)
{
    char path[AUDIT_PATH_SIZE];
    int before;
    log->end.hash = audit_hash_none();
    int status = audit_file_path(log->folder, 1, path);
    if (status == 0 && audit_file_open_to_read(path, &before) == 0) {
        status = audit_file_end(before, &log->end);
        close(before);
        log->end.size = 0;
        log->end.unfinished = false;
    }
    if (status == 0)
        status = audit_file_end(log->fd, &log->end);
    if (status < 0)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "can't read the audit log in %.150s: %s", log->folder,
                 status_text(status));
    return status;
}

int audit_log_open(const struct audit_log_options *options, struct audit_log **ret,
                   char ret_problem[static TEXT_REASON_MAX + 1])
{
    char path[AUDIT_PATH_SIZE];
    struct audit_log *log = calloc(1, sizeof(*log));
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "the audit log can't be opened");
    int status = log == NULL ? UV_ENOMEM : audit_file_path(options->folder, 0, path);
    if (status == 0) {
        log->options = *options;
        if (log->options.file_bytes_max == 0)
            log->options.file_bytes_max = AUDIT_FILE_BYTES_MAX;
        if (log->options.burst_max == 0)
            log->options.burst_max = AUDIT_BURST_MAX;
        if (log->options.now_ms == NULL)
            log->options.now_ms = clock_realtime_ms;
        snprintf(log->folder, sizeof(log->folder), "%s", options->folder);
        status = audit_file_open(path, &log->fd, ret_problem);
    }
    if (status < 0) {
        free(log);
        return status;
    }
    status = find_end(log, ret_problem);
    if (status < 0) {
        close(log->fd);
        free(log);
        return status;
    }
    log->doubtful = log->end.unfinished;
    log->rotate_at = log->options.file_bytes_max;
    if (log->doubtful)
        mend(log); /* a disk that is full is told of by the first entry */
    *ret = log;
    return 0;
}

void audit_log_close(struct audit_log *log)
{
    if (log == NULL)
        return;
    tell_left_out(log);
    close(log->fd);
    free(log);
}

void audit_log_counts(const struct audit_log *log, struct audit_counts *ret)
{
    *ret = log->counts;
}

const char *audit_log_folder(const struct audit_log *log)
{
    return log->folder;
}

struct audit_hash audit_log_head(const struct audit_log *log)
{
    return log->end.hash;
}
