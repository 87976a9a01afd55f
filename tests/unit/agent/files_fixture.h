/* SPDX-License-Identifier: MIT */
/* The agent's works on files with a bridge that is a raw descriptor, and a scratch folder to work in. */
#ifndef HOSPES_FILES_FIXTURE_H
#define HOSPES_FILES_FIXTURE_H

#include "agent/features/files/files.h"
#include "tests/unit/identity/scratch_folder.h"
#include "tests/unit/link/link_fixture.h"

extern struct files *files;
extern struct flow_set works;
extern struct scratch_folder folder; /* 0755; drops land in "drop" */
extern struct peer peer;             /* of the last work */
extern struct session_keys session_keys;

int files_fixture_setup(void **state);
int files_fixture_teardown(void **state);
/* Works of the session end, as when it is lost. */
void files_fixture_end_session(void);

/* A message to fill in further; its paths are static. NULL: no path. The path is beneath the scratch folder
 * unless it begins with "/" or "~". */
struct files_open_message files_ask(uint8_t operation, const char *path);
/* Opens the work; `peer` is its other end from now on. */
void files_open_work(const struct files_open_message *open);
const char *files_full(const char *path);

/* What comes next: waits, and fails the test when it is something else. */
void expect_opened(struct files_opened_message *ret);             /* NULL allowed */
void expect_done(struct files_done_message *ret, char *ret_name); /* each NULL allowed; its first name */
void expect_fin(void);
/* The work is refused, or broken off, with this status; gives the text. */
const char *expect_reset(int status);
/* DATA up to FIN. */
void expect_data(struct buffer *ret);
void expect_end(void);       /* the agent has closed */
void wait_for_no_work(void); /* the last one is freed */
void bridge_says_fin(void);
void bridge_gives_up(int status);

/* Opened, done, FIN: the whole of a work without data. */
void expect_whole(struct files_done_message *ret, char *ret_name);

#endif
