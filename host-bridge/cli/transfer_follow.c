/* SPDX-License-Identifier: MIT */
/* Follows a transfer.
 *
 * The stream of events tells the news; the transfer itself is asked for when the stream begins (it may have
 * ended before), when it began anew, when events were lost, and after a silence. So nothing that the stream
 * lacks can make this wait for ever. A bridge that comes back and no longer knows the transfer was started
 * anew: the same copy is asked for again with `resume`, and goes on from what is there. How the progress
 * looks is transfer_bar.c's, what is said at the end transfer_end.c's. */
#include "host-bridge/cli/transfer_follow.h"

#include <stdlib.h>
#include <string.h>

#include "host-bridge/cli/api_path.h"
#include "host-bridge/cli/event_stream.h"
#include "host-bridge/cli/guest_path.h"
#include "host-bridge/cli/interrupt.h"
#include "host-bridge/cli/json_view.h"
#include "host-bridge/cli/problem.h"
#include "host-bridge/cli/transfer_bar.h"
#include "host-bridge/cli/transfer_end.h"
#include "host-bridge/cli/transfer_words.h"
#include "protocol/base/clock.h"

struct run {
    const struct transfer_follow *follow;
    struct cli *cli;
    json_t *transfer;         /* as it was told last; owned */
    struct terminal terminal; /* of stderr */
    bool shows_bar;
    bool fresh; /* there is news since the bar was drawn */
    bool stale; /* the transfer is to be asked for */
    bool ended; /* it has, or can't be followed: `status` says which */
    bool told_waiting;
    size_t drawn_lines; /* of the bar, to be drawn over */
    uint64_t began_ms, drawn_ms, heard_ms;
    int status;
};

/* ---- drawing ---- */

static void erase_bar(struct run *run)
{
    if (run->drawn_lines > 0)
        fprintf(run->cli->err, "\x1b[%zuA\r\x1b[J", run->drawn_lines);
    run->drawn_lines = 0;
}

static void draw_bar(struct run *run)
{
    uint64_t now = clock_monotonic_ms();
    size_t lines = 0;
    bool early =
        now - run->began_ms < TRANSFER_FOLLOW_FIRST_MS || now - run->drawn_ms < TRANSFER_FOLLOW_DRAW_MS;
    if (!run->shows_bar || !run->fresh || early)
        return;
    terminal_update_size(&run->terminal, run->cli->err);
    char *text = transfer_bar_text(run->transfer, run->terminal.columns - 1, &lines);
    if (text == NULL)
        return;
    erase_bar(run);
    fputs(text, run->cli->err);
    fflush(run->cli->err);
    free(text);
    run->drawn_lines = lines;
    run->drawn_ms = now;
    run->fresh = false;
}

static void tell_waiting(struct run *run)
{
    bool waits = strcmp(json_view_text(run->transfer, "state", ""), "waiting") == 0 &&
                 strcmp(json_view_text(run->transfer, "error.code", ""), "NOT_CONNECTED") == 0;
    if (!waits || run->told_waiting || !run->follow->tells_waiting || run->shows_bar || run->cli->quiet)
        return;
    run->told_waiting = true;
    cli_fail(run->cli, CLI_DONE, NULL, "%s", transfer_words_state(run->transfer).text);
}

/* ---- news ---- */

static const char *id_of(const struct run *run)
{
    return json_view_text(run->transfer, "id", "");
}

static void give_up(struct run *run, int status)
{
    run->ended = true;
    run->status = status;
}

static void take(struct run *run, json_t *transfer)
{
    bool known = run->transfer != NULL && json_equal(run->transfer, transfer) == 1;
    json_decref(run->transfer);
    run->transfer = json_incref(transfer);
    run->heard_ms = clock_monotonic_ms();
    run->ended = transfer_words_is_ended(transfer);
    if (known)
        return;
    run->fresh = true;
    if (run->cli->json)
        cli_print_json_line(run->cli, transfer);
    tell_waiting(run);
}

/* The bridge was started anew and has forgotten the transfer. */
static void begin_again(struct run *run)
{
    json_t *body = json_deep_copy(run->follow->body), *transfer = NULL;
    json_object_set_new(body, "resume", json_true());
    erase_bar(run);
    int status = problem_ask(run->cli, "POST", "/api/v1/transfers", body, &transfer);
    json_decref(body);
    if (status == CLI_DONE)
        take(run, transfer);
    else if (status != CLI_UNREACHABLE) /* then it is away again, and the stream will notice */
        give_up(run, status);
    run->stale = status != CLI_DONE;
    json_decref(transfer);
}

