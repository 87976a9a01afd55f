/* SPDX-License-Identifier: MIT */
/* A sender that lies, and a local process that swaps what is being written: nothing lands outside the target,
 * nothing is replaced unasked, and memory stays bounded. */
#include "tests/unit/transfer/receive/honest_peer.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"

static void open_it(struct receive_fixture *fixture)
{
    int status = receive_open(fixture);
    if (status < 0)
        fail_msg("%s", fixture->problem);
}

static size_t entries_of_scratch(struct receive_fixture *fixture)
{
    char command[SCRATCH_PATH_MAX + 64];
    size_t count = 0;
    snprintf(command, sizeof(command), "find %s -mindepth 1 -maxdepth 1 | wc -l", fixture->folder.path);
    FILE *output = popen(command, "r");
    assert_non_null(output);
    assert_int_equal(fscanf(output, "%zu", &count), 1);
    pclose(output);
    return count;
}

static void names_that_lead_elsewhere_fail_alone(void **state)
{
    struct receive_fixture *fixture = *state;
    static const char *const names[] = {"../x", "/etc/x", "..",   ".",           "a/b",
                                        "a\nb", "\x1b[m", "\x7f", PARTIAL_FOLDER};
    const size_t count = sizeof(names) / sizeof(names[0]);
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    for (size_t i = 0; i < count; i++) {
        struct manifest_entry entry = {.type = ENTRY_FILE, .size = 1, .mode = 0644};
        strcpy(entry.name, names[i]);
        assert_int_equal(say_entry(fixture, &entry), 0);
        assert_int_equal(fixture->failed[fixture->next - 1], STATUS_INVALID);
        assert_true(strlen(fixture->failed_text) > 0);
    }
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_file(fixture, "../y", 1), 0);
    assert_int_equal(fixture->failed[fixture->next - 1], STATUS_INVALID);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_int_equal(fixture->done.failed, count + 1);
    assert_int_equal(entries_of_scratch(fixture), 1);
    for (const struct transfer_failure *failure = fixture->engine->failures; failure != NULL;
         failure = failure->next)
        assert_null(strpbrk(failure->path, "\n\x1b\x7f"));
}

/* The decoder's rule: text is UTF-8, and has no NUL in it. */
static void names_with_a_nul_or_no_utf8_are_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    static const char *const bad[] = {"\0Q", "\xff\xfe", "\xc0\xaf"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct manifest_entry entry = {.type = ENTRY_FILE, .name = "aQQb", .size = 1, .mode = 0644};
        struct message message = {.kind = MESSAGE_MANIFEST};
        message.body.manifest = (struct manifest_message){.count = 1, .entries = &entry};
        struct transfer_item *item = NULL;
        open_it(fixture);
        assert_int_equal(item_encode(&message, &item), 0);
        uint8_t *name = memmem(item->bytes, item->size, "aQQb", 4);
        memcpy(name + 1, bad[i], 2);
        assert_int_equal(fixture->engine->ops->take(fixture->engine, item), STATUS_MALFORMED);
        item_release(fixture->pool, item);
        receive_close(fixture, false);
    }
}

static void entries_of_an_unknown_type_are_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    struct manifest_entry entry = {.type = ENTRY_FILE, .name = "a", .size = 1, .mode = 0644};
    struct message message = {.kind = MESSAGE_MANIFEST};
    message.body.manifest = (struct manifest_message){.count = 1, .entries = &entry};
    struct transfer_item *item = NULL;
    open_it(fixture);
    assert_int_equal(item_encode(&message, &item), 0);
    uint8_t *type = memmem(item->bytes, item->size, "type", 4);
    assert_int_equal(type[4], ENTRY_FILE);
    type[4] = 9; /* a device, say */
    assert_int_equal(fixture->engine->ops->take(fixture->engine, item), STATUS_MALFORMED);
    item_release(fixture->pool, item);
}

static void all_in_a_folder_with_a_bad_name_fails_with_it(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_folder(fixture, ".."), 0);
    assert_int_equal(say_file(fixture, "a", 1), 0);
    assert_int_equal(say_folder(fixture, "b"), 0);
    assert_int_equal(say_link(fixture, "c", "d"), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_file(fixture, "good", 1), 0);
    for (int i = 0; i < 4; i++)
        assert_true(fixture->failed[i] < 0);
    assert_int_equal(say_pack(fixture, 6, "x"), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_string_equal(target_read(fixture, "good"), "x");
    assert_int_equal(entries_of_scratch(fixture), 1);
}

