/* SPDX-License-Identifier: MIT */
/* Asks the bridge how a pairing goes. Leaves what people see of it, and are asked, to commands_pairing.c. */
#include "host-bridge/cli/pairing_run.h"

#include <poll.h>
#include <string.h>

#include "host-bridge/cli/guest_words.h"
#include "host-bridge/cli/interrupt.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "protocol/base/clock.h"

bool pairing_run_init(struct pairing_run *run, struct cli *cli, const char *name, bool shows_progress)
{
    *run = (struct pairing_run){.cli = cli, .name = name};
    progress_init(&run->progress, cli->err);
    run->shows_progress = shows_progress && run->progress.can_show;
    run->begun_ms = clock_monotonic_ms();
    return api_path_guest(&run->guest_path, name, "") && api_path_guest(&run->pair_path, name, "/pair");
}

void pairing_run_finish(struct pairing_run *run)
{
    json_decref(run->guest);
    json_decref(run->pairing);
}

static int take(json_t **place, struct cli *cli, const char *method, const char *path, const json_t *body)
{
    json_t *answer = NULL;
    int status = problem_ask(cli, method, path, body, &answer);
    if (status != CLI_DONE)
        return status;
    json_decref(*place);
    *place = answer;
    return CLI_DONE;
}

int pairing_run_look(struct pairing_run *run)
{
    int status = take(&run->guest, run->cli, "GET", run->guest_path.text, NULL);
    return status != CLI_DONE ? status : take(&run->pairing, run->cli, "GET", run->pair_path.text, NULL);
}

int pairing_run_post(struct pairing_run *run, json_t *body)
{
    if (body == NULL)
        return cli_fail(run->cli, CLI_USAGE, NULL, "the key or the code is not valid UTF-8");
    snprintf(run->code_before, sizeof(run->code_before), "%s", guest_words_code(run->guest));
    run->begun_ms = clock_monotonic_ms();
    int status = take(&run->pairing, run->cli, "POST", run->pair_path.text, body);
    json_decref(body);
    return status;
}

void pairing_run_decline(struct pairing_run *run, const char *code)
{
    json_t *body = json_pack("{s:s, s:b}", "code", code, "same", 0);
    struct client_request request = {.method = "POST", .path = run->pair_path.text, .body = body};
    struct client_answer answer;
    client_perform_last(run->cli->client, &request, &answer);
    if (problem_status(&answer) == CLI_DONE) {
        json_decref(run->pairing);
        run->pairing = json_incref(answer.json);
    }
    client_answer_finish(&answer);
    json_decref(body);
}

static bool state_is(const struct pairing_run *run, const char *state)
{
    return strcmp(json_view_text(run->pairing, "state", ""), state) == 0;
}

enum pairing_outcome pairing_run_outcome(const struct pairing_run *run)
{
    const char *code = guest_words_code(run->guest);
    uint64_t waited_ms = clock_monotonic_ms() - run->begun_ms;
    bool connected = strcmp(json_view_text(run->guest, "state", ""), "connected") == 0;
    bool fresh = strcmp(code, run->code_before) != 0 || waited_ms >= PAIRING_RUN_VERDICT_MS;
    if (state_is(run, "keyChanged"))
        return OUTCOME_CHANGED;
    if (state_is(run, "comparing"))
        return OUTCOME_COMPARING;
    if (connected)
        return OUTCOME_PAIRED;
    if (guest_words_is_distrust(code))
        return fresh ? OUTCOME_REFUSED : OUTCOME_OPEN;
    if (state_is(run, "paired"))
        return OUTCOME_PAIRED;
    if (code[0] != '\0' && fresh)
        return OUTCOME_AWAY;
    return waited_ms >= PAIRING_RUN_TIMEOUT_MS ? OUTCOME_TIMEOUT : OUTCOME_OPEN;
}

bool pairing_run_wait(struct pairing_run *run)
{
    uint64_t waited_ms = clock_monotonic_ms() - run->begun_ms;
    bool shown = run->shows_progress && waited_ms >= CLIENT_PROGRESS_AFTER_MS;
    if (shown)
        progress_on_wait(&run->progress, (unsigned)waited_ms, false);
    if (!interrupt_seen())
        poll(NULL, 0, PAIRING_RUN_POLL_MS);
    if (shown)
        progress_on_wait(&run->progress, (unsigned)waited_ms, true);
    return !interrupt_seen();
}
