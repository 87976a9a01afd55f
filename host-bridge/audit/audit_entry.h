/* SPDX-License-Identifier: MIT */
/* One thing that was done or refused, and how it is written down. */
#ifndef HOSPES_AUDIT_ENTRY_H
#define HOSPES_AUDIT_ENTRY_H

#include <jansson.h>
#include <sys/types.h>

#include "host-bridge/audit/audit_chain.h"

#define AUDIT_TEXT_MAX                                                                                       \
    256 /* bytes of any text that came from outside; what is longer is cut and ends in …                   \
         */
#define AUDIT_PARAMETERS_MAX 16
#define AUDIT_NAME_MAX       64 /* bytes of a parameter's name; one with a longer name is left out */

enum audit_result { AUDIT_DONE = 1, AUDIT_FAILED, AUDIT_REFUSED };

/* Who asked, by the kernel. */
struct audit_client {
    pid_t pid; /* 0: not known */
    uid_t uid;
    const char *executable; /* NULL: not known */
};

/* All borrowed until return. Text may be of a guest's choice. */
struct audit_entry {
    const char *guest;         /* NULL or "": none */
    const char *request_class; /* NULL: none */
    const char *action;        /* "POST /vms", "pairing.changed" … */
    const json_t
        *parameters; /* an object; its scalar members are kept. NULL = none. Never payload, never secrets */
    enum audit_result result;
    const char *status; /* status_name() of a failure; NULL: none */
    uint64_t duration_ms;
    const struct audit_client *client; /* NULL: it happened by itself */
};

/* The line without its newline, printable ASCII; the caller frees it. NULL when out of memory. */
char *audit_entry_format(const struct audit_entry *entry, uint64_t realtime_ms, uint64_t seq,
                         const struct audit_hash *previous);

#endif
