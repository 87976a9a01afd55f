/* SPDX-License-Identifier: MIT */
/* hospes-agent pair: waits with the agent for a host, shows the code, and takes the owner's word. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <uv.h>

#include "agent/trust/command_private.h"
#include "protocol/base/status.h"
#include "protocol/wire/handshake.h"

#define WORD_MAX 256

struct pair_dialogue {
    struct admin_connection connection;
    const char *wanted; /* digits of --yes-if; NULL: a person is asked */
    char code[HANDSHAKE_CODE_DIGITS + 1];
    bool asked; /* and not answered yet */
};

/* "123 456" and "123456" are the same. False: not six digits. */
static bool read_code(const char *text, char ret[static HANDSHAKE_CODE_DIGITS + 1])
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        if (*text == ' ')
            continue;
        if (*text < '0' || *text > '9' || count == HANDSHAKE_CODE_DIGITS)
            return false;
        ret[count++] = *text;
    }
    ret[count] = '\0';
    return count == HANDSHAKE_CODE_DIGITS;
}

static int say(struct pair_dialogue *dialogue, bool same)
{
    dialogue->asked = false;
    return admin_connection_send(&dialogue->connection, json_pack("{s:s, s:s, s:b}", "request", "answer",
                                                                  "code", dialogue->code, "same", same));
}

static int handle_code(struct pair_dialogue *dialogue, const json_t *news)
{
    const char *code = json_string_value(json_object_get(news, "code"));
    const char *link = json_string_value(json_object_get(news, "link"));
    const char *key = json_string_value(json_object_get(news, "key"));
    if (code == NULL || link == NULL || key == NULL || !read_code(code, dialogue->code))
        return STATUS_MALFORMED;
    printf("A host wants to pair over ");
    command_print_escaped(link);
    printf(" with the key ");
    command_print_escaped(key);
    printf("\n\n    code %.3s %s\n\n", dialogue->code, dialogue->code + 3);
    if (dialogue->wanted != NULL)
        return say(dialogue, strcmp(dialogue->wanted, dialogue->code) == 0);
    printf("Does hospes pair on the host show the same? [y/N] ");
    fflush(stdout);
    if (isatty(STDIN_FILENO))
        tcflush(STDIN_FILENO, TCIFLUSH); /* a yes that was typed before the code was there is none */
    dialogue->asked = true;
    return 0;
}

/* A line of the person. The end of the input is a no. */
static int handle_word(struct pair_dialogue *dialogue)
{
    char word[WORD_MAX];
    ssize_t size = read(STDIN_FILENO, word, sizeof(word) - 1);
    word[size > 0 ? size : 0] = '\0';
    word[strcspn(word, "\r\n")] = '\0';
    bool same = strcmp(word, "y") == 0 || strcmp(word, "Y") == 0 || strcmp(word, "yes") == 0;
    if (same)
        puts("Waiting for the host's yes.");
    fflush(stdout);
    return say(dialogue, same);
}

/* Returns -1 to go on, else the exit status. */
static int handle_news(struct pair_dialogue *dialogue, const json_t *news)
{
    const char *error = json_string_value(json_object_get(news, "error"));
    const char *state = json_string_value(json_object_get(news, "state"));
    if (error != NULL)
        return command_fail("%s", error);
    if (state == NULL)
        return command_fail("the agent answers something unknown");
    if (strcmp(state, "code") == 0) {
        int status = handle_code(dialogue, news);
        return status < 0 ? command_fail("%s", status_text(status)) : -1;
    }
    if (strcmp(state, "waiting") == 0) {
        puts("Waiting for a host. On the host run:  hospes pair NAME");
    } else if (strcmp(state, "lost") == 0) {
        dialogue->asked = false;
        puts("\nThe host has ended it. Waiting for the next one.");
    } else if (strcmp(state, "paired") == 0) {
        puts("Paired.");
        return 0;
    } else if (strcmp(state, "declined") == 0) {
        return command_fail("not paired: the code was declined, or not confirmed in time");
    } else if (strcmp(state, "expired") == 0) {
        return command_fail("not paired: no host came in time");
    } else {
        return command_fail("not paired: too many attempts; run hospes-agent pair again");
    }
    fflush(stdout);
    return -1;
}

static int converse(struct pair_dialogue *dialogue)
{
    int result = -1;
    while (result < 0) {
        json_t *news = NULL;
        int status =
            admin_connection_receive(&dialogue->connection, -1, dialogue->asked ? STDIN_FILENO : -1, &news);
        if (status == UV_EAGAIN)
            status = handle_word(dialogue);
        else if (status == 0)
            result = handle_news(dialogue, news);
        json_decref(news);
        if (status < 0)
            return command_fail("not paired: the agent has gone (%s)", status_text(status));
    }
    return result;
}

int command_pair(const struct command_line *line)
{
    struct pair_dialogue dialogue = {0};
    char wanted[HANDSHAKE_CODE_DIGITS + 1];
    if (line->yes_if != NULL && !read_code(line->yes_if, wanted)) {
        command_fail("--yes-if: a code has six digits");
        return 2;
    }
    dialogue.wanted = line->yes_if == NULL ? NULL : wanted;
    int status = admin_connection_open(&dialogue.connection, line->config.admin_socket);
    if (status == UV_ENOENT || status == UV_ECONNREFUSED)
        return command_fail("the agent does not run (nobody answers on %s)", line->config.admin_socket);
    if (status < 0)
        return command_fail("the agent can't be reached at %s: %s", line->config.admin_socket,
                            status_text(status));
    status = admin_connection_send(&dialogue.connection, json_pack("{s:s}", "request", "pair"));
    int result =
        status < 0 ? command_fail("the agent does not answer: %s", status_text(status)) : converse(&dialogue);
    admin_connection_close(&dialogue.connection);
    return result;
}
