/* SPDX-License-Identifier: MIT */
/* One guest: its link, its state, its ports and forwards. */
#ifndef HOSPES_GUEST_H
#define HOSPES_GUEST_H

#include <uv.h>

#include "host-bridge/features/forwards/forwards.h"
#include "host-bridge/pairing.h"
#include "protocol/link/files_dial.h"
#include "protocol/wire/message.h"
#include "services/access/request_class.h"

enum guest_state {
    GUEST_CONNECTING = 1, /* dialling, or between tries: error says why the last one failed */
    GUEST_CONNECTED,
    GUEST_DISABLED, /* unpaired by somebody: nothing is dialled until it is paired again */
};
const char *guest_state_name(enum guest_state state); /* "connecting" … */

/* The three questions of liveness, each answered by what was seen last. */
enum vm_liveness { VM_UNKNOWN = 1, VM_ALIVE, VM_GONE };
enum agent_liveness { AGENT_ABSENT = 1, AGENT_ALIVE, AGENT_SILENT };

struct guest_liveness {
    enum vm_liveness vm;
    enum agent_liveness agent;
    size_t requests_pending;
    uint64_t request_quiet_ms; /* age of the oldest unanswered request; 0 = none */
};
const char *vm_liveness_name(enum vm_liveness vm);          /* "unknown", "alive", "gone" */
const char *agent_liveness_name(enum agent_liveness agent); /* "absent", "alive", "silent" */

struct guest; /* opaque */

const char *guest_name(const struct guest *guest);
const char *guest_link(const struct guest *guest); /* the SPEC as given */
enum guest_state guest_state(const struct guest *guest);
uint64_t guest_since_ms(const struct guest *guest); /* real time of the last change of state */
/* Why not connected; "" when connected. One line, safe to print. */
const char *guest_error(const struct guest *guest);
const char *guest_error_code(const struct guest *guest); /* status_name(): "NO_AGENT"; "" when connected */
/* The agent's WELCOME of the present or last connection; NULL when there never was one. */
const struct welcome_message *guest_agent(const struct guest *guest);
void guest_liveness(const struct guest *guest, struct guest_liveness *ret);
/* Median of the last 8 heartbeats, microseconds; 0 = none yet. */
uint64_t guest_rtt_us(const struct guest *guest);
uint64_t guest_last_seen_ms(const struct guest *guest); /* real time; 0 = never */
uint64_t guest_reconnects(const struct guest *guest);   /* connections made, minus the first */
/* Never NULL; the ports are those of the last connection while the link is down. */
struct forwards *guest_forwards(struct guest *guest);

/* Asks the agent. on_health fires exactly once, never before return: status 0 and the health (valid until
 * return, as `text`, the agent's own words for a failure, as a rule ""), or STATUS_NOT_CONNECTED,
 * UV_ETIMEDOUT, STATUS_GONE, what the agent answered … . UV_ENOMEM, STATUS_LIMIT: not asked, no callback. */
typedef void (*guest_health_done)(void *ctx, int status, const char *text,
                                  const struct health_message *health);
int guest_ask_health(struct guest *guest, uint64_t timeout_ms, guest_health_done on_health, void *ctx);

/* A piece of work on files in the guest; see files_dial. STATUS_NOT_SUPPORTED: its agent has not the
 * capability "files" (too old, or its owner has switched the class off). */
int guest_open_files(struct guest *guest, const struct files_open_message *open,
                     const struct files_dial_handler *handler, void *ctx, struct files_dial **ret);

/* How often the guest was let go of because it sent more than it may by itself, for the classes that have a
 * limit. */
uint64_t guest_limited(const struct guest *guest, enum request_class request);

/* ---- identity: who the guest is, and what people decided about it ---- */

const struct guest_pairing *guest_pairing(const struct guest *guest); /* never NULL */
/* "aes256-gcm", "chacha20-poly1305", "none" (authenticated, plain); "" while not connected. */
const char *guest_cipher(const struct guest *guest);
/* Only the hypervisor or the same user reaches it, as far as it is known: by its kind before the first try.
 */
bool guest_link_is_private(const struct guest *guest);
/* Somebody wants this guest paired: forgets "unpaired", dials at once; on a link that is not private a code
 * comes. STATUS_CONFLICT: a changed key must be accepted by guest_accept_key. */
int guest_pair(struct guest *guest, char ret_problem[static TEXT_REASON_MAX + 1]);
/* Pins the key and dials at once. */
int guest_accept_key(struct guest *guest, const uint8_t key[static NOISE_KEY_SIZE],
                     char ret_problem[static TEXT_REASON_MAX + 1]);
/* What people said of the code that is being compared. STATUS_CONFLICT: it is another code, or none is. */
int guest_answer_code(struct guest *guest, const char *code, bool same,
                      char ret_problem[static TEXT_REASON_MAX + 1]);
/* Forgets the key, disconnects, stays away until guest_pair. */
int guest_unpair(struct guest *guest);

#endif
