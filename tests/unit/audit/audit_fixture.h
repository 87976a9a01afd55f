/* SPDX-License-Identifier: MIT */
/* A log in a temporary folder, with a clock that the test sets. */
#ifndef HOSPES_TEST_AUDIT_FIXTURE_H
#define HOSPES_TEST_AUDIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/audit/audit_log.h"
#include "host-bridge/audit/audit_snapshot.h"
#include "host-bridge/audit/audit_verify.h"

#define FIXTURE_NOW_MS 1769860800123 /* 2026-01-31T12:00:00.123Z */

struct audit_fixture {
    char folder[64];
    struct audit_log *log; /* NULL between close and open */
    uint64_t file_bytes_max, burst_max;
    unsigned troubles; /* sentences that the log told */
    char trouble[256];
};

/* cmocka's set-up and tear-down; *state is the fixture, with an open log. */
int audit_fixture_setup(void **state);
int audit_fixture_teardown(void **state);
extern uint64_t audit_fixture_now_ms;

void audit_fixture_open(struct audit_fixture *fixture);
void audit_fixture_close(struct audit_fixture *fixture);
void audit_fixture_path(const struct audit_fixture *fixture, const char *name, char out[static 128]);
/* An entry by a client; and one that happened by itself. */
void audit_fixture_write(struct audit_fixture *fixture, const char *action);
void audit_fixture_happen(struct audit_fixture *fixture, const char *action);

/* The file's text with a terminator; the caller frees it. */
char *audit_fixture_read(const struct audit_fixture *fixture, const char *name, size_t *ret_size);
void audit_fixture_put(const struct audit_fixture *fixture, const char *name, const void *bytes, size_t size);
/* The value of a key in line `number` (from 1) of a file; the caller decrefs the line. */
json_t *audit_fixture_line(const struct audit_fixture *fixture, const char *name, unsigned number);

/* Checks all files against the last hash that the open log knows. */
struct audit_finding audit_fixture_verify(const struct audit_fixture *fixture, uint64_t *ret_lines);

#endif
