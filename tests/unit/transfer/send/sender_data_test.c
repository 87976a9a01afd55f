/* SPDX-License-Identifier: MIT */
/* services/transfer/send: the bytes: packs, chunks, holes, what changes meanwhile, attributes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "tests/unit/transfer/send/send_fixture.h"

#define MIB ((uint64_t)FILES_CHUNK_SIZE)

static int set_up(void **state)
{
    struct send_fixture *fixture = malloc(sizeof(*fixture));
    assert_non_null(fixture);
    send_fixture_init(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    send_fixture_finish(*state);
    free(*state);
    return 0;
}

static void write_pattern(struct send_fixture *fixture, const char *name, size_t size, uint32_t seed)
{
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        seed = seed * 1664525 + 1013904223;
        bytes[i] = (uint8_t)(seed >> 24);
    }
    scratch_write(&fixture->folder, name, bytes, size, 0644);
    free(bytes);
}

static void begin_file(struct send_fixture *fixture, uint32_t flags, const char *name)
{
    assert_int_equal(send_fixture_begin_one(fixture, flags | FILES_RECURSIVE, FILES_LINKS_SKIP, name), 0);
}

static void files_of_every_size_arrive_byte_by_byte(void **state)
{
    static const size_t sizes[] = {0,       1,   4096,    256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1,
                                   MIB - 1, MIB, MIB + 1, 2 * MIB,        5 * MIB / 2};
    struct send_fixture *fixture = *state;
    char name[64];
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        snprintf(name, sizeof(name), "src/%zu", sizes[i]);
        write_pattern(fixture, name, sizes[i], (uint32_t)i);
    }
    begin_file(fixture, 0, "src");
    send_fixture_run(fixture);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        snprintf(name, sizeof(name), "src/%zu", sizes[i]);
        const struct got_entry *entry = send_fixture_find(fixture, name, ENTRY_FILE);
        send_fixture_compare(fixture, entry, name);
        assert_int_equal(entry->size, sizes[i]);
        assert_true(entry->piece_count == 0 ||
                    (entry->pieces[0].kind == PIECE_PACKED) == (sizes[i] <= 256 * 1024));
    }
}

static void packs_are_filled_but_not_beyond_a_chunk(void **state)
{
    struct send_fixture *fixture = *state;
    char name[64];
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof(name), "src/%d", i);
        write_pattern(fixture, name, 256 * 1024, (uint32_t)i);
    }
    begin_file(fixture, 0, "src");
    send_fixture_run(fixture);
    assert_int_equal(fixture->packs, 3); /* three each: the byte that would show growth needs room, too */
    assert_int_equal(fixture->engine->counts.bytes_moved, 9 * 256 * 1024);
    for (int i = 0; i < 9; i++) {
        snprintf(name, sizeof(name), "src/%d", i);
        send_fixture_compare(fixture, send_fixture_find(fixture, name, ENTRY_FILE), name);
    }
}

static void a_pack_has_no_more_files_than_a_message(void **state)
{
    struct send_fixture *fixture = *state;
    char name[64];
    for (int i = 0; i < 600; i++) {
        snprintf(name, sizeof(name), "src/%d", i);
        write_pattern(fixture, name, 10, (uint32_t)i);
    }
    begin_file(fixture, 0, "src");
    send_fixture_run(fixture);
    assert_int_equal(fixture->packs, 3);
    assert_int_equal(fixture->engine->counts.files_done, 600);
}

static void make_sparse(struct send_fixture *fixture, const char *name, uint64_t size)
{
    int fd = open(scratch_path(&fixture->folder, name), O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)size), 0);
    close(fd);
}

static void write_at(struct send_fixture *fixture, const char *name, uint64_t offset, size_t size, char byte)
{
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, byte, size);
    int fd = open(scratch_path(&fixture->folder, name), O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, size, (off_t)offset), size);
    close(fd);
    free(bytes);
}

