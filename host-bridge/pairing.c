/* SPDX-License-Identifier: MIT */
/* Who a guest is allowed to be: the rules of first contact, changed keys and provisioned secrets, and their
 * JSON. Leaves the handshake to the session, and what is done about a verdict to the guest. */
#include "host-bridge/pairing.h"

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "protocol/base/status.h"

/* ---- names ---- */

const char *pairing_state_name(enum pairing_state state)
{
    static const char *const NAMES[] = {
        [PAIRING_NONE] = "none",
        [PAIRING_PAIRED] = "paired",
        [PAIRING_KEY_CHANGED] = "keyChanged",
        [PAIRING_COMPARING] = "comparing",
        [PAIRING_UNPAIRED] = "unpaired",
    };
    return NAMES[state];
}

static const char *const WAY_NAMES[] = {
    [PAIRED_FIRST_CONTACT] = "firstContact",
    [PAIRED_CODE] = "code",
    [PAIRED_SECRET] = "secret",
    [PAIRED_ACCEPTED] = "accepted",
    [PAIRED_PROVISIONED] = "provisioned",
};

const char *pairing_way_name(enum pairing_way way)
{
    return WAY_NAMES[way];
}

static bool parse_way(const char *text, enum pairing_way *ret)
{
    for (int way = PAIRED_FIRST_CONTACT; way <= PAIRED_PROVISIONED; way++) {
        if (text != NULL && strcmp(WAY_NAMES[way], text) == 0) {
            *ret = (enum pairing_way)way;
            return true;
        }
    }
    return false;
}

/* ---- rules ---- */

enum pairing_state guest_pairing_state(const struct guest_pairing *pairing)
{
    if (pairing->code[0] != '\0')
        return PAIRING_COMPARING;
    if (pairing->unpaired)
        return PAIRING_UNPAIRED;
    if (!pairing->pinned)
        return PAIRING_NONE;
    return pairing->has_offered ? PAIRING_KEY_CHANGED : PAIRING_PAIRED;
}

static void clear_offer(struct guest_pairing *pairing)
{
    pairing->has_offered = false;
    sodium_memzero(pairing->offered, sizeof(pairing->offered));
    sodium_memzero(pairing->code, sizeof(pairing->code));
}

static int refuse(struct guest_pairing *pairing, const uint8_t *key, int status)
{
    memcpy(pairing->offered, key, NOISE_KEY_SIZE);
    pairing->has_offered = true;
    return status;
}

static int judge_ephemeral(struct guest_pairing *pairing, const uint8_t *key, bool trusted)
{
    if (!trusted)
        return refuse(pairing, key, STATUS_CODE_NEEDED);
    clear_offer(pairing);
    return 0;
}

int guest_pairing_judge(struct guest_pairing *pairing, const uint8_t key[static NOISE_KEY_SIZE],
                        bool private_link, bool psk_proved, uint64_t now_ms, bool *ret_changed)
{
    *ret_changed = false;
    if (pairing->unpaired)
        return STATUS_NOT_PAIRED;
    if (pairing->ephemeral)
        return judge_ephemeral(pairing, key, private_link || psk_proved);
    if (pairing->pinned && memcmp(pairing->key, key, NOISE_KEY_SIZE) == 0) {
        clear_offer(pairing);
        return 0;
    }
    if (!psk_proved && pairing->pinned)
        return refuse(pairing, key, STATUS_KEY_CHANGED);
    if (!psk_proved && !private_link)
        return refuse(pairing, key, STATUS_CODE_NEEDED);
    guest_pairing_pin(pairing, key, psk_proved ? PAIRED_SECRET : PAIRED_FIRST_CONTACT, now_ms);
    *ret_changed = true;
    return 0;
}

void guest_pairing_pin(struct guest_pairing *pairing, const uint8_t key[static NOISE_KEY_SIZE],
                       enum pairing_way way, uint64_t now_ms)
{
    uint8_t copy[NOISE_KEY_SIZE]; /* `key` may be `offered` */
    memcpy(copy, key, NOISE_KEY_SIZE);
    clear_offer(pairing);
    pairing->unpaired = false;
    if (pairing->ephemeral)
        return;
    pairing->pinned = true;
    memcpy(pairing->key, copy, NOISE_KEY_SIZE);
    pairing->way = way;
    pairing->since_ms = now_ms;
}

void guest_pairing_forget(struct guest_pairing *pairing, bool unpaired)
{
    *pairing = (struct guest_pairing){.ephemeral = pairing->ephemeral, .unpaired = unpaired};
}

void guest_pairing_provision(struct guest_pairing *pairing, const uint8_t key[static NOISE_KEY_SIZE],
                             uint64_t now_ms)
{
    bool known = pairing->pinned && memcmp(pairing->key, key, NOISE_KEY_SIZE) == 0;
    if (!pairing->unpaired && !known)
        guest_pairing_pin(pairing, key, PAIRED_PROVISIONED, now_ms);
}

/* ---- state file ---- */

json_t *guest_pairing_save(const struct guest_pairing *pairing)
{
    char key[KEY_TEXT_SIZE];
    if (pairing->unpaired)
        return json_pack("{s:b}", "unpaired", 1);
    if (!pairing->pinned)
        return NULL;
    key_text_format(pairing->key, key);
    return json_pack("{s:s, s:s, s:I}", "key", key, "way", pairing_way_name(pairing->way), "since",
                     pairing->since_ms > INT64_MAX ? (json_int_t)INT64_MAX : (json_int_t)pairing->since_ms);
}

static int complain(char *ret_problem, const char *problem)
{
    snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s", problem);
    return STATUS_MALFORMED;
}

static int load_key(struct guest_pairing *pairing, const json_t *json, char *ret_problem)
{
    const json_t *key = json_object_get(json, "key");
    const json_t *since = json_object_get(json, "since");
    if (!json_is_string(key) ||
        !key_text_parse(json_string_value(key), json_string_length(key), pairing->key))
        return complain(ret_problem, "\"key\" is no key: 44 characters of base64");
    if (!parse_way(json_string_value(json_object_get(json, "way")), &pairing->way))
        return complain(ret_problem,
                        "\"way\" is none of firstContact, code, secret, accepted and provisioned");
    if (!json_is_integer(since) || json_integer_value(since) < 0)
        return complain(ret_problem, "\"since\" is no time");
    pairing->since_ms = (uint64_t)json_integer_value(since);
    pairing->pinned = true;
    return 0;
}

int guest_pairing_load(struct guest_pairing *pairing, const json_t *json,
                       char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct guest_pairing loaded = {.ephemeral = pairing->ephemeral};
    const json_t *unpaired = json_object_get(json, "unpaired");
    int status = 0;
    if (!json_is_object(json))
        return complain(ret_problem, "the pairing is no object");
    if (unpaired == NULL && json_object_size(json) == 3)
        status = load_key(&loaded, json, ret_problem);
    else if (json_is_true(unpaired) && json_object_size(json) == 1)
        loaded.unpaired = true;
    else
        status = complain(ret_problem, "the pairing has either key, way and since, or \"unpaired\": true");
    if (status == 0)
        *pairing = loaded;
    return status;
}
