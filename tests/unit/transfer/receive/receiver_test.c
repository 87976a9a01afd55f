/* SPDX-License-Identifier: MIT */
/* What an honest sender sees: trees, modes, times, holes, attributes, comparisons, and what is said when. */
#include "tests/unit/transfer/receive/honest_peer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/attributes_write.h"

#define MIB FILES_CHUNK_SIZE

static void a_tree_arrives_as_it_was(void **state)
{
    struct receive_fixture *fixture = *state;
    static const struct peer_entry tree[] = {
        {ENTRY_FOLDER, "src", 0, 0755, 100, 0, NULL},
        {ENTRY_FILE, "a.c", 4096, 0644, 200, 1, NULL},
        {ENTRY_FILE, ".hidden", 0, 0600, 300, 1, NULL},
        {ENTRY_FOLDER, "empty", 0, 0700, 400, 0, NULL},
        {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},
        {ENTRY_FOLDER, "read-only", 0, 0555, 500, 0, NULL},
        {ENTRY_FILE, "tool", 100, 0755, 600, 2, NULL},
        {ENTRY_FILE, "secret", 10, 0400, 650, 2, NULL},
        {ENTRY_LINK, "up", 0, 0777, 700, 0, "../a.c"},
        {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},
        {ENTRY_LEAVE, NULL, 0, 0, 0, 0, NULL},
        {ENTRY_FILE, "large", 3 * MIB + 5, 0664, 800, 3, NULL},
        {ENTRY_FILE, "hole", 2 * MIB, 0640, 900, 0, NULL},
    };
    const size_t count = sizeof(tree) / sizeof(tree[0]);
    struct honest_peer peer;
    assert_int_equal(receive_open(fixture), 0);
    peer_init(&peer, fixture, tree, count);
    peer_run(&peer);
    const char *const *names;
    assert_int_equal(receiver_names(fixture->engine, &names), 3);
    assert_string_equal(strrchr(names[0], '/'), "/src");
    assert_int_equal(fixture->done.name_count, 3);
    assert_string_equal(fixture->done_names[2], names[2]);
    assert_int_equal(fixture->done.files, 6);
    assert_int_equal(fixture->done.failed, 0);
    receive_close(fixture, false);
    assert_tree_is(fixture, tree, count);
}

static void nothing_has_its_name_before_all_is_there(void **state)
{
    struct receive_fixture *fixture = *state;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "a", 5), 0);
    assert_int_equal(say_file(fixture, "b", 5), 0);
    assert_int_equal(say_pack(fixture, 0, "hello"), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->settled[0]);
    assert_false(target_has(fixture, "a"));
    assert_false(fixture->is_done);
    assert_int_equal(say_pack(fixture, 1, "world"), 0);
    assert_true(fixture->is_done);
    assert_string_equal(target_read(fixture, "a"), "hello");
    assert_int_equal(say_fin(fixture), 0);
    assert_no_partial(fixture);
}

static void sparse_files_keep_their_holes(void **state)
{
    struct receive_fixture *fixture = *state;
    struct stat look;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "sparse", 1ULL << 30), 0);
    assert_int_equal(say_chunk(fixture, 0, 0, "begin", 5), 0);
    assert_int_equal(say_chunk(fixture, 0, 512ULL * MIB, "middle", 6), 0);
    assert_int_equal(say_end(fixture, 0, 1ULL << 30), 0);
    assert_int_equal(say_last(fixture), 0);
    target_stat(fixture, "sparse", &look);
    assert_int_equal(look.st_size, 1ULL << 30);
    assert_true(look.st_blocks * 512 <= 1 << 20);
    assert_string_equal(target_read(fixture, "sparse"), "begin");
}

static void a_file_that_changed_is_taken_from_its_beginning(void **state)
{
    struct receive_fixture *fixture = *state;
    struct message again = {.kind = MESSAGE_FILE_AGAIN};
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "a", 10), 0);
    assert_int_equal(say_chunk(fixture, 0, 0, "0123456789", 10), 0);
    assert_int_equal(say_message(fixture, &again), 0);
    assert_int_equal(say_chunk(fixture, 0, 0, "new", 3), 0);
    assert_int_equal(say_end(fixture, 0, 3), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_string_equal(target_read(fixture, "a"), "new");
}

