/* SPDX-License-Identifier: MIT */
/* Drops: where they land, names that may not be, and files of one batch that share a folder. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/features/files/drop_folder.h"
#include "protocol/base/status.h"
#include "tests/unit/agent/files_fixture.h"

static struct files_open_message ask_drop(const char *to, uint8_t batch)
{
    struct files_open_message open = files_ask(FILES_WRITE, NULL);
    snprintf(open.to, sizeof(open.to), "%s", to);
    open.flags = FILES_DROP;
    memset(open.id.bytes, batch, sizeof(open.id.bytes));
    return open;
}

/* Where it landed, below the drop folder. */
static const char *drops(const struct files_open_message *open)
{
    static char name[FILES_PATH_MAX + 1];
    files_open_work(open);
    expect_opened(NULL);
    peer_write_frame(&peer, FRAME_DATA, "x", 1);
    bridge_says_fin();
    expect_done(NULL, name);
    expect_fin();
    wait_for_no_work();
    size_t size = strlen(files_full("drop/"));
    assert_memory_equal(name, files_full("drop/"), size);
    return name + size;
}

static void the_drop_folder_is_made_and_nothing_in_it_replaced(void **state)
{
    struct files_open_message open = ask_drop("a.txt", 0);
    assert_string_equal(drops(&open), "a.txt");
    assert_string_equal(drops(&open), "a (1).txt");
    open.conflict = FILES_REPLACE;
    assert_string_equal(drops(&open), "a (2).txt");
    assert_int_equal(scratch_mode(&folder, "drop"), 0755);
}

static void files_of_one_batch_share_their_folder(void **state)
{
    struct files_open_message open = ask_drop("photos/2024/a.jpg", 1);
    assert_string_equal(drops(&open), "photos/2024/a.jpg");
    open = ask_drop("photos/b.jpg", 1);
    assert_string_equal(drops(&open), "photos/b.jpg");
    open = ask_drop("photos/2024/a.jpg", 2); /* another drop of the same name */
    assert_string_equal(drops(&open), "photos (1)/2024/a.jpg");
    open = ask_drop("photos/b.jpg", 2);
    assert_string_equal(drops(&open), "photos (1)/b.jpg");
    open = ask_drop("photos/c.jpg", 1);
    assert_string_equal(drops(&open), "photos/c.jpg");
    open = ask_drop("photos/2024/a.jpg", 1); /* the same file once more */
    assert_string_equal(drops(&open), "photos/2024/a (1).jpg");
    open = ask_drop("photos/c.jpg", 0); /* by itself */
    assert_string_equal(drops(&open), "photos (2)/c.jpg");
    assert_string_equal(drops(&open), "photos (3)/c.jpg");
    open = ask_drop("photos/c.jpg", 1);
    memset(open.session.bytes, 9, sizeof(open.session.bytes)); /* another session's */
    assert_string_equal(drops(&open), "photos (4)/c.jpg");
}

static void the_oldest_batch_is_forgotten(void **state)
{
    struct files_open_message open;
    for (uint8_t i = 1; i <= BATCH_FOLDERS_MAX; i++) {
        open = ask_drop("d/a", i);
        drops(&open);
    }
    open = ask_drop("d/b", 1); /* still known, and the newest now */
    assert_string_equal(drops(&open), "d/b");
    open = ask_drop("d/a", 100);
    assert_string_equal(drops(&open), "d (64)/a");
    open = ask_drop("d/b", 2); /* forgotten */
    assert_string_equal(drops(&open), "d (65)/b");
    open = ask_drop("d/c", 1);
    assert_string_equal(drops(&open), "d/c");
}

static void a_batch_folder_that_is_gone_is_made_again(void **state)
{
    struct files_open_message open = ask_drop("d/a", 1);
    drops(&open);
    unlink(files_full("drop/d/a"));
    rmdir(files_full("drop/d"));
    open = ask_drop("d/b", 1);
    assert_string_equal(drops(&open), "d/b");
}

static size_t count_entries(const char *name)
{
    size_t count = 0;
    DIR *all = opendir(files_full(name));
    for (struct dirent *entry; all != NULL && (entry = readdir(all)) != NULL;)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (all != NULL)
        closedir(all);
    return count;
}

