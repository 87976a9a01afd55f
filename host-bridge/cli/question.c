/* SPDX-License-Identifier: MIT */
/* Asks on standard error and reads standard input by the descriptor, since what stdio had buffered poll(2)
 * would not show. */
#include "host-bridge/cli/question.h"

#include <poll.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/interrupt.h"

enum { TICK_MS = 250, LINE_MAX_SIZE = 64 };

bool question_is_possible(const struct cli *cli)
{
    return !cli->json && isatty(STDIN_FILENO) == 1 && isatty(fileno(cli->err)) == 1;
}

/* A terminal gives whole lines. What is longer than any answer is none. */
static enum question_answer read_answer(void)
{
    char line[LINE_MAX_SIZE];
    ssize_t size = read(STDIN_FILENO, line, sizeof(line) - 1);
    if (size <= 0)
        return interrupt_seen() ? QUESTION_DROPPED : QUESTION_NO;
    line[size] = '\0';
    while (size > 0 && (line[size - 1] == '\n' || line[size - 1] == '\r' || line[size - 1] == ' '))
        line[--size] = '\0';
    return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0 ? QUESTION_YES : QUESTION_NO;
}

enum question_answer question_ask(struct cli *cli, const char *text, bool (*on_tick)(void *ctx), void *ctx)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    fflush(cli->out);
    tcflush(STDIN_FILENO, TCIFLUSH); /* what was typed before the question is no answer to it */
    escape_print(cli->err, text, 0);
    fputs(" [y/N] ", cli->err);
    fflush(cli->err);
    while (!interrupt_seen()) {
        if (poll(&input, 1, TICK_MS) > 0)
            return read_answer();
        if (!interrupt_seen() && on_tick != NULL && !on_tick(ctx))
            break;
    }
    fputc('\n', cli->err);
    return QUESTION_DROPPED;
}