static void what_the_sender_can_not_give_is_failed_alone(void **state)
{
    struct receive_fixture *fixture = *state;
    struct message failed = {.kind = MESSAGE_FILE_FAILED};
    failed.body.file_failed.status = UV_EACCES;
    strcpy(failed.body.file_failed.text, "not readable");
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "a", 10), 0);
    assert_int_equal(say_file(fixture, "b", 1), 0);
    assert_int_equal(say_chunk(fixture, 0, 0, "01234", 5), 0);
    assert_int_equal(say_message(fixture, &failed), 0);
    assert_int_equal(fixture->failed[0], UV_EACCES);
    assert_string_equal(fixture->failed_text, "not readable");
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_int_equal(fixture->done.failed, 1);
    assert_string_equal(fixture->done_names[0], "");
    assert_false(target_has(fixture, "a"));
    assert_string_equal(target_read(fixture, "b"), "x");
    assert_string_equal(fixture->engine->failures->path, "a");
}

static void say_attribute(struct receive_fixture *fixture, uint64_t entry, const char *name,
                          const char *value)
{
    struct message message = {.kind = MESSAGE_ATTRIBUTE};
    message.body.attribute.entry = entry;
    strcpy(message.body.attribute.name, name);
    message.body.attribute.value_size = (uint16_t)strlen(value);
    memcpy(message.body.attribute.value, value, strlen(value));
    assert_int_equal(say_message(fixture, &message), 0);
}

static ssize_t attribute_of(struct receive_fixture *fixture, const char *file, const char *name, char *value)
{
    char path[SCRATCH_PATH_MAX + FILES_NAME_MAX];
    snprintf(path, sizeof(path), "%s/%s", fixture->target, file);
    memset(value, 0, 64);
    return lgetxattr(path, name, value, 63);
}

static void attributes_of_people_are_kept_and_the_origin_is_ours(void **state)
{
    struct receive_fixture *fixture = *state;
    char value[64];
    fixture->options.flags |= FILES_ATTRIBUTES;
    fixture->options.origin = "hospes://vm";
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_folder(fixture, "d"), 0);
    say_attribute(fixture, 0, "user.mark", "folder");
    assert_int_equal(say_file(fixture, "a", 1), 0);
    say_attribute(fixture, 1, "user.mark", "red");
    say_attribute(fixture, 1, "security.capability", "evil");
    say_attribute(fixture, 1, ATTRIBUTE_ORIGIN, "https://lies");
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_int_equal(attribute_of(fixture, "d", "user.mark", value), 6);
    assert_int_equal(attribute_of(fixture, "d/a", "user.mark", value), 3);
    assert_string_equal(value, "red");
    assert_true(attribute_of(fixture, "d/a", "security.capability", value) < 0);
    assert_int_equal(attribute_of(fixture, "d/a", ATTRIBUTE_ORIGIN, value), 11);
    assert_string_equal(value, "hospes://vm");
    assert_int_equal(fixture->done.failed, 0);
}

static void owners_are_kept_where_root_asks_for_it(void **state)
{
    struct receive_fixture *fixture = *state;
    struct manifest_entry entry = {
        .type = ENTRY_FILE, .name = "a", .size = 1, .mode = 0640, .uid = 1234, .gid = 99};
    struct stat look;
    fixture->options.flags |= FILES_OWNER;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_entry(fixture, &entry), 0);
    assert_int_equal(say_pack(fixture, 0, "x"), 0);
    assert_int_equal(say_last(fixture), 0);
    target_stat(fixture, "a", &look);
    assert_int_equal(look.st_uid, 1234);
    assert_int_equal(look.st_gid, 99);
    assert_int_equal(look.st_mode & 07777, 0640);
}

static void modes_are_kept_whatever_the_umask_is(void **state)
{
    struct receive_fixture *fixture = *state;
    struct manifest_entry entry = {.type = ENTRY_FILE, .name = "a", .size = 1, .mode = 0666};
    struct stat look;
    mode_t before = umask(077);
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_entry(fixture, &entry), 0);
    assert_int_equal(say_pack(fixture, 0, "x"), 0);
    assert_int_equal(say_last(fixture), 0);
    umask(before);
    target_stat(fixture, "a", &look);
    assert_int_equal(look.st_mode & 07777, 0666);
}