static void hostile_names_are_refused_and_make_nothing(void **state)
{
    static const char *const NAMES[] = {"..",
                                        ".",
                                        "/etc/x",
                                        "../x",
                                        "a/../../x",
                                        "a/./b",
                                        "a//b",
                                        "a/",
                                        "/",
                                        "a/..",
                                        "a\nb",
                                        "a\x7f",
                                        "\x01/b",
                                        "a/b/.",
                                        "",
                                        "./a",
                                        ".hospes-partial",
                                        "b/.hospes-partial/x",
                                        "a/\tb/c",
                                        "//a"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++) {
        struct files_open_message open = ask_drop(NAMES[i], 1);
        files_open_work(&open);
        expect_reset(STATUS_INVALID);
        wait_for_no_work();
    }
    char deep[FILES_PATH_MAX + 1] = "a";
    for (int i = 0; i < FILES_DEPTH_MAX + 2; i++)
        strcat(deep, "/a");
    struct files_open_message open = ask_drop(deep, 1);
    files_open_work(&open);
    expect_reset(STATUS_INVALID);
    memset(deep, 'x', FILES_NAME_MAX + 1);
    deep[FILES_NAME_MAX + 1] = '\0';
    open = ask_drop(deep, 1);
    files_open_work(&open);
    expect_reset(STATUS_INVALID);
    assert_int_equal(count_entries("drop"), 0);
    assert_int_equal(count_entries("."), 1); /* the drop folder */
}

static void planted_links_lead_nowhere(void **state)
{
    mkdir(files_full("outside"), 0700);
    struct files_open_message open = ask_drop("d/a", 1);
    drops(&open);
    assert_int_equal(symlink("../../outside", files_full("drop/d/link")), 0);
    open = ask_drop("d/link/b", 1);
    files_open_work(&open);
    const char *text = expect_reset(UV_ENOTDIR);
    assert_non_null(strstr(text, "d/link/b"));
    open = ask_drop("d/link", 1); /* the name itself is only taken */
    assert_string_equal(drops(&open), "d/link (1)");
    assert_int_equal(unlink(files_full("drop/d/a")), 0);
    assert_int_equal(unlink(files_full("drop/d/link")), 0);
    assert_int_equal(unlink(files_full("drop/d/link (1)")), 0);
    assert_int_equal(rmdir(files_full("drop/d")), 0);
    assert_int_equal(symlink("../outside", files_full("drop/d")), 0); /* in place of the batch's folder */
    open = ask_drop("d/b", 1);
    files_open_work(&open);
    expect_reset(UV_ENOTDIR);
    assert_int_equal(count_entries("outside"), 0);
}

static void the_drop_folder_is_configured_or_the_users_or_downloads(void **state)
{
    char home[64], path[FILES_PATH_MAX + 1], problem[TEXT_REASON_MAX + 1];
    snprintf(home, sizeof(home), "%s", folder.path);
    assert_int_equal(drop_folder_make(home, "", path, problem), 0);
    assert_string_equal(path, files_full("Downloads"));
    scratch_write_text(&folder, ".config/user-dirs.dirs", "XDG_DOWNLOAD_DIR=\"$HOME/In/coming\"\n");
    assert_int_equal(drop_folder_make(home, "", path, problem), 0);
    assert_string_equal(path, files_full("In/coming"));
    assert_int_equal(drop_folder_make(home, "own/place", path, problem), 0);
    assert_string_equal(path, files_full("own/place"));
    assert_int_equal(drop_folder_make(home, files_full("absolute"), path, problem), 0);
    assert_string_equal(path, files_full("absolute"));
    assert_int_equal(scratch_mode(&folder, "In/coming"), 0755);
    scratch_write_text(&folder, "file", "x");
    assert_int_equal(drop_folder_make(home, "file", path, problem), UV_ENOTDIR);
    assert_non_null(strstr(problem, "drop folder"));
}

int main(void)
{
#define WITH_FILES(test) cmocka_unit_test_setup_teardown(test, files_fixture_setup, files_fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_FILES(the_drop_folder_is_made_and_nothing_in_it_replaced),
        WITH_FILES(files_of_one_batch_share_their_folder),
        WITH_FILES(the_oldest_batch_is_forgotten),
        WITH_FILES(a_batch_folder_that_is_gone_is_made_again),
        WITH_FILES(hostile_names_are_refused_and_make_nothing),
        WITH_FILES(planted_links_lead_nowhere),
        WITH_FILES(the_drop_folder_is_configured_or_the_users_or_downloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
