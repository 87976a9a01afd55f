/* SPDX-License-Identifier: MIT */
/* Watching real folders, with whichever back end was built. What was told is replayed on a list of names,
 * which must come to be what is on the disk: so nothing was missed and nothing was made up. */
#include "agent/features/watch/watch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/clock.h"
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

#define PATIENCE_MS 20000
#define NAMES_MAX   4096

static uv_loop_t loop;
static struct scratch_folder folder;
static struct watches *watches;
static struct watch *watch;
static uv_timer_t tick;
static bool ready, ended, refuse, lost;
static char names[NAMES_MAX][128];
static size_t name_count, changes_told, modified_told;

static void forget(const char *path)
{
    size_t size = strlen(path), kept = 0;
    for (size_t i = 0; i < name_count; i++) {
        if (strncmp(names[i], path, size) != 0 || (names[i][size] != '\0' && names[i][size] != '/'))
            memmove(names[kept++], names[i], sizeof(names[i]));
    }
    name_count = kept;
}

static void learn(const char *path)
{
    for (size_t i = 0; i < name_count; i++) {
        if (strcmp(names[i], path) == 0)
            return;
    }
    assert_true(name_count < NAMES_MAX);
    snprintf(names[name_count++], sizeof(names[0]), "%.127s", path);
}

static void follow(const char *from, const char *to)
{
    size_t size = strlen(from);
    for (size_t i = 0; i < name_count; i++) {
        char path[256];
        if (strncmp(names[i], from, size) != 0 || (names[i][size] != '\0' && names[i][size] != '/'))
            continue;
        snprintf(path, sizeof(path), "%s%s", to, names[i] + size);
        snprintf(names[i], sizeof(names[i]), "%.127s", path);
    }
}

static void handle_ready(void *ctx)
{
    assert_false(ready);
    ready = true;
}

static bool handle_changes(void *ctx, const struct changes_message *changes)
{
    assert_true(ready);
    if (refuse)
        return false;
    lost = lost || changes->lost;
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i];
        changes_told++;
        if (change->what == CHANGE_DELETED)
            forget(change->path);
        else if (change->what == CHANGE_CREATED)
            learn(change->path);
        else if (change->what == CHANGE_MOVED)
            follow(change->from, change->path);
        else
            modified_told++;
    }
    return true;
}

static void handle_end(void *ctx, int status, const char *text)
{
    assert_int_equal(status, UV_ENOENT);
    assert_non_null(strstr(text, "is gone"));
    ended = true;
}

static const struct watch_handler HANDLER = {
    .on_ready = handle_ready, .on_changes = handle_changes, .on_end = handle_end};

static void handle_tick(uv_timer_t *timer)
{
    /* Wakes the loop, so that conditions are looked at. */
}

static void wait_until(bool (*is_so)(void), const char *what)
{
    uint64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (!is_so()) {
        if (clock_monotonic_ms() > end_ms)
            fail_msg("not within %d ms: %s", PATIENCE_MS, what);
        uv_run(&loop, UV_RUN_ONCE);
    }
}

static bool is_ready(void)
{
    return ready;
}

static bool has_ended(void)
{
    return ended;
}

static size_t count_disk(const char *below, bool *same)
{
    char path[512];
    snprintf(path, sizeof(path), "%s%s%s", folder.path, below[0] != '\0' ? "/" : "", below);
    DIR *list = opendir(path);
    assert_non_null(list);
    size_t count = 0;
    struct dirent *entry;
    while ((entry = readdir(list)) != NULL) {
        char name[512];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(name, sizeof(name), "%s%s%s", below, below[0] != '\0' ? "/" : "", entry->d_name);
        bool known = false;
        for (size_t i = 0; i < name_count && !known; i++)
            known = strcmp(names[i], name) == 0;
        *same = *same && known;
        count++;
        if (entry->d_type == DT_DIR)
            count += count_disk(name, same);
    }
    closedir(list);
    return count;
}

static bool is_like_the_disk(void)
{
    bool same = true;
    return count_disk("", &same) == name_count && same;
}

static void settle(void)
{
    wait_until(is_like_the_disk, "what was told is what there is");
}