static void update_takes_nothing_that_is_the_same(void **state)
{
    struct receive_fixture *fixture = *state;
    struct stat before, after;
    target_write(fixture, "d/same", "equal");
    target_set_time(fixture, "d/same", 1000, 500000000);
    target_write(fixture, "d/newer", "older");
    target_stat(fixture, "d/same", &before);
    fixture->options.flags |= FILES_UPDATE;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_file(fixture, "same", 5), 0);
    assert_int_equal(say_file(fixture, "newer", 6), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(fixture->need[1], NEED_NOTHING);
    assert_int_equal(fixture->need[2], NEED_SEND);
    assert_int_equal(say_pack(fixture, 2, "newest"), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_int_equal(fixture->done.skipped, 1);
    target_stat(fixture, "d/same", &after);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_mode & 0777, 0644);
    assert_string_equal(target_read(fixture, "d/newer"), "newest");
    target_stat(fixture, "d", &after);
    assert_int_equal(after.st_mtim.tv_sec, 1000);
}

static void fill_target(struct receive_fixture *fixture, const char *name, const struct peer_entry *like)
{
    char path[SCRATCH_PATH_MAX + FILES_NAME_MAX];
    uint8_t *bytes = malloc(like->size);
    snprintf(path, sizeof(path), "%s/%s", fixture->target, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    peer_fill(like, 0, bytes, like->size);
    assert_int_equal(write(fd, bytes, like->size), like->size);
    close(fd);
    free(bytes);
}

static void only_what_differs_is_sent_of_a_compared_file(void **state)
{
    struct receive_fixture *fixture = *state;
    static const struct peer_entry tree[] = {{ENTRY_FILE, "big", 4 * MIB + 9, 0644, 50, 3, NULL}};
    char path[SCRATCH_PATH_MAX + 16];
    fill_target(fixture, "big", &tree[0]);
    snprintf(path, sizeof(path), "%s/big", fixture->target);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "damage", 6, 2 * MIB + 17), 6);
    close(fd);
    fixture->options.flags |= FILES_CHECKSUM;
    assert_int_equal(receive_open(fixture), 0);
    struct honest_peer peer;
    peer_init(&peer, fixture, tree, 1);
    peer_run(&peer);
    assert_int_equal(peer.chunks_sent, 1);
    assert_int_equal(peer.kept, 4);
    assert_tree_is(fixture, tree, 1);
}

static void an_equal_file_of_another_time_is_not_written_again(void **state)
{
    struct receive_fixture *fixture = *state;
    static const struct peer_entry tree[] = {{ENTRY_FILE, "big", 2 * MIB, 0644, 50, 3, NULL}};
    struct stat before, after;
    fill_target(fixture, "big", &tree[0]);
    target_stat(fixture, "big", &before);
    fixture->options.flags |= FILES_UPDATE;
    assert_int_equal(receive_open(fixture), 0);
    struct honest_peer peer;
    peer_init(&peer, fixture, tree, 1);
    peer_run(&peer);
    assert_int_equal(peer.chunks_sent, 0);
    target_stat(fixture, "big", &after);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_string_equal(strrchr(fixture->done_names[0], '/'), "/big");
    assert_tree_is(fixture, tree, 1);
}

static void a_grown_file_and_one_with_a_new_hole_are_compared(void **state)
{
    struct receive_fixture *fixture = *state;
    static const struct peer_entry tree[] = {{ENTRY_FILE, "grown", 4 * MIB + 3, 0644, 50, 3, NULL},
                                             {ENTRY_FILE, "hole", 3 * MIB, 0644, 50, 0, NULL}};
    struct peer_entry was = tree[0];
    was.size = 2 * MIB;
    fill_target(fixture, "grown", &was);
    was.size = 3 * MIB;
    fill_target(fixture, "hole", &was);
    fixture->options.flags |= FILES_UPDATE;
    assert_int_equal(receive_open(fixture), 0);
    struct honest_peer peer;
    peer_init(&peer, fixture, tree, 2);
    peer_run(&peer);
    assert_int_equal(peer.kept, 2);
    assert_tree_is(fixture, tree, 2);
}

static void a_compared_file_that_changes_here_is_failed(void **state)
{
    struct receive_fixture *fixture = *state;
    target_write(fixture, "a", "abcde");
    fixture->options.flags |= FILES_CHECKSUM;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "a", 5), 0);
    assert_int_equal(fixture->need[0], NEED_COMPARE);
    target_write(fixture, "a", "vwxyz!");
    assert_int_equal(say_keep(fixture, 0, 0, 5), 0);
    assert_int_equal(say_end(fixture, 0, 5), 0);
    assert_int_equal(fixture->failed[0], STATUS_CHANGED);
    assert_int_equal(say_last(fixture), 0);
    assert_string_equal(target_read(fixture, "a"), "vwxyz!");
}

