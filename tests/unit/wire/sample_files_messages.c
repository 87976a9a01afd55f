/* SPDX-License-Identifier: MIT */
/* The messages of files and offers behind tests/vectors/wire: changing one changes its vector. */
#include "tests/unit/wire/sample_messages.h"

#include <stdio.h>
#include <string.h>

static void make_offers_snapshot(struct message *message)
{
    message->kind = MESSAGE_OFFERS;
    message->id = 42;
    struct offers_message *offers = &message->body.offers;
    *offers = (struct offers_message){.sequence = 42, .snapshot = true, .more = true, .offer_count = 2};
    offers->offers = sample_items(2, sizeof(*offers->offers));
    offers->offers[0] = (struct offer){.id = 1,
                                       .name = "r\xc3\xa9sum\xc3\xa9.pdf",
                                       .user = "ada",
                                       .roots = 1,
                                       .files = 1,
                                       .bytes = 123456,
                                       .created_ms = 1700000000000};
    offers->offers[1] = (struct offer){.id = UINT64_MAX, .name = "photos", .roots = 3};
}

static void make_offers_delta(struct message *message)
{
    message->kind = MESSAGE_OFFERS;
    message->id = 43;
    struct offers_message *offers = &message->body.offers;
    *offers = (struct offers_message){.sequence = 43, .offer_count = 1, .gone_count = 2};
    offers->offers = sample_items(1, sizeof(*offers->offers));
    offers->offers[0] = (struct offer){.id = 9, .name = "a", .user = "b", .roots = 1};
    offers->gone = sample_items(2, sizeof(*offers->gone));
    offers->gone[0].id = 1;
    offers->gone[1].id = UINT64_MAX;
}

static struct files_id sample_files_id(void)
{
    struct files_id id;
    for (size_t i = 0; i < FILES_ID_SIZE; i++)
        id.bytes[i] = (uint8_t)(0x30 + i);
    return id;
}

static void make_files_open_put(struct message *message)
{
    message->kind = MESSAGE_FILES_OPEN;
    message->body.files_open =
        (struct files_open_message){.session = sample_session(),
                                    .operation = FILES_PUT,
                                    .id = sample_files_id(),
                                    .user = "ada",
                                    .to = "backup/today",
                                    .flags = FILES_RECURSIVE | FILES_UPDATE | FILES_RESUME | FILES_DROP,
                                    .conflict = FILES_RENAME,
                                    .links = FILES_LINKS_KEEP,
                                    .checks = 3};
}

static void make_files_open_all(struct message *message)
{
    message->kind = MESSAGE_FILES_OPEN;
    struct files_open_message *open = &message->body.files_open;
    *open = (struct files_open_message){.session = sample_session(),
                                        .operation = FILES_DECLINE,
                                        .id = sample_files_id(),
                                        .path_count = 2,
                                        .flags = FILES_FLAGS_ALL,
                                        .conflict = FILES_FAIL,
                                        .links = FILES_LINKS_FOLLOW,
                                        .offset = UINT64_C(1) << 40,
                                        .length = INT64_MAX - (INT64_C(1) << 40),
                                        .mode = 07777,
                                        .checks = UINT32_MAX,
                                        .offer = UINT64_MAX};
    open->paths = sample_items(2, sizeof(*open->paths));
    strcpy(open->paths[0].path, "/etc/motd");
    strcpy(open->paths[1].path, "gr\xc3\xbcn");
}

static void make_files_opened(struct message *message)
{
    message->kind = MESSAGE_FILES_OPENED;
    message->body.files_opened = (struct files_opened_message){.check = 2,
                                                               .type = ENTRY_FILE,
                                                               .size = INT64_MAX,
                                                               .mode = 0640,
                                                               .mtime = {INT64_MIN, 999999999},
                                                               .inode = UINT64_MAX,
                                                               .path = "/home/ada/notes"};
}

static void make_manifest(struct message *message)
{
    message->kind = MESSAGE_MANIFEST;
    struct manifest_message *manifest = &message->body.manifest;
    *manifest = (struct manifest_message){.first = 70000, .count = 4, .last = true};
    manifest->entries = sample_items(4, sizeof(*manifest->entries));
    manifest->entries[0] = (struct manifest_entry){
        .type = ENTRY_FOLDER, .name = "src", .mode = 0755, .mtime = {1700000000, 5}, .uid = 1000, .gid = 100};
    manifest->entries[1] = (struct manifest_entry){.type = ENTRY_FILE,
                                                   .name = "old",
                                                   .size = UINT64_C(5) << 32,
                                                   .mode = 04711,
                                                   .mtime = {-1, 999999999}};
    manifest->entries[2] = (struct manifest_entry){.type = ENTRY_LINK, .name = "new", .target = "old"};
    manifest->entries[3] = (struct manifest_entry){.type = ENTRY_LEAVE};
}

