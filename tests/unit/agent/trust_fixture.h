/* SPDX-License-Identifier: MIT */
/* A guest's trust in a folder of the test, on a loop of its own. */
#ifndef HOSPES_TRUST_FIXTURE_H
#define HOSPES_TRUST_FIXTURE_H

#include "agent/trust/trust_private.h"
#include "tests/unit/identity/scratch_folder.h"

#define FIXTURE_MACHINE_ID "0123456789abcdef0123456789abcdef"

struct trust_fixture {
    struct scratch_folder folder; /* state/, root/ and admin.sock lie in it */
    char state_dir[SCRATCH_PATH_MAX], root[SCRATCH_PATH_MAX], admin_socket[SCRATCH_PATH_MAX];
    uv_loop_t loop;
    struct secret_pool *secrets;
    struct trust_options options;
    struct trust *trust;
    char problem[TEXT_REASON_MAX + 1];
    char text[TEXT_REASON_MAX + 1];
    char log[8192];
    int forgotten;
};

int trust_fixture_setup(void **state);    /* *state is the fixture; no trust yet */
int trust_fixture_teardown(void **state); /* stops */

/* The status of trust_create. */
int trust_fixture_start(struct trust_fixture *fixture);
void trust_fixture_stop(struct trust_fixture *fixture); /* also when it did not start */
void trust_fixture_restart(struct trust_fixture *fixture);

/* A host's key: 32 bytes of that value, in one of four static buffers. */
const uint8_t *fixture_key(uint8_t byte);
const char *fixture_key_text(uint8_t byte);

enum claim_flags { PRIVATE = 1, PSK = 2, COMPARE = 4 };
int trust_fixture_judge(struct trust_fixture *fixture, uint8_t host, int flags);

#endif
