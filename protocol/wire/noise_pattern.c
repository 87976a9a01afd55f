/* SPDX-License-Identifier: MIT */
/* Patterns as the Noise specification writes them, and its psk modifiers. What a token does is noise.c's. */
#include "protocol/wire/noise_pattern.h"

#include <string.h>

#include "protocol/base/status.h"

#define BASE_NAME_SIZE 2

struct base_pattern {
    char name[BASE_NAME_SIZE + 1];
    struct noise_pattern pattern;
};

/* NN is there for its psk variant, of which published vectors exist. */
static const struct base_pattern BASES[] = {
    {"NN", {.tokens = {{TOKEN_E}, {TOKEN_E, TOKEN_EE}}, .message_count = 2}},
    {"XX",
     {.tokens = {{TOKEN_E}, {TOKEN_E, TOKEN_EE, TOKEN_S, TOKEN_ES}, {TOKEN_S, TOKEN_SE}},
      .message_count = 3,
      .has_static = true}},
    {"IK",
     {.tokens = {{TOKEN_E, TOKEN_ES, TOKEN_S, TOKEN_SS}, {TOKEN_E, TOKEN_EE, TOKEN_SE}},
      .message_count = 2,
      .responder_is_known = true,
      .has_static = true}},
    {"KK",
     {.tokens = {{TOKEN_E, TOKEN_ES, TOKEN_SS}, {TOKEN_E, TOKEN_EE, TOKEN_SE}},
      .message_count = 2,
      .initiator_is_known = true,
      .responder_is_known = true,
      .has_static = true}},
};

/* psk0 goes before the first message's tokens, every other one behind those of its message. */
static void add_psk(struct noise_pattern *pattern, unsigned number)
{
    uint8_t *tokens = pattern->tokens[number == 0 ? 0 : number - 1];
    pattern->has_psk = true;
    if (number == 0) {
        memmove(tokens + 1, tokens, NOISE_TOKENS_MAX - 1);
        tokens[0] = TOKEN_PSK;
        return;
    }
    while (*tokens != TOKEN_END)
        tokens++;
    *tokens = TOKEN_PSK;
}

/* "psk0+psk3" and the like. */
static int add_modifiers(struct noise_pattern *pattern, const char *text)
{
    unsigned lowest = 0;
    while (*text != '\0') {
        if (strncmp(text, "psk", 3) != 0 || text[3] < '0' || text[3] > '9')
            return STATUS_INVALID;
        unsigned number = (unsigned)(text[3] - '0');
        if (number < lowest || number > pattern->message_count)
            return STATUS_INVALID;
        add_psk(pattern, number);
        lowest = number + 1;
        text += 4;
        if (text[0] == '+' && text[1] != '\0')
            text++;
        else if (*text != '\0')
            return STATUS_INVALID;
    }
    return 0;
}

int noise_pattern_parse(const char *name, struct noise_pattern *ret)
{
    for (size_t i = 0; i < sizeof(BASES) / sizeof(BASES[0]); i++) {
        if (strncmp(name, BASES[i].name, BASE_NAME_SIZE) != 0)
            continue;
        struct noise_pattern pattern = BASES[i].pattern;
        int status = add_modifiers(&pattern, name + BASE_NAME_SIZE);
        if (status == 0)
            *ret = pattern;
        return status;
    }
    return STATUS_INVALID;
}
