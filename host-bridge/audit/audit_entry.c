/* SPDX-License-Identifier: MIT */
/* An entry as a line of JSON: texts are bounded and made valid, everything beyond ASCII is escaped. What is
 * worth an entry is said elsewhere. */
#include "host-bridge/audit/audit_entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIME_SIZE 48

static json_t *text_or_null(const char *text)
{
    if (text == NULL || text[0] == '\0')
        return json_null();
    char safe[AUDIT_TEXT_MAX + sizeof("…")];
    size_t size = strnlen(text, AUDIT_TEXT_MAX + 1);
    bool cut = size > AUDIT_TEXT_MAX;
    if (cut) {
        size = AUDIT_TEXT_MAX;
        for (int i = 0; i < 3 && ((unsigned char)text[size] & 0xC0) == 0x80; i++)
            size--; /* not in the midst of a character */
    }
    memcpy(safe, text, size);
    safe[size] = '\0';
    json_t *valid = json_string(safe);
    for (size_t i = 0; valid == NULL && i < size; i++) {
        if ((unsigned char)safe[i] >= 0x80)
            safe[i] = '?';
    }
    json_decref(valid);
    if (cut)
        memcpy(safe + size, "…", sizeof("…"));
    return json_string(safe);
}

static json_t *scalar(json_t *value)
{
    if (json_is_string(value))
        return text_or_null(json_string_value(value));
    return json_is_object(value) || json_is_array(value) ? NULL : json_incref(value);
}

static json_t *bounded_parameters(const json_t *parameters)
{
    json_t *bounded = json_object();
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)parameters, key, value)
    {
        json_t *one = json_object_size(bounded) < AUDIT_PARAMETERS_MAX && strlen(key) <= AUDIT_NAME_MAX
                          ? scalar(value)
                          : NULL;
        if (one != NULL)
            json_object_set_new(bounded, key, one);
    }
    return bounded;
}

static void format_time(uint64_t realtime_ms, char out[static TIME_SIZE])
{
    time_t seconds = (time_t)(realtime_ms / 1000);
    struct tm parts;
    char date[24];
    if (gmtime_r(&seconds, &parts) == NULL || strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        snprintf(date, sizeof(date), "1970-01-01T00:00:00");
    snprintf(out, TIME_SIZE, "%s.%03dZ", date, (int)(realtime_ms % 1000));
}

static const char *result_name(enum audit_result result)
{
    return result == AUDIT_DONE ? "done" : result == AUDIT_REFUSED ? "refused" : "failed";
}

static json_t *client_or_null(const struct audit_client *client)
{
    if (client == NULL)
        return json_null();
    return json_pack("{s:o, s:I, s:o}", "pid",
                     client->pid == 0 ? json_null() : json_integer((json_int_t)client->pid), "uid",
                     (json_int_t)client->uid, "executable", text_or_null(client->executable));
}

char *audit_entry_format(const struct audit_entry *entry, uint64_t realtime_ms, uint64_t seq,
                         const struct audit_hash *previous)
{
    char time[TIME_SIZE];
    format_time(realtime_ms, time);
    json_t *line = json_pack(
        "{s:s, s:I, s:o, s:o, s:o, s:o, s:s, s:o, s:I, s:o, s:s}", "time", time, "seq", (json_int_t)seq,
        "guest", text_or_null(entry->guest), "class", text_or_null(entry->request_class), "action",
        text_or_null(entry->action), "parameters", bounded_parameters(entry->parameters), "result",
        result_name(entry->result), "status", text_or_null(entry->status), "durationMs",
        (json_int_t)entry->duration_ms, "client", client_or_null(entry->client), "prev", previous->text);
    char *text = line == NULL ? NULL : json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(line);
    return text;
}