static void holes_of_a_huge_file_are_not_sent(void **state)
{
    struct send_fixture *fixture = *state;
    uint64_t size = (5 << 10) * MIB + 12345;
    make_sparse(fixture, "src", size);
    write_at(fixture, "src", 3 * MIB + 8192, 4096, 'a');
    write_at(fixture, "src", (4 << 10) * MIB + 4096, 2 * MIB, 'b'); /* beyond what 32 bits count */
    write_at(fixture, "src", size - 100, 100, 'c');
    begin_file(fixture, 0, "src");
    send_fixture_run(fixture);
    const struct got_entry *entry = send_fixture_find(fixture, "src", ENTRY_FILE);
    send_fixture_compare(fixture, entry, "src");
    assert_int_equal(entry->said.size, size);
    assert_int_equal(entry->piece_count, 5);
    assert_int_equal(entry->pieces[0].offset, 3 * MIB);
    assert_int_equal(entry->pieces[0].size, 8192 + 4096); /* what follows in the chunk is a hole */
    assert_true(fixture->engine->counts.bytes_moved < 4 * MIB);
}

static void file_of_nothing_but_a_hole_has_only_an_end(void **state)
{
    struct send_fixture *fixture = *state;
    make_sparse(fixture, "src", 100 * MIB);
    begin_file(fixture, 0, "src");
    send_fixture_run(fixture);
    const struct got_entry *entry = send_fixture_find(fixture, "src", ENTRY_FILE);
    assert_int_equal(entry->piece_count, 0);
    assert_int_equal(entry->size, 100 * MIB);
}

static void small_files_that_changed_are_sent_as_they_are(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write_text(&fixture->folder, "src/grows", "1");
    scratch_write_text(&fixture->folder, "src/shrinks", "123456789");
    scratch_write_text(&fixture->folder, "src/same-size", "123");
    scratch_write_text(&fixture->folder, "src/becomes-large", "123");
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    scratch_write_text(&fixture->folder, "src/grows", "1234567");
    scratch_write_text(&fixture->folder, "src/shrinks", "1");
    scratch_write_text(&fixture->folder, "src/same-size", "321");
    write_pattern(fixture, "src/becomes-large", 3 * MIB, 7);
    send_fixture_run(fixture);
    assert_int_equal(fixture->engine->counts.failed, 0);
    static const char *const names[] = {"src/grows", "src/shrinks", "src/same-size", "src/becomes-large"};
    for (size_t i = 0; i < 4; i++)
        send_fixture_compare(fixture, send_fixture_find(fixture, names[i], ENTRY_FILE), names[i]);
    assert_int_equal(fixture->engine->counts.bytes_done, 7 + 1 + 3 + 3 * MIB);
}

static void files_that_vanished_or_became_something_else_fail(void **state)
{
    struct send_fixture *fixture = *state;
    static const char *const names[] = {"src/gone", "src/folder", "src/pipe", "src/link"};
    for (size_t i = 0; i < 4; i++)
        scratch_write_text(&fixture->folder, names[i], "text");
    write_pattern(fixture, "src/large", 2 * MIB, 1);
    scratch_write_text(&fixture->folder, "src/stays", "stays");
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(unlink(scratch_path(&fixture->folder, names[i])), 0);
    assert_int_equal(unlink(scratch_path(&fixture->folder, "src/large")), 0);
    assert_int_equal(mkdir(scratch_path(&fixture->folder, "src/folder"), 0700), 0);
    assert_int_equal(mkfifo(scratch_path(&fixture->folder, "src/pipe"), 0700), 0);
    assert_int_equal(symlink("stays", scratch_path(&fixture->folder, "src/link")), 0);
    send_fixture_run(fixture);
    assert_int_equal(send_fixture_failure(fixture, "src/gone"), UV_ENOENT);
    assert_int_equal(send_fixture_failure(fixture, "src/folder"), UV_EISDIR);
    assert_int_equal(send_fixture_failure(fixture, "src/pipe"), STATUS_CHANGED);
    assert_int_equal(send_fixture_failure(fixture, "src/link"), UV_ELOOP);
    assert_int_equal(send_fixture_failure(fixture, "src/large"), UV_ENOENT);
    assert_int_equal(send_fixture_find(fixture, "src/gone", ENTRY_FILE)->failed, UV_ENOENT);
    assert_int_equal(fixture->engine->counts.failed, 5); /* told once each */
    assert_int_equal(fixture->engine->counts.files_done, 1);
}

