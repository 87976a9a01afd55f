/* SPDX-License-Identifier: MIT */
/* An agent's end of connections for files, on the test's own loop, behind the real files_dial: what it says
 * and how it behaves is what the test sets. Brings session_open_files and session_cipher, so that no session
 * is needed. One at a time. */
#ifndef HOSPES_TEST_FAKE_AGENT_H
#define HOSPES_TEST_FAKE_AGENT_H

#include "protocol/link/files_dial.h"
#include "protocol/link/link_loop.h"

#define FAKE_AGENT_ALL UINT64_MAX

struct fake_agent {
    struct link_loop link;
    /* how it behaves */
    int refuse;              /* RST with this instead of FILES_OPENED */
    const char *refuse_text; /* NULL: none */
    bool is_silent;          /* never answers */
    uint8_t type;            /* READ: enum entry_type */
    uint64_t size, inode;    /* READ: as it says */
    bool changes;            /* READ: another state each time */
    uint64_t sends;          /* READ: bytes before FIN; FAKE_AGENT_ALL: as it said */
    uint64_t stalls_at;      /* READ: after so many bytes nothing more comes */
    bool takes_nothing;      /* WRITE: until fake_agent_go_on */
    uint64_t fails_at;       /* WRITE: RST UV_ENOSPC after so many bytes; FAKE_AGENT_ALL: never */
    bool lies;               /* WRITE: another digest */
    bool never_ends;         /* says no FILES_DONE */
    const struct manifest_entry *entries; /* LIST */
    size_t entry_count;
    uint64_t many;   /* LIST: so many files instead */
    bool list_skips; /* LIST: numbers that do not follow */
    /* what it saw */
    size_t opens, resets;
    uint64_t written, sent;
    uint8_t operation, conflict;
    uint32_t flags;
    uint16_t mode;
    uint64_t offset, length;
    struct files_id id;
    char path[FILES_PATH_MAX + 1], to[FILES_PATH_MAX + 1], user[TEXT_NAME_MAX + 1];
    struct fake_job *jobs;
};

void fake_agent_init(struct fake_agent *agent, uv_loop_t *loop);
/* When every connection has ended. */
void fake_agent_finish(struct fake_agent *agent);
/* What was held back goes on. */
void fake_agent_go_on(struct fake_agent *agent);
/* WATCH: to whoever watches. */
void fake_agent_tell_changes(struct fake_agent *agent, const struct changes_message *changes);
/* Ends every connection with RST. */
void fake_agent_reset(struct fake_agent *agent, int status);
/* Bytes of its files. */
uint8_t fake_agent_byte(uint64_t offset);

#endif
