/* SPDX-License-Identifier: MIT */
/* Disks that are full, read-only, or take no long names. */
#include "tests/unit/transfer/receive/honest_peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"

#define MIB FILES_CHUNK_SIZE

/* Takes space of the target; NULL: gives it back. */
static void ballast(struct receive_fixture *fixture, size_t size)
{
    static uint8_t bytes[MIB];
    char path[SCRATCH_PATH_MAX + 16];
    snprintf(path, sizeof(path), "%s/ballast", fixture->target);
    if (size == 0) {
        assert_int_equal(unlink(path), 0);
        return;
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
}

static void a_full_disk_pauses_and_the_same_chunk_is_taken_later(void **state)
{
    struct receive_fixture *fixture = *state;
    static uint8_t bytes[512 * 1024];
    memset(bytes, 7, sizeof(bytes));
    struct message chunk = {.kind = MESSAGE_CHUNK, .body.chunk = {.size = sizeof(bytes)}};
    struct message check = {.kind = MESSAGE_CHECK};
    target_mount(fixture, "size=1m");
    ballast(fixture, 700 * 1024);
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "a", sizeof(bytes)), 0);
    assert_int_equal(say_message(fixture, &chunk), 0);
    assert_int_equal(say_data(fixture, bytes, sizeof(bytes)), 0);
    chunk_check_make(fixture->check, span_of(bytes, sizeof(bytes)), &check.body.check);
    for (int i = 0; i < 3; i++)
        assert_int_equal(say_message(fixture, &check), UV_EAGAIN);
    assert_int_equal(fixture->engine->counts.paused, UV_ENOSPC);
    assert_int_equal(fixture->paused_count, 1);
    assert_int_equal(fixture->paused.status, UV_ENOSPC);
    assert_false(fixture->paused.over);
    ballast(fixture, 0);
    assert_int_equal(say_message(fixture, &check), 0);
    assert_int_equal(fixture->engine->counts.paused, 0);
    assert_int_equal(fixture->paused_count, 2);
    assert_true(fixture->paused.over);
    assert_int_equal(say_end(fixture, 0, sizeof(bytes)), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_int_equal(fixture->done.files, 1);
    assert_int_equal(fixture->done.failed, 0);
    assert_string_equal(fixture->done_names[0] + strlen(fixture->target), "/a");
}

static void a_pack_goes_on_with_the_file_that_had_no_room(void **state)
{
    struct receive_fixture *fixture = *state;
    static uint8_t bytes[400 * 1024];
    struct pack_file files[4];
    struct message pack = {.kind = MESSAGE_PACK, .body.pack = {.count = 4, .files = files}};
    struct message check = {.kind = MESSAGE_CHECK};
    target_mount(fixture, "size=1m");
    ballast(fixture, 760 * 1024);
    assert_int_equal(receive_open(fixture), 0);
    for (uint64_t i = 0; i < 4; i++) {
        char name[8];
        snprintf(name, sizeof(name), "f%d", (int)i);
        assert_int_equal(say_file(fixture, name, 100 * 1024), 0);
        files[i] = (struct pack_file){.entry = i, .size = 100 * 1024, .mtime = {.s = 1}};
        memset(bytes + i * 100 * 1024, 'a' + (int)i, 100 * 1024);
    }
    assert_int_equal(say_message(fixture, &pack), 0);
    assert_int_equal(say_data(fixture, bytes, sizeof(bytes)), 0);
    chunk_check_make(fixture->check, span_of(bytes, sizeof(bytes)), &check.body.check);
    assert_int_equal(say_message(fixture, &check), UV_EAGAIN);
    assert_true(fixture->settled[0] && fixture->settled[1]);
    assert_false(fixture->settled[3]);
    ballast(fixture, 0);
    assert_int_equal(say_message(fixture, &check), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_int_equal(fixture->done.files, 4);
    assert_int_equal(target_read(fixture, "f3")[99 * 1024], 'd');
    assert_int_equal(target_read(fixture, "f0")[99 * 1024], 'a');
}

static void a_manifest_goes_on_with_the_folder_that_had_no_room(void **state)
{
    struct receive_fixture *fixture = *state;
    struct manifest_entry entries[12];
    struct message message = {.kind = MESSAGE_MANIFEST};
    char path[SCRATCH_PATH_MAX + 16];
    message.body.manifest = (struct manifest_message){.count = 12, .entries = entries, .last = true};
    for (int i = 0; i < 12; i++) {
        entries[i] = (struct manifest_entry){.type = i % 2 == 0 ? ENTRY_FOLDER : ENTRY_LEAVE, .mode = 0755};
        if (i % 2 == 0)
            snprintf(entries[i].name, sizeof(entries[i].name), "d%d", i);
    }
    target_mount(fixture, "size=1m,nr_inodes=12");
    assert_int_equal(receive_open(fixture), 0);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/extra%d", fixture->target, i);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    fixture->next = 12;
    assert_int_equal(say_message(fixture, &message), UV_EAGAIN);
    assert_int_equal(say_message(fixture, &message), UV_EAGAIN);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/extra%d", fixture->target, i);
        assert_int_equal(rmdir(path), 0);
    }
    assert_int_equal(say_message(fixture, &message), 0);
    assert_true(fixture->is_done);
    assert_int_equal(fixture->done.name_count, 6);
    assert_int_equal(fixture->done.failed, 0);
    assert_true(target_has(fixture, "d10"));
}