static void large_file_that_changed_is_begun_again(void **state)
{
    struct send_fixture *fixture = *state;
    write_pattern(fixture, "src", 6 * MIB, 1);
    fixture->budget = 1;
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_SEND), 0);
    while (fixture->checks < 3)
        assert_true(send_fixture_produce(fixture) >= 0);
    write_at(fixture, "src", 0, 10, 'x');
    send_fixture_run(fixture);
    const struct got_entry *entry = send_fixture_find(fixture, "src", ENTRY_FILE);
    assert_int_equal(entry->again, 1);
    send_fixture_compare(fixture, entry, "src");
    assert_int_equal(fixture->engine->counts.bytes_moved, 12 * MIB);
}

static void large_file_that_shrank_is_begun_again(void **state)
{
    struct send_fixture *fixture = *state;
    write_pattern(fixture, "src", 6 * MIB, 1);
    fixture->budget = 1;
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_SEND), 0);
    while (fixture->checks < 3)
        assert_true(send_fixture_produce(fixture) >= 0);
    assert_int_equal(truncate(scratch_path(&fixture->folder, "src"), 2 * MIB + 5), 0);
    send_fixture_run(fixture);
    const struct got_entry *entry = send_fixture_find(fixture, "src", ENTRY_FILE);
    assert_int_equal(entry->again, 1);
    send_fixture_compare(fixture, entry, "src");
}

static void large_file_that_never_rests_fails(void **state)
{
    struct send_fixture *fixture = *state;
    write_pattern(fixture, "src", 2 * MIB, 1);
    fixture->budget = 1;
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_SEND), 0);
    const struct got_entry *entry = send_fixture_find(fixture, "src", ENTRY_FILE);
    for (size_t i = 1; !entry->complete; i++) {
        assert_true(send_fixture_produce(fixture) >= 0);
        assert_int_equal(truncate(scratch_path(&fixture->folder, "src"), (off_t)(2 * MIB + i)), 0);
    }
    assert_int_equal(entry->again, 3);
    assert_int_equal(entry->failed, STATUS_CHANGED);
    send_fixture_run(fixture);
    assert_int_equal(send_fixture_failure(fixture, "src"), STATUS_CHANGED);
    assert_int_equal(fixture->engine->counts.failed, 1);
}

static void data_that_was_asked_for_goes_before_more_of_the_manifest(void **state)
{
    struct send_fixture *fixture = *state;
    char name[64];
    for (int i = 0; i < 6000; i++) {
        snprintf(name, sizeof(name), "src/%d", i);
        scratch_write(&fixture->folder, name, "", 0, 0600);
    }
    fixture->budget = 1;
    begin_file(fixture, 0, "src");
    while (fixture->entry_count <= 1024) /* enough ahead */
        assert_true(send_fixture_produce(fixture) > 0);
    size_t announced = fixture->entry_count;
    assert_int_equal(send_fixture_need(fixture, 1, 10, NEED_SEND), 0);
    assert_true(send_fixture_produce(fixture) > 0);
    assert_int_equal(fixture->packs, 1);
    assert_int_equal(fixture->entry_count, announced);
    send_fixture_run(fixture);
    assert_int_equal(fixture->engine->counts.files_done, 6000);
}

static void produce_keeps_to_its_budget(void **state)
{
    struct send_fixture *fixture = *state;
    write_pattern(fixture, "src", 20 * MIB, 1);
    fixture->budget = 2 * MIB;
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_SEND), 0);
    for (size_t before = 0; fixture->checks < 20; before = fixture->checks) {
        assert_true(send_fixture_produce(fixture) > 0);
        assert_true(fixture->checks - before <= 2);
    }
    send_fixture_run(fixture);
}

static void stop_ends_a_call_at_once(void **state)
{
    struct send_fixture *fixture = *state;
    write_pattern(fixture, "src", 20 * MIB, 1);
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_SEND), 0);
    atomic_bool stop = true;
    fixture->engine->stop = &stop;
    assert_int_equal(send_fixture_produce(fixture), UV_ECANCELED);
    assert_int_equal(fixture->checks, 0);
    fixture->engine->stop = NULL;
}

static bool set_attribute(struct send_fixture *fixture, const char *path, const char *name, size_t size)
{
    char value[8192];
    memset(value, 'v', sizeof(value));
    return setxattr(scratch_path(&fixture->folder, path), name, value, size, 0) == 0;
}

