/* SPDX-License-Identifier: MIT */
/* services/transfer/send: source_folder, tree_walk and tree_count by themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/send/tree_count.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

static atomic_bool *no_stop = NULL;

static int set_up(void **state)
{
    static struct scratch_folder folder;
    scratch_make(&folder);
    *state = &folder;
    return 0;
}

static int tear_down(void **state)
{
    scratch_remove(*state);
    return 0;
}

static struct tree_walk_options options_of(struct source_folder_set *set, const char *const *path)
{
    return (struct tree_walk_options){
        .folders = set, .path_count = 1, .paths = path, .recursive = true, .stop = &no_stop};
}

/* Three levels of three folders, each with five files. */
static void make_tree(struct scratch_folder *folder)
{
    char name[64];
    for (int i = 0; i < 3 * 3 * 3 * 5; i++) {
        snprintf(name, sizeof(name), "src/%d/%d/%d/%d", i / 45, i / 15 % 3, i / 5 % 3, i % 5);
        scratch_write_text(folder, name, "0123456789");
    }
}

static void walk_goes_on_in_folders_that_were_closed_meanwhile(void **state)
{
    make_tree(*state);
    const char *path = scratch_path(*state, "src");
    struct source_folder_set set;
    source_folder_set_init(&set, 2); /* of the four on the way, two are closed at any time */
    struct tree_walk_options options = options_of(&set, &path);
    struct tree_walk *walk;
    assert_int_equal(tree_walk_create(&options, &walk), 0);
    struct walk_entry entry;
    size_t files = 0, folders = 0, leaves = 0;
    int status;
    while ((status = tree_walk_next(walk, &entry)) == 0) {
        files += entry.type == ENTRY_FILE;
        folders += entry.type == ENTRY_FOLDER;
        leaves += entry.type == ENTRY_LEAVE;
        assert_true(set.open_count <= 2);
    }
    assert_int_equal(status, UV_EOF);
    assert_int_equal(files, 135);
    assert_int_equal(folders, 1 + 3 + 9 + 27);
    assert_int_equal(leaves, folders);
    tree_walk_destroy(walk);
    assert_int_equal(set.open_count, 0);
}

static void walk_that_is_left_in_the_middle_closes_everything(void **state)
{
    make_tree(*state);
    const char *path = scratch_path(*state, "src");
    struct source_folder_set set;
    source_folder_set_init(&set, 8);
    struct tree_walk_options options = options_of(&set, &path);
    struct tree_walk *walk;
    assert_int_equal(tree_walk_create(&options, &walk), 0);
    struct walk_entry entry;
    for (int i = 0; i < 6; i++)
        assert_int_equal(tree_walk_next(walk, &entry), 0);
    assert_true(set.open_count > 0);
    tree_walk_destroy(walk);
    assert_int_equal(set.open_count, 0);
}

static void walk_stops_when_told(void **state)
{
    make_tree(*state);
    const char *path = scratch_path(*state, "src");
    struct source_folder_set set;
    source_folder_set_init(&set, 8);
    atomic_bool stop = true, *where = &stop;
    struct tree_walk_options options = options_of(&set, &path);
    options.stop = &where;
    struct tree_walk *walk;
    assert_int_equal(tree_walk_create(&options, &walk), 0);
    struct walk_entry entry;
    assert_int_equal(tree_walk_next(walk, &entry), UV_ECANCELED);
    tree_walk_destroy(walk);
}

