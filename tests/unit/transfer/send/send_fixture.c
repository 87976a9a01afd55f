/* SPDX-License-Identifier: MIT */
/* The scripted receiver. It asserts what the protocol says of a sender. */
#include "tests/unit/transfer/send/send_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/aead.h"
#include "services/transfer/entry_name.h"

#define NO_PARENT UINT64_MAX

void send_fixture_init(struct send_fixture *fixture)
{
    *fixture = (struct send_fixture){.action = NEED_SEND, .budget = 1 << 20};
    scratch_make(&fixture->folder);
    fixture->keys.check = AEAD_CHACHA20_POLY1305;
    memset(fixture->keys.check_key, 5, sizeof(fixture->keys.check_key));
    memset(fixture->keys.digest_key, 6, sizeof(fixture->keys.digest_key));
    assert_int_equal(item_pool_create(8, &fixture->pool), 0);
    assert_int_equal(chunk_check_create(&fixture->keys, &fixture->check), 0);
}

static int begin(struct send_fixture *fixture, const struct sender_options *options)
{
    return sender_create(options, &fixture->engine, fixture->problem);
}

int send_fixture_begin(struct send_fixture *fixture, uint32_t flags, uint8_t links, size_t path_count,
                       const char *const *paths)
{
    struct sender_options options = {.pool = fixture->pool,
                                     .keys = fixture->keys,
                                     .path_count = path_count,
                                     .paths = paths,
                                     .flags = flags,
                                     .links = links};
    return begin(fixture, &options);
}

int send_fixture_begin_one(struct send_fixture *fixture, uint32_t flags, uint8_t links, const char *name)
{
    const char *path = scratch_path(&fixture->folder, name);
    return send_fixture_begin(fixture, flags, links, 1, &path);
}

int send_fixture_begin_list(struct send_fixture *fixture, const char *path)
{
    struct sender_options options = {
        .pool = fixture->pool, .keys = fixture->keys, .path_count = 1, .paths = &path, .list = true};
    return begin(fixture, &options);
}

static void clear_pieces(struct got_entry *entry)
{
    for (size_t i = 0; i < entry->piece_count; i++)
        free(entry->pieces[i].bytes);
    free(entry->pieces);
    entry->pieces = NULL;
    entry->piece_count = 0;
}

void send_fixture_finish(struct send_fixture *fixture)
{
    for (size_t i = 0; i < fixture->entry_count; i++) {
        clear_pieces(&fixture->entries[i]);
        free(fixture->entries[i].attributes);
    }
    free(fixture->entries);
    item_release(fixture->pool, fixture->bytes);
    if (fixture->engine != NULL)
        fixture->engine->ops->destroy(fixture->engine, true);
    chunk_check_destroy(fixture->check);
    item_pool_destroy(fixture->pool);
    scratch_remove(&fixture->folder);
}

static struct got_entry *entry_of(struct send_fixture *fixture, uint64_t number)
{
    assert_true(number < fixture->entry_count);
    return &fixture->entries[number];
}

/* Data may come for what was asked for only. */
static struct got_entry *asked_of(struct send_fixture *fixture, uint64_t number)
{
    struct got_entry *entry = entry_of(fixture, number);
    assert_int_equal(entry->said.type, ENTRY_FILE);
    assert_true(entry->answered);
    assert_false(entry->complete);
    return entry;
}

