/* SPDX-License-Identifier: MIT */
#include "services/transfer/passing_entries.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"

static struct passing_entries *entries;
static struct manifest_entry announced[FILES_ENTRIES_A_MESSAGE_MAX];
static struct manifest_message manifest;
static uint64_t next;
static bool renamed;

static int setup(void **state)
{
    static const char *const NAMES[] = {"one", "two"};
    next = 0;
    memset(announced, 0, sizeof(announced));
    manifest = (struct manifest_message){.entries = announced};
    return passing_entries_create(*state == NULL ? 0 : 2, NAMES, &entries);
}

static int teardown(void **state)
{
    passing_entries_destroy(entries);
    return 0;
}

static void put(enum entry_type type, const char *name, uint64_t size)
{
    struct manifest_entry *entry = &announced[manifest.count++];
    *entry = (struct manifest_entry){.type = (uint8_t)type, .size = size};
    snprintf(entry->name, sizeof(entry->name), "%s", name);
}

static int add(void)
{
    manifest.first = next;
    int status = passing_entries_add(entries, &manifest, &renamed);
    next += manifest.count;
    manifest.count = 0;
    return status;
}

static void expect_path(uint64_t number, const char *path)
{
    const struct passing_entry *entry = passing_entries_find(entries, number);
    assert_non_null(entry);
    assert_string_equal(entry->path, path);
}

static void settle(uint64_t number)
{
    struct passing_entry entry;
    assert_true(passing_entries_settle(entries, number, &entry));
    assert_int_equal(entry.number, number);
    free(entry.path);
}

static void entries_have_the_paths_that_were_walked(void **state)
{
    put(ENTRY_FOLDER, "a", 0);
    put(ENTRY_FILE, "b", 7);
    put(ENTRY_FOLDER, "c", 0);
    put(ENTRY_LINK, "l\n", 3);
    put(ENTRY_LEAVE, "", 0);
    put(ENTRY_FILE, "d", 1);
    put(ENTRY_LEAVE, "", 0);
    put(ENTRY_FILE, "e", 1);
    assert_int_equal(add(), 0);
    assert_false(renamed);
    expect_path(0, "a");
    expect_path(1, "a/b");
    assert_int_equal(passing_entries_find(entries, 1)->size, 7);
    expect_path(3, "a/c/l?");
    assert_int_equal(passing_entries_find(entries, 3)->size, 0);
    assert_null(passing_entries_find(entries, 4)); /* leave */
    expect_path(5, "a/d");
    expect_path(7, "e");
    assert_int_equal(passing_entries_count(entries), 6);
}

static void what_does_not_go_on_is_malformed(void **state)
{
    put(ENTRY_FILE, "a", 0);
    next = 1;
    assert_int_equal(add(), STATUS_MALFORMED);
    next = 0;
    put(ENTRY_LEAVE, "", 0);
    assert_int_equal(add(), STATUS_MALFORMED);
}

static void nothing_follows_the_last_part(void **state)
{
    put(ENTRY_FILE, "a", 0);
    manifest.last = true;
    assert_int_equal(add(), 0);
    put(ENTRY_FILE, "b", 0);
    assert_int_equal(add(), STATUS_MALFORMED);
}

static void folders_go_only_so_deep(void **state)
{
    for (size_t i = 0; i < FILES_DEPTH_MAX; i++) {
        put(ENTRY_FOLDER, "0123456789012345678901234567890123456789", 0);
        assert_int_equal(add(), 0);
    }
    assert_int_equal(strlen(passing_entries_find(entries, FILES_DEPTH_MAX - 1)->path), TRANSFER_PATH_MAX);
    put(ENTRY_FOLDER, "x", 0);
    assert_int_equal(add(), STATUS_MALFORMED);
}

