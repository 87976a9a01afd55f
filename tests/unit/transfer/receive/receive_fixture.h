/* SPDX-License-Identifier: MIT */
/* A sender that says what a test wants, and keeps what the receiver answers. */
#ifndef HOSPES_RECEIVE_FIXTURE_H
#define HOSPES_RECEIVE_FIXTURE_H

#include <sys/stat.h>

#include "services/transfer/chunk_check.h"
#include "services/transfer/receive/receiver.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

#define ANSWERS_MAX 8192 /* entries whose answers are kept, by number modulo this */

struct receive_fixture {
    struct scratch_folder folder; /* the target is "there" in it */
    const char *target;           /* its path */
    char target_path[SCRATCH_PATH_MAX];
    bool is_mounted;
    struct item_pool *pool;
    struct engine *engine; /* NULL: none open */
    struct chunk_check *check;
    struct receiver_options options;
    char problem[TEXT_REASON_MAX + 1];
    size_t budget; /* of produce */

    uint64_t next; /* entry */
    uint8_t need[ANSWERS_MAX];
    bool settled[ANSWERS_MAX];
    int failed[ANSWERS_MAX];
    char failed_text[TEXT_REASON_MAX + 1]; /* of the last one */
    uint64_t settled_count;                /* entries, NEED nothing included */
    struct paused_message paused;          /* the last one */
    size_t paused_count;
    void (*on_digests)(void *ctx, const struct digests_message *digests); /* can be NULL */
    void *ctx;
    bool is_done;
    struct files_done_message done; /* without names */
    char done_names[FILES_PATHS_MAX][FILES_PATH_MAX + 1];
};

int receive_setup(void **state);
int receive_teardown(void **state);

/* A receiver for the target, with options as they stand in the fixture; answers are forgotten. */
int receive_open(struct receive_fixture *fixture);
void receive_close(struct receive_fixture *fixture, bool discard);

/* Each: what take says; on success what the receiver answers is heard. */
int say_message(struct receive_fixture *fixture, const struct message *message);
int say_bytes(struct receive_fixture *fixture, const void *bytes, size_t size); /* DATA and CHECK */
int say_data(struct receive_fixture *fixture, const void *bytes, size_t size);
int say_check(struct receive_fixture *fixture, const void *bytes, size_t size);
int say_entry(struct receive_fixture *fixture, const struct manifest_entry *entry);
int say_folder(struct receive_fixture *fixture, const char *name);
int say_file(struct receive_fixture *fixture, const char *name, uint64_t size); /* mode 0644, time 1000.5 */
int say_link(struct receive_fixture *fixture, const char *name, const char *target);
int say_leave(struct receive_fixture *fixture);
int say_last(struct receive_fixture *fixture);
int say_pack(struct receive_fixture *fixture, uint64_t entry, const char *text); /* with its bytes */
int say_chunk(struct receive_fixture *fixture, uint64_t entry, uint64_t offset, const void *bytes,
              size_t size);
int say_zero(struct receive_fixture *fixture, uint64_t entry, uint64_t offset, uint64_t size);
int say_keep(struct receive_fixture *fixture, uint64_t entry, uint64_t offset, uint64_t size);
int say_end(struct receive_fixture *fixture, uint64_t entry, uint64_t size);
int say_fin(struct receive_fixture *fixture);
int hear(struct receive_fixture *fixture); /* all that there is to hear */

/* Of what lies in the target. */
bool target_has(struct receive_fixture *fixture, const char *name);
const char *target_read(struct receive_fixture *fixture, const char *name);
void target_write(struct receive_fixture *fixture, const char *name, const char *text);
void target_stat(struct receive_fixture *fixture, const char *name, struct stat *ret);
void target_set_time(struct receive_fixture *fixture, const char *name, int64_t s, uint32_t ns);
/* A tmpfs with these options is mounted there until the teardown. Needs root. */
void target_mount(struct receive_fixture *fixture, const char *options);
/* The staging folder of options.id, and something in it. */
const char *staged_path(struct receive_fixture *fixture, const char *name);
/* Nothing is left behind. */
void assert_no_partial(struct receive_fixture *fixture);

#endif
