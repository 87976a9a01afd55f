/* SPDX-License-Identifier: MIT */
/* What a further look at a tree tells, against a tree that the test makes up. */
#include "agent/features/watch/watch_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "protocol/wire/message.h"
#include "tests/unit/base/testing.h"

#define ENTRIES_MAX 600

struct made_up {
    char path[64];
    struct watch_facts facts;
};

static struct made_up entries[ENTRIES_MAX];
static size_t entry_count;
static uint64_t next_inode;
static struct watch_tree *tree;
static struct watch_changes changes;
static char said[4096];

static int list(void *ctx, const char *path,
                void (*add)(void *add_ctx, const char *name, const struct watch_facts *facts), void *add_ctx)
{
    size_t size = strlen(path);
    bool found = size == 0;
    for (size_t i = 0; i < entry_count; i++) {
        if (strcmp(entries[i].path, path) == 0 && !entries[i].facts.folder)
            return UV_ENOTDIR;
        found = found || strcmp(entries[i].path, path) == 0;
        if (strncmp(entries[i].path, path, size) != 0 || (size > 0 && entries[i].path[size] != '/'))
            continue;
        const char *name = entries[i].path + size + (size > 0);
        if (*name != '\0' && strchr(name, '/') == NULL)
            add(add_ctx, name, &entries[i].facts);
    }
    return found ? 0 : UV_ENOENT;
}

static const struct watch_lister LISTER = {list, NULL};

static struct made_up *at(const char *path)
{
    for (size_t i = 0; i < entry_count; i++) {
        if (strcmp(entries[i].path, path) == 0)
            return &entries[i];
    }
    fail_msg("no entry %s", path);
    return NULL;
}

/* "x/" is a folder. */
static void make(const char *path)
{
    struct made_up *entry = &entries[entry_count++];
    assert_true(entry_count < ENTRIES_MAX);
    size_t size = strlen(path);
    bool folder = path[size - 1] == '/';
    snprintf(entry->path, sizeof(entry->path), "%.*s", (int)(folder ? size - 1 : size), path);
    next_inode++;
    entry->facts = (struct watch_facts){.folder = folder,
                                        .device = 1,
                                        .inode = next_inode,
                                        .size = 5,
                                        .mtime_ns = 7,
                                        .birth_ns = (int64_t)next_inode};
}

static void drop(const char *path)
{
    size_t size = strlen(path), kept = 0;
    at(path);
    for (size_t i = 0; i < entry_count; i++) {
        if (strncmp(entries[i].path, path, size) != 0 ||
            (entries[i].path[size] != '\0' && entries[i].path[size] != '/'))
            entries[kept++] = entries[i];
    }
    entry_count = kept;
}

static void move(const char *from, const char *to)
{
    size_t size = strlen(from);
    at(from);
    for (size_t i = 0; i < entry_count; i++) {
        char path[64], *end = entries[i].path + size;
        if (strncmp(entries[i].path, from, size) != 0 || (*end != '\0' && *end != '/'))
            continue;
        assert_true(snprintf(path, sizeof(path), "%s%s", to, end) < (int)sizeof(path));
        strcpy(entries[i].path, path);
    }
}

static void touch(const char *path)
{
    at(path)->facts.mtime_ns++;
}

/* Writes down what was told, one word a change. */
static void hear(void)
{
    static const char SIGNS[] = "?+~-";
    struct watch_change *change;
    said[0] = '\0';
    if (changes.lost)
        strcat(said, "lost ");
    while ((change = watch_changes_take(&changes)) != NULL) {
        char word[256];
        if (change->what == CHANGE_MOVED)
            snprintf(word, sizeof(word), "%s>%s%s ", change->from, change->path, change->folder ? "/" : "");
        else
            snprintf(word, sizeof(word), "%c%s%s ", SIGNS[change->what], change->path,
                     change->folder ? "/" : "");
        assert_true(strlen(said) + strlen(word) < sizeof(said));
        strcat(said, word);
        free(change);
    }
    changes.lost = false;
}

static int look(const char *first, const char *second)
{
    const char *paths[] = {first, second};
    int status = watch_tree_look(tree, &LISTER, paths, second == NULL ? 1 : 2, false, &changes);
    hear();
    return status;
}

static void expect(const char *first, const char *second, const char *words)
{
    assert_int_equal(look(first, second), 0);
    assert_string_equal(said, words);
    assert_int_equal(watch_tree_count(tree), entry_count);
}

static int setup(void **state)
{
    entry_count = 0;
    next_inode = 0;
    assert_int_equal(watch_tree_create(500, &tree), 0);
    make("a/");
    make("a/x");
    make("a/y");
    make("b/");
    make("b/c/");
    make("b/c/z");
    make("f");
    assert_int_equal(watch_tree_fill(tree, &LISTER), 0);
    assert_int_equal(watch_tree_count(tree), 7);
    return 0;
}

static int teardown(void **state)
{
    watch_tree_destroy(tree);
    watch_changes_clear(&changes);
    return 0;
}

static void a_hint_without_a_change_tells_nothing(void **state)
{
    expect("a/x", "b", "");
    expect("nowhere/at/all", "", "");
}

static void new_changed_and_gone_files_are_told(void **state)
{
    make("a/n");
    touch("a/x");
    drop("a/y");
    expect("a/n", NULL, "-a/y +a/n ~a/x ");
}

static void a_moved_file_is_found_by_its_inode(void **state)
{
    move("a/x", "b/c/x2");
    expect("a/x", "b/c/x2", "a/x>b/c/x2 ");
}