static void attributes_come_before_the_data_of_their_entry(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write_text(&fixture->folder, "src/small", "text");
    write_pattern(fixture, "src/large", 2 * MIB, 1);
    assert_true(set_attribute(fixture, "src", "user.of.folder", 10));
    assert_true(set_attribute(fixture, "src/small", "user.of.small", 0));
    assert_true(set_attribute(fixture, "src/small", "user.second", 100));
    assert_true(set_attribute(fixture, "src/large", "user.of.large", 1000));
    begin_file(fixture, FILES_ATTRIBUTES, "src");
    send_fixture_run(fixture);
    const struct got_entry *folder = send_fixture_find(fixture, "src", ENTRY_FOLDER);
    assert_int_equal(folder->attribute_count, 1);
    assert_string_equal(folder->attributes[0].name, "user.of.folder");
    assert_int_equal(folder->attributes[0].value_size, 10);
    assert_int_equal(send_fixture_find(fixture, "src/small", ENTRY_FILE)->attribute_count, 2);
    const struct got_entry *large = send_fixture_find(fixture, "src/large", ENTRY_FILE);
    assert_int_equal(large->attribute_count, 1);
    assert_int_equal(large->attributes[0].value_size, 1000);
    assert_int_equal(fixture->engine->counts.failed, 0);
}

static void attributes_are_left_out_unless_asked_for(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write_text(&fixture->folder, "src/a", "text");
    assert_true(set_attribute(fixture, "src/a", "user.name", 10));
    begin_file(fixture, 0, "src");
    send_fixture_run(fixture);
    assert_int_equal(send_fixture_find(fixture, "src/a", ENTRY_FILE)->attribute_count, 0);
}

/* Most disks keep no value above FILES_ATTRIBUTE_MAX; memory does. */
static void attribute_that_is_too_large_is_told_and_the_file_goes(void **state)
{
    struct send_fixture *fixture = *state;
    char path[] = "/dev/shm/hospes-attribute-XXXXXX", value[FILES_ATTRIBUTE_MAX + 1] = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    bool is_there = fsetxattr(fd, "user.large", value, sizeof(value), 0) == 0; /* not before Linux 6.6 */
    close(fd);
    const char *paths[] = {path};
    int status = send_fixture_begin(fixture, FILES_ATTRIBUTES, FILES_LINKS_SKIP, 1, paths);
    if (status == 0)
        send_fixture_run(fixture);
    unlink(path);
    assert_int_equal(status, 0);
    assert_int_equal(fixture->engine->counts.files_done, 1);
    assert_int_equal(fixture->entries[0].attribute_count, 0);
    assert_int_equal(fixture->engine->counts.failed, is_there ? 1 : 0);
    assert_int_equal(send_fixture_failure(fixture, fixture->entries[0].said.name), is_there ? UV_E2BIG : 0);
}

static void digests_of(struct send_fixture *fixture, const char *name, uint8_t *ret, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    assert_non_null(bytes);
    int fd = open(scratch_path(&fixture->folder, name), O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(fd, bytes, size), size);
    close(fd);
    for (size_t at = 0; at < size; at += MIB, ret += FILES_DIGEST_SIZE)
        chunk_digest(&fixture->keys, span_of(bytes + at, size - at < MIB ? size - at : MIB), ret);
    free(bytes);
}

static void compared_file_is_kept_where_it_is_the_same(void **state)
{
    struct send_fixture *fixture = *state;
    write_pattern(fixture, "src", 6 * MIB + 1000, 1);
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    uint8_t digests[7 * FILES_DIGEST_SIZE];
    digests_of(fixture, "src", digests, 6 * MIB + 1000);
    digests[2 * FILES_DIGEST_SIZE]++;
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_COMPARE), 0);
    assert_int_equal(send_fixture_produce(fixture), 0); /* waits */
    assert_int_equal(send_fixture_digests(fixture, 0, 0, digests, 4 * FILES_DIGEST_SIZE, false), 0);
    while (send_fixture_produce(fixture) > 0)
        ;
    const struct got_entry *entry = send_fixture_find(fixture, "src", ENTRY_FILE);
    assert_int_equal(entry->piece_count, 3);
    assert_false(entry->complete);
    assert_int_equal(
        send_fixture_digests(fixture, 0, 4, digests + 4 * FILES_DIGEST_SIZE, 3 * FILES_DIGEST_SIZE, true), 0);
    send_fixture_run(fixture);
    assert_int_equal(entry->piece_count, 4); /* keep two, one chunk, keep one, and, later, the rest */
    assert_int_equal(entry->pieces[0].kind, PIECE_KEEP);
    assert_int_equal(entry->pieces[0].size, 2 * MIB);
    assert_int_equal(entry->pieces[1].kind, PIECE_CHUNK);
    assert_int_equal(entry->pieces[3].kind, PIECE_KEEP);
    assert_int_equal(entry->pieces[3].offset, 4 * MIB);
    assert_int_equal(entry->pieces[3].size, 2 * MIB + 1000);
    send_fixture_compare(fixture, entry, "src");
    assert_int_equal(fixture->engine->counts.bytes_moved, MIB);
}