static void a_planted_link_is_no_way_out(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_link(fixture, "out", "../.."), 0);
    assert_int_equal(fixture->failed[1], STATUS_INVALID);
    assert_int_equal(say_link(fixture, "abs", "/tmp"), 0);
    assert_int_equal(fixture->failed[2], STATUS_INVALID);
    assert_int_equal(say_folder(fixture, "real"), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_link(fixture, "a", "real"), 0);
    assert_int_equal(fixture->failed[5], 0);
    assert_int_equal(say_folder(fixture, "a"), 0); /* a/b where a is a link */
    assert_int_equal(fixture->failed[6], UV_EEXIST);
    assert_int_equal(say_file(fixture, "b", 1), 0);
    assert_int_equal(fixture->failed[7], UV_ENOENT);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_file(fixture, "a", 1), 0); /* a file of the link's name */
    assert_int_equal(say_pack(fixture, 9, "x"), 0);
    assert_int_equal(fixture->failed[9], UV_EEXIST);
    assert_int_equal(say_last(fixture), 0);
    assert_false(target_has(fixture, "d/real/b"));
}

static void links_are_refused_unless_they_are_kept(void **state)
{
    struct receive_fixture *fixture = *state;
    fixture->options.links = FILES_LINKS_SKIP;
    open_it(fixture);
    assert_int_equal(say_link(fixture, "a", "b"), 0);
    assert_int_equal(fixture->failed[0], STATUS_NOT_ALLOWED);
}

/* d/sub in the target, to a folder beside it. */
static void plant_link(struct receive_fixture *fixture, char outside[static SCRATCH_PATH_MAX])
{
    char link_path[SCRATCH_PATH_MAX];
    snprintf(outside, SCRATCH_PATH_MAX, "%s/outside", fixture->folder.path);
    assert_int_equal(mkdir(outside, 0755), 0);
    snprintf(link_path, sizeof(link_path), "%s/d/sub", fixture->target);
    assert_int_equal(symlink(outside, link_path), 0);
}

static void a_link_in_the_target_is_not_followed(void **state)
{
    struct receive_fixture *fixture = *state;
    char outside[SCRATCH_PATH_MAX];
    target_write(fixture, "d/kept", "old");
    plant_link(fixture, outside);
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_folder(fixture, "sub"), 0);
    assert_int_equal(say_file(fixture, "x", 1), 0);
    assert_int_equal(fixture->failed[1], UV_ENOTDIR);
    assert_true(fixture->failed[2] < 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_int_equal(fixture->done.failed, 2);
    assert_string_equal(target_read(fixture, "d/kept"), "old");
    assert_int_equal(rmdir(outside), 0); /* it is empty */
}

static void a_link_that_comes_into_the_target_meanwhile_is_not_followed(void **state)
{
    struct receive_fixture *fixture = *state;
    char outside[SCRATCH_PATH_MAX];
    target_write(fixture, "d/kept", "old");
    fixture->options.flags |= FILES_CHECKSUM;
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_folder(fixture, "sub"), 0);
    plant_link(fixture, outside);
    assert_int_equal(say_file(fixture, "x", 1), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_pack(fixture, 2, "x"), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_int_equal(fixture->done.failed, 1);
    assert_string_equal(fixture->engine->failures->path, "d/sub");
    assert_string_equal(target_read(fixture, "d/kept"), "old");
    assert_int_equal(rmdir(outside), 0); /* it is empty */
}