static void add_entry(struct send_fixture *fixture, const struct manifest_entry *said)
{
    if (fixture->entry_count == fixture->entry_capacity) {
        fixture->entry_capacity = fixture->entry_capacity == 0 ? 64 : fixture->entry_capacity * 2;
        fixture->entries = realloc(fixture->entries, fixture->entry_capacity * sizeof(*fixture->entries));
        assert_non_null(fixture->entries);
    }
    struct got_entry *entry = &fixture->entries[fixture->entry_count];
    *entry = (struct got_entry){
        .said = *said,
        .number = fixture->entry_count,
        .parent = fixture->depth == 0 ? NO_PARENT : fixture->above[fixture->depth - 1],
    };
    fixture->entry_count++;
    if (said->type == ENTRY_LEAVE) {
        assert_true(fixture->depth > 0);
        fixture->depth--;
        entry->settled = entry->answered = entry->complete = true;
        return;
    }
    assert_true(entry_name_is_valid(said->name));
    if (said->type == ENTRY_FOLDER) {
        assert_true(fixture->depth < FILES_DEPTH_MAX);
        fixture->above[fixture->depth++] = entry->number;
    }
    entry->answered = entry->complete = said->type != ENTRY_FILE;
    fixture->unsettled++;
    if (fixture->unsettled > fixture->unsettled_max)
        fixture->unsettled_max = fixture->unsettled;
    assert_true(fixture->unsettled <= FILES_WINDOW);
}

static void hear_manifest(struct send_fixture *fixture, const struct manifest_message *manifest)
{
    assert_false(fixture->last);
    assert_int_equal(manifest->first, fixture->entry_count);
    for (size_t i = 0; i < manifest->count; i++)
        add_entry(fixture, &manifest->entries[i]);
    fixture->last = manifest->last;
    fixture->parts++;
}

static struct got_piece *add_piece(struct got_entry *entry, uint8_t kind, uint64_t offset, uint64_t size)
{
    if (entry->piece_count > 0) { /* ascending */
        const struct got_piece *before = &entry->pieces[entry->piece_count - 1];
        assert_true(offset >= before->offset + before->size);
    }
    entry->pieces = realloc(entry->pieces, (entry->piece_count + 1) * sizeof(*entry->pieces));
    assert_non_null(entry->pieces);
    struct got_piece *piece = &entry->pieces[entry->piece_count++];
    *piece = (struct got_piece){.kind = kind, .offset = offset, .size = size};
    return piece;
}

static void keep_bytes(struct got_piece *piece, const uint8_t *bytes)
{
    piece->bytes = malloc(piece->size + 1);
    assert_non_null(piece->bytes);
    if (piece->size > 0)
        memcpy(piece->bytes, bytes, piece->size);
}

static void hear_packed(struct send_fixture *fixture, struct span bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < fixture->behind.body.pack.count; i++) {
        const struct pack_file *file = &fixture->pack[i];
        struct got_entry *entry = asked_of(fixture, file->entry);
        assert_true(file->size <= bytes.size - at);
        if (!fixture->forgets)
            keep_bytes(add_piece(entry, PIECE_PACKED, 0, file->size),
                       at < bytes.size ? bytes.data + at : NULL);
        at += file->size;
        entry->size = file->size;
        entry->mtime = file->mtime;
        entry->complete = true;
    }
    assert_int_equal(at, bytes.size);
    fixture->packs++;
}

static void hear_check(struct send_fixture *fixture, const struct check_message *check)
{
    assert_true(fixture->awaits_check);
    assert_false(fixture->awaits_bytes);
    struct span bytes = {0};
    if (fixture->bytes != NULL)
        bytes = span_of(fixture->bytes->bytes, fixture->bytes->size);
    assert_true(chunk_check_open(fixture->check, bytes, check));
    if (fixture->behind.kind == MESSAGE_PACK) {
        hear_packed(fixture, bytes);
    } else {
        const struct chunk_message *chunk = &fixture->behind.body.chunk;
        assert_int_equal(bytes.size, chunk->size);
        struct got_entry *entry = asked_of(fixture, chunk->entry);
        keep_bytes(add_piece(entry, PIECE_CHUNK, chunk->offset, chunk->size), bytes.data);
    }
    item_release(fixture->pool, fixture->bytes);
    fixture->bytes = NULL;
    fixture->awaits_check = false;
    fixture->checks++;
}

static void hear_pack(struct send_fixture *fixture, const struct message *message)
{
    const struct pack_message *pack = &message->body.pack;
    assert_true(pack->count > 0);
    uint64_t bytes = 0;
    for (size_t i = 0; i < pack->count; i++)
        bytes += pack->files[i].size;
    assert_true(bytes <= FILES_CHUNK_SIZE);
    memcpy(fixture->pack, pack->files, pack->count * sizeof(*pack->files));
    fixture->behind = *message;
    fixture->awaits_bytes = bytes > 0;
    fixture->awaits_check = true;
}

