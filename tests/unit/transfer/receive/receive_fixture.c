/* SPDX-License-Identifier: MIT */
/* Makes messages and keeps answers. It is no honest sender: it says whatever it is told. */
#include "tests/unit/transfer/receive/receive_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/wire/aead.h"

int receive_setup(void **state)
{
    struct receive_fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    scratch_make(&fixture->folder);
    snprintf(fixture->target_path, sizeof(fixture->target_path), "%s/there", fixture->folder.path);
    assert_int_equal(mkdir(fixture->target_path, 0755), 0);
    fixture->target = fixture->target_path;
    assert_int_equal(item_pool_create(8, &fixture->pool), 0);
    fixture->budget = 1 << 20;
    fixture->options = (struct receiver_options){
        .pool = fixture->pool,
        .keys = {.check = (uint8_t)aead_choose(aead_ciphers(), aead_ciphers()),
                 .check_key = {1, 2, 3},
                 .digest_key = {4, 5, 6}},
        .folder = fixture->target,
        .id = {{0xab, 1, 2, 3}},
        .flags = FILES_RECURSIVE,
        .links = FILES_LINKS_KEEP,
    };
    *state = fixture;
    return 0;
}

int receive_teardown(void **state)
{
    struct receive_fixture *fixture = *state;
    receive_close(fixture, true);
    if (fixture->is_mounted)
        assert_int_equal(umount2(fixture->target, MNT_DETACH), 0);
    item_pool_destroy(fixture->pool);
    scratch_remove(&fixture->folder);
    free(fixture);
    return 0;
}

int receive_open(struct receive_fixture *fixture)
{
    fixture->next = 0;
    memset(fixture->need, 0, sizeof(fixture->need));
    memset(fixture->settled, 0, sizeof(fixture->settled));
    memset(fixture->failed, 0, sizeof(fixture->failed));
    fixture->settled_count = 0;
    fixture->paused_count = 0;
    fixture->is_done = false;
    fixture->problem[0] = '\0';
    int status = receiver_create(&fixture->options, &fixture->engine, fixture->problem);
    if (status == 0)
        assert_int_equal(chunk_check_create(&fixture->options.keys, &fixture->check), 0);
    return status;
}

void receive_close(struct receive_fixture *fixture, bool discard)
{
    if (fixture->engine == NULL)
        return;
    fixture->engine->ops->destroy(fixture->engine, discard);
    fixture->engine = NULL;
    chunk_check_destroy(fixture->check);
    fixture->check = NULL;
}

/* Each entry is settled once, and was announced before. */
static void note_settled(struct receive_fixture *fixture, uint64_t first, uint64_t count)
{
    for (uint64_t entry = first; entry < first + count; entry++) {
        assert_true(entry < fixture->next);
        assert_false(fixture->settled[entry % ANSWERS_MAX]);
        fixture->settled[entry % ANSWERS_MAX] = true;
        fixture->settled_count++;
    }
}

static void note_need(struct receive_fixture *fixture, const struct need_run *run)
{
    for (uint64_t entry = run->first; entry < run->first + run->count; entry++) {
        assert_true(entry < fixture->next);
        assert_int_equal(fixture->need[entry % ANSWERS_MAX], 0);
        fixture->need[entry % ANSWERS_MAX] = run->action;
    }
    if (run->action == NEED_NOTHING)
        note_settled(fixture, run->first, run->count);
}

static void note_done(struct receive_fixture *fixture, const struct files_done_message *done)
{
    assert_false(fixture->is_done);
    fixture->is_done = true;
    fixture->done = *done;
    for (size_t i = 0; i < done->name_count; i++)
        strcpy(fixture->done_names[i], done->names[i].path);
}

static void note(struct receive_fixture *fixture, const struct message *message)
{
    switch (message->kind) {
    case MESSAGE_NEED:
        for (size_t i = 0; i < message->body.need.count; i++)
            note_need(fixture, &message->body.need.runs[i]);
        break;
    case MESSAGE_SETTLED:
        for (size_t i = 0; i < message->body.settled.count; i++)
            note_settled(fixture, message->body.settled.runs[i].first, message->body.settled.runs[i].count);
        for (size_t i = 0; i < message->body.settled.failed_count; i++) {
            const struct file_failed_message *failed = &message->body.settled.failed[i];
            note_settled(fixture, failed->entry, 1);
            fixture->failed[failed->entry % ANSWERS_MAX] = failed->status;
            strcpy(fixture->failed_text, failed->text);
        }
        break;
    case MESSAGE_PAUSED:
        fixture->paused = message->body.paused;
        fixture->paused_count++;
        break;
    case MESSAGE_DIGESTS:
        if (fixture->on_digests != NULL)
            fixture->on_digests(fixture->ctx, &message->body.digests);
        break;
    case MESSAGE_FILES_DONE:
        note_done(fixture, &message->body.files_done);
        break;
    default:
        fail_msg("a receiver does not say %s", message_kind_name(message->kind));
    }
}