static void a_staged_folder_that_is_swapped_for_a_link_is_not_followed(void **state)
{
    struct receive_fixture *fixture = *state;
    char outside[SCRATCH_PATH_MAX], moved[SCRATCH_PATH_MAX];
    snprintf(outside, sizeof(outside), "%s/outside", fixture->folder.path);
    snprintf(moved, sizeof(moved), "%s/moved", fixture->folder.path);
    assert_int_equal(mkdir(outside, 0777), 0);
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_folder(fixture, "sub"), 0);
    assert_int_equal(say_file(fixture, "x", 1), 0); /* its folder is not open yet */
    assert_int_equal(rename(staged_path(fixture, "tree/0/sub"), moved), 0);
    assert_int_equal(symlink(outside, staged_path(fixture, "tree/0/sub")), 0);
    assert_int_equal(say_pack(fixture, 2, "x"), 0);
    assert_true(fixture->failed[2] < 0);
    assert_int_equal(say_folder(fixture, "deeper"), 0);
    assert_true(fixture->failed[3] < 0);
    assert_int_equal(rmdir(outside), 0);
}

static void a_staged_folder_that_is_swapped_for_another_is_not_used(void **state)
{
    struct receive_fixture *fixture = *state;
    char moved[SCRATCH_PATH_MAX], name[16];
    snprintf(moved, sizeof(moved), "%s/moved", fixture->folder.path);
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_file(fixture, "x", 1), 0);
    assert_int_equal(say_file(fixture, "y", 1), 0);
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    for (int i = 0; i < 100; i++) { /* until its descriptor is closed */
        snprintf(name, sizeof(name), "s%d", i);
        assert_int_equal(say_folder(fixture, name), 0);
        uint64_t entry = fixture->next;
        assert_int_equal(say_file(fixture, "f", 1), 0);
        assert_int_equal(say_pack(fixture, entry, "f"), 0);
    }
    assert_int_equal(rename(staged_path(fixture, "tree/0"), moved), 0);
    assert_int_equal(mkdir(staged_path(fixture, "tree/0"), 0700), 0);
    assert_int_equal(say_pack(fixture, 2, "y"), 0);
    assert_int_equal(fixture->failed[2], STATUS_CHANGED);
    assert_int_not_equal(access(staged_path(fixture, "tree/0/y"), F_OK), 0);
}

/* Of a sanitizer's heap, or the C library's. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t heap_in_use(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL)
        return __sanitizer_get_current_allocated_bytes();
    return mallinfo2().uordblks;
}

static void pack_empty_files(struct receive_fixture *fixture, uint64_t first, size_t count)
{
    struct pack_file files[FILES_ENTRIES_A_MESSAGE_MAX];
    for (size_t i = 0; i < count; i++)
        files[i] = (struct pack_file){.entry = first + i};
    struct message message = {.kind = MESSAGE_PACK, .body.pack = {.count = count, .files = files}};
    assert_int_equal(say_message(fixture, &message), 0);
    assert_int_equal(say_check(fixture, NULL, 0), 0);
}

static void announce_empty_files(struct receive_fixture *fixture, const char *prefix, size_t count)
{
    static struct manifest_entry entries[FILES_ENTRIES_A_MESSAGE_MAX];
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct manifest_entry){.type = ENTRY_FILE, .mode = 0644};
        snprintf(entries[i].name, sizeof(entries[i].name), "%s%zu", prefix, i);
        size_t at = (fixture->next + i) % ANSWERS_MAX;
        fixture->need[at] = 0;
        fixture->settled[at] = false;
        fixture->failed[at] = 0;
    }
    struct message message = {.kind = MESSAGE_MANIFEST};
    message.body.manifest =
        (struct manifest_message){.first = fixture->next, .count = count, .entries = entries};
    fixture->next += count;
    assert_int_equal(say_message(fixture, &message), 0);
}

static void two_hundred_thousand_empty_files_take_little_memory(void **state)
{
    struct receive_fixture *fixture = *state;
    const size_t rounds = 200000 / FILES_ENTRIES_A_MESSAGE_MAX;
    char name[32];
    size_t before = 0;
    target_mount(fixture, "size=100m,nr_inodes=300k");
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    for (size_t i = 0; i < rounds; i++) {
        snprintf(name, sizeof(name), "%zu-", i);
        announce_empty_files(fixture, name, FILES_ENTRIES_A_MESSAGE_MAX);
        if (i % 4 == 3) /* the others fill the window */
            for (size_t j = 4; j > 0; j--)
                pack_empty_files(fixture, fixture->next - j * FILES_ENTRIES_A_MESSAGE_MAX,
                                 FILES_ENTRIES_A_MESSAGE_MAX);
        if (i == 103)
            before = heap_in_use();
    }
    size_t after = heap_in_use();
    assert_int_equal(fixture->engine->counts.files_done, rounds / 4 * 4 * FILES_ENTRIES_A_MESSAGE_MAX);
    if (after > before + 65536)
        fail_msg("%zu bytes more after %zu files", after - before, rounds * FILES_ENTRIES_A_MESSAGE_MAX);
    assert_true(after < 8 << 20);
}

