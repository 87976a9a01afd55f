/* SPDX-License-Identifier: MIT */
/* Says what a transfer is and how it goes. Leaves drawing to transfer_bar.c and tables to the commands. */
#include "host-bridge/cli/transfer_words.h"

#include <stdio.h>
#include <string.h>

#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/quantity.h"

const char *transfer_words_guest(const json_t *transfer)
{
    return json_view_text(transfer, "to.vm", json_view_text(transfer, "from.vm", ""));
}

bool transfer_words_is_ended(const json_t *transfer)
{
    const char *state = json_view_text(transfer, "state", "");
    return strcmp(state, "done") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "cancelled") == 0;
}

struct transfer_words transfer_words_place(const json_t *transfer, const char *key)
{
    struct transfer_words words = {""};
    const json_t *place = json_view(transfer, key);
    const json_t *paths = json_view(place, "paths");
    const char *guest = json_view_text(place, "vm", "");
    const char *path = json_view_text(place, "path", json_string_value(json_array_get(paths, 0)));
    size_t more = json_array_size(paths) > 1 ? json_array_size(paths) - 1 : 0;
    char rest[32] = "";
    if (more > 0)
        snprintf(rest, sizeof(rest), " and %zu more", more);
    if (path != NULL)
        snprintf(words.text, sizeof(words.text), "%s%s%s%s", guest, guest[0] != '\0' ? ":" : "", path, rest);
    else if (guest[0] == '\0')
        snprintf(words.text, sizeof(words.text), "this host");
    else if (strcmp(key, "to") == 0)
        snprintf(words.text, sizeof(words.text), "%s's drop folder", guest);
    else
        snprintf(words.text, sizeof(words.text), "an offer of %s", guest);
    return words;
}

static const char *phase_words(const json_t *transfer)
{
    const char *phase = json_view_text(transfer, "phase", "");
    if (strcmp(phase, "scan") == 0)
        return "looking";
    if (strcmp(phase, "send") == 0)
        return "sending";
    return strcmp(phase, "verify") == 0 ? "finishing" : "starting";
}

static struct transfer_words waiting_words(const json_t *transfer)
{
    struct transfer_words words = {""};
    const char *code = json_view_text(transfer, "error.code", "");
    const char *text = json_view_text(transfer, "error.message", "");
    const char *guest = transfer_words_guest(transfer);
    if (strcmp(code, "NOT_CONNECTED") == 0)
        snprintf(words.text, sizeof(words.text), "waiting for %s: not connected", guest);
    else if (code[0] == '\0' || strcmp(code, "LIMIT") == 0)
        snprintf(words.text, sizeof(words.text), "waiting for its turn");
    else
        snprintf(words.text, sizeof(words.text), "waiting for %s: %s", guest, text[0] != '\0' ? text : code);
    return words;
}

static struct transfer_words paused_words(const json_t *transfer)
{
    struct transfer_words words = {""};
    const char *code = json_view_text(transfer, "error.code", "");
    const char *where = json_view(transfer, "to.vm") != NULL ? "in the guest" : "on this host";
    if (strcmp(code, "ENOSPC") == 0)
        snprintf(words.text, sizeof(words.text), "paused: no space left %s", where);
    else if (strcmp(code, "QUOTA") == 0)
        snprintf(words.text, sizeof(words.text), "paused: the user's quota %s is used up", where);
    else
        snprintf(words.text, sizeof(words.text), "paused: %s",
                 json_view_text(transfer, "error.message", code[0] != '\0' ? code : "no reason is known"));
    return words;
}

struct transfer_words transfer_words_state(const json_t *transfer)
{
    struct transfer_words words = {""};
    const char *state = json_view_text(transfer, "state", "?");
    if (strcmp(state, "waiting") == 0)
        return waiting_words(transfer);
    if (strcmp(state, "paused") == 0)
        return paused_words(transfer);
    long long failed = (long long)json_view_integer(transfer, "files.failed");
    if (strcmp(state, "done") == 0 && failed > 0)
        snprintf(words.text, sizeof(words.text), "done, %lld failed", failed);
    else if (strcmp(state, "failed") == 0)
        snprintf(words.text, sizeof(words.text), "failed: %s",
                 json_view_text(transfer, "error.message",
                                json_view_text(transfer, "error.code", "no reason is known")));
    else
        snprintf(words.text, sizeof(words.text), "%s",
                 strcmp(state, "running") == 0 ? phase_words(transfer) : state);
    return words;
}

enum style transfer_words_style(const json_t *transfer)
{
    const char *state = json_view_text(transfer, "state", "");
    if (strcmp(state, "failed") == 0 || json_view_integer(transfer, "files.failed") > 0)
        return STYLE_BAD;
    if (strcmp(state, "done") == 0)
        return STYLE_GOOD;
    return strcmp(state, "waiting") == 0 || strcmp(state, "paused") == 0 ? STYLE_WARNING : STYLE_PLAIN;
}

static int percent_of(double done, double total)
{
    if (!(total > 0) || !(done >= 0))
        return -1;
    return done >= total ? 100 : (int)(100 * done / total);
}

double transfer_words_bytes(const json_t *transfer)
{
    double total = json_view_number(transfer, "bytes.total");
    double done = json_view_number(transfer, "bytes.done");
    double current = json_view_number(transfer, "current.done");
    if (current > 0)
        done += current;
    return done > total ? total : done;
}

int transfer_words_percent(const json_t *transfer)
{
    int percent = percent_of(transfer_words_bytes(transfer), json_view_number(transfer, "bytes.total"));
    if (percent >= 0)
        return percent;
    return percent_of(json_view_number(transfer, "files.done"), json_view_number(transfer, "files.total"));
}

struct transfer_words transfer_words_progress(const json_t *transfer)
{
    struct transfer_words words = {""};
    struct quantity done = quantity_bytes(transfer_words_bytes(transfer));
    int percent = transfer_words_percent(transfer);
    long long files = (long long)json_view_integer(transfer, "files.done");
    if (percent >= 0 && percent < 100)
        snprintf(words.text, sizeof(words.text), "%d %%, %s of %s", percent, done.text,
                 quantity_bytes(json_view_number(transfer, "bytes.total")).text);
    else
        snprintf(words.text, sizeof(words.text), "%lld file%s, %s", files, files == 1 ? "" : "s", done.text);
    return words;
}

struct transfer_words transfer_words_line(const json_t *transfer)
{
    struct transfer_words words;
    snprintf(words.text, sizeof(words.text), "%.120s → %.120s, %.120s, %.100s",
             transfer_words_place(transfer, "from").text, transfer_words_place(transfer, "to").text,
             transfer_words_state(transfer).text, transfer_words_progress(transfer).text);
    return words;
}

struct transfer_words transfer_words_item(const json_t *item)
{
    struct transfer_words words;
    long long files = (long long)json_view_integer(item, "files");
    snprintf(words.text, sizeof(words.text), "%.255s from %.63s (%lld file%s, %s), %.63s",
             json_view_text(item, "name", "?"), json_view_text(item, "vm", "?"), files, files == 1 ? "" : "s",
             quantity_bytes(json_view_number(item, "bytes")).text, json_view_text(item, "state", "?"));
    return words;
}
