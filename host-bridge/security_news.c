/* SPDX-License-Identifier: MIT */
/* Makes entries of news. What people asked for through the API has its own entry there. */
#include "host-bridge/security_news.h"

#include <stdio.h>
#include <string.h>

#include "protocol/base/status.h"

static void add_key(json_t *parameters, const char *name, bool known, const uint8_t *key)
{
    char text[KEY_TEXT_SIZE];
    if (!known)
        return;
    key_text_format(key, text);
    json_object_set_new(parameters, name, json_string(text));
}

void security_news_pairing(struct audit_log *audit, const struct guest *guest, const char *what)
{
    const struct guest_pairing *pairing = guest_pairing(guest);
    bool changed = strcmp(what, "keyChanged") == 0;
    char action[64];
    snprintf(action, sizeof(action), "pairing.%s", what);
    json_t *parameters = json_object();
    add_key(parameters, "key", pairing->pinned, pairing->key);
    add_key(parameters, "offeredKey", changed && pairing->has_offered, pairing->offered);
    if (strcmp(what, "paired") == 0)
        json_object_set_new(parameters, "way", json_string(pairing_way_name(pairing->way)));
    struct audit_entry entry = {.guest = guest_name(guest),
                                .request_class = request_class_name(CLASS_ADMIN),
                                .action = action,
                                .parameters = parameters,
                                .result = changed ? AUDIT_REFUSED : AUDIT_DONE,
                                .status = changed ? status_name(STATUS_KEY_CHANGED) : NULL};
    audit_event(audit, &entry);
    json_decref(parameters);
}

void security_news_refusals(struct audit_log *audit, const struct guest *guest,
                            const struct refusals_message *refusals)
{
    json_t *parameters = json_pack("{s:I, s:s, s:s}", "count", (json_int_t)refusals->count, "link",
                                   refusals->link, "who", refusals->who);
    struct audit_entry entry = {.guest = guest_name(guest),
                                .request_class = request_class_name(CLASS_OBSERVE),
                                .action = "agent.refused",
                                .parameters = parameters,
                                .result = AUDIT_REFUSED,
                                .status = status_name(refusals->status)};
    audit_event(audit, &entry);
    json_decref(parameters);
}
