/* SPDX-License-Identifier: MIT */
/* The hosts that this guest has learned, as plain data, and their JSON form. Pure. */
#ifndef HOSPES_KNOWN_HOSTS_H
#define HOSPES_KNOWN_HOSTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire/limits.h"
#include "protocol/wire/noise.h"

enum host_way { HOST_FIRST_CONTACT = 1, HOST_CODE, HOST_SECRET, HOST_ACCEPTED, HOST_PROVISIONED };
const char *
host_way_name(enum host_way way); /* "firstContact", "code", "secret", "accepted", "provisioned" */

struct known_host {
    uint8_t key[NOISE_KEY_SIZE];
    enum host_way way;
    uint64_t since_ms;            /* real time */
    char link[TEXT_NAME_MAX + 1]; /* kind of link; "" when it was accepted by hand */
    char name[TEXT_NAME_MAX + 1]; /* what the owner calls it; "" */
    bool unsaved;                 /* could not be written: known until the program ends */
};

struct known_hosts {
    size_t count;
    struct known_host hosts[PAIRINGS_MAX];
};

/* NULL when it is not there. */
struct known_host *known_hosts_find(struct known_hosts *known, const uint8_t key[static NOISE_KEY_SIZE]);
/* Adds it, or replaces the one with that key. STATUS_LIMIT. */
int known_hosts_put(struct known_hosts *known, const struct known_host *host);
/* False: it is not there. */
bool known_hosts_remove(struct known_hosts *known, const uint8_t key[static NOISE_KEY_SIZE]);

/* {"key", "way", "since", "link", "name"}: of hosts.json and of the answers to `hospes-agent hosts`. NULL
 * when out of memory. */
json_t *known_host_to_json(const struct known_host *host);
/* Strict: STATUS_MALFORMED for a missing, unknown or wrong key; *ret untouched then. */
int known_host_from_json(const json_t *json, struct known_host *ret);

/* {"version": 1, "identity": KEY, "hosts": […]}. `identity` is the guest's own key when these were learned;
 * NULL: not said. free(3) the text. NULL when out of memory. */
char *known_hosts_format(const struct known_hosts *known, const uint8_t *identity);
#define KNOWN_HOSTS_TEXT_MAX                                                                                 \
    (128 * 1024) /* PAIRINGS_MAX hosts with every character escaped take half of it */
/* STATUS_MALFORMED, STATUS_TOO_LARGE (too many hosts); outputs untouched then. */
int known_hosts_parse(const char *text, size_t size, struct known_hosts *ret, bool *ret_has_identity,
                      uint8_t ret_identity[static NOISE_KEY_SIZE]);

#endif
