/* SPDX-License-Identifier: MIT */
/* A short list of hosts. Where it is kept is hosts_store.c's, its text known_hosts_json.c's. */
#include "agent/trust/known_hosts.h"

#include <string.h>

#include "protocol/base/status.h"

struct known_host *known_hosts_find(struct known_hosts *known, const uint8_t key[static NOISE_KEY_SIZE])
{
    for (size_t i = 0; i < known->count; i++) {
        if (memcmp(known->hosts[i].key, key, NOISE_KEY_SIZE) == 0)
            return &known->hosts[i];
    }
    return NULL;
}

int known_hosts_put(struct known_hosts *known, const struct known_host *host)
{
    struct known_host *place = known_hosts_find(known, host->key);
    if (place == NULL) {
        if (known->count == PAIRINGS_MAX)
            return STATUS_LIMIT;
        place = &known->hosts[known->count++];
    }
    *place = *host;
    return 0;
}

bool known_hosts_remove(struct known_hosts *known, const uint8_t key[static NOISE_KEY_SIZE])
{
    struct known_host *place = known_hosts_find(known, key);
    if (place == NULL)
        return false;
    struct known_host *end = known->hosts + known->count;
    memmove(place, place + 1, (size_t)(end - place - 1) * sizeof(*place));
    known->count--;
    return true;
}
