/* SPDX-License-Identifier: MIT */
/* The receiver's rooms and what they share. Included by its own files only. Functions return 0; UV_EAGAIN:
 * the disk is full, the item comes again (receiver_pause was called); any other error ends the transfer. What
 * concerns one entry alone fails that entry, and is no error here. */
#ifndef HOSPES_RECEIVER_INTERNAL_H
#define HOSPES_RECEIVER_INTERNAL_H

#include "services/transfer/chunk_check.h"
#include "services/transfer/receive/answers.h"
#include "services/transfer/receive/file_target.h"
#include "services/transfer/receive/folder_stack.h"
#include "services/transfer/receive/incoming_files.h"
#include "services/transfer/receive/journal.h"
#include "services/transfer/receive/receiver.h"
#include "services/transfer/receive/staging.h"

#define FOLDER_IN_THE_WAY "a folder has this name, and a file or link does not replace it"
#define FILE_IN_THE_WAY   "a file or link has this name, and a folder does not replace it"

enum awaited { AWAITED_MESSAGE, AWAITED_DATA, AWAITED_CHECK };

struct receiver {
    struct engine engine; /* first */
    struct engine_keys keys;
    struct chunk_check *check;
    char *folder; /* the target's path, for people */
    size_t name_count;
    char **names;
    uint32_t flags;
    uint8_t conflict, links;
    bool strip_executable;
    char *origin; /* can be NULL */

    struct staging staging;
    struct journal_state journal; /* its roots are those of this transfer */
    struct folder_stack folders;
    struct incoming_files files;
    struct target_set targets;
    struct answers answers;

    uint64_t next_entry;
    size_t manifest_done; /* entries done of a MANIFEST that comes again */
    bool heard_last;
    bool was_published; /* an earlier run began with it */

    enum awaited awaited;
    struct message subject;     /* PACK or CHUNK that bytes are awaited for */
    struct transfer_item *data; /* held; NULL: none yet */
    uint64_t data_size;
    bool data_verified; /* its CHECK comes again */
    size_t pack_done;   /* files of it that were written, and their bytes */
    size_t pack_offset;

    uint64_t room; /* bytes that may be written before the disk is asked again */
    bool pause_told;
    bool has_staged;                        /* a file lies in the staging folder */
    bool owner_refused, attributes_refused; /* noted once */
    bool done_told, fin_heard;
    char **paths; /* where roots are, once done_told */
};

/* ---- receiver_take.c ---- */
int receiver_take(struct engine *engine, struct transfer_item *item);
void receiver_forget_subject(struct receiver *receiver);

/* ---- receiver_settle.c: the last word on entries ---- */
/* Verified and written. The file is freed. */
int receiver_file_done(struct receiver *receiver, struct incoming_file *file, uint64_t size);
/* NEED nothing: it is there already. */
int receiver_file_is_there(struct receiver *receiver, uint64_t entry, uint64_t size, bool skipped);
/* `text` may be NULL. The file is freed; what still comes of it is dropped. */
int receiver_file_failed(struct receiver *receiver, struct incoming_file *file, int status, const char *text);
/* An entry that never became a file under way. */
int receiver_entry_failed(struct receiver *receiver, uint64_t entry, const struct folder *parent,
                          const char *name, int status, const char *text);
/* About something that is settled already, or about the whole. */
void receiver_note(struct receiver *receiver, const struct folder *parent, const char *name, int status,
                   const char *text);
/* The manifest goes back to the folder above. */
int receiver_leave(struct receiver *receiver);
/* Ends the transfer with this sentence: returns `status`. */
int receiver_problem(struct receiver *receiver, int status, const char *text);
bool receiver_is_stopped(const struct receiver *receiver);

/* ---- receiver_disk.c ---- */
bool status_is_disk_full(int status);
/* Of what concerns no single entry: it ends the transfer. */
bool status_is_fatal(int status);
int receiver_pause(struct receiver *receiver, int status); /* returns UV_EAGAIN */
/* So many bytes are going to be written: 0, UV_ENOSPC. */
int receiver_claim_space(struct receiver *receiver, uint64_t size);
/* Makes the file in the staging folder, for writing. UV_EEXIST: something of that name came already. */
int receiver_make_file(struct receiver *receiver, struct incoming_file *file, int flags, mode_t mode,
                       int *ret_fd);
void receiver_remove_file(struct receiver *receiver, struct incoming_file *file);
/* Owner, attributes, mode (which it has already but for `has_mode`), then time. */
int receiver_dress_file(struct receiver *receiver, struct incoming_file *file, int fd, bool has_mode,
                        const struct files_time *mtime);
int receiver_dress_folder(struct receiver *receiver, struct folder *folder);
void receiver_write_attribute(struct receiver *receiver, const struct folder *parent, const char *file_name,
                              int fd, const char *name, const void *value, size_t size);
void receiver_set_owner(struct receiver *receiver, const struct folder *parent, const char *name, int fd,
                        uint32_t uid, uint32_t gid);

/* ---- receive_plan.c: MANIFEST ---- */
int receive_plan_take(struct receiver *receiver, const struct manifest_message *manifest);
/* ---- receive_plan_file.c: what is lacking of one file. Its name is checked. ---- */
int receive_plan_file(struct receiver *receiver, const struct manifest_entry *entry, uint64_t number,
                      const char *name, uint32_t root);

/* ---- pack_write.c: its bytes are verified ---- */
int pack_write(struct receiver *receiver);

/* ---- compare.c: DIGESTS ---- */
bool compare_has_more(const struct receiver *receiver);
int compare_produce(struct receiver *receiver, struct item_queue *out);

/* ---- publish.c ---- */
int publish_roots(struct receiver *receiver);
/* The early look at a name that is taken: 0, or why the root can't have it. */
int publish_check_root(struct receiver *receiver, const char *name, bool is_folder);
/* ---- publish_merge.c: what is in folder `from` of `parent` goes into folder `to` of the target ---- */
int publish_merge(struct receiver *receiver, const char *from, const char *to);

#endif
