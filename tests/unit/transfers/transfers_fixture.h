/* SPDX-License-Identifier: MIT */
/* A table of transfers with fake guests, and an owner that counts what it is told. */
#ifndef HOSPES_TRANSFERS_FIXTURE_H
#define HOSPES_TRANSFERS_FIXTURE_H

#include "host-bridge/features/transfers/transfers.h"
#include "protocol/base/status.h"
#include "tests/unit/link/link_fixture.h"
#include "tests/unit/transfers/fake_guest.h"
#include "tests/unit/transfers/file_tree.h"

struct transfers_log {
    size_t added, changed, progress, removed, dirty;
};

extern struct transfers *transfers;
extern struct transfers_log told;
extern char host[96]; /* a folder on the host */
extern char problem[TEXT_REASON_MAX + 1];

int transfers_fixture_setup(void **state);
int transfers_fixture_teardown(void **state);
void transfers_fixture_reopen(void); /* closes the table and makes another */

/* A path below a folder; static storage, several at a time. */
const char *below(const char *folder, const char *name);

/* A request for one path; vm "" is the host. Status of transfers_add. */
int add_copy(const char *from_vm, const char *from, const char *to_vm, const char *to, uint32_t flags,
             const struct transfer **ret);
int add_drop(const char *from, const char *to_vm, const struct transfer **ret);
int add_take(const char *from_vm, uint64_t offer, const char *to, const struct transfer **ret);

void guest_goes_down(struct fake_guest *guest);
void guest_comes_up(struct fake_guest *guest);

bool has_ended(const struct transfer *transfer);
#define RUN_TO_END(transfer) RUN_UNTIL_WITHIN(20000, has_ended(transfer))

#define TRANSFERS_TEST(name)                                                                                 \
    cmocka_unit_test_setup_teardown(name, transfers_fixture_setup, transfers_fixture_teardown)

#endif
