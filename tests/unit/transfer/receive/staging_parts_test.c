/* SPDX-License-Identifier: MIT */
/* The small rooms of the receiver by themselves: free names, removal, the journal, and reunion. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "services/transfer/receive/free_name.h"
#include "services/transfer/receive/journal.h"
#include "services/transfer/receive/removal.h"
#include "services/transfer/receive/reunion.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

struct place {
    struct scratch_folder folder;
    int fd;
};

static int setup(void **state)
{
    static struct place place;
    scratch_make(&place.folder);
    place.fd = open(place.folder.path, O_RDONLY | O_DIRECTORY);
    *state = &place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    close(place->fd);
    scratch_remove(&place->folder);
    return 0;
}

static void assert_free_name(const char *name, bool is_folder, unsigned number, const char *wanted)
{
    char made[FILES_NAME_MAX + 1];
    free_name_make(name, is_folder, number, made);
    assert_string_equal(made, wanted);
}

static void numbers_stand_before_the_extension(void **state)
{
    (void)state;
    assert_free_name("a.txt", false, 0, "a.txt");
    assert_free_name("a.txt", false, 1, "a (1).txt");
    assert_free_name("a.b.txt", false, 999, "a.b (999).txt");
    assert_free_name("a.tar.gz", false, 2, "a (2).tar.gz");
    assert_free_name(".tar.gz", false, 2, ".tar (2).gz");
    assert_free_name("a.txt", true, 1, "a.txt (1)");
    assert_free_name("plain", false, 1, "plain (1)");
    assert_free_name(".hidden", false, 1, ".hidden (1)");
    assert_free_name("dot.", false, 1, "dot. (1)");
    assert_free_name("a.this is no extension", false, 1, "a.this is no extension (1)");
}

static void long_names_are_cut_at_a_character(void **state)
{
    (void)state;
    char name[FILES_NAME_MAX + 1], made[FILES_NAME_MAX + 1];
    for (int i = 0; i < 125; i++)
        memcpy(name + 2 * i, "\xc3\xa4", 2);
    strcpy(name + 250, ".text");
    free_name_make(name, false, 10, made);
    assert_true(strlen(made) <= FILES_NAME_MAX);
    assert_string_equal(made + strlen(made) - 10, " (10).text");
    assert_int_equal((strlen(made) - 10) % 2, 0);
    memset(name, 'x', FILES_NAME_MAX);
    name[FILES_NAME_MAX] = '\0';
    free_name_make(name, true, 1, made);
    assert_int_equal(strlen(made), FILES_NAME_MAX);
}

static void everything_in_a_folder_is_removed_and_nothing_else(void **state)
{
    struct place *place = *state;
    scratch_write_text(&place->folder, "kept/file", "kept");
    scratch_write_text(&place->folder, "gone/a/b/file", "x");
    scratch_write_text(&place->folder, "gone/file", "x");
    assert_int_equal(symlink("../kept", scratch_path(&place->folder, "gone/link")), 0);
    assert_int_equal(chmod(scratch_path(&place->folder, "gone/a"), 0), 0);
    assert_int_equal(removal_remove(place->fd, "gone", place->fd, NULL), 0);
    assert_false(scratch_has(&place->folder, "gone"));
    assert_string_equal(scratch_read(&place->folder, "kept/file"), "kept");
    assert_int_equal(removal_remove(place->fd, "gone", place->fd, NULL), 0);
}

static void very_deep_folders_are_removed(void **state)
{
    struct place *place = *state;
    int fd = dup(place->fd);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(mkdirat(fd, "deep", 0700), 0);
        close(openat(fd, "file", O_WRONLY | O_CREAT, 0600));
        int next = openat(fd, "deep", O_RDONLY | O_DIRECTORY);
        close(fd);
        fd = next;
    }
    close(fd);
    assert_int_equal(removal_remove(place->fd, "deep", place->fd, NULL), 0);
    assert_int_equal(removal_remove(place->fd, "file", place->fd, NULL), 0);
    assert_int_equal(rmdir(place->folder.path), 0);
    assert_int_equal(mkdir(place->folder.path, 0700), 0);
}

static struct journal_state example(struct root *roots)
{
    roots[0] =
        (struct root){.name = (char *)" a name", .state = ROOT_STAGED, .is_folder = true, .mode = 0555};
    roots[1] = (struct root){.name = (char *)"?", .state = ROOT_FAILED};
    roots[2] = (struct root){.name = (char *)"same", .state = ROOT_SAME};
    return (struct journal_state){
        .root_count = 3, .roots = roots, .files = 1, .bytes = 2, .skipped = 3, .failed = 4};
}

static void a_journal_says_what_was_noted(void **state)
{
    struct place *place = *state;
    struct root roots[3];
    struct journal_state written = example(roots), got;
    assert_int_equal(journal_read(place->fd, &got), 0);
    assert_false(got.has_begun);
    assert_int_equal(journal_begin(place->fd, &written, true), 0);
    assert_int_equal(journal_note_name(place->fd, 0, " a name (1)"), 0);
    assert_int_equal(journal_read(place->fd, &got), 0);
    assert_true(got.has_begun);
    assert_false(got.is_done);
    assert_int_equal(got.root_count, 3);
    assert_string_equal(got.roots[0].name, " a name (1)");
    assert_true(got.roots[0].is_folder);
    assert_int_equal(got.roots[0].mode, 0555);
    assert_int_equal(got.roots[1].state, ROOT_FAILED);
    assert_int_equal(got.roots[2].state, ROOT_SAME);
    assert_int_equal(got.failed, 4);
    journal_state_finish(&got);
    assert_int_equal(journal_note_failed(place->fd, 2), 0);
    assert_int_equal(journal_note_done(place->fd), 0);
    assert_int_equal(journal_read(place->fd, &got), 0);
    assert_true(got.is_done);
    assert_int_equal(got.roots[2].state, ROOT_FAILED);
    journal_state_finish(&got);
}

/* It is cut anywhere: what is read is a beginning of what was written. */
static void a_torn_journal_counts_as_far_as_it_is_whole(void **state)
{
    struct place *place = *state;
    struct root roots[3];
    struct journal_state written = example(roots), got;
    char whole[4096];
    assert_int_equal(journal_begin(place->fd, &written, false), 0);
    assert_int_equal(journal_note_name(place->fd, 0, "other"), 0);
    assert_int_equal(journal_note_done(place->fd), 0);
    strcpy(whole, scratch_read(&place->folder, JOURNAL_NAME));
    size_t begin = (size_t)(strstr(whole, "begin") - whole), size = strlen(whole);
    for (size_t cut = 0; cut <= size; cut++) {
        assert_int_equal(truncate(scratch_path(&place->folder, JOURNAL_NAME), 0), 0);
        scratch_write(&place->folder, JOURNAL_NAME, whole, cut, 0600);
        assert_int_equal(journal_read(place->fd, &got), 0);
        if (cut <= begin)
            assert_false(got.has_begun);
        assert_int_equal(got.is_done, cut == size);
        assert_true(!got.has_begun || got.root_count == 3);
        journal_state_finish(&got);
    }
}

