/* SPDX-License-Identifier: MIT */
/* Identities: the bridge's own key, and for each guest the key that is pinned, what people decide about it,
 * and the code that they compare. The rules are pairing.c's, the dialling that follows is the guest's. */
#include <stdio.h>
#include <string.h>

#include "host-bridge/api/body.h"
#include "host-bridge/api/problem.h"
#include "host-bridge/api/routes.h"
#include "host-bridge/api/view.h"
#include "protocol/base/status.h"

struct decision {
    const char *accept, *code; /* NULL = absent */
    bool has_same, same;
};

void route_get_identity(struct api *api, struct guest *guest, struct http_request *request)
{
    http_request_reply_json(request, 200, json_pack("{s:s}", "key", api->key));
}

void route_get_pairing(struct api *api, struct guest *guest, struct http_request *request)
{
    http_request_reply_json(request, 200, view_pairing(guest));
}

void route_unpair(struct api *api, struct guest *guest, struct http_request *request)
{
    int status = guest_unpair(guest);
    if (status < 0)
        problem_reply_status(request, status, NULL, NULL);
    else
        http_request_reply_json(request, 200, view_pairing(guest));
}

/* Nothing is left to wait for: a key is pinned, or the guest is one of which none ever is. */
static bool is_settled(const struct guest *guest)
{
    const struct guest_pairing *pairing = guest_pairing(guest);
    enum pairing_state state = guest_pairing_state(pairing);
    return state == PAIRING_PAIRED ||
           (pairing->ephemeral && state == PAIRING_NONE && guest_state(guest) == GUEST_CONNECTED);
}

/* `hint` is for a conflict. */
static void reply(struct guest *guest, struct http_request *request, int status, const char *problem,
                  const char *hint)
{
    if (status == STATUS_CONFLICT)
        problem_reply(request, 409, status_name(status), hint, NULL, "%s",
                      problem[0] != '\0' ? problem : status_text(status));
    else if (status < 0)
        problem_reply_status(request, status, problem, NULL);
    else
        http_request_reply_json(request, is_settled(guest) ? 200 : 202, view_pairing(guest));
}

static void begin(struct guest *guest, struct http_request *request)
{
    char problem[TEXT_REASON_MAX + 1] = "";
    int status = guest_pair(guest, problem);
    reply(
        guest, request, status, problem,
        "compare offeredKey with the key that the guest's agent prints, and accept it if they are the same");
}

static void accept_key(struct guest *guest, struct http_request *request, const char *text)
{
    uint8_t key[NOISE_KEY_SIZE];
    char problem[TEXT_REASON_MAX + 1] = "";
    if (!key_text_parse(text, strlen(text), key)) {
        problem_reply_field(request, "accept", "accept: expected a key, 44 characters of base64");
        return;
    }
    int status = guest_accept_key(guest, key, problem);
    reply(guest, request, status, problem,
          "a guest whose keys are to be kept is added without \"ephemeral\"");
}

static void answer_code(struct guest *guest, struct http_request *request, const struct decision *decision)
{
    char problem[TEXT_REASON_MAX + 1] = "";
    size_t size = strlen(decision->code);
    if (size != HANDSHAKE_CODE_DIGITS || strspn(decision->code, "0123456789") != size) {
        problem_reply_field(request, "code", "code: expected %d digits", HANDSHAKE_CODE_DIGITS);
        return;
    }
    int status = guest_answer_code(guest, decision->code, decision->same, problem);
    if (status == 0 && !decision->same)
        http_request_reply_json(request, 200, view_pairing(guest)); /* declined, and that is that */
    else
        reply(guest, request, status, problem,
              "GET the pairing: it has the code that is being compared, if any");
}

static void decide(struct guest *guest, struct http_request *request, const struct decision *decision)
{
    if (decision->accept != NULL && (decision->code != NULL || decision->has_same))
        problem_reply_field(request, "accept", "accept stands alone: without code and same");
    else if ((decision->code != NULL) != decision->has_same)
        problem_reply_field(request, decision->code != NULL ? "same" : "code",
                            "code and same go together: the code, and whether both sides show it");
    else if (decision->accept != NULL)
        accept_key(guest, request, decision->accept);
    else if (decision->code != NULL)
        answer_code(guest, request, decision);
    else
        begin(guest, request);
}

void route_pair(struct api *api, struct guest *guest, struct http_request *request)
{
    struct decision decision = {0};
    const struct field fields[] = {{"accept", FIELD_TEXT, false, &decision.accept},
                                   {"code", FIELD_TEXT, false, &decision.code},
                                   {"same", FIELD_SWITCH, false, &decision.same}};
    json_t *body = body_read(request, fields, sizeof(fields) / sizeof(fields[0]));
    if (body == NULL)
        return;
    decision.has_same = json_object_get(body, "same") != NULL;
    decide(guest, request, &decision);
    json_decref(body);
}
