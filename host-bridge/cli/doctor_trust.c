/* SPDX-License-Identifier: MIT */
/* doctor's look at trust: how a guest's key came to be known, and what to do where it is not. */
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/doctor.h"
#include "host-bridge/cli/guest_words.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"

static void find_trusted(struct doctor *doctor, const json_t *pairing, const char *topic)
{
    const char *cipher = json_view_text(pairing, "cipher", "none");
    const char *key = json_view_text(pairing, "key", NULL);
    bool plain = strcmp(cipher, "none") == 0;
    if (key != NULL)
        doctor_find(doctor, FINDING_OK, topic, "paired (%s), %s%s",
                    guest_words_way(json_view_text(pairing, "way", "")),
                    plain ? "authenticated, not encrypted" : "encrypted with ", plain ? "" : cipher);
    else
        doctor_find(doctor, FINDING_INFO, topic, "has a new key at each start, and none is kept");
    if (plain && !json_view_true(pairing, "linkIsPrivate")) {
        doctor_find(doctor, FINDING_WARN, topic, "others can reach its link, and nothing is encrypted");
        doctor_advise(doctor, "Let it be: remove \"encryption\": \"never\" for this guest.");
    }
}

/* The advice belongs to the finding that says that it is not connected. */
static void advise(struct doctor *doctor, const json_t *guest, const json_t *pairing)
{
    char step[GUEST_WORDS_STEP_MAX];
    const char *offered = json_view_text(pairing, "offeredKey", NULL);
    if (strcmp(json_view_text(pairing, "state", ""), "keyChanged") == 0 && offered != NULL) {
        doctor_advise(doctor, "The key it was paired with:  %s", json_view_text(pairing, "key", "?"));
        doctor_advise(doctor, "The key that it shows now:   %s", offered);
    }
    guest_words_trust_step(doctor->cli, guest, step);
    if (step[0] != '\0')
        doctor_advise(doctor, "What to type:  %s", step);
}

void doctor_check_trust(struct doctor *doctor, const json_t *guest, const char *topic)
{
    struct api_path path;
    struct client_request request = {.method = "GET", .path = path.text};
    struct client_answer answer;
    bool connected = strcmp(json_view_text(guest, "state", ""), "connected") == 0;
    if (json_view(guest, "pairing") == NULL ||
        !api_path_guest(&path, json_view_text(guest, "name", "?"), "/pair"))
        return; /* a bridge of a version before pairing */
    client_perform(doctor->cli->client, &request, &answer, 1);
    if (problem_status(&answer) != CLI_DONE)
        doctor_find(doctor, FINDING_FAIL, topic, "its pairing is not known: %s", problem_text(&answer, NULL));
    else if (connected)
        find_trusted(doctor, answer.json, topic);
    else
        advise(doctor, guest, answer.json);
    client_answer_finish(&answer);
}
