/* SPDX-License-Identifier: MIT */
/* A transfer of the Host API in words, shared by the bar, the table, the report and the events. Texts are raw
 * and cut at the buffer's end. */
#ifndef HOSPES_CLI_TRANSFER_WORDS_H
#define HOSPES_CLI_TRANSFER_WORDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "host-bridge/cli/terminal.h"

#define TRANSFER_WORDS_MAX 511

struct transfer_words {
    char text[TRANSFER_WORDS_MAX + 1];
};

/* The guest that events about it name: the receiving one, else the other; "" when there is none. Borrowed. */
const char *transfer_words_guest(const json_t *transfer);
/* Done, failed or cancelled. */
bool transfer_words_is_ended(const json_t *transfer);

/* "web:/srv/a and 2 more", "/srv/x", "web's drop folder", "an offer of web": key is "from" or "to". */
struct transfer_words transfer_words_place(const json_t *transfer, const char *key);
/* "sending", "waiting for web: not connected", "paused: no space left in the guest", "done". */
struct transfer_words transfer_words_state(const json_t *transfer);
enum style transfer_words_style(const json_t *transfer);
/* What is done, with the part of the current file; never above a total that is known. NAN when not known. */
double transfer_words_bytes(const json_t *transfer);
/* Of the bytes, or where there are none of the files: 0 to 100; -1 when not known. */
int transfer_words_percent(const json_t *transfer);
/* "45 %, 1.2 GiB of 2.6 GiB", "12 files, 3.0 MiB". */
struct transfer_words transfer_words_progress(const json_t *transfer);
/* "web:/a → /b, sending, 45 %": all on one line. */
struct transfer_words transfer_words_line(const json_t *transfer);
/* "photos from web (12 files, 3.0 MiB), offered": an item of the inbox. */
struct transfer_words transfer_words_item(const json_t *item);

#endif