static void a_journal_of_nonsense_says_nothing(void **state)
{
    struct place *place = *state;
    static const char *const texts[] = {"root 1 d 755 ../x\nbegin 1 1 1 1\n",
                                        "root 9 d 755 x\nbegin 1 1 1 1\n",
                                        "as 5 x\nbegin 1 1 1 1\n",
                                        "done\n",
                                        "\n\n\n",
                                        "begin\n"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct journal_state got;
        scratch_write_text(&place->folder, JOURNAL_NAME, texts[i]);
        assert_int_equal(journal_read(place->fd, &got), 0);
        assert_false(got.has_begun);
        assert_false(got.is_done);
    }
}

static void reunion_moves_what_has_no_counterpart(void **state)
{
    struct place *place = *state;
    scratch_write_text(&place->folder, "old/only-old", "old");
    scratch_write_text(&place->folder, "old/both", "old");
    scratch_write_text(&place->folder, "old/d/only-old", "old");
    scratch_write_text(&place->folder, "old/e/file", "old");
    scratch_write_text(&place->folder, "new/both", "new");
    scratch_write_text(&place->folder, "new/d/only-new", "new");
    reunion_move(place->fd, "old", "new");
    assert_string_equal(scratch_read(&place->folder, "new/only-old"), "old");
    assert_string_equal(scratch_read(&place->folder, "new/both"), "new");
    assert_string_equal(scratch_read(&place->folder, "new/d/only-old"), "old");
    assert_string_equal(scratch_read(&place->folder, "new/d/only-new"), "new");
    assert_string_equal(scratch_read(&place->folder, "new/e/file"), "old");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(numbers_stand_before_the_extension),
        T(long_names_are_cut_at_a_character),
        T(everything_in_a_folder_is_removed_and_nothing_else),
        T(very_deep_folders_are_removed),
        T(a_journal_says_what_was_noted),
        T(a_torn_journal_counts_as_far_as_it_is_whole),
        T(a_journal_of_nonsense_says_nothing),
        T(reunion_moves_what_has_no_counterpart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
