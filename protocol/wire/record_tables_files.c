/* SPDX-License-Identifier: MIT */
/* The tables of the messages of docs/protocol.md, "Files", and of OFFERS: order here is the order on the
 * wire. Rules between fields are in message_rules.c. */
#include "protocol/wire/record_tables.h"

#define MODE_MAX        07777
#define NANOSECONDS_MAX 999999999
#define FILE_SIZE_MAX   INT64_MAX                      /* what an off_t can name */
#define FIRST_CHUNK_MAX (INT64_MAX / FILES_CHUNK_SIZE) /* number of a chunk within such a file */

#define FILE_SIZE(type, name, key) NUMBER(UINT64, type, name, key, OPTIONAL, 0, FILE_SIZE_MAX)
#define MODE(type, name, key)      NUMBER(UINT16, type, name, key, OPTIONAL, 0, MODE_MAX)
#define ENTRY(type)                NUMBER(UINT64, type, entry, "entry", REQUIRED, 0, UINT64_MAX)
#define TIME(type)                                                                                           \
    I64(type, mtime.s, "mtimeS"), NUMBER(UINT32, type, mtime.ns, "mtimeNs", OPTIONAL, 0, NANOSECONDS_MAX)

static const struct field OFFER_FIELDS[] = {
    NUMBER(UINT64, struct offer, id, "id", REQUIRED, 1, UINT64_MAX),
    REQUIRED_TEXT(struct offer, name, "name", FILES_NAME_MAX),
    TEXT(struct offer, user, "user", TEXT_NAME_MAX),
    NUMBER(UINT64, struct offer, roots, "roots", REQUIRED, 1, UINT64_MAX),
    U64(struct offer, files, "files"),
    U64(struct offer, bytes, "bytes"),
    U64(struct offer, created_ms, "createdMs"),
};
static const struct record OFFER = RECORD(OFFER_FIELDS, struct offer);

static const struct field OFFER_ID_FIELDS[] = {
    NUMBER(UINT64, struct offer_id, id, "id", REQUIRED, 1, UINT64_MAX),
};
static const struct record OFFER_ID = RECORD(OFFER_ID_FIELDS, struct offer_id);

static const struct field OFFERS_FIELDS[] = {
    OTHER(BOOL, struct offers_message, snapshot, "snapshot", OPTIONAL),
    OTHER(BOOL, struct offers_message, more, "more", OPTIONAL),
    ITEMS(OWNED_ITEMS, struct offers_message, offers, offer_count, "offers", OFFERS_A_MESSAGE_MAX, &OFFER),
    ITEMS(OWNED_ITEMS, struct offers_message, gone, gone_count, "gone", OFFERS_GONE_A_MESSAGE_MAX, &OFFER_ID),
};

static const struct field PATH_FIELDS[] = {
    REQUIRED_TEXT(struct files_path, path, "path", FILES_PATH_MAX),
};
static const struct record PATH = RECORD(PATH_FIELDS, struct files_path);

static const struct field FILES_OPEN_FIELDS[] = {
    OTHER(SESSION, struct files_open_message, session, "session", REQUIRED),
    NUMBER(UINT8, struct files_open_message, operation, "operation", REQUIRED, FILES_PUT, FILES_DECLINE),
    BYTES(struct files_open_message, id, 0, "id", FILES_ID_SIZE, FILES_ID_SIZE),
    TEXT(struct files_open_message, user, "user", TEXT_NAME_MAX),
    REQUIRED_ITEMS(OWNED_ITEMS, struct files_open_message, paths, path_count, "paths", FILES_PATHS_MAX,
                   &PATH),
    TEXT(struct files_open_message, to, "to", FILES_PATH_MAX),
    NUMBER(UINT32, struct files_open_message, flags, "flags", OPTIONAL, 0, UINT32_MAX),
    NUMBER(UINT8, struct files_open_message, conflict, "conflict", OPTIONAL, FILES_REPLACE, FILES_FAIL),
    NUMBER(UINT8, struct files_open_message, links, "links", OPTIONAL, FILES_LINKS_SKIP, FILES_LINKS_FOLLOW),
    FILE_SIZE(struct files_open_message, offset, "offset"),
    FILE_SIZE(struct files_open_message, length, "length"),
    MODE(struct files_open_message, mode, "mode"),
    NUMBER(UINT32, struct files_open_message, checks, "checks", OPTIONAL, 0, UINT32_MAX),
    U64(struct files_open_message, offer, "offer"),
};