static void compared_file_goes_on_behind_what_the_receiver_has(void **state)
{
    struct send_fixture *fixture = *state;
    write_pattern(fixture, "src", 3 * MIB, 1);
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    uint8_t digests[2 * FILES_DIGEST_SIZE];
    digests_of(fixture, "src", digests, MIB + 500); /* the last of it is short, so it is not the same */
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_COMPARE), 0);
    assert_int_equal(send_fixture_digests(fixture, 0, 0, digests, sizeof(digests), true), 0);
    send_fixture_run(fixture);
    const struct got_entry *entry = send_fixture_find(fixture, "src", ENTRY_FILE);
    assert_int_equal(entry->piece_count, 3);
    assert_int_equal(entry->pieces[0].kind, PIECE_KEEP);
    assert_int_equal(entry->pieces[1].kind, PIECE_CHUNK);
    assert_int_equal(entry->pieces[1].offset, MIB);
    send_fixture_compare(fixture, entry, "src");
}

static void longer_and_empty_files_of_the_receiver_are_compared(void **state)
{
    struct send_fixture *fixture = *state;
    write_pattern(fixture, "src/a", 1000, 1);
    write_pattern(fixture, "src/b", 0, 1);
    write_pattern(fixture, "src/c", 1000, 2);
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    struct got_entry *a = send_fixture_find(fixture, "src/a", ENTRY_FILE);
    struct got_entry *b = send_fixture_find(fixture, "src/b", ENTRY_FILE);
    struct got_entry *c = send_fixture_find(fixture, "src/c", ENTRY_FILE);
    uint8_t digests[4 * FILES_DIGEST_SIZE] = {0};
    digests_of(fixture, "src/a", digests, 1000);
    assert_int_equal(send_fixture_need(fixture, 1, 3, NEED_COMPARE), 0);
    assert_int_equal(send_fixture_digests(fixture, a->number, 0, digests, FILES_DIGEST_SIZE, false), 0);
    assert_int_equal(send_fixture_digests(fixture, b->number, 0, digests, sizeof(digests), true), 0);
    assert_int_equal(send_fixture_digests(fixture, c->number, 0, NULL, 0, true), 0);
    assert_true(send_fixture_produce(fixture) > 0);
    /* digests of what is behind our end come late and mean nothing */
    assert_int_equal(send_fixture_digests(fixture, a->number, 1, digests, 3 * FILES_DIGEST_SIZE, true), 0);
    send_fixture_run(fixture);
    assert_int_equal(a->piece_count, 1);
    assert_int_equal(a->pieces[0].kind, PIECE_KEEP);
    assert_int_equal(b->piece_count, 0);
    assert_int_equal(c->piece_count, 1);
    assert_int_equal(c->pieces[0].kind, PIECE_CHUNK);
    send_fixture_compare(fixture, c, "src/c");
}

static void holes_of_a_compared_file_are_said(void **state)
{
    struct send_fixture *fixture = *state;
    make_sparse(fixture, "src", 6 * MIB);
    write_at(fixture, "src", 2 * MIB, MIB, 'a');
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    uint8_t digests[4 * FILES_DIGEST_SIZE];
    digests_of(fixture, "src", digests, 4 * MIB);
    memset(digests, 1, FILES_DIGEST_SIZE); /* the first is other than zero there */
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_COMPARE), 0);
    assert_int_equal(send_fixture_digests(fixture, 0, 0, digests, sizeof(digests), true), 0);
    send_fixture_run(fixture);
    const struct got_entry *entry = send_fixture_find(fixture, "src", ENTRY_FILE);
    assert_int_equal(entry->piece_count, 3);
    assert_int_equal(entry->pieces[0].kind, PIECE_ZERO);
    assert_int_equal(entry->pieces[0].size, MIB);
    assert_int_equal(entry->pieces[1].kind, PIECE_KEEP);
    assert_int_equal(entry->pieces[1].size, 3 * MIB);
    assert_int_equal(entry->pieces[2].kind, PIECE_ZERO); /* behind the receiver's bytes */
    assert_int_equal(entry->pieces[2].size, 2 * MIB);
    assert_int_equal(fixture->engine->counts.bytes_moved, 0);
}

