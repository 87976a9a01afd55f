/* SPDX-License-Identifier: MIT */
/* hospes pair, unpair, identity. Nobody but a person decides about a changed key or a code: where no person
 * can be asked the command ends with status 4 and says what to type. */
#include <string.h>

#include "host-bridge/cli/arguments.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/guest_words.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/pairing_run.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/quantity.h"
#include "host-bridge/cli/question.h"
#include "host-bridge/cli/remedy.h"

enum { CODE_DIGITS = 6 };

struct code_text {
    char text[CODE_DIGITS + 2];
};

/* "123456" → "123 456" */
static struct code_text spaced(const char *code)
{
    struct code_text out;
    snprintf(out.text, sizeof(out.text), "%.3s %.3s", code, strlen(code) > 3 ? code + 3 : "");
    return out;
}

/* What people type, with or without spaces. False: no six digits. */
static bool read_code(const char *text, char out[static CODE_DIGITS + 1])
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        if (*text == ' ')
            continue;
        if (*text < '0' || *text > '9' || count == CODE_DIGITS)
            return false;
        out[count++] = *text;
    }
    out[count] = '\0';
    return count == CODE_DIGITS;
}

static void say_paired(const struct pairing_run *run)
{
    const char *key = json_view_text(run->pairing, "key", NULL);
    if (key == NULL) {
        cli_say(run->cli, "%s is connected; it has a new key each time, and none is kept.", run->name);
        return;
    }
    cli_say(run->cli, "%s is paired (%s, key %s).", run->name,
            guest_words_way(json_view_text(run->pairing, "way", "")), key);
    if (strcmp(json_view_text(run->guest, "state", ""), "connected") != 0 &&
        guest_words_error(run->guest)[0] != '\0')
        cli_say(run->cli, "When it was last looked at it was not connected: %s",
                guest_words_error(run->guest));
}

/* ---- a changed key ---- */

static int accept_key(struct pairing_run *run, const char *key)
{
    int status = pairing_run_post(run, json_pack("{s:s}", "accept", key));
    if (status == CLI_DONE)
        json_object_set_new(run->guest, "error", json_null()); /* it was about the old key */
    return status;
}

static int decide_changed(struct pairing_run *run, const struct arguments *arguments)
{
    struct cli *cli = run->cli;
    const char *offered = json_view_text(run->pairing, "offeredKey", "");
    char hint[512];
    if (!cli->json) {
        fflush(cli->out);
        escape_print_line(cli->err, "%s has another key than when it was paired.", run->name);
        escape_print_line(cli->err, "  then: %s (%s, %s)", json_view_text(run->pairing, "key", "?"),
                          guest_words_way(json_view_text(run->pairing, "way", "")),
                          quantity_time(json_view_time(run->pairing, "since")).text);
        escape_print_line(cli->err, "  now:  %s", offered);
        escape_print_line(cli->err, "In the guest hospes-agent identity prints its key.");
    }
    if (arguments->options[OPTION_YES] != NULL)
        return accept_key(run, offered);
    if (question_is_possible(cli)) {
        enum question_answer answer = question_ask(
            cli, "The guest was reinstalled or is another machine. Accept the new key?", NULL, NULL);
        if (answer == QUESTION_YES)
            return accept_key(run, offered);
        return answer == QUESTION_DROPPED
                   ? CLI_INTERRUPTED
                   : cli_fail(cli, CLI_REFUSED, NULL, "the old key stays; %s is not let in", run->name);
    }
    snprintf(hint, sizeof(hint), "hospes pair %.64s --accept %.64s", run->name, offered);
    return cli_fail(cli, CLI_REFUSED, hint,
                    "the guest was reinstalled or is another machine; to accept its new key:");
}

/* ---- the code ---- */

static int decline(struct pairing_run *run, const char *code, const char *why)
{
    pairing_run_decline(run, code);
    return cli_fail(run->cli, CLI_REFUSED,
                    "somebody may stand between host and guest; try again from a network you trust", "%s",
                    why);
}