static void more_than_the_window_is_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    for (size_t i = 0; i < FILES_WINDOW / FILES_ENTRIES_A_MESSAGE_MAX; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%zu-", i);
        announce_empty_files(fixture, name, FILES_ENTRIES_A_MESSAGE_MAX);
    }
    assert_int_equal(say_file(fixture, "one-more", 1), STATUS_MALFORMED);
}

static void chains_of_folders_that_are_left_behind_are_bounded(void **state)
{
    struct receive_fixture *fixture = *state;
    target_mount(fixture, "size=100m,nr_inodes=300k");
    open_it(fixture);
    int status = 0;
    size_t folders = 0;
    for (int chain = 0; chain < 4096 && status == 0; chain++) {
        for (int depth = 0; depth < 200 && status == 0; depth++) {
            char name[16];
            snprintf(name, sizeof(name), "%d", chain);
            status = say_folder(fixture, depth == 0 ? name : "d");
            folders++;
        }
        status = status == 0 ? say_file(fixture, "pending", 1) : status;
        for (int depth = 0; depth < 200 && status == 0; depth++)
            status = say_leave(fixture);
    }
    assert_int_equal(status, STATUS_MALFORMED);
    assert_true(folders < 3 * FILES_WINDOW);
}

static void sizes_beyond_every_disk_fail_alone(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_file(fixture, "a", INT64_MAX), 0);
    assert_int_equal(fixture->need[0], NEED_SEND);
    assert_int_equal(say_end(fixture, 0, INT64_MAX), 0);
    assert_int_equal(fixture->failed[0], UV_EFBIG);
    assert_int_equal(say_file(fixture, "b", 1), 0);
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_string_equal(target_read(fixture, "b"), "x");
}

/* What follows the bytes `like` in the message is replaced by 0xff: no encoder makes such a message. */
static int say_patched(struct receive_fixture *fixture, const struct message *message, const char *like)
{
    struct transfer_item *item = NULL;
    assert_int_equal(item_encode(message, &item), 0);
    uint8_t *at = memmem(item->bytes, item->size, like, 4);
    assert_non_null(at);
    at[1] = 0xff;
    int status = fixture->engine->ops->take(fixture->engine, item);
    item_release(fixture->pool, item);
    return status;
}

static void a_size_above_2_to_63_is_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    struct manifest_entry entry = {.type = ENTRY_FILE, .name = "a", .size = 0x7000000000000000};
    struct message message = {.kind = MESSAGE_MANIFEST, .body.manifest = {.count = 1, .entries = &entry}};
    open_it(fixture);
    assert_int_equal(say_patched(fixture, &message, "\xcf\x70\0\0"), STATUS_MALFORMED);
}

static void ranges_that_overflow_are_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    struct message chunk = {.kind = MESSAGE_CHUNK};
    struct message keep = {.kind = MESSAGE_KEEP};
    chunk.body.chunk = (struct chunk_message){.size = 0x7000000000000000, .zero = true};
    keep.body.keep = (struct keep_message){.size = 0x7000000000000000};
    open_it(fixture);
    assert_int_equal(say_file(fixture, "a", 1), 0);
    assert_int_equal(say_patched(fixture, &chunk, "\xcf\x70\0\0"), STATUS_MALFORMED);
    assert_int_equal(say_patched(fixture, &keep, "\xcf\x70\0\0"), STATUS_MALFORMED);
}

static void names_that_come_twice_fail(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_file(fixture, "a", 1), 0);
    assert_int_equal(say_file(fixture, "a", 2), 0);
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    assert_int_equal(say_pack(fixture, 2, "yy"), 0);
    assert_int_equal(fixture->failed[1], 0);
    assert_int_equal(fixture->failed[2], UV_EEXIST);
    assert_int_equal(say_folder(fixture, "a"), 0);
    assert_int_equal(fixture->failed[3], UV_EEXIST);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_string_equal(target_read(fixture, "d/a"), "x");
}

