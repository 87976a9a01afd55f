/* SPDX-License-Identifier: MIT */
/* hospes doctor: findings, each with what to do about it. */
#ifndef HOSPES_CLI_DOCTOR_H
#define HOSPES_CLI_DOCTOR_H

#include <jansson.h>
#include <stdbool.h>

struct cli;

enum finding_level { FINDING_OK, FINDING_INFO, FINDING_WARN, FINDING_FAIL };

struct doctor {
    struct cli *cli;
    json_t *findings; /* [{level, topic, message, advice:[…]}] in the order of the report */
    size_t counts[FINDING_FAIL + 1];
    bool bridge_reachable;
    long bridge_pid;  /* 0 = not known */
    json_t *guests;   /* owned; the array of GET /vms; NULL when not known */
    bool needs_vsock; /* a vsock: guest is not connected, or there are no guests yet */
};

/* Adds a finding; doctor_advise adds a line of advice to the last one. */
void doctor_find(struct doctor *doctor, enum finding_level level, const char *topic, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void doctor_advise(struct doctor *doctor, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The parts of the examination, in the order that they need. */
void doctor_check_bridge(struct doctor *doctor); /* socket, permissions, version, descriptors */
void doctor_check_guests(struct doctor *doctor); /* each guest's state, agent and forwards */
/* How it is trusted; for a guest that is not connected, advice to the last finding. */
void doctor_check_trust(struct doctor *doctor, const json_t *guest, const char *topic);
void doctor_check_vsock(struct doctor *doctor);  /* kernel modules of the host */
void doctor_advise_setup(struct doctor *doctor); /* how to get the first guest */

#endif
