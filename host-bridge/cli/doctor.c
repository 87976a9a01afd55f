/* SPDX-License-Identifier: MIT */
/* Collects findings and prints them. What is examined stands in doctor_bridge.c, doctor_guests.c and
 * doctor_setup.c. */
#include "host-bridge/cli/doctor.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/commands.h"
#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/interrupt.h"
#include "host-bridge/cli/json_view.h"

static const char *const LEVEL_NAMES[] = {"ok", "info", "warn", "fail"};
static const enum style LEVEL_STYLES[] = {STYLE_GOOD, STYLE_PLAIN, STYLE_WARNING, STYLE_BAD};

/* Text as JSON, also when some of it is not valid UTF-8 (a path, say): escaped then. */
__attribute__((format(printf, 1, 0))) static json_t *text_json(const char *format, va_list arguments)
{
    char *text = NULL, *escaped = NULL;
    size_t size = 0;
    if (vasprintf(&text, format, arguments) < 0)
        return NULL;
    json_t *json = json_string(text);
    FILE *out = json == NULL ? open_memstream(&escaped, &size) : NULL;
    if (out != NULL) {
        escape_print(out, text, 0);
        fclose(out);
        json = json_string(escaped);
        free(escaped);
    }
    free(text);
    return json;
}

void doctor_find(struct doctor *doctor, enum finding_level level, const char *topic, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    json_t *message = text_json(format, arguments);
    va_end(arguments);
    json_t *finding = json_pack("{s:s, s:s, s:o, s:[]}", "level", LEVEL_NAMES[level], "topic", topic,
                                "message", message, "advice");
    json_array_append_new(doctor->findings, finding);
    doctor->counts[level]++;
}

void doctor_advise(struct doctor *doctor, const char *format, ...)
{
    size_t count = json_array_size(doctor->findings);
    json_t *finding = count > 0 ? json_array_get(doctor->findings, count - 1) : NULL;
    va_list arguments;
    va_start(arguments, format);
    json_array_append_new(json_object_get(finding, "advice"), text_json(format, arguments));
    va_end(arguments);
}

static enum style level_style(const char *name)
{
    for (size_t i = 0; i < sizeof(LEVEL_NAMES) / sizeof(LEVEL_NAMES[0]); i++) {
        if (strcmp(name, LEVEL_NAMES[i]) == 0)
            return LEVEL_STYLES[i];
    }
    return STYLE_PLAIN;
}

static void print_finding(struct cli *cli, const json_t *finding)
{
    const char *level = json_view_text(finding, "level", "");
    enum style style = level_style(level);
    size_t index;
    json_t *line;
    if (cli->quiet && (strcmp(level, "ok") == 0 || strcmp(level, "info") == 0))
        return;
    fprintf(cli->out, "%s%-4s%s  ", terminal_style(&cli->terminal, style), level,
            terminal_reset(&cli->terminal, style));
    cli_line(cli, STYLE_PLAIN, "%s: %s", json_view_text(finding, "topic", ""),
             json_view_text(finding, "message", ""));
    json_array_foreach(json_view(finding, "advice"), index, line)
    {
        fputs("        ", cli->out);
        cli_line(cli, STYLE_PLAIN, "%s", json_view_text(line, "", ""));
    }
}

static void print_report(struct doctor *doctor)
{
    struct cli *cli = doctor->cli;
    size_t index;
    json_t *finding;
    if (cli->json) {
        json_t *document = json_pack("{s:b, s:i, s:i, s:O}", "bridgeReachable", (int)doctor->bridge_reachable,
                                     "failures", (int)doctor->counts[FINDING_FAIL], "warnings",
                                     (int)doctor->counts[FINDING_WARN], "findings", doctor->findings);
        cli_print_json(cli, document);
        json_decref(document);
        return;
    }
    json_array_foreach(doctor->findings, index, finding) print_finding(cli, finding);
    if (doctor->counts[FINDING_FAIL] + doctor->counts[FINDING_WARN] == 0)
        cli_say(cli, "Everything that can be checked works.");
    else
        cli_say(cli, "%zu failed, %zu to look at.", doctor->counts[FINDING_FAIL],
                doctor->counts[FINDING_WARN]);
}

int command_doctor(struct cli *cli, const struct arguments *arguments)
{
    struct doctor doctor = {.cli = cli, .findings = json_array()};
    if (doctor.findings == NULL)
        return cli_out_of_memory(cli);
    doctor_check_bridge(&doctor);
    doctor_check_guests(&doctor);
    doctor_check_vsock(&doctor);
    doctor_advise_setup(&doctor);
    if (!interrupt_seen())
        print_report(&doctor);
    int status = !doctor.bridge_reachable          ? CLI_UNREACHABLE
                 : doctor.counts[FINDING_FAIL] > 0 ? CLI_FAILED
                                                   : CLI_DONE;
    json_decref(doctor.findings);
    json_decref(doctor.guests);
    return interrupt_seen() ? CLI_INTERRUPTED : status;
}