static void roots_of_one_name_do_not_replace_each_other(void **state)
{
    struct receive_fixture *fixture = *state;
    target_write(fixture, "a", "old");
    open_it(fixture);
    assert_int_equal(say_file(fixture, "a", 1), 0);
    assert_int_equal(say_file(fixture, "a", 1), 0);
    assert_int_equal(say_pack(fixture, 0, "1"), 0);
    assert_int_equal(say_pack(fixture, 1, "2"), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_string_equal(target_read(fixture, "a"), "1");
    assert_int_equal(fixture->done.failed, 1);
    assert_string_equal(fixture->done_names[1], "");
}

static void names_that_come_twice_fail_in_a_resumed_transfer_too(void **state)
{
    struct receive_fixture *fixture = *state;
    for (int run = 0; run < 3; run++) {
        fixture->options.flags = FILES_RECURSIVE | (run > 0 ? FILES_RESUME : 0);
        open_it(fixture);
        assert_int_equal(say_folder(fixture, "d"), 0);
        assert_int_equal(say_file(fixture, "a", 1), 0);
        assert_int_equal(say_file(fixture, "a", 1), 0);
        if (run == 0) {
            assert_int_equal(say_pack(fixture, 1, "x"), 0);
        } else { /* the first takes what is there, and the second finds its name taken */
            assert_int_equal(fixture->need[1], NEED_NOTHING);
            assert_int_equal(say_pack(fixture, 2, "y"), 0);
            assert_int_equal(fixture->failed[2], UV_EEXIST);
        }
        receive_close(fixture, false);
    }
}

static void more_or_less_bytes_than_announced_are_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    struct pack_file file = {.size = 5};
    struct message pack = {.kind = MESSAGE_PACK, .body.pack = {.count = 1, .files = &file}};
    for (int more = 0; more < 2; more++) {
        open_it(fixture);
        assert_int_equal(say_file(fixture, "a", 5), 0);
        assert_int_equal(say_message(fixture, &pack), 0);
        assert_int_equal(say_data(fixture, "123456", more ? 6 : 4), STATUS_MALFORMED);
        receive_close(fixture, true);
    }
    struct message chunk = {.kind = MESSAGE_CHUNK, .body.chunk = {.size = 5}};
    open_it(fixture);
    assert_int_equal(say_file(fixture, "a", 5), 0);
    assert_int_equal(say_message(fixture, &chunk), 0);
    assert_int_equal(say_data(fixture, "1234", 4), STATUS_MALFORMED);
}

static void a_file_that_is_not_as_long_as_announced_is_what_came(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_file(fixture, "a", 1ULL << 40), 0);
    assert_int_equal(say_pack(fixture, 0, "short"), 0);
    assert_int_equal(say_file(fixture, "b", 1), 0);
    assert_int_equal(say_chunk(fixture, 1, 0, "longer", 6), 0);
    assert_int_equal(say_end(fixture, 1, 3), STATUS_MALFORMED);
}

static void a_wrong_tag_ends_the_transfer_and_writes_nothing(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_file(fixture, "a", 5), 0);
    struct pack_file file = {.entry = 1, .size = 5};
    struct message pack = {.kind = MESSAGE_PACK, .body.pack = {.count = 1, .files = &file}};
    assert_int_equal(say_message(fixture, &pack), 0);
    assert_int_equal(say_data(fixture, "right", 5), 0);
    assert_int_equal(say_check(fixture, "wrong", 5), STATUS_AUTHENTICATION_FAILED);
    assert_int_not_equal(access(staged_path(fixture, "tree/0/a"), F_OK), 0);
}

static void data_that_was_not_asked_for_is_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_file(fixture, "a", 1), 0);
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    assert_int_equal(say_pack(fixture, 1, "y"), STATUS_MALFORMED); /* settled */
    assert_int_equal(say_pack(fixture, 0, "y"), STATUS_MALFORMED); /* a folder */
    assert_int_equal(say_pack(fixture, 77, "y"), STATUS_MALFORMED);
    assert_int_equal(say_zero(fixture, 77, 0, 1), STATUS_MALFORMED);
    assert_int_equal(say_keep(fixture, 77, 0, 1), STATUS_MALFORMED);
    assert_int_equal(say_end(fixture, 77, 1), STATUS_MALFORMED);
    assert_int_equal(say_file(fixture, "b", 5), 0);
    assert_int_equal(say_keep(fixture, 2, 0, 5), STATUS_MALFORMED); /* nothing is there to keep */
}

