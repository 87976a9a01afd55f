/* SPDX-License-Identifier: MIT */
/* Says in words what the API says of a guest's state. */
#include "host-bridge/cli/guest_words.h"

#include <stdio.h>
#include <string.h>

#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/quantity.h"

enum style guest_words_style(const json_t *guest)
{
    const char *state = json_view_text(guest, "state", "");
    if (strcmp(state, "connected") == 0)
        return STYLE_GOOD;
    return strcmp(state, "connecting") == 0 ? STYLE_WARNING : STYLE_BAD;
}

const char *guest_words_error(const json_t *guest)
{
    return json_view_text(guest, "error.message", "");
}

const char *guest_words_code(const json_t *guest)
{
    return json_view_text(guest, "error.code", "");
}

static const char *vm_words(const char *vm)
{
    if (strcmp(vm, "alive") == 0)
        return "the VM is alive";
    return strcmp(vm, "gone") == 0 ? "the VM is gone" : "whether the VM runs is not known";
}

static const char *agent_words(const char *agent)
{
    if (strcmp(agent, "alive") == 0)
        return "its agent answers";
    return strcmp(agent, "silent") == 0 ? "its agent is silent" : "no agent is connected";
}

struct liveness_words guest_words_liveness(const json_t *liveness)
{
    struct liveness_words words = {.style = STYLE_WARNING};
    const char *vm = json_view_text(liveness, "vm", "unknown");
    const char *agent = json_view_text(liveness, "agent", "absent");
    int64_t pending = json_view_integer(liveness, "requestsPending");
    int64_t quiet_ms = json_view_integer(liveness, "requestQuietMs");
    size_t room = sizeof(words.text);
    int size = snprintf(words.text, room, "%s, %s", vm_words(vm), agent_words(agent));
    if (strcmp(agent, "alive") == 0)
        words.style = STYLE_GOOD;
    if (strcmp(vm, "gone") == 0)
        words.style = STYLE_BAD;
    if (pending > 0 && quiet_ms >= 1000 && size > 0 && (size_t)size < room)
        snprintf(words.text + size, room - (size_t)size, "; %lld unanswered, the oldest since %s",
                 (long long)pending, quantity_milliseconds((double)quiet_ms).text);
    return words;
}
