/* SPDX-License-Identifier: MIT */
/* Formats one line and hands it to the sink. The level and the sink are the only state: a program has one
 * log. */
#include "protocol/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_SIZE 1024

static enum log_level current_level = LOG_INFO;
static log_sink current_sink;
static void *current_ctx;

static const char *const LEVEL_NAMES[] = {"error", "warn", "info", "debug"};

void log_set_level(enum log_level level)
{
    current_level = level;
}

enum log_level log_get_level(void)
{
    return current_level;
}

void log_set_sink(log_sink sink, void *ctx)
{
    current_sink = sink;
    current_ctx = ctx;
}

bool log_level_parse(const char *text, enum log_level *ret_level)
{
    for (int level = LOG_ERROR; level <= LOG_DEBUG; level++) {
        if (strcmp(text, LEVEL_NAMES[level]) == 0) {
            *ret_level = (enum log_level)level;
            return true;
        }
    }
    return false;
}

/* A guest's text may hold anything; a log line must not move the cursor or fake another line. */
void log_escape(char *text)
{
    for (unsigned char *c = (unsigned char *)text; *c != '\0'; c++) {
        bool c1 = *c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0; /* U+0080 to U+009F in UTF-8 */
        bool override = *c == 0xe2 && c[1] == 0x80 && c[2] >= 0xa8 && c[2] <= 0xae;
        if (c1 || override)
            memset(c, '?', c1 ? 2 : 3);
        else if (*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

void log_write(enum log_level level, const char *module, const char *format, ...)
{
    if (level > current_level)
        return;
    char line[LINE_MAX_SIZE];
    int prefix = snprintf(line, sizeof(line) - 1, "%s %s: ", LEVEL_NAMES[level], module);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line + prefix, sizeof(line) - 1 - (size_t)prefix, format, arguments);
    va_end(arguments);
    log_escape(line);
    if (current_sink != NULL) {
        current_sink(current_ctx, level, line);
        return;
    }
    size_t size = strlen(line);
    line[size] = '\n';
    ssize_t written = write(STDERR_FILENO, line, size + 1);
    (void)written; /* nobody is left to tell */
}
