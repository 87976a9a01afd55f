/* SPDX-License-Identifier: MIT */
/* Who is let in, and what the owner changes about it. How a host proves its key is the handshake's. */
#define LOG_MODULE "trust"
#include <stdio.h>
#include <string.h>

#include "agent/trust/trust_private.h"
#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "services/identity/key_text.h"

static int pin(struct trust *trust, const struct trust_claim *claim, enum host_way way, const char *how)
{
    struct known_host host = {.way = way, .since_ms = clock_realtime_ms()};
    char key[KEY_TEXT_SIZE];
    memcpy(host.key, claim->key, NOISE_KEY_SIZE);
    snprintf(host.link, sizeof(host.link), "%s", claim->link);
    key_text_format(host.key, key);
    int status = hosts_store_put(&trust->hosts, &host, NULL);
    if (status == 0)
        log_info("paired with the host %s over %s: %s", key, host.link, how);
    return status;
}

static int refuse(const struct trust *trust, const struct trust_claim *claim, char *ret_text)
{
    char key[KEY_TEXT_SIZE];
    key_text_format(claim->key, key);
    if (trust->hosts.broken && !claim->compare) {
        snprintf(ret_text, TEXT_REASON_MAX + 1,
                 "this guest's list of hosts was broken and is set aside, so it knows nobody; to accept this "
                 "host run in the "
                 "guest: hospes-agent trust %s",
                 key);
        return STATUS_NOT_PAIRED;
    }
    if (claim->link_is_private && !claim->compare) {
        snprintf(ret_text, TEXT_REASON_MAX + 1,
                 "this guest is paired with another host; to accept this one run in the guest: hospes-agent "
                 "trust %s",
                 key);
        return STATUS_NOT_PAIRED;
    }
    snprintf(
        ret_text, TEXT_REASON_MAX + 1,
        "a code must be compared: run hospes-agent pair in the guest, then hospes pair NAME on the host");
    return STATUS_CODE_NEEDED;
}

int trust_judge(struct trust *trust, const struct trust_claim *claim,
                char ret_text[static TEXT_REASON_MAX + 1])
{
    hosts_store_refresh(&trust->hosts);
    bool provisioned = provisioned_keys_has(&trust->provisioned, claim->key);
    bool known = provisioned || known_hosts_find(&trust->hosts.known, claim->key) != NULL;
    if (known && (!claim->compare || claim->psk_proved))
        return 0;
    if (claim->psk_proved) {
        if (pin(trust, claim, HOST_SECRET, "it holds the provisioned secret") == STATUS_LIMIT)
            log_warn("%d hosts are known, no further one is remembered; see hospes-agent forget",
                     PAIRINGS_MAX);
        return 0;
    }
    bool somebody = trust->hosts.known.count > 0 || trust->provisioned.count > 0 || trust->hosts.broken;
    if (!somebody && claim->link_is_private && !claim->compare)
        return pin(trust, claim, HOST_FIRST_CONTACT, "first contact");
    return refuse(trust, claim, ret_text);
}

int trust_begin_pairing(struct trust *trust, const struct trust_claim *claim, const char *code,
                        void (*on_answer)(void *ctx, bool same), void *ctx, struct pairing **ret)
{
    hosts_store_refresh(&trust->hosts);
    if (trust->hosts.known.count == PAIRINGS_MAX && known_hosts_find(&trust->hosts.known, claim->key) == NULL)
        return STATUS_LIMIT;
    return pairing_window_begin(&trust->window, claim, code, on_answer, ctx, ret);
}

/* ---- the owner's commands ---- */

int trust_accept(struct trust *trust, const uint8_t key[static NOISE_KEY_SIZE], const char *name,
                 bool *ret_saved)
{
    struct known_host host = {.way = HOST_ACCEPTED, .since_ms = clock_realtime_ms()};
    memcpy(host.key, key, NOISE_KEY_SIZE);
    snprintf(host.name, sizeof(host.name), "%s", name);
    return hosts_store_put(&trust->hosts, &host, ret_saved);
}

static void tell_forgotten(struct trust *trust, const uint8_t *key)
{
    if (trust->on_forgotten != NULL && !provisioned_keys_has(&trust->provisioned, key))
        trust->on_forgotten(trust->ctx, key);
}

int trust_forget(struct trust *trust, const uint8_t key[static NOISE_KEY_SIZE], bool *ret_saved)
{
    int status = hosts_store_remove(&trust->hosts, key, ret_saved);
    if (status == STATUS_NOT_FOUND && provisioned_keys_has(&trust->provisioned, key))
        return STATUS_NOT_ALLOWED;
    if (status == 0)
        tell_forgotten(trust, key);
    return status;
}

int trust_forget_all(struct trust *trust, bool *ret_saved)
{
    hosts_store_refresh(&trust->hosts);
    const struct known_hosts before = trust->hosts.known;
    int status = hosts_store_clear(&trust->hosts, ret_saved);
    for (size_t i = 0; status == 0 && i < before.count; i++)
        tell_forgotten(trust, before.hosts[i].key);
    return status;
}