static void run(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void run(const char *format, ...)
{
    char command[1024];
    int size = snprintf(command, sizeof(command), "cd %s && ", folder.path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command + size, sizeof(command) - (size_t)size, format, arguments);
    va_end(arguments);
    assert_int_equal(system(command), 0);
}

static void begin(void)
{
    char problem[TEXT_REASON_MAX + 1];
    struct fs_identity own = fs_identity_own();
    assert_int_equal(watch_start(watches, folder.path, &own, &HANDLER, NULL, &watch, problem), 0);
    assert_false(ready);
    wait_until(is_ready, "ready");
}

static int setup(void **state)
{
    ready = ended = refuse = lost = false;
    name_count = changes_told = modified_told = 0;
    scratch_make(&folder);
    uv_loop_init(&loop);
    uv_timer_init(&loop, &tick);
    uv_timer_start(&tick, handle_tick, 10, 10);
    assert_int_equal(watches_create(&loop, &watches), 0);
    return 0;
}

static int teardown(void **state)
{
    watches_close(watches);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    scratch_remove(&folder);
    return 0;
}

static void files_that_come_and_go_are_told(void **state)
{
    begin();
    run("echo a > a; echo b > b");
    settle();
    run("rm a; mv b c");
    settle();
    assert_string_equal(names[0], "c");
    assert_false(lost);
}

static bool was_modified(void)
{
    return modified_told > 0;
}

static void a_file_that_is_written_to_is_modified(void **state)
{
    run("echo a > a");
    learn("a");
    begin();
    run("echo more >> a");
    wait_until(was_modified, "modified");
}

static void folders_within_folders_made_at_once_are_not_missed(void **state)
{
    begin();
    for (int i = 0; i < 20; i++)
        run("mkdir -p r%d/a/b/c/d && echo x > r%d/a/b/c/d/e && echo y > r%d/a/f", i, i, i);
    settle();
    run("rm -r r1 r2; mkdir -p r3/n/o; touch r3/n/o/p");
    settle();
    assert_false(lost);
}

static void what_happens_in_a_moved_folder_is_told_by_its_new_name(void **state)
{
    begin();
    run("mkdir -p a/b/c");
    settle();
    run("mv a z");
    settle();
    run("mkdir z/b/k");
    settle();
    run("touch z/b/k/l z/b/c/m");
    settle();
    assert_false(lost);
}

static void many_files_are_all_told(void **state)
{
    begin();
    run("mkdir many && cd many && seq 1 2000 | xargs touch");
    settle();
    run("cd many && ls | head -1000 | xargs rm");
    settle();
}

static bool something_waits(void)
{
    static uint64_t since;
    if (since == 0)
        since = clock_monotonic_ms();
    return clock_monotonic_ms() > since + 400; /* some looks have passed */
}

static void a_reader_that_is_slow_gets_them_later(void **state)
{
    begin();
    refuse = true;
    run("touch a b c");
    wait_until(something_waits, "");
    assert_int_equal(changes_told, 0);
    refuse = false;
    watch_resume(watch);
    settle();
    assert_int_equal(changes_told, 3);
}

static void a_folder_that_is_removed_ends_the_watch(void **state)
{
    run("mkdir in");
    struct fs_identity own = fs_identity_own();
    char problem[TEXT_REASON_MAX + 1];
    assert_int_equal(watch_start(watches, scratch_path(&folder, "in"), &own, &HANDLER, NULL, &watch, problem),
                     0);
    wait_until(is_ready, "ready");
    run("rmdir in");
    wait_until(has_ended, "ended");
    watch_stop(watch);
}

static void there_are_not_more_than_the_limit(void **state)
{
    char problem[TEXT_REASON_MAX + 1];
    struct fs_identity own = fs_identity_own();
    for (int i = 0; i < WATCHES_MAX; i++) {
        assert_int_equal(watch_start(watches, folder.path, &own, &HANDLER, NULL, &watch, problem), 0);
        ready = false;
        wait_until(is_ready, "ready");
    }
    assert_int_equal(watch_start(watches, folder.path, &own, &HANDLER, NULL, &watch, problem), STATUS_LIMIT);
    watch_stop(watch);
}

static void one_that_is_stopped_at_once_ends(void **state)
{
    char problem[TEXT_REASON_MAX + 1];
    struct fs_identity own = fs_identity_own();
    for (int i = 0; i < 10; i++) {
        assert_int_equal(watch_start(watches, folder.path, &own, &HANDLER, NULL, &watch, problem), 0);
        watch_stop(watch);
    }
    assert_false(ready);
}

static void folders_are_watched_with_the_users_rights(void **state)
{
    char problem[TEXT_REASON_MAX + 1];
    if (geteuid() != 0) { /* only root can act for others: that it refuses is what can be seen here */
        struct fs_identity other;
        assert_int_equal(fs_identity_of("root", &other, NULL), UV_EPERM);
        return;
    }
    struct fs_identity nobody = {.uid = 65534, .gid = 65534};
    chmod(folder.path, 0755);
    run("mkdir -m 700 secret; mkdir -m 755 open");
    learn("secret");
    learn("open");
    assert_int_equal(watch_start(watches, folder.path, &nobody, &HANDLER, NULL, &watch, problem), 0);
    wait_until(is_ready, "ready");
    run("touch secret/s open/o");
    run("touch last");
    learn("secret/s"); /* on the disk, and never told: see below */
    settle();
    for (size_t i = 0; i < name_count; i++)
        assert_true(strcmp(names[i], "secret/s") != 0 || changes_told == 2);
    assert_int_equal(changes_told, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(files_that_come_and_go_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_written_to_is_modified, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_within_folders_made_at_once_are_not_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_happens_in_a_moved_folder_is_told_by_its_new_name, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(many_files_are_all_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_is_slow_gets_them_later, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_is_removed_ends_the_watch, setup, teardown),
        cmocka_unit_test_setup_teardown(there_are_not_more_than_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(one_that_is_stopped_at_once_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(folders_are_watched_with_the_users_rights, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