static void make_pack(struct message *message)
{
    message->kind = MESSAGE_PACK;
    struct pack_message *pack = &message->body.pack;
    pack->count = 2;
    pack->files = sample_items(2, sizeof(*pack->files));
    pack->files[0] = (struct pack_file){.entry = 70001, .size = 4096, .mtime = {1700000000, 123456789}};
    pack->files[1] = (struct pack_file){.entry = 0};
}

static void make_chunk(struct message *message)
{
    message->kind = MESSAGE_CHUNK;
    message->body.chunk = (struct chunk_message){.entry = 7, .offset = FILES_CHUNK_SIZE, .size = 1000};
}

static void make_chunk_zero(struct message *message)
{
    message->kind = MESSAGE_CHUNK;
    message->body.chunk = (struct chunk_message){.entry = UINT64_MAX,
                                                 .offset = INT64_MAX - (FILES_CHUNK_SIZE - 1),
                                                 .size = FILES_CHUNK_SIZE - 1,
                                                 .zero = true};
}

static void make_chunk_zeroes(struct message *message)
{
    message->kind = MESSAGE_CHUNK;
    message->body.chunk = (struct chunk_message){.entry = 7, .size = INT64_MAX, .zero = true};
}

static void make_check(struct message *message)
{
    message->kind = MESSAGE_CHECK;
    message->body.check.tag_size = FILES_CHECK_SIZE;
    memset(message->body.check.tag, 0xc5, FILES_CHECK_SIZE);
}

static void make_check_empty(struct message *message)
{
    message->kind = MESSAGE_CHECK;
}

static void make_keep(struct message *message)
{
    message->kind = MESSAGE_KEEP;
    message->body.keep = (struct keep_message){.entry = 7, .offset = 2 * FILES_CHUNK_SIZE, .size = 17};
}

static void make_file_end(struct message *message)
{
    message->kind = MESSAGE_FILE_END;
    message->body.file_end =
        (struct file_end_message){.entry = 7, .size = UINT64_C(1) << 33, .mtime = {-62135596800, 1}};
}

static void make_attribute(struct message *message)
{
    message->kind = MESSAGE_ATTRIBUTE;
    struct attribute_message *attribute = &message->body.attribute;
    *attribute = (struct attribute_message){.entry = 7, .name = "user.origin", .value_size = 3};
    memcpy(attribute->value, "\0\xff\1", 3);
}

static void make_totals(struct message *message)
{
    message->kind = MESSAGE_TOTALS;
    message->body.totals = (struct totals_message){.files = 100000, .bytes = UINT64_C(400) << 30};
}

static void make_file_failed(struct message *message)
{
    message->kind = MESSAGE_FILE_FAILED;
    message->body.file_failed =
        (struct file_failed_message){.entry = 8, .status = -10029, .text = "it keeps changing"};
}

static void make_file_again(struct message *message)
{
    message->kind = MESSAGE_FILE_AGAIN;
    message->body.file_again.entry = 300;
}

static void make_left_out(struct message *message)
{
    message->kind = MESSAGE_LEFT_OUT;
    message->body.left_out =
        (struct left_out_message){.status = -10006, .path = "src/pipe", .text = "neither file nor folder"};
}

static void make_need(struct message *message)
{
    message->kind = MESSAGE_NEED;
    struct need_message *need = &message->body.need;
    need->count = 3;
    need->runs = sample_items(3, sizeof(*need->runs));
    need->runs[0] = (struct need_run){.first = 0, .count = 12, .action = NEED_SEND};
    need->runs[1] = (struct need_run){.first = 12, .count = 1, .action = NEED_COMPARE};
    need->runs[2] = (struct need_run){.first = 70000, .count = 1000, .action = NEED_NOTHING};
}

static void make_digests(struct message *message)
{
    message->kind = MESSAGE_DIGESTS;
    struct digests_message *digests = &message->body.digests;
    *digests = (struct digests_message){.entry = 7, .first = 128, .size = 64, .last = true};
    for (size_t i = 0; i < digests->size; i++)
        digests->digests[i] = (uint8_t)(3 * i);
}

static void make_settled(struct message *message)
{
    message->kind = MESSAGE_SETTLED;
    struct settled_message *settled = &message->body.settled;
    *settled = (struct settled_message){.count = 2, .failed_count = 1};
    settled->runs = sample_items(2, sizeof(*settled->runs));
    settled->runs[0] = (struct settled_run){.first = 0, .count = 256};
    settled->runs[1] = (struct settled_run){.first = UINT64_MAX - 1, .count = 1};
    settled->failed = sample_items(1, sizeof(*settled->failed));
    settled->failed[0] =
        (struct file_failed_message){.entry = 257, .status = -10028, .text = "the quota is used up"};
}