static void hear_chunk(struct send_fixture *fixture, const struct message *message)
{
    const struct chunk_message *chunk = &message->body.chunk;
    struct got_entry *entry = asked_of(fixture, chunk->entry);
    if (chunk->zero) {
        add_piece(entry, PIECE_ZERO, chunk->offset, chunk->size);
        return;
    }
    fixture->behind = *message;
    fixture->awaits_bytes = fixture->awaits_check = true;
}

static void hear_end(struct send_fixture *fixture, const struct file_end_message *end)
{
    struct got_entry *entry = asked_of(fixture, end->entry);
    if (entry->piece_count > 0) {
        const struct got_piece *piece = &entry->pieces[entry->piece_count - 1];
        assert_true(piece->offset + piece->size <= end->size);
    }
    entry->size = end->size;
    entry->mtime = end->mtime;
    entry->complete = true;
}

static void hear_attribute(struct send_fixture *fixture, const struct attribute_message *attribute)
{
    struct got_entry *entry = entry_of(fixture, attribute->entry);
    assert_true(entry->piece_count == 0);
    size_t size = (entry->attribute_count + 1) * sizeof(*entry->attributes);
    entry->attributes = realloc(entry->attributes, size);
    assert_non_null(entry->attributes);
    entry->attributes[entry->attribute_count++] = *attribute;
}

static void hear_failed(struct send_fixture *fixture, const struct file_failed_message *failed)
{
    struct got_entry *entry = entry_of(fixture, failed->entry);
    assert_true(entry->answered);
    entry->failed = failed->status;
    entry->complete = true;
}

static void hear_keep(struct send_fixture *fixture, const struct keep_message *keep)
{
    add_piece(asked_of(fixture, keep->entry), PIECE_KEEP, keep->offset, keep->size);
}

static void hear(struct send_fixture *fixture, const struct message *message)
{
    assert_true(!fixture->awaits_check || message->kind == MESSAGE_CHECK);
    switch (message->kind) {
    case MESSAGE_MANIFEST:
        hear_manifest(fixture, &message->body.manifest);
        break;
    case MESSAGE_PACK:
        hear_pack(fixture, message);
        break;
    case MESSAGE_CHUNK:
        hear_chunk(fixture, message);
        break;
    case MESSAGE_CHECK:
        hear_check(fixture, &message->body.check);
        break;
    case MESSAGE_KEEP:
        hear_keep(fixture, &message->body.keep);
        break;
    case MESSAGE_FILE_END:
        hear_end(fixture, &message->body.file_end);
        break;
    case MESSAGE_ATTRIBUTE:
        hear_attribute(fixture, &message->body.attribute);
        break;
    case MESSAGE_TOTALS:
        fixture->totals = message->body.totals;
        fixture->totals_count++;
        break;
    case MESSAGE_FILE_FAILED:
        hear_failed(fixture, &message->body.file_failed);
        break;
    case MESSAGE_LEFT_OUT:
        assert_true(message->body.left_out.path[0] != '\0' && message->body.left_out.text[0] != '\0');
        fixture->left_out++;
        break;
    case MESSAGE_FILE_AGAIN: {
        struct got_entry *entry = asked_of(fixture, message->body.file_again.entry);
        clear_pieces(entry);
        entry->again++;
        break;
    }
    case MESSAGE_FILES_DONE:
        fixture->done = true;
        fixture->files_done = message->body.files_done;
        break;
    default:
        fail_msg("a sender does not say %d", message->kind);
    }
}

