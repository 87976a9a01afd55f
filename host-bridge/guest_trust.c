/* SPDX-License-Identifier: MIT */
/* A guest's identity between its session, which proves it, the pairing, which judges it, and the people, who
 * decide. */
#define LOG_MODULE "guest"
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host-bridge/guest_internal.h"
#include "host-bridge/pairing_secret.h"
#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"

static void tell(struct guest *guest, const char *what)
{
    if (!guest->closing)
        guest->news.on_pairing(guest->news.ctx, guest, what);
}

static void tell_changed(struct guest *guest, const char *what)
{
    if (guest->closing)
        return;
    guest->news.on_dirty(guest->news.ctx, guest);
    tell(guest, what);
}

static bool kind_is_private(enum link_kind kind)
{
    return kind != LINK_TCP;
}

int guest_trust_init(struct guest *guest, const struct guest_options *options, enum link_kind kind)
{
    guest->own = options->own;
    guest->identity = options->identity;
    guest->identity.psk_file = NULL;
    if (options->identity.psk_file != NULL) {
        guest->psk_file = strdup(options->identity.psk_file);
        guest->psk = secret_take(guest->relay->loop->secrets, NOISE_KEY_SIZE);
        if (guest->psk_file == NULL || guest->psk == NULL)
            return UV_ENOMEM;
        guest->identity.psk_file = guest->psk_file;
    }
    guest->pairing.ephemeral = guest->identity.ephemeral;
    guest->link_is_private = kind_is_private(kind);
    guest_load_pairing(guest, NULL);
    return 0;
}

void guest_trust_finish(struct guest *guest)
{
    secret_release(guest->relay->loop->secrets, guest->psk, NOISE_KEY_SIZE);
    free(guest->psk_file);
}

void guest_load_pairing(struct guest *guest, const json_t *pairing)
{
    char problem[TEXT_REASON_MAX + 1];
    if (pairing != NULL && guest_pairing_load(&guest->pairing, pairing, problem) < 0) {
        log_error("%s: what was remembered of its identity makes no sense (%s): it is unpaired until hospes "
                  "pair %s",
                  guest->name, problem, guest->name);
        guest_pairing_forget(&guest->pairing, true);
    }
    if (guest->identity.has_key)
        guest_pairing_provision(&guest->pairing, guest->identity.key, clock_realtime_ms());
}

/* ---- for the session ---- */

/* The secret is read before each try: so a file that is put right counts at once. */
static int read_secret(struct guest *guest)
{
    char problem[TEXT_REASON_MAX + 1];
    int status = pairing_secret_load(guest->psk_file, guest->psk, problem);
    if (status < 0 && guest->error_status != STATUS_INVALID)
        log_error("%s: %s", guest->name, problem);
    return status < 0 ? STATUS_INVALID : 0;
}

int guest_trust_on_credentials(void *ctx, struct session_credentials *ret)
{
    struct guest *guest = ctx;
    const struct guest_pairing *pairing = &guest->pairing;
    if (pairing->unpaired)
        return STATUS_NOT_PAIRED;
    if (guest->psk_file != NULL && read_secret(guest) < 0)
        return STATUS_INVALID;
    *ret = (struct session_credentials){.own = guest->own,
                                        .peer = pairing->pinned && !pairing->ephemeral ? pairing->key : NULL,
                                        .psk = guest->psk_file != NULL ? guest->psk : NULL,
                                        .sealing = guest->identity.sealing};
    return 0;
}

static void log_changed_key(const struct guest *guest, const uint8_t *key)
{
    char old[KEY_TEXT_SIZE], now[KEY_TEXT_SIZE];
    key_text_format(guest->pairing.key, old);
    key_text_format(key, now);
    log_error("%s: REFUSED, since its key has changed: it was paired with %s and shows %s now. The guest was "
              "reinstalled or "
              "cloned, or another machine answers in its place. hospes pair %s accepts the new key",
              guest->name, old, now, guest->name);
}

/* Only a judgement: what it means counts when the agent has let us in. */
int guest_trust_on_key(void *ctx, const uint8_t *key, bool link_is_private, bool psk_proved)
{
    struct guest *guest = ctx;
    struct guest_pairing trial = guest->pairing;
    bool changed;
    guest->link_is_private = link_is_private;
    int status = guest_pairing_judge(&trial, key, link_is_private, psk_proved, clock_realtime_ms(), &changed);
    if (status == 0)
        return 0;
    bool news = !guest->pairing.has_offered || memcmp(guest->pairing.offered, key, NOISE_KEY_SIZE) != 0;
    guest->pairing = trial; /* the key that was refused */
    if (news && status == STATUS_KEY_CHANGED) {
        log_changed_key(guest, key);
        tell(guest, "keyChanged");
    }
    return status;
}