/* The question is of use as long as this very code is compared. */
struct watch {
    struct pairing_run *run;
    const char *code;
    int status;
};

static bool still_compared(void *ctx)
{
    struct watch *watch = ctx;
    watch->status = pairing_run_look(watch->run);
    return watch->status == CLI_DONE &&
           strcmp(json_view_text(watch->run->pairing, "code", ""), watch->code) == 0;
}

static int ask_code(struct pairing_run *run, const char *code)
{
    struct cli *cli = run->cli;
    struct watch watch = {.run = run, .code = code, .status = CLI_DONE};
    escape_print_line(cli->err, "Compare: %s", spaced(code).text);
    switch (
        question_ask(cli, "Does `hospes-agent pair` in the guest show the same?", still_compared, &watch)) {
    case QUESTION_YES:
        return pairing_run_post(run, json_pack("{s:s, s:b}", "code", code, "same", 1));
    case QUESTION_NO:
        return decline(run, code, "declined: nothing is paired");
    case QUESTION_DROPPED:
        break;
    }
    if (watch.status != CLI_DONE && watch.status != CLI_INTERRUPTED)
        return watch.status; /* reported already */
    if (json_view(run->pairing, "code") == NULL)
        return CLI_DONE; /* the guest's people were faster, or declined: the outcome tells */
    pairing_run_decline(run, code);
    return CLI_INTERRUPTED;
}

static int decide_code(struct pairing_run *run, const char *expected)
{
    struct cli *cli = run->cli;
    char code[CODE_DIGITS + 1], hint[256];
    if (!read_code(json_view_text(run->pairing, "code", ""), code))
        return cli_fail(cli, CLI_FAILED, NULL, "the bridge sent no code of %d digits", CODE_DIGITS);
    if (expected != NULL && strcmp(expected, code) == 0)
        return pairing_run_post(run, json_pack("{s:s, s:b}", "code", code, "same", 1));
    if (expected != NULL)
        return decline(run, code, "the codes differ: declined");
    if (question_is_possible(cli))
        return ask_code(run, code);
    snprintf(hint, sizeof(hint),
             "if `hospes-agent pair` in the guest shows the same: hospes pair %.64s --code %s", run->name,
             code);
    return cli_fail(cli, CLI_REFUSED, hint, "a person must compare the code: %s", spaced(code).text);
}

/* ---- pair ---- */

static int fail_refused(const struct pairing_run *run, int status)
{
    char step[GUEST_WORDS_STEP_MAX];
    const char *code = guest_words_code(run->guest);
    const struct remedy *remedy = remedy_find(code, json_view_text(run->guest, "link", ""));
    guest_words_trust_step(run->cli, run->guest, step);
    return cli_fail(run->cli, status, step[0] != '\0' ? step : remedy->steps[0], "%s: %s (%s)", run->name,
                    remedy->meaning, code);
}

/* CLI_DONE: settled. */
static int settle(struct pairing_run *run, const struct arguments *arguments, const char *expected)
{
    bool answered = false;
    for (;;) {
        enum pairing_outcome outcome = pairing_run_outcome(run);
        int status = CLI_DONE;
        switch (outcome) {
        case OUTCOME_PAIRED:
            return CLI_DONE;
        case OUTCOME_CHANGED:
            status = decide_changed(run, arguments);
            break;
        case OUTCOME_COMPARING:
            status = answered ? CLI_DONE : decide_code(run, expected);
            answered = true;
            break;
        case OUTCOME_REFUSED:
            return fail_refused(run, CLI_REFUSED);
        case OUTCOME_AWAY:
            return fail_refused(run, CLI_UNREACHABLE);
        case OUTCOME_TIMEOUT:
            return cli_fail(run->cli, CLI_UNREACHABLE, "hospes doctor tells more", "%s did not come in time",
                            run->name);
        case OUTCOME_OPEN:
            break;
        }
        if (status != CLI_DONE)
            return status;
        if (pairing_run_outcome(run) == OUTCOME_PAIRED)
            return CLI_DONE;
        if (!pairing_run_wait(run)) {
            if (json_view(run->pairing, "code") != NULL)
                pairing_run_decline(run, json_view_text(run->pairing, "code", ""));
            return CLI_INTERRUPTED;
        }
        status = pairing_run_look(run);
        if (status != CLI_DONE)
            return status;
    }
}