static void paths_are_cut_between_characters(void **state)
{
    char name[FILES_NAME_MAX + 1] = "";
    for (size_t i = 0; i < 127; i++)
        strcat(name, "ä");
    for (size_t i = 0; i < 17; i++)
        put(ENTRY_FOLDER, name, 0);
    assert_int_equal(add(), 0);
    const char *path = passing_entries_find(entries, 16)->path;
    size_t size = strlen(path);
    assert_in_range(size, TRANSFER_PATH_MAX - 1, TRANSFER_PATH_MAX);
    assert_int_equal((uint8_t)path[size - 1] & 0xc0, 0x80);
    assert_int_equal((uint8_t)path[size - 2] & 0xe0, 0xc0);
}

static void only_a_window_of_entries_is_kept(void **state)
{
    for (size_t i = 0; i < FILES_WINDOW; i++) {
        put(ENTRY_FILE, "f", 1);
        if (manifest.count == FILES_ENTRIES_A_MESSAGE_MAX)
            assert_int_equal(add(), 0);
    }
    assert_int_equal(passing_entries_count(entries), FILES_WINDOW);
    settle(5);
    put(ENTRY_FILE, "f", 1);
    assert_int_equal(add(), 0);
    put(ENTRY_FILE, "f", 1);
    assert_int_equal(add(), STATUS_MALFORMED);
}

/* Old entries stay while many come and go, so that places are shared. */
static void entries_are_found_whatever_came_and_went(void **state)
{
    uint64_t kept = 0;
    for (uint64_t round = 0; round < 200; round++) {
        uint64_t first = next;
        for (size_t i = 0; i < 250; i++)
            put(ENTRY_FILE, "f", 1);
        assert_int_equal(add(), 0);
        for (uint64_t number = first; number < first + 250; number++)
            if (number * 2654435761u % 31 != 0)
                settle(number);
            else
                kept++;
    }
    assert_int_equal(passing_entries_count(entries), kept);
    for (uint64_t number = 0; number < next; number++)
        assert_int_equal(passing_entries_find(entries, number) != NULL, number * 2654435761u % 31 == 0);
    uint64_t number;
    assert_true(passing_entries_any(entries, 0, UINT64_MAX, &number));
    while (passing_entries_any(entries, 100, UINT64_MAX, &number)) {
        assert_true(number >= 100);
        settle(number);
        kept--;
    }
    assert_in_range(kept, 1, 100);
    assert_int_equal(passing_entries_count(entries), kept);
    struct passing_entry entry;
    assert_false(passing_entries_settle(entries, 101, &entry));
}

static void roots_get_the_names_they_must_have(void **state)
{
    put(ENTRY_FOLDER, "evil", 0);
    put(ENTRY_FILE, "inner", 0);
    put(ENTRY_LEAVE, "", 0);
    put(ENTRY_FILE, "two", 0);
    assert_int_equal(add(), 0);
    assert_true(renamed);
    assert_string_equal(announced[0].name, "one");
    assert_string_equal(announced[1].name, "inner");
    assert_string_equal(announced[3].name, "two");
    expect_path(1, "one/inner");
    put(ENTRY_FILE, "three", 0);
    assert_int_equal(add(), STATUS_NOT_ALLOWED);
}

static void roots_that_are_called_so_already_stay(void **state)
{
    put(ENTRY_FILE, "one", 0);
    assert_int_equal(add(), 0);
    assert_false(renamed);
}

#define TEST(name)       cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_NAMED(name) cmocka_unit_test_prestate_setup_teardown(name, setup, teardown, &next)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(entries_have_the_paths_that_were_walked),
        TEST(what_does_not_go_on_is_malformed),
        TEST(nothing_follows_the_last_part),
        TEST(folders_go_only_so_deep),
        TEST(paths_are_cut_between_characters),
        TEST(only_a_window_of_entries_is_kept),
        TEST(entries_are_found_whatever_came_and_went),
        TEST_NAMED(roots_get_the_names_they_must_have),
        TEST_NAMED(roots_that_are_called_so_already_stay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