int hear(struct receive_fixture *fixture)
{
    struct item_queue out = {.first = NULL};
    bool more = true;
    while (more) {
        int status = fixture->engine->ops->produce(fixture->engine, &out, fixture->budget, &more);
        if (status < 0) {
            item_queue_clear(&out, fixture->pool);
            return status;
        }
        for (struct transfer_item *item; (item = item_queue_pop(&out)) != NULL;) {
            struct message message;
            struct message_head head;
            assert_int_equal(message_decode(span_of(item->bytes, item->size), &message, &head), 0);
            note(fixture, &message);
            message_finish(&message);
            item_release(fixture->pool, item);
        }
    }
    return 0;
}

static int hand_over(struct receive_fixture *fixture, struct transfer_item *item)
{
    int status = fixture->engine->ops->take(fixture->engine, item);
    item_release(fixture->pool, item);
    if (status == 0 || status == UV_EAGAIN) {
        int heard = hear(fixture);
        return heard < 0 ? heard : status;
    }
    return status;
}

int say_message(struct receive_fixture *fixture, const struct message *message)
{
    struct transfer_item *item = NULL;
    assert_int_equal(item_encode(message, &item), 0);
    return hand_over(fixture, item);
}

int say_data(struct receive_fixture *fixture, const void *bytes, size_t size)
{
    struct transfer_item *item = item_take_data(fixture->pool);
    assert_non_null(item);
    memcpy(item->bytes, bytes, size);
    item->size = size;
    return hand_over(fixture, item);
}

int say_check(struct receive_fixture *fixture, const void *bytes, size_t size)
{
    struct message message = {.kind = MESSAGE_CHECK};
    chunk_check_make(fixture->check, span_of(bytes, size), &message.body.check);
    return say_message(fixture, &message);
}

int say_bytes(struct receive_fixture *fixture, const void *bytes, size_t size)
{
    int status = size > 0 ? say_data(fixture, bytes, size) : 0;
    return status < 0 ? status : say_check(fixture, bytes, size);
}

int say_entry(struct receive_fixture *fixture, const struct manifest_entry *entry)
{
    struct manifest_entry copy = *entry;
    struct message message = {.kind = MESSAGE_MANIFEST};
    message.body.manifest = (struct manifest_message){.first = fixture->next, .count = 1, .entries = &copy};
    fixture->next++;
    fixture->need[(fixture->next - 1) % ANSWERS_MAX] = 0;
    fixture->settled[(fixture->next - 1) % ANSWERS_MAX] = false;
    fixture->failed[(fixture->next - 1) % ANSWERS_MAX] = 0;
    int status = say_message(fixture, &message);
    if (status == UV_EAGAIN)
        fixture->next--;
    return status;
}

static struct manifest_entry entry_of(uint8_t type, const char *name, uint16_t mode)
{
    struct manifest_entry entry = {.type = type, .mode = mode, .mtime = {.s = 1000, .ns = 500000000}};
    assert_true(strlen(name) <= FILES_NAME_MAX);
    strcpy(entry.name, name);
    return entry;
}

int say_folder(struct receive_fixture *fixture, const char *name)
{
    struct manifest_entry entry = entry_of(ENTRY_FOLDER, name, 0755);
    return say_entry(fixture, &entry);
}

int say_file(struct receive_fixture *fixture, const char *name, uint64_t size)
{
    struct manifest_entry entry = entry_of(ENTRY_FILE, name, 0644);
    entry.size = size;
    return say_entry(fixture, &entry);
}

int say_link(struct receive_fixture *fixture, const char *name, const char *target)
{
    struct manifest_entry entry = entry_of(ENTRY_LINK, name, 0777);
    strcpy(entry.target, target);
    return say_entry(fixture, &entry);
}

int say_leave(struct receive_fixture *fixture)
{
    struct manifest_entry entry = entry_of(ENTRY_LEAVE, "", 0);
    return say_entry(fixture, &entry);
}

int say_last(struct receive_fixture *fixture)
{
    struct message message = {.kind = MESSAGE_MANIFEST};
    message.body.manifest = (struct manifest_message){.first = fixture->next, .last = true};
    return say_message(fixture, &message);
}