static int pair(struct pairing_run *run, const struct arguments *arguments, const char *expected)
{
    const char *accept = arguments->options[OPTION_ACCEPT];
    int status = pairing_run_look(run);
    if (status != CLI_DONE)
        return status;
    enum pairing_outcome outcome = pairing_run_outcome(run);
    if (expected != NULL && outcome != OUTCOME_COMPARING && outcome != OUTCOME_PAIRED)
        return cli_fail(run->cli, CLI_FAILED, "hospes pair without --code begins a comparison",
                        "no code is being compared with %s", run->name); /* a new one would be another */
    if (accept != NULL)
        status = accept_key(run, accept);
    else if (outcome != OUTCOME_CHANGED && outcome != OUTCOME_COMPARING)
        status = pairing_run_post(run, json_object()); /* a new try would end a comparison that runs */
    return status == CLI_DONE ? settle(run, arguments, expected) : status;
}

int command_pair(struct cli *cli, const struct arguments *arguments)
{
    char code[CODE_DIGITS + 1];
    const char *text = arguments->options[OPTION_CODE];
    struct pairing_run run;
    if (text != NULL && arguments->options[OPTION_ACCEPT] != NULL)
        return cli_fail(cli, CLI_USAGE, NULL, "--code and --accept exclude each other");
    if (text != NULL && !read_code(text, code))
        return cli_fail(cli, CLI_USAGE, "it is the one that `hospes-agent pair` shows in the guest",
                        "\"%s\" is no code of %d digits", text, CODE_DIGITS);
    bool shows_progress = !cli->quiet && !cli->json && arguments->options[OPTION_NO_PROGRESS] == NULL;
    if (!pairing_run_init(&run, cli, arguments->operands[0], shows_progress))
        return problem_name_too_long(cli);
    int status = pair(&run, arguments, text != NULL ? code : NULL);
    if (cli->json && run.pairing != NULL)
        cli_print_json(cli, run.pairing);
    if (status == CLI_DONE)
        say_paired(&run);
    pairing_run_finish(&run);
    return status;
}

/* ---- unpair, identity ---- */

int command_unpair(struct cli *cli, const struct arguments *arguments)
{
    const char *name = arguments->operands[0];
    struct api_path path;
    json_t *answer = NULL;
    if (!api_path_guest(&path, name, "/pair"))
        return problem_name_too_long(cli);
    int status = problem_ask(cli, "DELETE", path.text, NULL, &answer);
    if (status != CLI_DONE)
        return status;
    if (cli->json)
        cli_print_json(cli, answer);
    cli_say(cli, "%s is unpaired: its key is forgotten, and the bridge stays away from it.", name);
    cli_say(
        cli,
        "hospes pair %s pairs anew. The guest still knows this host; hospes-agent forget ends that there.",
        name);
    json_decref(answer);
    return CLI_DONE;
}

int command_identity(struct cli *cli, const struct arguments *arguments)
{
    json_t *answer = NULL;
    int status = problem_ask(cli, "GET", "/api/v1/identity", NULL, &answer);
    if (status != CLI_DONE)
        return status;
    if (cli->json)
        cli_print_json(cli, answer);
    else
        cli_line(cli, STYLE_PLAIN, "%s", json_view_text(answer, "key", ""));
    json_decref(answer);
    return CLI_DONE;
}
