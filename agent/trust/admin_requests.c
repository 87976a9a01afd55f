/* SPDX-License-Identifier: MIT */
/* Requests and answers as JSON. Lines and clients are admin_server.c's, what the requests do trust_judge.c's.
 */
#define LOG_MODULE "admin"
#include "agent/trust/admin_requests.h"

#include <string.h>

#include "agent/trust/trust_private.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "services/identity/key_text.h"

json_t *admin_error(int status, const char *text)
{
    return json_pack("{s:s, s:s}", "error", text, "status", status_name(status));
}

static bool load_key(const json_t *request, uint8_t ret[static NOISE_KEY_SIZE])
{
    const json_t *key = json_object_get(request, "key");
    return json_is_string(key) && key_text_parse(json_string_value(key), json_string_length(key), ret);
}

static json_t *saved_or(int status, bool saved, const char *text)
{
    if (status == 0)
        return json_pack("{s:b}", "saved", saved);
    return admin_error(status, text != NULL ? text : status_text(status));
}

json_t *admin_hosts(const uint8_t *key, const struct hosts_store *hosts,
                    const struct provisioned_keys *provisioned)
{
    char own[KEY_TEXT_SIZE] = "";
    json_t *list = json_array();
    int failed = list == NULL ? -1 : 0;
    for (size_t i = 0; i < provisioned->count && failed == 0; i++) {
        struct known_host host = {.way = HOST_PROVISIONED};
        memcpy(host.key, provisioned->keys[i], NOISE_KEY_SIZE);
        failed = json_array_append_new(list, known_host_to_json(&host));
    }
    for (size_t i = 0; i < hosts->known.count && failed == 0; i++)
        failed = json_array_append_new(list, known_host_to_json(&hosts->known.hosts[i]));
    if (key != NULL)
        key_text_format(key, own);
    json_t *answer = failed != 0 ? NULL
                                 : json_pack("{s:s?, s:b, s:O}", "key", key == NULL ? NULL : own, "broken",
                                             hosts->broken, "hosts", list);
    json_decref(list);
    return answer;
}

static json_t *answer_identity(struct trust *trust, const json_t *request)
{
    char key[KEY_TEXT_SIZE];
    key_text_format(trust->key->public_key, key);
    return json_pack("{s:s}", "key", key);
}

static json_t *answer_hosts(struct trust *trust, const json_t *request)
{
    hosts_store_refresh(&trust->hosts);
    return admin_hosts(trust->key->public_key, &trust->hosts, &trust->provisioned);
}

static json_t *answer_trust(struct trust *trust, const json_t *request)
{
    uint8_t key[NOISE_KEY_SIZE];
    char text[KEY_TEXT_SIZE];
    bool saved = false;
    const json_t *name = json_object_get(request, "name");
    if (!load_key(request, key))
        return admin_error(STATUS_INVALID, "a key has 44 characters of base64");
    if (name != NULL && (!json_is_string(name) || json_string_length(name) > TEXT_NAME_MAX))
        return admin_error(STATUS_INVALID, "a name has at most 63 bytes");
    int status = trust_accept(trust, key, name == NULL ? "" : json_string_value(name), &saved);
    key_text_format(key, text);
    if (status == 0)
        log_info("the host %s was accepted by this guest's owner", text);
    return saved_or(status, saved, status == STATUS_LIMIT ? "64 hosts are known; forget one first" : NULL);
}

static json_t *answer_forget(struct trust *trust, const json_t *request)
{
    uint8_t key[NOISE_KEY_SIZE];
    char text[KEY_TEXT_SIZE];
    bool saved = false;
    if (json_is_true(json_object_get(request, "all"))) {
        int status = trust_forget_all(trust, &saved);
        if (status == 0)
            log_info("this guest's owner forgot all hosts");
        return saved_or(status, saved, NULL);
    }
    if (!load_key(request, key))
        return admin_error(STATUS_INVALID, "a key has 44 characters of base64");
    int status = trust_forget(trust, key, &saved);
    key_text_format(key, text);
    if (status == 0)
        log_info("the host %s was forgotten by this guest's owner", text);
    return saved_or(status, saved,
                    status == STATUS_NOT_FOUND     ? "no such host is known"
                    : status == STATUS_NOT_ALLOWED ? "that host was provisioned; remove its key there"
                                                   : NULL);
}

json_t *admin_answer(struct trust *trust, const json_t *request)
{
    static const struct {
        const char *name;
        json_t *(*answer)(struct trust *trust, const json_t *request);
    } REQUESTS[] = {{"identity", answer_identity},
                    {"hosts", answer_hosts},
                    {"trust", answer_trust},
                    {"forget", answer_forget}};
    const char *name = json_string_value(json_object_get(request, "request"));
    for (size_t i = 0; name != NULL && i < sizeof(REQUESTS) / sizeof(REQUESTS[0]); i++) {
        if (strcmp(name, REQUESTS[i].name) == 0)
            return REQUESTS[i].answer(trust, request);
    }
    return admin_error(STATUS_INVALID, "no such request");
}
