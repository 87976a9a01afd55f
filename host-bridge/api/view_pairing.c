/* SPDX-License-Identifier: MIT */
/* What is known and decided of a guest's identity as JSON. */
#include "host-bridge/api/view.h"

static json_t *view_key(bool known, const uint8_t *key)
{
    char text[KEY_TEXT_SIZE];
    if (!known)
        return json_null();
    key_text_format(key, text);
    return json_string(text);
}

json_t *view_cipher(const struct guest *guest)
{
    return view_text_or_null(guest_cipher(guest));
}

json_t *view_pairing(const struct guest *guest)
{
    const struct guest_pairing *pairing = guest_pairing(guest);
    bool pinned = pairing->pinned;
    return json_pack("{s:s, s:o, s:s?, s:o, s:o, s:o, s:b, s:b, s:o}", "state",
                     pairing_state_name(guest_pairing_state(pairing)), "key", view_key(pinned, pairing->key),
                     "way", pinned ? pairing_way_name(pairing->way) : NULL, "since",
                     pinned ? view_time(pairing->since_ms) : json_null(), "offeredKey",
                     view_key(pairing->has_offered, pairing->offered), "code",
                     view_text_or_null(pairing->code), "ephemeral", (int)pairing->ephemeral, "linkIsPrivate",
                     (int)guest_link_is_private(guest), "cipher", view_cipher(guest));
}