static void a_number_that_is_used_again_is_no_move(void **state)
{
    uint64_t inode = at("a/x")->facts.inode;
    drop("a/x");
    make("a/w");
    at("a/w")->facts.inode = inode;
    expect("a/x", NULL, "-a/x +a/w ");
}

static void without_a_time_of_birth_the_same_state_is_a_move(void **state)
{
    watch_tree_destroy(tree);
    assert_int_equal(watch_tree_create(500, &tree), 0);
    for (size_t i = 0; i < entry_count; i++)
        entries[i].facts.birth_ns = 0;
    assert_int_equal(watch_tree_fill(tree, &LISTER), 0);
    move("a/x", "a/w");
    expect("a/x", NULL, "a/x>a/w ");
    move("a/w", "a/v");
    touch("a/v");
    expect("a/w", NULL, "-a/w +a/v ");
}

static void a_moved_folder_keeps_what_is_in_it(void **state)
{
    move("b/c", "a/c2");
    touch("a/c2/z");
    make("a/c2/new");
    expect("b/c", "a/c2", "b/c>a/c2/ +a/c2/new ~a/c2/z ");
}

static void a_file_is_found_that_left_a_folder_before_that_went(void **state)
{
    move("b/c/z", "a/z");
    drop("b/c");
    expect("b/c", "a/z", "-b/c/ b/c/z>a/z ");
}

static void a_new_folder_is_told_with_all_in_it(void **state)
{
    make("n/");
    make("n/m/");
    make("n/m/l");
    expect("n", NULL, "+n/ +n/m/ +n/m/l ");
}

static void a_file_that_moved_into_a_new_folder_is_no_new_file(void **state)
{
    make("n/");
    move("f", "n/f");
    expect("n", "f", "f>n/f +n/ ");
}

static void a_file_that_was_saved_over_was_modified(void **state)
{
    drop("a/x");
    make("a/x");
    expect("a/x", NULL, "~a/x ");
}

static void a_file_that_was_put_aside_first_was_moved(void **state)
{
    move("a/x", "a/x.bak");
    make("a/x");
    expect("a/x", NULL, "a/x>a/x.bak +a/x ");
}

static void a_file_in_a_folders_place_is_both(void **state)
{
    drop("b/c");
    make("b/c");
    expect("b/c", NULL, "-b/c/ +b/c ");
}

static void a_folder_with_another_time_is_looked_into_unasked(void **state)
{
    make("b/c/n");
    touch("b/c");
    touch("b");
    expect("f", NULL, "+b/c/n ");
}

static void a_look_everywhere_needs_no_hints(void **state)
{
    make("b/c/n");
    touch("a/x");
    assert_int_equal(watch_tree_look(tree, &LISTER, NULL, 0, true, &changes), 0);
    hear();
    assert_string_equal(said, "+b/c/n ~a/x ");
}

static void a_tree_that_is_too_large_passes_hints_on(void **state)
{
    char name[32];
    for (int i = 0; i < 500; i++) {
        snprintf(name, sizeof(name), "a/many%d", i);
        make(name);
    }
    assert_int_equal(look("a/many1", NULL), 0);
    assert_true(watch_tree_is_full(tree));
    assert_string_equal(said, "lost ");
    assert_int_equal(watch_tree_count(tree), 0);
    assert_int_equal(look("b/c/z", "b/c/q"), 0);
    assert_string_equal(said, "~b/c/ ");
}

static int vanished(void *ctx, const char *path,
                    void (*add)(void *add_ctx, const char *name, const struct watch_facts *facts),
                    void *add_ctx)
{
    return path[0] == '\0' ? UV_ENOENT : list(ctx, path, add, add_ctx);
}

static void a_folder_that_is_gone_itself_ends_it(void **state)
{
    const struct watch_lister lister = {vanished, NULL};
    const char *paths[] = {"a"};
    assert_int_equal(watch_tree_look(tree, &lister, paths, 1, false, &changes), UV_ENOENT);
}

/* The lister changes the tree while it is looked at: the folder is gone when its turn comes. */
static int racing(void *ctx, const char *path,
                  void (*add)(void *add_ctx, const char *name, const struct watch_facts *facts),
                  void *add_ctx)
{
    bool *done = ctx;
    int status = list(NULL, path, add, add_ctx);
    if (!*done && path[0] == '\0') {
        *done = true;
        drop("n");
    }
    return status;
}

static void what_goes_while_it_is_looked_at_is_not_told_as_there(void **state)
{
    bool done = false;
    const struct watch_lister lister = {racing, &done};
    const char *paths[] = {"n"};
    make("n/");
    make("n/m");
    assert_int_equal(watch_tree_look(tree, &lister, paths, 1, false, &changes), 0);
    hear();
    assert_string_equal(said, "");
    assert_int_equal(watch_tree_count(tree), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hint_without_a_change_tells_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(new_changed_and_gone_files_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_moved_file_is_found_by_its_inode, setup, teardown),
        cmocka_unit_test_setup_teardown(a_number_that_is_used_again_is_no_move, setup, teardown),
        cmocka_unit_test_setup_teardown(without_a_time_of_birth_the_same_state_is_a_move, setup, teardown),
        cmocka_unit_test_setup_teardown(a_moved_folder_keeps_what_is_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_is_found_that_left_a_folder_before_that_went, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_folder_is_told_with_all_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_moved_into_a_new_folder_is_no_new_file, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_was_saved_over_was_modified, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_was_put_aside_first_was_moved, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_in_a_folders_place_is_both, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_with_another_time_is_looked_into_unasked, setup, teardown),
        cmocka_unit_test_setup_teardown(a_look_everywhere_needs_no_hints, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tree_that_is_too_large_passes_hints_on, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_is_gone_itself_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_goes_while_it_is_looked_at_is_not_told_as_there, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
