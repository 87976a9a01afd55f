/* SPDX-License-Identifier: MIT */
/* doctor's look at the configured guests: state, agent's version, forwards that failed. */
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/doctor.h"
#include "host-bridge/cli/guest_words.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/link_hint.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/remedy.h"

static void find_connected(struct doctor *doctor, const json_t *guest, const char *topic)
{
    const char *version = json_view_text(guest, "agent.version", "unknown");
    if (strcmp(version, HOSPES_VERSION) == 0) {
        doctor_find(doctor, FINDING_OK, topic, "connected, agent %s", version);
        return;
    }
    doctor_find(doctor, FINDING_WARN, topic, "connected, but its agent is version %s and this program is %s",
                version, HOSPES_VERSION);
    doctor_advise(doctor,
                  "They work together as far as both know a feature; update the older one for the rest.");
}

static void find_disconnected(struct doctor *doctor, const json_t *guest, const char *topic)
{
    const char *link = json_view_text(guest, "link", "");
    const char *code = guest_words_code(guest);
    const char *said = guest_words_error(guest);
    const struct remedy *remedy = remedy_find(code, link);
    bool disabled = strcmp(json_view_text(guest, "state", ""), "disabled") == 0;
    doctor_find(doctor, remedy->passing && !disabled ? FINDING_WARN : FINDING_FAIL, topic, "%s (%s%s%s)",
                remedy->meaning, link, code[0] != '\0' ? ", " : "", code);
    if (said[0] != '\0' && strcmp(said, remedy->meaning) != 0)
        doctor_advise(doctor, "The bridge says: %s", said);
    for (size_t i = 0; i < REMEDY_STEPS_MAX && remedy->steps[i] != NULL; i++)
        doctor_advise(doctor, "%s", remedy->steps[i]);
}

/* A connected agent may be silent, and that shows in its health only. */
static void check_health(struct doctor *doctor, const char *name, const char *topic)
{
    struct api_path path;
    struct client_request request = {.method = "GET", .path = path.text};
    struct client_answer answer;
    if (!api_path_guest(&path, name, "/health"))
        return;
    client_perform(doctor->cli->client, &request, &answer, 1);
    const json_t *liveness = json_view(answer.json, "liveness");
    if (liveness == NULL)
        liveness = json_view(answer.json, "error.details.liveness");
    struct liveness_words words = guest_words_liveness(liveness);
    if (problem_status(&answer) != CLI_DONE) {
        doctor_find(doctor, FINDING_FAIL, topic, "does not tell its health: %s", problem_text(&answer, NULL));
        if (liveness != NULL)
            doctor_advise(doctor, "%s", words.text);
    } else if (words.style != STYLE_GOOD) {
        doctor_find(doctor, FINDING_WARN, topic, "%s", words.text);
    }
    client_answer_finish(&answer);
}

static void find_failed_forward(struct doctor *doctor, const json_t *forward, const char *name,
                                const char *topic)
{
    long long guest_port = (long long)json_view_integer(forward, "guestPort");
    long long host_port = (long long)json_view_integer(forward, "requestedHostPort");
    const char *reason = json_view_text(forward, "reason", "no reason given");
    const char *protocol = json_view_text(forward, "protocol", "tcp");
    bool udp = strcmp(protocol, "udp") == 0;
    doctor_find(doctor, FINDING_FAIL, topic, "%s port %lld is not forwarded: %s", protocol, guest_port,
                reason);
    doctor_advise(doctor, "Who holds host port %lld:  ss -%slnp 'sport = :%lld'", host_port, udp ? "u" : "t",
                  host_port);
    doctor_advise(doctor, "Or take another one:  hospes forward %s %lld:OTHERPORT%s", name, guest_port,
                  udp ? " --udp" : "");
    if (host_port > 0 && host_port < 1024)
        doctor_advise(
            doctor,
            "Ports below 1024 need a privilege:  sudo sysctl net.ipv4.ip_unprivileged_port_start=%lld",
            host_port);
}

static void check_forwards(struct doctor *doctor, const char *name, const char *topic)
{
    struct api_path path;
    struct client_request request = {.method = "GET", .path = path.text};
    struct client_answer answer;
    size_t index, active = 0;
    json_t *forward;
    if (!api_path_guest(&path, name, "/forwards"))
        return;
    client_perform(doctor->cli->client, &request, &answer, 1);
    if (problem_status(&answer) != CLI_DONE)
        doctor_find(doctor, FINDING_FAIL, topic, "its forwards are not known: %s",
                    problem_text(&answer, NULL));
    json_array_foreach(json_view(answer.json, "forwards"), index, forward)
    {
        const char *state = json_view_text(forward, "state", "");
        if (strcmp(state, "failed") == 0)
            find_failed_forward(doctor, forward, name, topic);
        active += strcmp(state, "active") == 0;
    }
    if (active > 0)
        doctor_find(doctor, FINDING_OK, topic, "forwards active: %zu (hospes ports %s)", active, name);
    client_answer_finish(&answer);
}

static void check_guest(struct doctor *doctor, const json_t *guest)
{
    char topic[96];
    const char *name = json_view_text(guest, "name", "?");
    bool connected = strcmp(json_view_text(guest, "state", ""), "connected") == 0;
    snprintf(topic, sizeof(topic), "guest %.64s", name);
    if (!connected && link_hint_is(json_view_text(guest, "link", ""), "vsock"))
        doctor->needs_vsock = true; /* a connected one proves that the host has what it needs */
    if (connected) {
        find_connected(doctor, guest, topic);
        check_health(doctor, name, topic);
    } else {
        find_disconnected(doctor, guest, topic);
    }
    doctor_check_trust(doctor, guest, topic);
    check_forwards(doctor, name, topic);
}

void doctor_check_guests(struct doctor *doctor)
{
    struct client_request request = {.method = "GET", .path = "/api/v1/vms"};
    struct client_answer answer;
    size_t index;
    json_t *guest;
    if (!doctor->bridge_reachable) {
        doctor->needs_vsock = true;
        return;
    }
    client_perform(doctor->cli->client, &request, &answer, 1);
    if (problem_status(&answer) != CLI_DONE) {
        doctor_find(doctor, FINDING_FAIL, "guests", "the bridge does not list them: %s",
                    problem_text(&answer, NULL));
    } else {
        doctor->guests = json_incref(json_object_get(answer.json, "vms"));
        json_array_foreach(doctor->guests, index, guest) check_guest(doctor, guest);
        if (json_array_size(doctor->guests) == 0)
            doctor->needs_vsock = true;
    }
    client_answer_finish(&answer);
}
