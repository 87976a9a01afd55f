/* SPDX-License-Identifier: MIT */
/* A guest, its liveness and its health as JSON. */
#include <string.h>

#include "host-bridge/api/view.h"

/* "hospes-agent 0.1.0" → "0.1.0" */
static json_t *agent_version(const char *software)
{
    const char *space = strrchr(software, ' ');
    return view_text(space == NULL ? software : space + 1);
}

static json_t *view_agent(const struct welcome_message *agent)
{
    if (agent == NULL)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o}", "version", agent_version(agent->software), "os",
                     view_text(agent->os), "arch", view_text(agent->arch), "hostname",
                     view_text(agent->hostname));
}

static json_t *view_capabilities(const struct welcome_message *agent)
{
    json_t *list = json_array();
    for (size_t i = 0; agent != NULL && i < agent->capabilities.count; i++)
        json_array_append_new(list, view_text(agent->capabilities.names[i]));
    return list;
}

static json_t *view_error(const struct guest *guest)
{
    if (guest_error(guest)[0] == '\0')
        return json_null();
    return json_pack("{s:o, s:o}", "code", view_text(guest_error_code(guest)), "message",
                     view_text(guest_error(guest)));
}

json_t *view_guest(const struct guest *guest)
{
    const struct welcome_message *agent = guest_agent(guest);
    struct guest_liveness liveness;
    guest_liveness(guest, &liveness);
    return json_pack(
        "{s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:s, s:o}", "name", view_text(guest_name(guest)), "link",
        view_text(guest_link(guest)), "state", guest_state_name(guest_state(guest)), "since",
        view_time(guest_since_ms(guest)), "agent", view_agent(agent), "capabilities",
        view_capabilities(agent), "liveness", view_liveness(&liveness), "error", view_error(guest), "pairing",
        pairing_state_name(guest_pairing_state(guest_pairing(guest))), "cipher", view_cipher(guest));
}

json_t *view_liveness(const struct guest_liveness *liveness)
{
    return json_pack("{s:s, s:s, s:I, s:I}", "vm", vm_liveness_name(liveness->vm), "agent",
                     agent_liveness_name(liveness->agent), "requestsPending",
                     view_count(liveness->requests_pending), "requestQuietMs",
                     view_count(liveness->request_quiet_ms));
}

const char *view_status_name(enum agent_liveness agent)
{
    switch (agent) {
    case AGENT_ALIVE:
        return "ok";
    case AGENT_SILENT:
        return "silent";
    case AGENT_ABSENT:
        return "absent";
    }
    return "absent";
}

static json_t *view_disks(const struct health_message *health)
{
    json_t *list = json_array();
    for (size_t i = 0; i < health->disk_count; i++) {
        const struct health_disk *disk = &health->disks[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:I, s:I}", "mount", view_text(disk->mount), "type",
                                              view_text(disk->type), "total", view_count(disk->total),
                                              "available", view_count(disk->available)));
    }
    return list;
}

static json_t *view_addresses(const struct health_message *health)
{
    json_t *list = json_array();
    for (size_t i = 0; i < health->address_count; i++) {
        const struct health_address *entry = &health->addresses[i];
        json_array_append_new(list, json_pack("{s:o, s:o}", "interface", view_text(entry->interface),
                                              "address", view_address(&entry->address)));
    }
    return list;
}

static json_t *view_users(const struct health_message *health)
{
    json_t *list = json_array();
    for (size_t i = 0; i < health->user_count; i++) {
        const struct health_user *user = &health->users[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "name", view_text(user->name), "seat",
                                              view_text(user->seat), "since", view_time(user->since_ms)));
    }
    return list;
}

static json_t *view_rtt(uint64_t rtt_us)
{
    return rtt_us == 0 ? json_null() : json_real((double)rtt_us / 1000);
}

json_t *view_health(const struct guest *guest, const struct health_message *health)
{
    struct guest_liveness liveness;
    guest_liveness(guest, &liveness);
    json_t *json =
        json_pack("{s:s, s:o, s:o, s:o, s:f, s:f, s:{s:I, s:I}}", "status", view_status_name(liveness.agent),
                  "liveness", view_liveness(&liveness), "rttMs", view_rtt(guest_rtt_us(guest)), "lastSeen",
                  view_time_or_null(guest_last_seen_ms(guest)), "uptimeSec", (double)health->uptime_ms / 1000,
                  "agentUptimeSec", (double)health->agent_uptime_ms / 1000, "memory", "total",
                  view_count(health->memory_total), "available", view_count(health->memory_available));
    json_object_set_new(json, "load1", view_number(health->load[0]));
    json_object_set_new(json, "load5", view_number(health->load[1]));
    json_object_set_new(json, "load15", view_number(health->load[2]));
    json_object_set_new(json, "disks", view_disks(health));
    json_object_set_new(json, "addresses", view_addresses(health));
    json_object_set_new(json, "users", view_users(health));
    return json;
}