static void chunks_out_of_order_are_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_file(fixture, "a", 5 << 20), 0);
    assert_int_equal(say_chunk(fixture, 0, 2 << 20, "x", 1), 0);
    assert_int_equal(say_chunk(fixture, 0, 1 << 20, "x", 1), STATUS_MALFORMED);
}

static void data_without_an_announcement_is_unexpected(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_file(fixture, "a", 5), 0);
    assert_int_equal(say_data(fixture, "x", 1), STATUS_UNEXPECTED);
    assert_int_equal(say_check(fixture, "x", 1), STATUS_UNEXPECTED);
    struct message chunk = {.kind = MESSAGE_CHUNK, .body.chunk = {.size = 5}};
    assert_int_equal(say_message(fixture, &chunk), 0);
    assert_int_equal(say_end(fixture, 0, 5), STATUS_UNEXPECTED); /* between CHUNK and its bytes */
    assert_int_equal(say_data(fixture, "12345", 5), 0);
    assert_int_equal(say_data(fixture, "12345", 5), STATUS_UNEXPECTED);
    struct message failed = {.kind = MESSAGE_FILE_FAILED, .body.file_failed = {.status = UV_EIO}};
    assert_int_equal(say_message(fixture, &failed), STATUS_UNEXPECTED);
}

static void messages_of_receivers_and_sessions_are_unexpected(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    struct message ping = {.kind = MESSAGE_PING};
    struct message paused = {.kind = MESSAGE_PAUSED, .body.paused = {.status = UV_ENOSPC}};
    assert_int_equal(say_message(fixture, &ping), STATUS_UNEXPECTED);
    assert_int_equal(say_message(fixture, &paused), STATUS_UNEXPECTED);
    assert_int_equal(say_last(fixture), 0);
    assert_true(fixture->is_done);
    assert_int_equal(say_last(fixture), STATUS_UNEXPECTED);
}

static void a_manifest_out_of_its_numbers_is_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    fixture->next = 5;
    assert_int_equal(say_file(fixture, "a", 1), STATUS_MALFORMED);
    fixture->next = 0;
    assert_int_equal(say_leave(fixture), STATUS_MALFORMED); /* at the top */
}

static void the_257th_folder_inside_another_is_malformed(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    for (int i = 0; i < FILES_DEPTH_MAX; i++)
        assert_int_equal(say_folder(fixture, "a folder with a name of some length, so that paths get long"),
                         0);
    uint64_t entry = fixture->next;
    assert_int_equal(say_file(fixture, "deep", 1), 0);
    assert_int_equal(say_pack(fixture, entry, "x"), 0);
    assert_int_equal(fixture->failed[entry], 0);
    assert_int_equal(say_folder(fixture, "d"), STATUS_MALFORMED);
}

static void a_tree_of_the_greatest_depth_arrives(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    for (int i = 0; i < FILES_DEPTH_MAX; i++)
        assert_int_equal(say_folder(fixture, "a folder with a name of some length, so that paths get long"),
                         0);
    uint64_t entry = fixture->next;
    assert_int_equal(say_file(fixture, "deep", 1), 0);
    for (int i = 0; i < FILES_DEPTH_MAX; i++)
        assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_pack(fixture, entry, "x"), 0);
    assert_int_equal(say_last(fixture), 0);
    assert_int_equal(fixture->done.failed, 0);
    assert_int_equal(say_fin(fixture), 0);
    assert_no_partial(fixture);
}

