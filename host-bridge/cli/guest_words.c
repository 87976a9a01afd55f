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

static bool is_pairing(const json_t *guest, const char *state)
{
    return strcmp(json_view_text(guest, "pairing", ""), state) == 0;
}

const char *guest_words_error(const json_t *guest)
{
    if (is_pairing(guest, "comparing"))
        return "a code waits to be compared";
    if (is_pairing(guest, "unpaired"))
        return "unpaired here: the bridge stays away from it"; /* the code alone may be the guest's refusal,
                                                                  too */
    return json_view_text(guest, "error.message", "");
}

const char *guest_words_code(const json_t *guest)
{
    return json_view_text(guest, "error.code", "");
}

bool guest_words_is_distrust(const char *code)
{
    static const char *const CODES[] = {"KEY_CHANGED",           "NOT_PAIRED", "CODE_NEEDED", "DECLINED",
                                        "AUTHENTICATION_FAILED", "OTHER_KEY"};
    for (size_t i = 0; i < sizeof(CODES) / sizeof(CODES[0]); i++) {
        if (strcmp(code, CODES[i]) == 0)
            return true;
    }
    return false;
}

const char *guest_words_way(const char *way)
{
    static const char *const WORDS[][2] = {{"firstContact", "first contact"},
                                           {"code", "by code"},
                                           {"secret", "by a provisioned secret"},
                                           {"accepted", "accepted"},
                                           {"provisioned", "provisioned"}};
    for (size_t i = 0; i < sizeof(WORDS) / sizeof(WORDS[0]); i++) {
        if (strcmp(way, WORDS[i][0]) == 0)
            return WORDS[i][1];
    }
    return way;
}

const char *guest_words_cipher(const char *cipher)
{
    return strcmp(cipher, "none") == 0 ? "none: authenticated, but plain" : cipher;
}

/* The command with this host's key, or how to learn it. */
static void trust_in_guest(struct cli *cli, char *out)
{
    struct client_request request = {.method = "GET", .path = "/api/v1/identity"};
    struct client_answer answer;
    client_perform(cli->client, &request, &answer, 1);
    const char *key = json_view_text(answer.json, "key", NULL);
    if (key != NULL)
        snprintf(out, GUEST_WORDS_STEP_MAX, "in the guest: sudo hospes-agent trust %.64s", key);
    else
        snprintf(out, GUEST_WORDS_STEP_MAX,
                 "in the guest: sudo hospes-agent trust KEY, with the key that hospes identity prints");
    client_answer_finish(&answer);
}

void guest_words_trust_step(struct cli *cli, const json_t *guest, char out[static GUEST_WORDS_STEP_MAX])
{
    const char *code = guest_words_code(guest);
    const char *name = json_view_text(guest, "name", "?");
    out[0] = '\0';
    if (is_pairing(guest, "unpaired") || is_pairing(guest, "comparing"))
        snprintf(out, GUEST_WORDS_STEP_MAX, "hospes pair %.64s", name);
    else if (strcmp(code, "CODE_NEEDED") == 0 || strcmp(code, "DECLINED") == 0)
        snprintf(out, GUEST_WORDS_STEP_MAX,
                 "in the guest: sudo hospes-agent pair; then here: hospes pair %.64s", name);
    else if (strcmp(code, "NOT_PAIRED") == 0)
        trust_in_guest(cli, out);
    else if (guest_words_is_distrust(code))
        snprintf(out, GUEST_WORDS_STEP_MAX, "hospes pair %.64s", name);
}

void guest_words_advise_trust(struct cli *cli, const json_t *guests)
{
    char step[GUEST_WORDS_STEP_MAX];
    size_t index;
    json_t *guest;
    if (cli->json || cli->quiet)
        return;
    json_array_foreach(guests, index, guest)
    {
        guest_words_trust_step(cli, guest, step);
        if (step[0] != '\0')
            cli_say(cli, "%s: %s", json_view_text(guest, "name", "?"), step);
    }
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