static void make_paused(struct message *message)
{
    message->kind = MESSAGE_PAUSED;
    message->body.paused =
        (struct paused_message){.status = -10028, .over = true, .text = "/home has space again"};
}

static void make_files_done(struct message *message)
{
    message->kind = MESSAGE_FILES_DONE;
    struct files_done_message *done = &message->body.files_done;
    *done =
        (struct files_done_message){.files = 5, .bytes = 70000, .skipped = 2, .failed = 1, .name_count = 2};
    done->names = sample_items(2, sizeof(*done->names));
    strcpy(done->names[0].path, "/home/ada/src (2)");
}

static void make_files_done_written(struct message *message)
{
    message->kind = MESSAGE_FILES_DONE;
    message->body.files_done.digest_size = FILES_DIGEST_SIZE;
    memset(message->body.files_done.digest, 0xd1, FILES_DIGEST_SIZE);
}

static void make_changes(struct message *message)
{
    message->kind = MESSAGE_CHANGES;
    struct changes_message *changes = &message->body.changes;
    *changes = (struct changes_message){.count = 2, .lost = true};
    changes->changes = sample_items(2, sizeof(*changes->changes));
    changes->changes[0] = (struct change){.what = CHANGE_MOVED, .path = "b/c", .from = "a"};
    changes->changes[1] = (struct change){.what = CHANGE_CREATED, .folder = true, .path = "d"};
}

const struct sample FILES_SAMPLES[] = {
    {"offers_snapshot", make_offers_snapshot},
    {"offers_delta", make_offers_delta},
    {"files_open_put", make_files_open_put},
    {"files_open_all", make_files_open_all},
    {"files_opened", make_files_opened},
    {"manifest", make_manifest},
    {"pack", make_pack},
    {"chunk", make_chunk},
    {"chunk_zero", make_chunk_zero},
    {"chunk_zeroes", make_chunk_zeroes},
    {"check", make_check},
    {"check_empty", make_check_empty},
    {"keep", make_keep},
    {"file_end", make_file_end},
    {"attribute", make_attribute},
    {"totals", make_totals},
    {"file_failed", make_file_failed},
    {"file_again", make_file_again},
    {"left_out", make_left_out},
    {"need", make_need},
    {"digests", make_digests},
    {"settled", make_settled},
    {"paused", make_paused},
    {"files_done", make_files_done},
    {"files_done_written", make_files_done_written},
    {"changes", make_changes},
};
const size_t FILES_SAMPLE_COUNT = sizeof(FILES_SAMPLES) / sizeof(FILES_SAMPLES[0]);

void sample_largest_manifest(struct message *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->kind = MESSAGE_MANIFEST;
    ret->id = UINT64_MAX;
    struct manifest_message *manifest = &ret->body.manifest;
    *manifest = (struct manifest_message){.first = UINT64_MAX - FILES_ENTRIES_A_MESSAGE_MAX,
                                          .count = FILES_ENTRIES_A_MESSAGE_MAX,
                                          .last = true};
    manifest->entries = sample_items(manifest->count, sizeof(*manifest->entries));
    for (size_t i = 0; i < manifest->count; i++) {
        struct manifest_entry *entry = &manifest->entries[i];
        *entry = (struct manifest_entry){.type = ENTRY_LINK,
                                         .size = INT64_MAX,
                                         .mode = 07777,
                                         .mtime = {INT64_MIN, 999999999},
                                         .uid = UINT32_MAX,
                                         .gid = UINT32_MAX};
        memset(entry->name, 'n', FILES_NAME_MAX);
        memset(entry->target, 't', FILES_LINK_MAX);
    }
}

void sample_largest_changes(struct message *ret)
{
    memset(ret, 0, sizeof(*ret));
    ret->kind = MESSAGE_CHANGES;
    ret->id = UINT64_MAX;
    struct changes_message *changes = &ret->body.changes;
    *changes = (struct changes_message){.count = FILES_CHANGES_A_MESSAGE_MAX, .lost = true};
    changes->changes = sample_items(changes->count, sizeof(*changes->changes));
    for (size_t i = 0; i < changes->count; i++) {
        struct change *change = &changes->changes[i];
        *change = (struct change){.what = CHANGE_MOVED, .folder = true};
        memset(change->path, 'p', FILES_LINK_MAX);
        memset(change->from, 'f', FILES_LINK_MAX);
    }
}
