/* SPDX-License-Identifier: MIT */
/* The messages of files and offers as plain data (docs/protocol.md, section 11). Part of message.h, which
 * says what holds for all messages; include that. */
#ifndef HOSPES_FILES_MESSAGE_H
#define HOSPES_FILES_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire/limits.h"
#include "protocol/wire/session_id.h"

enum files_operation {
    FILES_PUT = 1,
    FILES_GET,
    FILES_LIST,
    FILES_READ,
    FILES_WRITE,
    FILES_MAKE,
    FILES_MOVE,
    FILES_REMOVE,
    FILES_WATCH,
    FILES_DECLINE,
};

enum files_flag {
    FILES_RECURSIVE = 1,   /* folders, too */
    FILES_UPDATE = 2,      /* same size and time: the same file */
    FILES_CHECKSUM = 4,    /* compare contents, whatever the time says */
    FILES_RESUME = 8,      /* go on from what an earlier try with this id left */
    FILES_OWNER = 16,      /* keep uid and gid */
    FILES_ATTRIBUTES = 32, /* keep extended attributes */
    FILES_PARENTS = 64,    /* MAKE: the folders above, too */
    FILES_DROP = 128,      /* PUT: into the user's drop folder */
};
#define FILES_FLAGS_ALL 255

enum files_conflict { FILES_REPLACE = 0, FILES_RENAME = 1, FILES_FAIL = 2 }; /* of names that are taken */
enum files_links { FILES_LINKS_SKIP = 0, FILES_LINKS_KEEP = 1, FILES_LINKS_FOLLOW = 2 };

#define FILES_ID_SIZE 16
struct files_id {
    uint8_t bytes[FILES_ID_SIZE];
};

struct files_path {
    char path[FILES_PATH_MAX + 1];
};

struct files_time {
    int64_t s;   /* since 1970; may be negative */
    uint32_t ns; /* 0 … 999999999 */
};

struct files_open_message {
    struct session_id session;
    uint8_t operation; /* enum files_operation */
    struct files_id id;
    char user[TEXT_NAME_MAX + 1]; /* "": the agent's choice */
    size_t path_count;
    struct files_path *paths;    /* on the heap */
    char to[FILES_PATH_MAX + 1]; /* "": none */
    uint32_t flags;              /* enum files_flag */
    uint8_t conflict;            /* enum files_conflict */
    uint8_t links;               /* enum files_links */
    uint64_t offset, length;     /* READ; length 0: to the end */
    uint16_t mode;               /* 0 … 07777 */
    uint32_t checks;             /* enum aead_cipher, a set */
    uint64_t offer;              /* 0: none */
};

struct files_opened_message {
    uint8_t check; /* enum aead_cipher; 0: none */
    uint8_t type;  /* enum entry_type; READ */
    uint64_t size;
    uint16_t mode;
    struct files_time mtime;
    uint64_t inode;
    char path[FILES_PATH_MAX + 1];
};

enum entry_type { ENTRY_FOLDER = 1, ENTRY_FILE, ENTRY_LINK, ENTRY_LEAVE };

struct manifest_entry {
    uint8_t type; /* enum entry_type */
    char name[FILES_NAME_MAX + 1];
    uint64_t size;
    uint16_t mode; /* 0 … 07777 */
    struct files_time mtime;
    uint32_t uid, gid;
    char target[FILES_LINK_MAX + 1];
};

struct manifest_message {
    uint64_t first;
    size_t count;
    struct manifest_entry *entries; /* on the heap */
    bool last;
};

struct pack_file {
    uint64_t entry;
    uint32_t size;
    struct files_time mtime;
};

struct pack_message {
    size_t count;
    struct pack_file *files; /* on the heap */
};

struct chunk_message {
    uint64_t entry;
    uint64_t offset; /* a multiple of FILES_CHUNK_SIZE */
    uint64_t size;   /* ≥ 1; at most FILES_CHUNK_SIZE unless zero */
    bool zero;       /* nothing but zero bytes, not sent */
};

struct check_message {
    uint16_t tag_size; /* 0 or FILES_CHECK_SIZE */
    uint8_t tag[FILES_CHECK_SIZE];
};

struct keep_message {
    uint64_t entry;
    uint64_t offset, size;
};

struct file_end_message {
    uint64_t entry;
    uint64_t size;
    struct files_time mtime;
};

struct attribute_message {
    uint64_t entry;
    char name[FILES_NAME_MAX + 1];
    uint16_t value_size;
    uint8_t value[FILES_ATTRIBUTE_MAX];
};

struct totals_message {
    uint64_t files, bytes;
};

struct file_failed_message {
    uint64_t entry;
    int status;
    char text[TEXT_REASON_MAX + 1];
};

struct file_again_message {
    uint64_t entry;
};

struct left_out_message {
    int status;
    char path[FILES_LINK_MAX + 1]; /* below its root's folder, for people: "src/pipe"; repaired and cut */
    char text[TEXT_REASON_MAX + 1];
};

enum need_action { NEED_SEND = 1, NEED_COMPARE, NEED_NOTHING };

struct need_run {
    uint64_t first, count; /* count ≥ 1 */
    uint8_t action;        /* enum need_action */
};

struct need_message {
    size_t count;
    struct need_run *runs; /* on the heap */
};

struct digests_message {
    uint64_t entry;
    uint64_t first; /* number of the first chunk */
    uint16_t size;  /* bytes: a multiple of FILES_DIGEST_SIZE */
    uint8_t digests[FILES_DIGESTS_BYTES_MAX];
    bool last;
};

struct settled_run {
    uint64_t first, count; /* count ≥ 1 */
};

struct settled_message {
    size_t count, failed_count;
    struct settled_run *runs;           /* on the heap */
    struct file_failed_message *failed; /* on the heap */
};

struct paused_message {
    int status;
    bool over;
    char text[TEXT_REASON_MAX + 1];
};

struct files_done_message {
    uint64_t files, bytes, skipped, failed;
    uint16_t digest_size; /* 0 or FILES_DIGEST_SIZE */
    uint8_t digest[FILES_DIGEST_SIZE];
    size_t name_count;
    struct files_path *names; /* on the heap */
};

enum change_what { CHANGE_CREATED = 1, CHANGE_MODIFIED, CHANGE_DELETED, CHANGE_MOVED };

struct change {
    uint8_t what; /* enum change_what */
    bool folder;
    char path[FILES_LINK_MAX + 1]; /* below the watched folder */
    char from[FILES_LINK_MAX + 1]; /* CHANGE_MOVED; may be empty */
};

struct changes_message {
    size_t count;
    struct change *changes; /* on the heap */
    bool lost;
};

struct offer {
    uint64_t id;
    char name[FILES_NAME_MAX + 1];
    char user[TEXT_NAME_MAX + 1];
    uint64_t roots, files, bytes;
    uint64_t created_ms; /* real time of the guest */
};

struct offer_id {
    uint64_t id;
};

struct offers_message {
    uint64_t sequence; /* the message's id */
    bool snapshot, more;
    size_t offer_count, gone_count;
    struct offer *offers;  /* on the heap */
    struct offer_id *gone; /* on the heap */
};

/* For the sender of MANIFEST, which must keep it within MUX_MESSAGE_MAX: at most so many bytes does one entry
 * add, and so many has the message without any. */
#define MANIFEST_HEAD_SIZE_MAX 48
size_t manifest_entry_size_max(const struct manifest_entry *entry);

#endif