int send_fixture_produce(struct send_fixture *fixture)
{
    struct item_queue out = {0};
    bool more;
    int count = 0;
    int status = fixture->engine->ops->produce(fixture->engine, &out, fixture->budget, &more);
    for (struct transfer_item *item; (item = item_queue_pop(&out)) != NULL; count++) {
        if (item->kind == ITEM_DATA) {
            assert_true(fixture->awaits_bytes);
            fixture->awaits_bytes = false;
            fixture->bytes = item;
            continue;
        }
        assert_true(item->size <= MUX_MESSAGE_MAX);
        struct message message;
        struct message_head head;
        assert_int_equal(message_decode(span_of(item->bytes, item->size), &message, &head), 0);
        hear(fixture, &message);
        message_finish(&message);
        item_release(fixture->pool, item);
    }
    assert_true(status < 0 || !fixture->awaits_check);
    return status < 0 ? status : more && count == 0 ? 1 : count;
}

int send_fixture_tell(struct send_fixture *fixture, const struct message *message)
{
    struct transfer_item *item;
    assert_int_equal(item_encode(message, &item), 0);
    int status = fixture->engine->ops->take(fixture->engine, item);
    item_release(fixture->pool, item);
    return status;
}

int send_fixture_need(struct send_fixture *fixture, uint64_t first, uint64_t count, uint8_t action)
{
    struct need_run run = {first, count, action};
    struct message message = {.kind = MESSAGE_NEED};
    message.body.need = (struct need_message){.count = 1, .runs = &run};
    int status = send_fixture_tell(fixture, &message);
    for (uint64_t number = first; status == 0 && number < first + count; number++) {
        struct got_entry *entry = entry_of(fixture, number);
        entry->answered = true;
        if (action == NEED_NOTHING) {
            entry->complete = entry->settled = true;
            fixture->unsettled--;
        }
    }
    return status;
}

int send_fixture_settle(struct send_fixture *fixture, uint64_t first, uint64_t count)
{
    struct settled_run run = {first, count};
    struct message message = {.kind = MESSAGE_SETTLED};
    message.body.settled = (struct settled_message){.count = 1, .runs = &run};
    int status = send_fixture_tell(fixture, &message);
    for (uint64_t number = first; status == 0 && number < first + count; number++) {
        entry_of(fixture, number)->settled = true;
        fixture->unsettled--;
    }
    return status;
}

int send_fixture_settle_failed(struct send_fixture *fixture, uint64_t entry, int status)
{
    struct file_failed_message failed = {.entry = entry, .status = status, .text = "so it is"};
    struct message message = {.kind = MESSAGE_SETTLED};
    message.body.settled = (struct settled_message){.failed_count = 1, .failed = &failed};
    int result = send_fixture_tell(fixture, &message);
    if (result == 0) {
        struct got_entry *got = entry_of(fixture, entry);
        got->answered = got->settled = true;
        fixture->unsettled--;
    }
    return result;
}

int send_fixture_digests(struct send_fixture *fixture, uint64_t entry, uint64_t first, const void *bytes,
                         size_t size, bool last)
{
    struct message message = {.kind = MESSAGE_DIGESTS};
    struct digests_message *digests = &message.body.digests;
    *digests = (struct digests_message){.entry = entry, .first = first, .size = (uint16_t)size, .last = last};
    if (size > 0)
        memcpy(digests->digests, bytes, size);
    return send_fixture_tell(fixture, &message);
}

int send_fixture_tell_done(struct send_fixture *fixture)
{
    struct message message = {.kind = MESSAGE_FILES_DONE};
    message.body.files_done.failed = fixture->done_failed;
    return send_fixture_tell(fixture, &message);
}

bool send_fixture_answer(struct send_fixture *fixture)
{
    bool something = false;
    for (size_t i = 0; i < fixture->entry_count; i++) {
        struct got_entry *entry = &fixture->entries[i];
        if (!entry->answered) {
            assert_int_equal(send_fixture_need(fixture, i, 1, fixture->action), 0);
            something = true;
        } else if (entry->complete && !entry->settled) {
            int status = entry->failed == 0 ? send_fixture_settle(fixture, i, 1)
                                            : send_fixture_settle_failed(fixture, i, entry->failed);
            assert_int_equal(status, 0);
            something = true;
        }
    }
    return something;
}