int say_pack(struct receive_fixture *fixture, uint64_t entry, const char *text)
{
    struct pack_file file = {
        .entry = entry, .size = (uint32_t)strlen(text), .mtime = {.s = 1000, .ns = 500000000}};
    struct message message = {.kind = MESSAGE_PACK, .body.pack = {.count = 1, .files = &file}};
    int status = say_message(fixture, &message);
    return status < 0 ? status : say_bytes(fixture, text, strlen(text));
}

static int say_chunk_message(struct receive_fixture *fixture, uint64_t entry, uint64_t offset, uint64_t size,
                             bool zero)
{
    struct message message = {.kind = MESSAGE_CHUNK};
    message.body.chunk = (struct chunk_message){entry, offset, size, zero};
    return say_message(fixture, &message);
}

int say_chunk(struct receive_fixture *fixture, uint64_t entry, uint64_t offset, const void *bytes,
              size_t size)
{
    int status = say_chunk_message(fixture, entry, offset, size, false);
    return status < 0 ? status : say_bytes(fixture, bytes, size);
}

int say_zero(struct receive_fixture *fixture, uint64_t entry, uint64_t offset, uint64_t size)
{
    return say_chunk_message(fixture, entry, offset, size, true);
}

int say_keep(struct receive_fixture *fixture, uint64_t entry, uint64_t offset, uint64_t size)
{
    struct message message = {.kind = MESSAGE_KEEP};
    message.body.keep = (struct keep_message){entry, offset, size};
    return say_message(fixture, &message);
}

int say_end(struct receive_fixture *fixture, uint64_t entry, uint64_t size)
{
    struct message message = {.kind = MESSAGE_FILE_END};
    message.body.file_end = (struct file_end_message){entry, size, {.s = 1000, .ns = 500000000}};
    return say_message(fixture, &message);
}

int say_fin(struct receive_fixture *fixture)
{
    int status = engine_take_fin(fixture->engine);
    return status < 0 ? status : hear(fixture);
}

static const char *path_in_target(struct receive_fixture *fixture, const char *name)
{
    static char path[2 * SCRATCH_PATH_MAX + FILES_PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", fixture->target, name);
    return path;
}

bool target_has(struct receive_fixture *fixture, const char *name)
{
    struct stat look;
    return lstat(path_in_target(fixture, name), &look) == 0;
}

const char *target_read(struct receive_fixture *fixture, const char *name)
{
    static char text[4 * FILES_CHUNK_SIZE];
    int fd = open(path_in_target(fixture, name), O_RDONLY | O_NOFOLLOW);
    if (fd < 0)
        fail_msg("%s is not there", name);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    close(fd);
    assert_true(size >= 0);
    text[size] = '\0';
    return text;
}

void target_write(struct receive_fixture *fixture, const char *name, const char *text)
{
    char path[FILES_NAME_MAX + 16];
    snprintf(path, sizeof(path), "there/%s", name);
    scratch_write_text(&fixture->folder, path, text);
}

void target_stat(struct receive_fixture *fixture, const char *name, struct stat *ret)
{
    if (lstat(path_in_target(fixture, name), ret) < 0)
        fail_msg("%s is not there", name);
}

void target_set_time(struct receive_fixture *fixture, const char *name, int64_t s, uint32_t ns)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = s, .tv_nsec = ns}};
    assert_int_equal(utimensat(AT_FDCWD, path_in_target(fixture, name), times, AT_SYMLINK_NOFOLLOW), 0);
}

void target_mount(struct receive_fixture *fixture, const char *options)
{
    if (mount("tmpfs", fixture->target, "tmpfs", 0, options) < 0)
        fail_msg("this test mounts a tmpfs and needs root's rights for it: %s", strerror(errno));
    fixture->is_mounted = true;
}

const char *staged_path(struct receive_fixture *fixture, const char *name)
{
    static char path[2 * SCRATCH_PATH_MAX];
    int at = snprintf(path, sizeof(path), "%s/%s/", fixture->target, PARTIAL_FOLDER);
    for (size_t i = 0; i < FILES_ID_SIZE; i++)
        at += snprintf(path + at, sizeof(path) - (size_t)at, "%02x", fixture->options.id.bytes[i]);
    snprintf(path + at, sizeof(path) - (size_t)at, "/%s", name);
    return path;
}

void assert_no_partial(struct receive_fixture *fixture)
{
    assert_false(target_has(fixture, PARTIAL_FOLDER));
}
