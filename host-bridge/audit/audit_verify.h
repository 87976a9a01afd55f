/* SPDX-License-Identifier: MIT */
/* Checks the chain through files. Blocks on the disk: for a worker thread, or a program of its own. */
#ifndef HOSPES_AUDIT_VERIFY_H
#define HOSPES_AUDIT_VERIFY_H

#include "host-bridge/audit/audit_chain.h"

#define AUDIT_VERIFY_ALL UINT64_MAX

/* A check under way over one file after another, the eldest first. */
struct audit_verify {
    struct audit_chain chain;
    struct audit_finding finding; /* AUDIT_INTACT as long as nothing was found */
    size_t files;
};

void audit_verify_init(struct audit_verify *verify, bool from_first);
/* The next file: its first `size` bytes. System errors; a broken chain is no error, see `finding`. */
int audit_verify_file(struct audit_verify *verify, int fd, uint64_t size);
/* After the last file; see audit_chain_end. */
void audit_verify_end(struct audit_verify *verify, const struct audit_hash *head);

#endif
