/* SPDX-License-Identifier: MIT */
/* hospes-agent hosts, trust, forget and identity: by the running agent, or on the files of the state folder
 * when none runs (in images that are being built). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "agent/trust/admin_requests.h"
#include "agent/trust/command_private.h"
#include "agent/trust/identity.h"
#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "services/identity/key_text.h"

/* 0: *ret is the agent's answer. UV_ENOENT: no agent runs. 1: failed, and said. */
static int ask_agent(const struct command_line *line, json_t *request, json_t **ret)
{
    struct admin_connection connection;
    int status = admin_connection_open(&connection, line->config.admin_socket);
    if (status < 0) {
        json_decref(request);
        if (status == UV_ENOENT || status == UV_ECONNREFUSED)
            return UV_ENOENT;
        return command_fail("the agent can't be reached at %s: %s", line->config.admin_socket,
                            status_text(status));
    }
    status = admin_connection_send(&connection, request);
    if (status == 0)
        status = admin_connection_receive(&connection, ADMIN_ANSWER_TIMEOUT_MS, -1, ret);
    admin_connection_close(&connection);
    if (status < 0)
        return command_fail("the agent does not answer: %s", status_text(status));
    const char *error = json_string_value(json_object_get(*ret, "error"));
    if (error == NULL)
        return 0;
    command_fail("%s", error);
    json_decref(*ret);
    return 1;
}

/* ---- hosts ---- */

static void print_time(json_int_t since_ms)
{
    char text[32] = "-";
    time_t since = (time_t)(since_ms / 1000);
    struct tm local;
    if (since_ms > 0 && localtime_r(&since, &local) != NULL)
        strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local);
    printf("%-16s  ", text);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL || text[0] == '\0' ? "-" : text;
}

static void print_hosts(const json_t *answer)
{
    const json_t *hosts = json_object_get(answer, "hosts");
    bool broken = json_is_true(json_object_get(answer, "broken"));
    size_t index;
    json_t *host;
    if (broken)
        puts("The list of hosts was broken and is set aside (" HOSTS_BROKEN_FILE
             "): no host is trusted by first contact.\n"
             "Accept one with hospes-agent trust KEY, or start anew with hospes-agent forget --all.");
    if (json_array_size(hosts) == 0) {
        if (!broken)
            puts("No host is known. The first one that comes over a link that only this machine's host "
                 "reaches is taken.");
        return;
    }
    printf("%-44s  %-12s  %-16s  %-6s  %s\n", "KEY", "HOW", "SINCE", "LINK", "NAME");
    json_array_foreach(hosts, index, host)
    {
        printf("%-44s  %-12s  ", text_of(host, "key"), text_of(host, "way"));
        print_time(json_integer_value(json_object_get(host, "since")));
        char link[TEXT_NAME_MAX + 1];
        snprintf(link, sizeof(link), "%s", text_of(host, "link"));
        log_escape(link);
        printf("%-6s  ", link);
        command_print_escaped(text_of(host, "name"));
        putchar('\n');
    }
}

static void list_files(const struct command_line *line, json_t **ret)
{
    struct hosts_store hosts;
    struct provisioned_keys provisioned = {0};
    struct provision_sources sources = {
        .host_key_file = line->config.host_key_file[0] == '\0' ? NULL : line->config.host_key_file,
        .system_root = ""};
    uint8_t key[NOISE_KEY_SIZE];
    char problem[TEXT_REASON_MAX + 1];
    hosts_store_init(&hosts, line->config.state_dir, NULL, false);
    if (provision_host_keys(&sources, &provisioned, problem) < 0)
        command_fail("%s", problem);
    int status = key_file_public(line->config.state_dir, AGENT_IDENTITY_FILE, key);
    *ret = admin_hosts(status == 0 ? key : NULL, &hosts, &provisioned);
}

int command_hosts(const struct command_line *line)
{
    json_t *answer = NULL;
    int status = ask_agent(line, json_pack("{s:s}", "request", "hosts"), &answer);
    if (status == UV_ENOENT)
        list_files(line, &answer);
    else if (status != 0)
        return status;
    if (answer == NULL)
        return command_fail("out of memory");
    if (line->json) {
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        print_hosts(answer);
    }
    json_decref(answer);
    return 0;
}