static void a_reserve_is_left_free(void **state)
{
    struct receive_fixture *fixture = *state;
    static uint8_t bytes[MIB];
    int status = 0;
    struct message check = {.kind = MESSAGE_CHECK};
    memset(bytes, 1, sizeof(bytes));
    target_mount(fixture, "size=200m");
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "a", 1 << 30), 0);
    uint64_t chunks = 0;
    for (; status == 0; chunks++) {
        struct message chunk = {.kind = MESSAGE_CHUNK, .body.chunk = {.offset = chunks * MIB, .size = MIB}};
        assert_int_equal(say_message(fixture, &chunk), 0);
        assert_int_equal(say_data(fixture, bytes, MIB), 0);
        chunk_check_make(fixture->check, span_of(bytes, MIB), &check.body.check);
        status = say_message(fixture, &check);
    }
    assert_int_equal(status, UV_EAGAIN);
    assert_true(chunks >= 195 && chunks <= 199); /* 1 % of it is left */
}

static void a_comparison_waits_for_room_too(void **state)
{
    struct receive_fixture *fixture = *state;
    static uint8_t bytes[2 * MIB];
    char path[SCRATCH_PATH_MAX + 16];
    memset(bytes, 'o', sizeof(bytes));
    target_mount(fixture, "size=5m");
    snprintf(path, sizeof(path), "%s/a", fixture->target);
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
    close(fd);
    ballast(fixture, MIB);
    ballast(fixture, MIB / 2);
    fixture->options.flags |= FILES_CHECKSUM;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "a", sizeof(bytes)), 0);
    assert_int_equal(fixture->need[0], NEED_COMPARE);
    assert_int_equal(say_keep(fixture, 0, 0, MIB), 0);
    struct message chunk = {.kind = MESSAGE_CHUNK, .body.chunk = {.offset = MIB, .size = MIB}};
    struct message check = {.kind = MESSAGE_CHECK};
    memset(bytes, 'n', MIB);
    assert_int_equal(say_message(fixture, &chunk), 0);
    assert_int_equal(say_data(fixture, bytes, MIB), 0);
    chunk_check_make(fixture->check, span_of(bytes, MIB), &check.body.check);
    assert_int_equal(say_message(fixture, &check), UV_EAGAIN);
    ballast(fixture, 0);
    assert_int_equal(say_message(fixture, &check), 0);
    assert_int_equal(say_end(fixture, 0, sizeof(bytes)), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_int_equal(fixture->done.failed, 0);
    assert_int_equal(target_read(fixture, "a")[MIB - 1], 'o');
    assert_int_equal(target_read(fixture, "a")[MIB], 'n');
}

static void a_read_only_disk_is_told(void **state)
{
    struct receive_fixture *fixture = *state;
    target_mount(fixture, "ro");
    assert_int_equal(receive_open(fixture), UV_EROFS);
    assert_true(strlen(fixture->problem) > 0);
}

static void a_disk_that_turns_read_only_fails_what_comes(void **state)
{
    struct receive_fixture *fixture = *state;
    target_mount(fixture, "size=1m");
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_file(fixture, "a", 1), 0);
    assert_int_equal(mount("tmpfs", fixture->target, "tmpfs", MS_REMOUNT | MS_RDONLY, "size=1m"), 0);
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    assert_int_equal(fixture->failed[1], UV_EROFS);
    assert_int_equal(mount("tmpfs", fixture->target, "tmpfs", MS_REMOUNT, "size=1m"), 0);
}

/* Upper and lower case are the same there, where the kernel can do that. */
static void names_that_differ_in_case_only_are_found_out(void **state)
{
    struct receive_fixture *fixture = *state;
    char path[SCRATCH_PATH_MAX + 16];
    struct stat look;
    for (int run = 0; run < 2; run++) {
        /* a stand-in that needs no such file system: what the disk says is EEXIST in either case */
        fixture->options.flags = FILES_RECURSIVE | (run > 0 ? FILES_RESUME : 0);
        assert_int_equal(receive_open(fixture), 0);
        assert_int_equal(say_folder(fixture, "d"), 0);
        assert_int_equal(say_file(fixture, "Name", 1), 0);
        snprintf(path, sizeof(path), "%s", staged_path(fixture, "tree/0/Name"));
        if (run == 0)
            assert_int_equal(say_pack(fixture, 1, "x"), 0);
        assert_int_equal(lstat(path, &look), 0);
        assert_int_equal(link(path, staged_path(fixture, "tree/0/name")), 0);
        assert_int_equal(say_file(fixture, "name", 1), 0);
        if (run == 0 || fixture->need[2] == NEED_SEND)
            assert_int_equal(say_pack(fixture, 2, "y"), 0);
        assert_int_equal(fixture->failed[2], UV_EEXIST);
        receive_close(fixture, false);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, receive_setup, receive_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_full_disk_pauses_and_the_same_chunk_is_taken_later),
        T(a_pack_goes_on_with_the_file_that_had_no_room),
        T(a_manifest_goes_on_with_the_folder_that_had_no_room),
        T(a_reserve_is_left_free),
        T(a_comparison_waits_for_room_too),
        T(a_read_only_disk_is_told),
        T(a_disk_that_turns_read_only_fails_what_comes),
        T(names_that_differ_in_case_only_are_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