void guest_trust_on_let_in(void *ctx, const uint8_t *key, bool link_is_private, bool psk_proved,
                           bool compared)
{
    struct guest *guest = ctx;
    bool changed = compared;
    if (compared)
        guest_pairing_pin(&guest->pairing, key, PAIRED_CODE, clock_realtime_ms());
    else
        guest_pairing_judge(&guest->pairing, key, link_is_private, psk_proved, clock_realtime_ms(), &changed);
    guest->pairing.code[0] = '\0';
    if (!changed)
        return;
    char text[KEY_TEXT_SIZE];
    key_text_format(key, text);
    log_info("%s: paired (%s), its key is %s", guest->name, pairing_way_name(guest->pairing.way), text);
    tell_changed(guest, "paired");
}

void guest_trust_on_code(void *ctx, const char *code)
{
    struct guest *guest = ctx;
    snprintf(guest->pairing.code, sizeof(guest->pairing.code), "%s", code);
    log_info("%s: pairing by code: waiting for people to compare it", guest->name);
    tell(guest, "comparing");
}

void guest_trust_link_lost(struct guest *guest)
{
    if (guest->pairing.code[0] == '\0')
        return;
    guest->pairing.code[0] = '\0';
    tell(guest, "declined");
}

/* ---- for people ---- */

const struct guest_pairing *guest_pairing(const struct guest *guest)
{
    return &guest->pairing;
}

const struct guest_identity_options *guest_identity(const struct guest *guest)
{
    return &guest->identity;
}

const char *guest_cipher(const struct guest *guest)
{
    if (guest->state != GUEST_CONNECTED)
        return "";
    enum aead_cipher cipher = session_cipher(guest->session);
    return cipher == 0 ? "none" : aead_name(cipher);
}

bool guest_link_is_private(const struct guest *guest)
{
    return guest->link_is_private;
}

int guest_pair(struct guest *guest, char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct guest_pairing *pairing = &guest->pairing;
    if (guest_pairing_state(pairing) == PAIRING_KEY_CHANGED) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1,
                 "the guest's key has changed; the new one must be accepted by name");
        return STATUS_CONFLICT;
    }
    if (pairing->code[0] != '\0' || (guest->state == GUEST_CONNECTED && !pairing->unpaired))
        return 0; /* people compare already, or there is nothing to do */
    if (pairing->unpaired) {
        guest_pairing_forget(pairing, false);
        guest_load_pairing(guest, NULL); /* a provisioned key goes before a first contact */
        tell_changed(guest, "none");
    }
    session_retry(guest->session, STATUS_GONE, true);
    return 0;
}

int guest_accept_key(struct guest *guest, const uint8_t key[static NOISE_KEY_SIZE],
                     char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (guest->pairing.ephemeral) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "no key is kept for an ephemeral guest");
        return STATUS_CONFLICT;
    }
    guest_pairing_pin(&guest->pairing, key, PAIRED_ACCEPTED, clock_realtime_ms());
    tell_changed(guest, "paired");
    session_retry(guest->session, STATUS_GONE, false);
    return 0;
}

int guest_answer_code(struct guest *guest, const char *code, bool same,
                      char ret_problem[static TEXT_REASON_MAX + 1])
{
    if (guest->pairing.code[0] == '\0' || strcmp(guest->pairing.code, code) != 0) {
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "%s",
                 guest->pairing.code[0] == '\0' ? "no code is being compared"
                                                : "another code is being compared now");
        return STATUS_CONFLICT;
    }
    session_answer_code(guest->session, same);
    return 0;
}

int guest_unpair(struct guest *guest)
{
    guest_pairing_forget(&guest->pairing, true);
    tell_changed(guest, "unpaired");
    session_retry(guest->session, STATUS_NOT_PAIRED, false);
    return 0;
}

uint64_t guest_limited(const struct guest *guest, enum request_class request)
{
    return request == CLASS_PORTS     ? guest->port_changes.refused
           : request == CLASS_OBSERVE ? guest->refusal_news.refused
           : request == CLASS_FILES   ? guest->offer_changes.refused
                                      : 0;
}
