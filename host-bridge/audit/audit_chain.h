/* SPDX-License-Identifier: MIT */
/* The chain of the audit log: each line carries the hash of the line before. Pure: lines in, findings out.
 *
 * The chain has no secret. It shows every change that is not followed by rewriting all later lines; whoever
 * knows the hash of the last line (the running bridge does) sees those, too. */
#ifndef HOSPES_AUDIT_CHAIN_H
#define HOSPES_AUDIT_CHAIN_H

#include "protocol/base/buffer.h"

#define AUDIT_HASH_TEXT_SIZE 64 /* hexadecimal digits of BLAKE2b-256 */
#define AUDIT_LINE_MAX                                                                                       \
    40960 /* twenty-one texts of 256 bytes and sixteen names of 64, each byte six characters of JSON */
#define AUDIT_TORN_ACTION "audit.torn" /* of the line behind one that a crash left unfinished */

struct audit_hash {
    char text[AUDIT_HASH_TEXT_SIZE + 1];
};

struct audit_hash audit_hash_none(void); /* what stands for the line before the very first: zeros */
struct audit_hash audit_hash_line(struct span line); /* without its newline */
bool audit_hash_equals(const struct audit_hash *a, const struct audit_hash *b);

enum audit_break {
    AUDIT_INTACT = 0,
    AUDIT_CHANGED,        /* the line is not the one that was written there */
    AUDIT_MISSING_BEFORE, /* lines are gone before this one */
    AUDIT_MISSING_AFTER,  /* lines are gone at the end */
    AUDIT_NOT_JSON,       /* and no unfinished line that the bridge has noted */
};
const char *audit_break_name(enum audit_break what); /* "changed", "missing before" …; "intact" */

struct audit_place {
    size_t file;   /* as counted by the caller, from 0 */
    uint64_t line; /* in this file, from 1 */
};

struct audit_finding {
    enum audit_break what;
    struct audit_place place;
};

/* A check under way. The fields are the functions' own, but for `lines`, `first_seq` and `last_seq`. */
struct audit_chain {
    bool from_first; /* no line may lie before the first one given */
    uint64_t lines, first_seq, last_seq;
    struct audit_hash previous;
    struct audit_place place; /* of the line before */
    bool unfinished;          /* the line before is no JSON: the next one must account for it */
    bool suspected; /* the line before does not fit the one before it: the next one tells which is wrong */
    struct audit_place suspect;
};

void audit_chain_init(struct audit_chain *chain, bool from_first);
/* The next line, without its newline. AUDIT_INTACT: go on. Anything else ends the check. */
struct audit_finding audit_chain_line(struct audit_chain *chain, struct audit_place place, struct span line);
/* After the last line. `head` is the hash that the last line must have; NULL when it is not known. */
struct audit_finding audit_chain_end(struct audit_chain *chain, const struct audit_hash *head);

#endif