static void many_files_under_way_need_few_descriptors(void **state)
{
    struct receive_fixture *fixture = *state;
    char name[16];
    assert_int_equal(receive_open(fixture), 0);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "d%d", i);
        assert_int_equal(say_folder(fixture, name), 0);
        assert_int_equal(say_file(fixture, "f", 2 * MIB), 0);
        assert_int_equal(say_leave(fixture), 0);
        assert_int_equal(say_chunk(fixture, (uint64_t)(3 * i + 1), 0, name, strlen(name)), 0);
    }
    assert_true(dup(0) < 200);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(say_chunk(fixture, (uint64_t)(3 * i + 1), MIB, "end", 3), 0);
        assert_int_equal(say_end(fixture, (uint64_t)(3 * i + 1), MIB + 3), 0);
    }
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_int_equal(fixture->done.failed, 0);
    assert_string_equal(target_read(fixture, "d7/f"), "d7");
}

static void the_digests_of_a_large_file_are_told_in_parts(void **state)
{
    struct receive_fixture *fixture = *state;
    static const struct peer_entry tree[] = {{ENTRY_FILE, "big", 6 * MIB, 0644, 50, 3, NULL}};
    fill_target(fixture, "big", &tree[0]);
    fixture->budget = 1; /* after each message */
    fixture->options.flags |= FILES_UPDATE;
    assert_int_equal(receive_open(fixture), 0);
    struct honest_peer peer;
    peer_init(&peer, fixture, tree, 1);
    peer_run(&peer);
    assert_int_equal(peer.kept, 6);
}

static void fin_is_too_early_before_all_is_done(void **state)
{
    struct receive_fixture *fixture = *state;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_fin(fixture), STATUS_UNEXPECTED);
}

static void given_names_replace_those_that_are_announced(void **state)
{
    struct receive_fixture *fixture = *state;
    static const char *const names[] = {"mine"};
    fixture->options.names = names;
    fixture->options.name_count = 1;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_file(fixture, "theirs", 1), 0);
    assert_int_equal(say_file(fixture, "one too many", 1), 0);
    assert_int_equal(fixture->failed[1], STATUS_NOT_ALLOWED);
    assert_int_equal(say_pack(fixture, 0, "x"), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_string_equal(target_read(fixture, "mine"), "x");
    assert_false(target_has(fixture, "theirs"));
    assert_int_equal(fixture->done.name_count, 1);
}

static void no_file_is_executable_where_that_is_not_wanted(void **state)
{
    struct receive_fixture *fixture = *state;
    struct manifest_entry entry = {.type = ENTRY_FILE, .name = "tool", .size = 1, .mode = 0755};
    struct stat look;
    fixture->options.strip_executable = true;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_entry(fixture, &entry), 0);
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    assert_int_equal(say_last(fixture), 0);
    target_stat(fixture, "d/tool", &look);
    assert_int_equal(look.st_mode & 07777, 0644);
    target_stat(fixture, "d", &look);
    assert_int_equal(look.st_mode & 07777, 0755);
}

static void folders_are_refused_unless_they_are_asked_for(void **state)
{
    struct receive_fixture *fixture = *state;
    fixture->options.flags = 0;
    assert_int_equal(receive_open(fixture), 0);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_file(fixture, "a", 1), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(fixture->failed[0], UV_EISDIR);
    assert_int_equal(fixture->failed[1], UV_ENOENT);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_int_equal(fixture->done.failed, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, receive_setup, receive_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_tree_arrives_as_it_was),
        T(nothing_has_its_name_before_all_is_there),
        T(sparse_files_keep_their_holes),
        T(a_file_that_changed_is_taken_from_its_beginning),
        T(what_the_sender_can_not_give_is_failed_alone),
        T(attributes_of_people_are_kept_and_the_origin_is_ours),
        T(owners_are_kept_where_root_asks_for_it),
        T(modes_are_kept_whatever_the_umask_is),
        T(update_takes_nothing_that_is_the_same),
        T(only_what_differs_is_sent_of_a_compared_file),
        T(an_equal_file_of_another_time_is_not_written_again),
        T(a_grown_file_and_one_with_a_new_hole_are_compared),
        T(a_compared_file_that_changes_here_is_failed),
        T(many_files_under_way_need_few_descriptors),
        T(the_digests_of_a_large_file_are_told_in_parts),
        T(fin_is_too_early_before_all_is_done),
        T(given_names_replace_those_that_are_announced),
        T(no_file_is_executable_where_that_is_not_wanted),
        T(folders_are_refused_unless_they_are_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