static void setuid_and_its_kind_are_never_set(void **state)
{
    struct receive_fixture *fixture = *state;
    struct manifest_entry folder = {.type = ENTRY_FOLDER, .name = "d", .mode = 07777};
    struct manifest_entry file = {.type = ENTRY_FILE, .name = "a", .size = 1, .mode = 06755};
    struct manifest_entry large = {.type = ENTRY_FILE, .name = "b", .size = 1, .mode = 04755};
    struct stat look;
    open_it(fixture);
    assert_int_equal(say_entry(fixture, &folder), 0);
    assert_int_equal(say_entry(fixture, &file), 0);
    assert_int_equal(say_entry(fixture, &large), 0);
    assert_int_equal(say_leave(fixture), 0);
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    assert_int_equal(say_chunk(fixture, 2, 0, "x", 1), 0);
    assert_int_equal(say_end(fixture, 2, 1), 0);
    assert_int_equal(say_last(fixture), 0);
    target_stat(fixture, "d", &look);
    assert_int_equal(look.st_mode & 07777, 0777);
    target_stat(fixture, "d/a", &look);
    assert_int_equal(look.st_mode & 07777, 0755);
    target_stat(fixture, "d/b", &look);
    assert_int_equal(look.st_mode & 07777, 0755);
}

static void what_comes_of_a_failed_file_is_dropped(void **state)
{
    struct receive_fixture *fixture = *state;
    open_it(fixture);
    assert_int_equal(say_folder(fixture, "d"), 0);
    assert_int_equal(say_file(fixture, "a", 1), 0);
    assert_int_equal(say_file(fixture, "a", 9 << 20), 0);
    assert_int_equal(say_pack(fixture, 1, "x"), 0);
    assert_int_equal(say_chunk(fixture, 2, 0, "y", 1), 0); /* fails here */
    assert_int_equal(fixture->failed[2], UV_EEXIST);
    assert_int_equal(say_chunk(fixture, 2, 1 << 20, "y", 1), 0); /* was under way */
    assert_int_equal(say_zero(fixture, 2, 2 << 20, 1), 0);
    assert_int_equal(say_end(fixture, 2, 9 << 20), 0);
    assert_int_equal(say_end(fixture, 2, 9 << 20), STATUS_MALFORMED); /* and no further */
}

static void a_stop_from_outside_is_heard(void **state)
{
    struct receive_fixture *fixture = *state;
    static atomic_bool stop;
    open_it(fixture);
    fixture->engine->stop = &stop;
    assert_int_equal(say_file(fixture, "a", 1), 0);
    atomic_store(&stop, true);
    assert_int_equal(say_file(fixture, "b", 1), UV_ECANCELED);
    atomic_store(&stop, false);
}

#define T(name) cmocka_unit_test_setup_teardown(name, receive_setup, receive_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(names_that_lead_elsewhere_fail_alone),
        T(names_with_a_nul_or_no_utf8_are_malformed),
        T(entries_of_an_unknown_type_are_malformed),
        T(all_in_a_folder_with_a_bad_name_fails_with_it),
        T(a_planted_link_is_no_way_out),
        T(links_are_refused_unless_they_are_kept),
        T(a_link_in_the_target_is_not_followed),
        T(a_link_that_comes_into_the_target_meanwhile_is_not_followed),
        T(a_staged_folder_that_is_swapped_for_a_link_is_not_followed),
        T(a_staged_folder_that_is_swapped_for_another_is_not_used),
        T(two_hundred_thousand_empty_files_take_little_memory),
        T(more_than_the_window_is_malformed),
        T(chains_of_folders_that_are_left_behind_are_bounded),
        T(sizes_beyond_every_disk_fail_alone),
        T(a_size_above_2_to_63_is_malformed),
        T(ranges_that_overflow_are_malformed),
        T(names_that_come_twice_fail),
        T(roots_of_one_name_do_not_replace_each_other),
        T(names_that_come_twice_fail_in_a_resumed_transfer_too),
        T(more_or_less_bytes_than_announced_are_malformed),
        T(a_file_that_is_not_as_long_as_announced_is_what_came),
        T(a_wrong_tag_ends_the_transfer_and_writes_nothing),
        T(data_that_was_not_asked_for_is_malformed),
        T(chunks_out_of_order_are_malformed),
        T(data_without_an_announcement_is_unexpected),
        T(messages_of_receivers_and_sessions_are_unexpected),
        T(a_manifest_out_of_its_numbers_is_malformed),
        T(the_257th_folder_inside_another_is_malformed),
        T(a_tree_of_the_greatest_depth_arrives),
        T(setuid_and_its_kind_are_never_set),
        T(what_comes_of_a_failed_file_is_dropped),
        T(a_stop_from_outside_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