/* ---- trust, forget ---- */

/* Hosts of a list that names an identity are dropped in a clone of it; before there is one they come with the
 * image. */
static void open_store(const struct command_line *line, struct hosts_store *ret)
{
    uint8_t key[NOISE_KEY_SIZE];
    bool has_key = key_file_public(line->config.state_dir, AGENT_IDENTITY_FILE, key) == 0;
    hosts_store_init(ret, line->config.state_dir, has_key ? key : NULL, false);
}

static int tell_saved(bool saved, bool by_agent, const char *what, const char *key_text)
{
    if (!saved && !by_agent)
        return 1; /* the store has logged why */
    printf("%s%s%s\n", what, key_text == NULL ? "" : " ", key_text == NULL ? "" : key_text);
    if (!saved)
        puts("It could not be saved: it holds until the agent ends.");
    return 0;
}

int command_trust(const struct command_line *line)
{
    json_t *answer = NULL;
    char key[KEY_TEXT_SIZE];
    const char *name = line->name == NULL ? "" : line->name;
    key_text_format(line->key, key);
    json_t *request = json_pack("{s:s, s:s, s:s}", "request", "trust", "key", key, "name", name);
    if (request == NULL)
        return command_fail("the name is no valid UTF-8");
    int status = ask_agent(line, request, &answer);
    bool by_agent = status == 0, saved = false;
    if (by_agent) {
        saved = json_is_true(json_object_get(answer, "saved"));
        json_decref(answer);
    } else if (status == UV_ENOENT) {
        struct hosts_store hosts;
        struct known_host host = {.way = HOST_ACCEPTED, .since_ms = clock_realtime_ms()};
        memcpy(host.key, line->key, NOISE_KEY_SIZE);
        snprintf(host.name, sizeof(host.name), "%s", name);
        open_store(line, &hosts);
        status = hosts_store_put(&hosts, &host, &saved);
        if (status < 0)
            return command_fail("%d hosts are known; forget one first", PAIRINGS_MAX);
    }
    return status > 0 ? status : tell_saved(saved, by_agent, "This guest trusts the host", key);
}

int command_forget(const struct command_line *line)
{
    json_t *answer = NULL;
    char key[KEY_TEXT_SIZE] = "";
    key_text_format(line->key, key);
    json_t *request = line->all ? json_pack("{s:s, s:b}", "request", "forget", "all", 1)
                                : json_pack("{s:s, s:s}", "request", "forget", "key", key);
    int status = ask_agent(line, request, &answer);
    bool by_agent = status == 0, saved = false;
    if (by_agent) {
        saved = json_is_true(json_object_get(answer, "saved"));
        json_decref(answer);
    } else if (status == UV_ENOENT) {
        struct hosts_store hosts;
        open_store(line, &hosts);
        status =
            line->all ? hosts_store_clear(&hosts, &saved) : hosts_store_remove(&hosts, line->key, &saved);
        if (status < 0)
            return command_fail("no such host is known");
    }
    if (status > 0)
        return status;
    return line->all ? tell_saved(saved, by_agent, "All hosts are forgotten.", NULL)
                     : tell_saved(saved, by_agent, "This guest no longer trusts the host", key);
}

int command_identity(const struct command_line *line)
{
    json_t *answer = NULL;
    int status = ask_agent(line, json_pack("{s:s}", "request", "identity"), &answer);
    if (status == 0) {
        command_print_escaped(text_of(answer, "key"));
        putchar('\n');
        json_decref(answer);
        return 0;
    }
    if (status != UV_ENOENT)
        return status;
    uint8_t key[NOISE_KEY_SIZE];
    char text[KEY_TEXT_SIZE];
    status = key_file_public(line->config.state_dir, AGENT_IDENTITY_FILE, key);
    if (status == UV_ENOENT)
        return command_fail("this guest has no key yet: the agent makes it when it first starts");
    if (status < 0)
        return command_fail("%s/" AGENT_IDENTITY_FILE ": %s", line->config.state_dir, status_text(status));
    key_text_format(key, text);
    puts(text);
    return 0;
}