static const struct field FILES_OPENED_FIELDS[] = {
    NUMBER(UINT8, struct files_opened_message, check, "check", OPTIONAL, 0, 2),
    NUMBER(UINT8, struct files_opened_message, type, "type", OPTIONAL, 0, ENTRY_LINK),
    FILE_SIZE(struct files_opened_message, size, "size"),
    MODE(struct files_opened_message, mode, "mode"),
    TIME(struct files_opened_message),
    U64(struct files_opened_message, inode, "inode"),
    TEXT(struct files_opened_message, path, "path", FILES_PATH_MAX),
};

static const struct field MANIFEST_ENTRY_FIELDS[] = {
    NUMBER(UINT8, struct manifest_entry, type, "type", REQUIRED, ENTRY_FOLDER, ENTRY_LEAVE),
    TEXT(struct manifest_entry, name, "name", FILES_NAME_MAX),
    FILE_SIZE(struct manifest_entry, size, "size"),
    MODE(struct manifest_entry, mode, "mode"),
    TIME(struct manifest_entry),
    NUMBER(UINT32, struct manifest_entry, uid, "uid", OPTIONAL, 0, UINT32_MAX),
    NUMBER(UINT32, struct manifest_entry, gid, "gid", OPTIONAL, 0, UINT32_MAX),
    TEXT(struct manifest_entry, target, "target", FILES_LINK_MAX),
};
static const struct record MANIFEST_ENTRY = RECORD(MANIFEST_ENTRY_FIELDS, struct manifest_entry);

static const struct field MANIFEST_FIELDS[] = {
    NUMBER(UINT64, struct manifest_message, first, "first", REQUIRED, 0, UINT64_MAX),
    ITEMS(OWNED_ITEMS, struct manifest_message, entries, count, "entries", FILES_ENTRIES_A_MESSAGE_MAX,
          &MANIFEST_ENTRY),
    OTHER(BOOL, struct manifest_message, last, "last", OPTIONAL),
};

static const struct field PACK_FILE_FIELDS[] = {
    ENTRY(struct pack_file),
    NUMBER(UINT32, struct pack_file, size, "size", OPTIONAL, 0, FILES_CHUNK_SIZE),
    TIME(struct pack_file),
};
static const struct record PACK_FILE = RECORD(PACK_FILE_FIELDS, struct pack_file);

static const struct field PACK_FIELDS[] = {
    ITEMS(OWNED_ITEMS, struct pack_message, files, count, "files", FILES_ENTRIES_A_MESSAGE_MAX, &PACK_FILE),
};

static const struct field CHUNK_FIELDS[] = {
    ENTRY(struct chunk_message),
    FILE_SIZE(struct chunk_message, offset, "offset"),
    NUMBER(UINT64, struct chunk_message, size, "size", REQUIRED, 1, FILE_SIZE_MAX),
    OTHER(BOOL, struct chunk_message, zero, "zero", OPTIONAL),
};

static const struct field CHECK_FIELDS[] = {
    BYTES(struct check_message, tag, offsetof(struct check_message, tag_size), "tag", 0, FILES_CHECK_SIZE),
};

static const struct field KEEP_FIELDS[] = {
    ENTRY(struct keep_message),
    FILE_SIZE(struct keep_message, offset, "offset"),
    NUMBER(UINT64, struct keep_message, size, "size", REQUIRED, 1, FILE_SIZE_MAX),
};