static void ask(struct run *run)
{
    struct api_path path = {"/api/v1/transfers/"};
    struct client_answer answer;
    if (!api_path_append(&path, id_of(run))) {
        give_up(run, problem_name_too_long(run->cli));
        return;
    }
    struct client_request request = {.method = "GET", .path = path.text};
    client_perform(run->cli->client, &request, &answer, 1);
    int status = problem_status(&answer);
    if (status == CLI_DONE) {
        run->stale = false;
        take(run, answer.json);
    } else if (answer.failure == CLIENT_OK && answer.status == 404 && run->follow->body != NULL) {
        begin_again(run);
    } else if (status == CLI_FAILED || status == CLI_REFUSED) {
        erase_bar(run);
        give_up(run, problem_report(run->cli, &answer));
    }
    client_answer_finish(&answer);
}

/* Events may leave failures out. */
static bool is_whole(const json_t *transfer)
{
    const json_t *failures = json_object_get(transfer, "failures");
    return failures != NULL &&
           (int64_t)json_array_size(failures) >= json_view_integer(transfer, "files.failed");
}

static bool on_event(void *ctx, const char *type, const char *id, const json_t *data)
{
    struct run *run = ctx;
    json_t *transfer = json_object_get(data, "transfer");
    if (strcmp(type, "gap") == 0)
        run->stale = true;
    if (strncmp(type, "transfer.", 9) != 0 || strcmp(json_view_text(transfer, "id", "-"), id_of(run)) != 0)
        return true;
    bool removed = strcmp(type, "transfer.removed") == 0;
    if (removed && !transfer_words_is_ended(transfer))
        json_object_set_new(transfer, "state", json_string("cancelled"));
    if (removed || is_whole(transfer) || !transfer_words_is_ended(transfer))
        take(run, transfer);
    else
        run->stale = true; /* the end is told in full by the transfer itself */
    draw_bar(run);
    return !run->ended;
}

static bool on_connection(void *ctx, bool connected)
{
    struct run *run = ctx;
    if (connected) {
        ask(run);
        return !run->ended;
    }
    erase_bar(run);
    run->stale = true;
    if (!run->cli->quiet)
        cli_fail(run->cli, CLI_DONE, NULL, "the bridge went away; waiting for it");
    return true;
}

static bool on_tick(void *ctx)
{
    struct run *run = ctx;
    uint64_t now = clock_monotonic_ms();
    if (run->stale || now - run->heard_ms > TRANSFER_FOLLOW_SILENT_MS) {
        run->heard_ms = now;
        ask(run);
    }
    draw_bar(run);
    return !run->ended;
}

/* ---- the whole ---- */

/* What is there stays, for a day. */
static int stop(struct run *run)
{
    struct api_path path = {"/api/v1/transfers/"};
    struct client_request request = {.method = "DELETE", .path = path.text};
    struct client_answer answer;
    const char *resume = run->follow->resume;
    if (!api_path_append(&path, id_of(run)) || !api_path_query(&path, "keep", "true"))
        return CLI_INTERRUPTED;
    client_perform_last(run->cli->client, &request, &answer);
    if (problem_status(&answer) != CLI_DONE)
        problem_report(run->cli, &answer);
    else if (!run->cli->quiet)
        cli_fail(run->cli, CLI_DONE, NULL, resume != NULL ? "stopped; %s goes on" : "stopped",
                 resume != NULL ? resume : "");
    client_answer_finish(&answer);
    return CLI_INTERRUPTED;
}

static int follow_events(struct run *run)
{
    char guest[GUEST_PATH_NAME_MAX + 1]; /* the transfer itself is replaced by each news */
    snprintf(guest, sizeof(guest), "%s", transfer_words_guest(run->transfer));
    struct event_stream stream = {
        .guest = guest,
        .follow = true,
        .patience_ms = TRANSFER_FOLLOW_PATIENCE_MS,
        .needs_no_output = true,
        .on_event = on_event,
        .on_connection = on_connection,
        .on_tick = on_tick,
        .ctx = run,
    };
    int status = event_stream_run(run->cli, &stream);
    erase_bar(run);
    if (run->ended || status != CLI_DONE)
        return run->ended ? run->status : status;
    return interrupt_seen() ? stop(run) : CLI_FAILED;
}

int transfer_follow(const struct transfer_follow *follow, json_t *transfer)
{
    struct cli *cli = follow->cli;
    struct run run = {.follow = follow, .cli = cli, .began_ms = clock_monotonic_ms()};
    terminal_init(&run.terminal, cli->err);
    run.shows_bar = run.terminal.moves_cursor && !cli->quiet && !cli->json && !follow->no_progress;
    take(&run, transfer);
    json_decref(transfer);
    int status = run.ended ? CLI_DONE : follow_events(&run);
    if (status == CLI_DONE) {
        status = transfer_end_report(cli, run.transfer, follow->verbose);
        if (follow->says_names)
            transfer_end_say_names(cli, run.transfer);
    }
    json_decref(run.transfer);
    return status;
}

int transfer_follow_new(const struct transfer_follow *follow)
{
    json_t *transfer = NULL;
    int status = problem_ask(follow->cli, "POST", "/api/v1/transfers", follow->body, &transfer);
    return status == CLI_DONE ? transfer_follow(follow, transfer) : status;
}