static void folder_in_whose_place_is_another_is_not_opened_again(void **state)
{
    struct scratch_folder *scratch = *state;
    scratch_write_text(scratch, "src/in/file", "x");
    const char *path = scratch_path(scratch, "src");
    struct source_folder_set set;
    source_folder_set_init(&set, 2);
    struct file_facts facts;
    struct source_folder *root, *in;
    assert_int_equal(source_folder_open(&set, NULL, "src", path, false, &facts, &root), 0);
    assert_int_equal(source_folder_open(&set, root, "in", NULL, false, &facts, &in), 0);
    source_folder_use(in);
    source_folder_unuse(&set, in); /* closed */
    int fd;
    assert_int_equal(source_folder_descriptor(&set, in, &fd), 0);
    source_folder_use(in);
    source_folder_unuse(&set, in);
    assert_int_equal(rename(scratch_path(scratch, "src/in"), scratch_path(scratch, "src/old")), 0);
    assert_int_equal(source_folder_descriptor(&set, in, &fd), UV_ENOENT);
    assert_int_equal(symlink("old", scratch_path(scratch, "src/in")), 0);
    int status = source_folder_descriptor(&set, in, &fd);
    assert_true(status == UV_ENOTDIR || status == UV_ELOOP);
    assert_int_equal(unlink(scratch_path(scratch, "src/in")), 0);
    assert_int_equal(mkdir(scratch_path(scratch, "src/in"), 0700), 0);
    assert_int_equal(source_folder_descriptor(&set, in, &fd), STATUS_CHANGED);
    source_folder_release(&set, in);
    source_folder_release(&set, root);
    assert_int_equal(set.open_count, 0);
}

static void paths_are_made_of_names_and_cut_at_the_front(void **state)
{
    struct scratch_folder *scratch = *state;
    scratch_write_text(scratch, "src/in/file", "x");
    const char *path = scratch_path(scratch, "src");
    struct source_folder_set set;
    source_folder_set_init(&set, 4);
    struct file_facts facts;
    struct source_folder *root, *in;
    assert_int_equal(source_folder_open(&set, NULL, "src", path, false, &facts, &root), 0);
    assert_int_equal(source_folder_open(&set, root, "in", NULL, false, &facts, &in), 0);
    char out[64];
    assert_string_equal(source_folder_path(in, "file", out, sizeof(out)), "src/in/file");
    assert_string_equal(source_folder_path(in, NULL, out, sizeof(out)), "src/in");
    assert_string_equal(source_folder_path(NULL, "file", out, sizeof(out)), "file");
    assert_string_equal(source_folder_path(in, "a\x01\xff\n", out, sizeof(out)), "src/in/a???");
    assert_string_equal(source_folder_path(in, "file", out, 12), "src/in/file");
    assert_string_equal(source_folder_path(in, "file", out, 11), "in/file");
    assert_string_equal(source_folder_path(in, "file", out, 7), "file");
    source_folder_release(&set, in);
    source_folder_release(&set, root);
}

static void count_goes_on_from_slice_to_slice(void **state)
{
    make_tree(*state);
    const char *path = scratch_path(*state, "src");
    struct tree_walk_options options = options_of(NULL, &path);
    struct tree_count *count;
    assert_int_equal(tree_count_create(&options, &count), 0);
    struct totals_message totals;
    int slices = 0, status;
    for (uint64_t before = 0; (status = tree_count_go_on(count, 0)) == 0; slices++) {
        tree_count_totals(count, &totals);
        assert_true(totals.files >= before && totals.files <= before + 32);
        before = totals.files;
    }
    assert_int_equal(status, UV_EOF);
    assert_int_equal(slices, (135 + 40 + 40) / 32);
    tree_count_totals(count, &totals);
    assert_int_equal(totals.files, 135);
    assert_int_equal(totals.bytes, 1350);
    tree_count_destroy(count);
}

static void count_that_is_left_in_the_middle_is_freed(void **state)
{
    make_tree(*state);
    const char *path = scratch_path(*state, "src");
    struct tree_walk_options options = options_of(NULL, &path);
    struct tree_count *count;
    assert_int_equal(tree_count_create(&options, &count), 0);
    assert_int_equal(tree_count_go_on(count, 0), 0);
    tree_count_destroy(count);
    tree_count_destroy(NULL);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(walk_goes_on_in_folders_that_were_closed_meanwhile),
        WITH_FOLDER(walk_that_is_left_in_the_middle_closes_everything),
        WITH_FOLDER(walk_stops_when_told),
        WITH_FOLDER(folder_in_whose_place_is_another_is_not_opened_again),
        WITH_FOLDER(paths_are_made_of_names_and_cut_at_the_front),
        WITH_FOLDER(count_goes_on_from_slice_to_slice),
        WITH_FOLDER(count_that_is_left_in_the_middle_is_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