static const struct field FILE_END_FIELDS[] = {
    ENTRY(struct file_end_message),
    FILE_SIZE(struct file_end_message, size, "size"),
    TIME(struct file_end_message),
};

static const struct field ATTRIBUTE_FIELDS[] = {
    ENTRY(struct attribute_message),
    REQUIRED_TEXT(struct attribute_message, name, "name", FILES_NAME_MAX),
    BYTES(struct attribute_message, value, offsetof(struct attribute_message, value_size), "value", 0,
          FILES_ATTRIBUTE_MAX),
};

static const struct field TOTALS_FIELDS[] = {
    U64(struct totals_message, files, "files"),
    U64(struct totals_message, bytes, "bytes"),
};

static const struct field FILE_FAILED_FIELDS[] = {
    ENTRY(struct file_failed_message),
    OTHER(STATUS, struct file_failed_message, status, "status", REQUIRED),
    TEXT(struct file_failed_message, text, "text", TEXT_REASON_MAX),
};

static const struct field FILE_AGAIN_FIELDS[] = {
    ENTRY(struct file_again_message),
};

static const struct field LEFT_OUT_FIELDS[] = {
    OTHER(STATUS, struct left_out_message, status, "status", REQUIRED),
    TEXT(struct left_out_message, path, "path", FILES_LINK_MAX),
    TEXT(struct left_out_message, text, "text", TEXT_REASON_MAX),
};

static const struct field NEED_RUN_FIELDS[] = {
    NUMBER(UINT64, struct need_run, first, "first", REQUIRED, 0, UINT64_MAX),
    NUMBER(UINT64, struct need_run, count, "count", REQUIRED, 1, UINT64_MAX),
    NUMBER(UINT8, struct need_run, action, "action", REQUIRED, NEED_SEND, NEED_NOTHING),
};
static const struct record NEED_RUN = RECORD(NEED_RUN_FIELDS, struct need_run);

static const struct field NEED_FIELDS[] = {
    ITEMS(OWNED_ITEMS, struct need_message, runs, count, "runs", FILES_ENTRIES_A_MESSAGE_MAX, &NEED_RUN),
};

static const struct field DIGESTS_FIELDS[] = {
    ENTRY(struct digests_message),
    NUMBER(UINT64, struct digests_message, first, "first", OPTIONAL, 0, FIRST_CHUNK_MAX),
    BYTES(struct digests_message, digests, offsetof(struct digests_message, size), "digests", 0,
          FILES_DIGESTS_BYTES_MAX),
    OTHER(BOOL, struct digests_message, last, "last", OPTIONAL),
};

static const struct field SETTLED_RUN_FIELDS[] = {
    NUMBER(UINT64, struct settled_run, first, "first", REQUIRED, 0, UINT64_MAX),
    NUMBER(UINT64, struct settled_run, count, "count", REQUIRED, 1, UINT64_MAX),
};
static const struct record SETTLED_RUN = RECORD(SETTLED_RUN_FIELDS, struct settled_run);

static const struct record FILE_FAILED = RECORD(FILE_FAILED_FIELDS, struct file_failed_message);

static const struct field SETTLED_FIELDS[] = {
    ITEMS(OWNED_ITEMS, struct settled_message, runs, count, "runs", FILES_ENTRIES_A_MESSAGE_MAX,
          &SETTLED_RUN),
    ITEMS(OWNED_ITEMS, struct settled_message, failed, failed_count, "failed", FILES_FAILURES_A_MESSAGE_MAX,
          &FILE_FAILED),
};

static const struct field PAUSED_FIELDS[] = {
    OTHER(STATUS, struct paused_message, status, "status", REQUIRED),
    OTHER(BOOL, struct paused_message, over, "over", OPTIONAL),
    TEXT(struct paused_message, text, "text", TEXT_REASON_MAX),
};

/* The path of a root that came to nothing is empty, and then left out. */
static const struct field ROOT_FIELDS[] = {
    TEXT(struct files_path, path, "path", FILES_PATH_MAX),
};
static const struct record ROOT = RECORD(ROOT_FIELDS, struct files_path);