void send_fixture_run(struct send_fixture *fixture)
{
    for (;;) {
        int count = send_fixture_produce(fixture);
        assert_true(count >= 0);
        if (!send_fixture_answer(fixture) && count == 0)
            break;
    }
    assert_true(fixture->last);
    assert_int_equal(fixture->unsettled, 0);
    assert_int_equal(fixture->depth, 0);
    assert_true(fixture->totals_count > 0);
    assert_int_equal(fixture->engine->counts.phase, TRANSFER_FINISH);
    assert_int_equal(engine_take_fin(fixture->engine), STATUS_UNEXPECTED);
    assert_int_equal(send_fixture_tell_done(fixture), 0);
    assert_true(fixture->engine->says_fin);
    assert_false(fixture->engine->is_done);
    assert_int_equal(engine_take_fin(fixture->engine), 0);
    assert_true(fixture->engine->is_done);
    assert_int_equal(send_fixture_produce(fixture), 0);
}

void send_fixture_scan(struct send_fixture *fixture)
{
    for (int count = 1; count > 0;)
        assert_true((count = send_fixture_produce(fixture)) >= 0);
    assert_true(fixture->last);
    for (size_t i = 0; i < fixture->entry_count; i++)
        if (fixture->entries[i].complete && !fixture->entries[i].settled)
            assert_int_equal(send_fixture_settle(fixture, i, 1), 0);
}

struct got_entry *send_fixture_entry(struct send_fixture *fixture, const char *path)
{
    uint64_t parent = NO_PARENT;
    struct got_entry *found = NULL;
    while (*path != '\0') {
        size_t size = strcspn(path, "/");
        found = NULL;
        for (size_t i = 0; i < fixture->entry_count && found == NULL; i++) {
            struct got_entry *entry = &fixture->entries[i];
            if (entry->parent == parent && strlen(entry->said.name) == size && size > 0 &&
                memcmp(entry->said.name, path, size) == 0)
                found = entry;
        }
        if (found == NULL)
            return NULL;
        parent = found->number;
        path += size + (path[size] == '/');
    }
    return found;
}

struct got_entry *send_fixture_find(struct send_fixture *fixture, const char *path, uint8_t type)
{
    struct got_entry *entry = send_fixture_entry(fixture, path);
    if (entry == NULL)
        fail_msg("%s was not announced", path);
    assert_int_equal(entry->said.type, type);
    return entry;
}

void send_fixture_compare(struct send_fixture *fixture, const struct got_entry *entry, const char *path)
{
    int fd = open(scratch_path(&fixture->folder, path), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    struct stat facts;
    assert_int_equal(fstat(fd, &facts), 0);
    assert_int_equal(entry->size, facts.st_size);
    assert_int_equal(entry->mtime.s, facts.st_mtim.tv_sec);
    assert_int_equal(entry->mtime.ns, facts.st_mtim.tv_nsec);
    uint8_t *bytes = malloc(FILES_CHUNK_SIZE);
    assert_non_null(bytes);
    uint64_t at = 0;
    for (size_t i = 0; i <= entry->piece_count; i++) { /* the gap before each piece, and the last one */
        const struct got_piece *piece = i < entry->piece_count ? &entry->pieces[i] : NULL;
        uint64_t start = piece == NULL ? entry->size : piece->offset;
        off_t data = lseek(fd, (off_t)at, SEEK_DATA);
        if (at < start)
            assert_true(data < 0 || (uint64_t)data >= start);
        if (piece == NULL)
            break;
        if (piece->bytes != NULL) {
            assert_int_equal(pread(fd, bytes, piece->size, (off_t)start), piece->size);
            assert_memory_equal(bytes, piece->bytes, piece->size);
        }
        at = start + piece->size;
    }
    free(bytes);
    close(fd);
}

int send_fixture_failure(const struct send_fixture *fixture, const char *path)
{
    for (const struct transfer_failure *failure = fixture->engine->failures; failure != NULL;
         failure = failure->next)
        if (strcmp(failure->path, path) == 0)
            return failure->status;
    return 0;
}
