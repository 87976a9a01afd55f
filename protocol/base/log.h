/* SPDX-License-Identifier: MIT */
/* The program's log: one line a call, to stderr (or the given sink). Libraries return reasons and do not log.
 * A file that logs defines LOG_MODULE before including this. Control characters in the text are escaped,
 * since guests choose some of it; a line is cut at 1,024 bytes. */
#ifndef HOSPES_LOG_H
#define HOSPES_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

typedef void (*log_sink)(void *ctx, enum log_level level, const char *line);

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* NULL restores stderr. */
void log_set_sink(log_sink sink, void *ctx);
/* "error", "warn", "info", "debug"; false and ret untouched otherwise. */
bool log_level_parse(const char *text, enum log_level *ret_level);

void log_write(enum log_level level, const char *module, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes text of another's choice fit for one line of a terminal: each byte of a control character (C0, C1,
 * DEL), of a line separator and of a change of direction becomes '?'. */
void log_escape(char *text);

#define log_error(...) log_write(LOG_ERROR, LOG_MODULE, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_WARN, LOG_MODULE, __VA_ARGS__)
#define log_info(...)  log_write(LOG_INFO, LOG_MODULE, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, LOG_MODULE, __VA_ARGS__)

#endif