static const struct field FILES_DONE_FIELDS[] = {
    U64(struct files_done_message, files, "files"),
    U64(struct files_done_message, bytes, "bytes"),
    U64(struct files_done_message, skipped, "skipped"),
    U64(struct files_done_message, failed, "failed"),
    BYTES(struct files_done_message, digest, offsetof(struct files_done_message, digest_size), "digest", 0,
          FILES_DIGEST_SIZE),
    ITEMS(OWNED_ITEMS, struct files_done_message, names, name_count, "names", FILES_PATHS_MAX, &ROOT),
};

static const struct field CHANGE_FIELDS[] = {
    NUMBER(UINT8, struct change, what, "what", REQUIRED, CHANGE_CREATED, CHANGE_MOVED),
    OTHER(BOOL, struct change, folder, "folder", OPTIONAL),
    REQUIRED_TEXT(struct change, path, "path", FILES_LINK_MAX),
    TEXT(struct change, from, "from", FILES_LINK_MAX),
};
static const struct record CHANGE = RECORD(CHANGE_FIELDS, struct change);

static const struct field CHANGES_FIELDS[] = {
    ITEMS(OWNED_ITEMS, struct changes_message, changes, count, "changes", FILES_CHANGES_A_MESSAGE_MAX,
          &CHANGE),
    OTHER(BOOL, struct changes_message, lost, "lost", OPTIONAL),
};

/* By kind; without fields where there is no message. */
static const struct record RECORDS[] = {
    [MESSAGE_OFFERS] = RECORD(OFFERS_FIELDS, struct offers_message),
    [MESSAGE_FILES_OPEN] = RECORD(FILES_OPEN_FIELDS, struct files_open_message),
    [MESSAGE_FILES_OPENED] = RECORD(FILES_OPENED_FIELDS, struct files_opened_message),
    [MESSAGE_MANIFEST] = RECORD(MANIFEST_FIELDS, struct manifest_message),
    [MESSAGE_PACK] = RECORD(PACK_FIELDS, struct pack_message),
    [MESSAGE_CHUNK] = RECORD(CHUNK_FIELDS, struct chunk_message),
    [MESSAGE_CHECK] = RECORD(CHECK_FIELDS, struct check_message),
    [MESSAGE_KEEP] = RECORD(KEEP_FIELDS, struct keep_message),
    [MESSAGE_FILE_END] = RECORD(FILE_END_FIELDS, struct file_end_message),
    [MESSAGE_ATTRIBUTE] = RECORD(ATTRIBUTE_FIELDS, struct attribute_message),
    [MESSAGE_TOTALS] = RECORD(TOTALS_FIELDS, struct totals_message),
    [MESSAGE_FILE_FAILED] = RECORD(FILE_FAILED_FIELDS, struct file_failed_message),
    [MESSAGE_FILE_AGAIN] = RECORD(FILE_AGAIN_FIELDS, struct file_again_message),
    [MESSAGE_LEFT_OUT] = RECORD(LEFT_OUT_FIELDS, struct left_out_message),
    [MESSAGE_NEED] = RECORD(NEED_FIELDS, struct need_message),
    [MESSAGE_DIGESTS] = RECORD(DIGESTS_FIELDS, struct digests_message),
    [MESSAGE_SETTLED] = RECORD(SETTLED_FIELDS, struct settled_message),
    [MESSAGE_PAUSED] = RECORD(PAUSED_FIELDS, struct paused_message),
    [MESSAGE_FILES_DONE] = RECORD(FILES_DONE_FIELDS, struct files_done_message),
    [MESSAGE_CHANGES] = RECORD(CHANGES_FIELDS, struct changes_message),
};

const struct record *record_of_files_kind(uint64_t kind)
{
    if (kind >= sizeof(RECORDS) / sizeof(RECORDS[0]) || RECORDS[kind].field_count == 0)
        return NULL;
    return &RECORDS[kind];
}