static void compared_file_that_changed_is_sent_whole(void **state)
{
    struct send_fixture *fixture = *state;
    make_sparse(fixture, "src", 6 * MIB);
    write_at(fixture, "src", 2 * MIB, MIB, 'a');
    begin_file(fixture, 0, "src");
    send_fixture_scan(fixture);
    uint8_t digests[6 * FILES_DIGEST_SIZE];
    digests_of(fixture, "src", digests, 6 * MIB);
    assert_int_equal(send_fixture_need(fixture, 0, 1, NEED_COMPARE), 0);
    assert_int_equal(send_fixture_digests(fixture, 0, 0, digests, 3 * FILES_DIGEST_SIZE, false), 0);
    assert_true(send_fixture_produce(fixture) > 0);
    write_at(fixture, "src", 2 * MIB, MIB, 'b');
    assert_int_equal(
        send_fixture_digests(fixture, 0, 3, digests + 3 * FILES_DIGEST_SIZE, 3 * FILES_DIGEST_SIZE, true), 0);
    send_fixture_run(fixture);
    const struct got_entry *entry = send_fixture_find(fixture, "src", ENTRY_FILE);
    assert_int_equal(entry->again, 1);
    assert_int_equal(entry->piece_count, 3);
    assert_int_equal(entry->pieces[0].kind, PIECE_ZERO);
    assert_int_equal(entry->pieces[1].kind, PIECE_CHUNK);
    assert_int_equal(entry->pieces[1].bytes[0], 'b');
    assert_int_equal(entry->pieces[2].kind, PIECE_ZERO);
}

static void files_that_are_the_same_are_counted_as_skipped(void **state)
{
    struct send_fixture *fixture = *state;
    scratch_write_text(&fixture->folder, "src/a", "text");
    write_pattern(fixture, "src/b", 2 * MIB, 1);
    fixture->action = NEED_NOTHING;
    begin_file(fixture, 0, "src");
    send_fixture_run(fixture);
    assert_int_equal(fixture->engine->counts.skipped, 2);
    assert_int_equal(fixture->engine->counts.files_done, 2);
    assert_int_equal(fixture->engine->counts.bytes_done, 2 * MIB + 4);
    assert_int_equal(fixture->engine->counts.bytes_moved, 0);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(files_of_every_size_arrive_byte_by_byte),
        WITH_FIXTURE(packs_are_filled_but_not_beyond_a_chunk),
        WITH_FIXTURE(a_pack_has_no_more_files_than_a_message),
        WITH_FIXTURE(holes_of_a_huge_file_are_not_sent),
        WITH_FIXTURE(file_of_nothing_but_a_hole_has_only_an_end),
        WITH_FIXTURE(small_files_that_changed_are_sent_as_they_are),
        WITH_FIXTURE(files_that_vanished_or_became_something_else_fail),
        WITH_FIXTURE(large_file_that_changed_is_begun_again),
        WITH_FIXTURE(large_file_that_shrank_is_begun_again),
        WITH_FIXTURE(large_file_that_never_rests_fails),
        WITH_FIXTURE(data_that_was_asked_for_goes_before_more_of_the_manifest),
        WITH_FIXTURE(produce_keeps_to_its_budget),
        WITH_FIXTURE(stop_ends_a_call_at_once),
        WITH_FIXTURE(attributes_come_before_the_data_of_their_entry),
        WITH_FIXTURE(attributes_are_left_out_unless_asked_for),
        WITH_FIXTURE(attribute_that_is_too_large_is_told_and_the_file_goes),
        WITH_FIXTURE(compared_file_is_kept_where_it_is_the_same),
        WITH_FIXTURE(compared_file_goes_on_behind_what_the_receiver_has),
        WITH_FIXTURE(longer_and_empty_files_of_the_receiver_are_compared),
        WITH_FIXTURE(holes_of_a_compared_file_are_said),
        WITH_FIXTURE(compared_file_that_changed_is_sent_whole),
        WITH_FIXTURE(files_that_are_the_same_are_counted_as_skipped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
