/* SPDX-License-Identifier: MIT */
/* Rights of a thread on files: taken for one job and given back. In child processes, since this is about
 * root. */
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/wire/limits.h"
#include "services/transfer/fs_identity.h"
#include "services/transfer/platform/file_system.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

static const struct fs_identity OTHER = {.uid = 12345, .gid = 12346, .group_count = 1, .groups = {12347}};

static int setup(void **state)
{
    static struct scratch_folder folder;
    scratch_make(&folder);
    *state = &folder;
    return 0;
}

static int teardown(void **state)
{
    scratch_remove(*state);
    return 0;
}

/* As root, whose test this is; the child's result is what `body` returns. */
static void in_child(int (*body)(struct scratch_folder *folder), struct scratch_folder *folder)
{
    if (geteuid() != 0)
        fail_msg("this test is about root's rights: run it as root");
    pid_t child = fork();
    if (child == 0)
        _exit(body(folder));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int works_as_another(struct scratch_folder *folder)
{
    struct stat look;
    char own[SCRATCH_PATH_MAX], secret[SCRATCH_PATH_MAX], shared[SCRATCH_PATH_MAX];
    snprintf(own, sizeof(own), "%s/own", folder->path);
    snprintf(secret, sizeof(secret), "%s/secret", folder->path);
    snprintf(shared, sizeof(shared), "%s/shared", folder->path);
    if (chmod(folder->path, 0777) < 0 || close(open(secret, O_CREAT | O_WRONLY, 0600)) < 0 ||
        close(open(shared, O_CREAT | O_WRONLY, 0640)) < 0 || chown(shared, 0, 12347) < 0)
        return 1;
    if (fs_identity_enter(&OTHER) != 0)
        return 2;
    if (file_system_user() != 12345 || open(secret, O_RDONLY) >= 0) /* root could */
        return 3;
    if (open(shared, O_RDONLY) < 0) /* by its group */
        return 4;
    if (open(own, O_CREAT | O_WRONLY, 0600) < 0 || stat(own, &look) < 0 || look.st_uid != 12345 ||
        look.st_gid != 12346)
        return 5;
    fs_identity_leave(&OTHER);
    if (file_system_user() != 0 || open(secret, O_RDONLY) < 0)
        return 6;
    gid_t groups[64];
    for (int i = getgroups(64, groups); i > 0; i--)
        if (groups[i - 1] == 12347)
            return 7;
    return 0;
}

static void an_identity_has_the_users_rights_and_no_others(void **state)
{
    in_child(works_as_another, *state);
}

static void *look_from_another_thread(void *secret)
{
    return open(secret, O_RDONLY) >= 0 ? secret : NULL;
}

static int keeps_to_its_thread(struct scratch_folder *folder)
{
    char secret[SCRATCH_PATH_MAX];
    pthread_t thread;
    void *result = NULL;
    snprintf(secret, sizeof(secret), "%s/secret", folder->path);
    close(open(secret, O_CREAT | O_WRONLY, 0600));
    if (fs_identity_enter(&OTHER) != 0)
        return 1;
    /* a thread that is born now has this one's rights; one that is there already would not */
    bool is_refused = open(secret, O_RDONLY) < 0;
    fs_identity_leave(&OTHER);
    if (!is_refused || pthread_create(&thread, NULL, look_from_another_thread, secret) != 0)
        return 2;
    pthread_join(thread, &result);
    return result != NULL ? 0 : 3;
}

struct watcher {
    pthread_barrier_t barrier;
    char secret[SCRATCH_PATH_MAX];
    bool could_read;
};

static void *watch(void *ctx)
{
    struct watcher *watcher = ctx;
    pthread_barrier_wait(&watcher->barrier); /* it is there before the other enters */
    pthread_barrier_wait(&watcher->barrier);
    watcher->could_read = open(watcher->secret, O_RDONLY) >= 0;
    pthread_barrier_wait(&watcher->barrier);
    return NULL;
}

static int leaves_other_threads_alone(struct scratch_folder *folder)
{
    struct watcher watcher;
    pthread_t thread;
    snprintf(watcher.secret, sizeof(watcher.secret), "%s/secret", folder->path);
    close(open(watcher.secret, O_CREAT | O_WRONLY, 0600));
    pthread_barrier_init(&watcher.barrier, NULL, 2);
    if (pthread_create(&thread, NULL, watch, &watcher) != 0)
        return 1;
    pthread_barrier_wait(&watcher.barrier);
    if (fs_identity_enter(&OTHER) != 0)
        return 2;
    pthread_barrier_wait(&watcher.barrier);
    pthread_barrier_wait(&watcher.barrier);
    fs_identity_leave(&OTHER);
    pthread_join(thread, NULL);
    return watcher.could_read ? 0 : 3;
}

static void an_identity_is_its_threads_own(void **state)
{
    in_child(keeps_to_its_thread, *state);
    in_child(leaves_other_threads_alone, *state);
}

static int is_refused_without_root(struct scratch_folder *folder)
{
    (void)folder;
    if (setgroups(0, NULL) < 0 || setgid(12345) < 0 || setuid(12345) < 0)
        return 1;
    struct fs_identity identity = OTHER, other;
    identity.uid = 12399;
    if (fs_identity_enter(&identity) != UV_EPERM)
        return 2;
    if (fs_identity_of("root", &other, NULL) != UV_EPERM)
        return 3;
    return file_system_user() == 12345 ? 0 : 4;
}

static void only_root_takes_another_identity(void **state)
{
    in_child(is_refused_without_root, *state);
}

static void users_are_found_by_name_and_number(void **state)
{
    (void)state;
    struct fs_identity identity;
    char home[FILES_PATH_MAX + 1];
    struct passwd *nobody = getpwnam("nobody");
    assert_non_null(nobody);
    assert_int_equal(fs_identity_of("nobody", &identity, home), 0);
    assert_int_equal(identity.uid, nobody->pw_uid);
    assert_int_equal(identity.gid, nobody->pw_gid);
    assert_false(identity.is_own);
    assert_string_equal(home, nobody->pw_dir);
    assert_true(identity.group_count >= 1);
    char number[16];
    snprintf(number, sizeof(number), "%u", (unsigned)nobody->pw_uid);
    assert_int_equal(fs_identity_of(number, &identity, NULL), 0);
    assert_int_equal(identity.uid, nobody->pw_uid);
    assert_int_equal(fs_identity_of("no such user", &identity, NULL), UV_ENOENT);
    assert_int_equal(fs_identity_of("", &identity, NULL), UV_ENOENT);
    assert_int_equal(fs_identity_of("99999999999", &identity, NULL), UV_ENOENT);
}

static void ones_own_identity_needs_nothing(void **state)
{
    (void)state;
    struct fs_identity own = fs_identity_own(), found;
    assert_true(own.is_own);
    assert_int_equal(fs_identity_enter(&own), 0);
    assert_int_equal(file_system_user(), geteuid());
    fs_identity_leave(&own);
    assert_int_equal(fs_identity_of(getpwuid(geteuid())->pw_name, &found, NULL), 0);
    assert_true(found.is_own);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_identity_has_the_users_rights_and_no_others),
        T(an_identity_is_its_threads_own),
        T(only_root_takes_another_identity),
        T(users_are_found_by_name_and_number),
        T(ones_own_identity_needs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
