/* SPDX-License-Identifier: MIT */
/* Known hosts to and from JSON. A text is taken as a whole or not at all: half a list of those who are
 * trusted would be a list that somebody else wrote. */
#include <string.h>

#include "agent/trust/known_hosts.h"
#include "protocol/base/status.h"
#include "services/identity/key_text.h"

#define FORMAT_VERSION 1

static const char *const WAY_NAMES[] = {"firstContact", "code", "secret", "accepted", "provisioned"};
#define WAY_COUNT (sizeof(WAY_NAMES) / sizeof(WAY_NAMES[0]))

const char *host_way_name(enum host_way way)
{
    return way >= 1 && (size_t)way <= WAY_COUNT ? WAY_NAMES[way - 1] : "?";
}

json_t *known_host_to_json(const struct known_host *host)
{
    char key[KEY_TEXT_SIZE];
    key_text_format(host->key, key);
    return json_pack("{s:s, s:s, s:I, s:s, s:s}", "key", key, "way", host_way_name(host->way), "since",
                     (json_int_t)host->since_ms, "link", host->link, "name", host->name);
}

static bool load_key(const json_t *value, uint8_t ret[static NOISE_KEY_SIZE])
{
    return json_is_string(value) && key_text_parse(json_string_value(value), json_string_length(value), ret);
}

static bool load_way(const json_t *value, enum host_way *ret)
{
    for (size_t i = 0; json_is_string(value) && i < WAY_COUNT; i++) {
        if (strcmp(json_string_value(value), WAY_NAMES[i]) == 0) {
            *ret = (enum host_way)(i + 1);
            return true;
        }
    }
    return false;
}

static bool load_name(const json_t *value, char ret[static TEXT_NAME_MAX + 1])
{
    if (!json_is_string(value) || json_string_length(value) > TEXT_NAME_MAX)
        return false;
    memcpy(ret, json_string_value(value), json_string_length(value) + 1);
    return true;
}

int known_host_from_json(const json_t *json, struct known_host *ret)
{
    struct known_host host = {0};
    const json_t *since = json_object_get(json, "since");
    bool good = json_is_object(json) && json_object_size(json) == 5 &&
                load_key(json_object_get(json, "key"), host.key) &&
                load_way(json_object_get(json, "way"), &host.way) && json_is_integer(since) &&
                json_integer_value(since) >= 0 && load_name(json_object_get(json, "link"), host.link) &&
                load_name(json_object_get(json, "name"), host.name);
    if (!good)
        return STATUS_MALFORMED;
    host.since_ms = (uint64_t)json_integer_value(since);
    *ret = host;
    return 0;
}

char *known_hosts_format(const struct known_hosts *known, const uint8_t *identity)
{
    json_t *hosts = json_array();
    int failed = hosts == NULL ? -1 : 0;
    for (size_t i = 0; i < known->count && failed == 0; i++)
        failed = json_array_append_new(hosts, known_host_to_json(&known->hosts[i]));
    char own[KEY_TEXT_SIZE];
    json_t *root = NULL;
    if (failed == 0)
        root = json_pack("{s:i, s:O}", "version", FORMAT_VERSION, "hosts", hosts);
    if (root != NULL && identity != NULL) {
        key_text_format(identity, own);
        failed = json_object_set_new(root, "identity", json_string(own));
    }
    char *text = root == NULL || failed != 0 ? NULL : json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
    json_decref(root);
    json_decref(hosts);
    return text;
}

static int load_hosts(const json_t *list, struct known_hosts *ret)
{
    if (!json_is_array(list))
        return STATUS_MALFORMED;
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        struct known_host host;
        if (known_host_from_json(item, &host) < 0 || known_hosts_find(ret, host.key) != NULL)
            return STATUS_MALFORMED;
        if (known_hosts_put(ret, &host) < 0)
            return STATUS_TOO_LARGE;
    }
    return 0;
}

int known_hosts_parse(const char *text, size_t size, struct known_hosts *ret, bool *ret_has_identity,
                      uint8_t ret_identity[static NOISE_KEY_SIZE])
{
    static const struct known_hosts NONE;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    const json_t *version = json_object_get(root, "version"), *identity = json_object_get(root, "identity");
    struct known_hosts known = NONE;
    uint8_t own[NOISE_KEY_SIZE];
    int status = STATUS_MALFORMED;
    size_t keys = identity == NULL ? 2 : 3;
    if (json_is_object(root) && json_object_size(root) == keys && json_is_integer(version) &&
        json_integer_value(version) == FORMAT_VERSION && (identity == NULL || load_key(identity, own)))
        status = load_hosts(json_object_get(root, "hosts"), &known);
    if (status == 0) {
        *ret = known;
        *ret_has_identity = identity != NULL;
        if (identity != NULL)
            memcpy(ret_identity, own, NOISE_KEY_SIZE);
    }
    json_decref(root);
    return status;
}
