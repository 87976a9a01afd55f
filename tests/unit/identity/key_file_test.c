/* SPDX-License-Identifier: MIT */
/* The key's file: made once, refused when others could have read or written it, another one on another
 * machine. */
#include "services/identity/key_file.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "protocol/wire/secret.h"
#include "services/identity/key_text.h"
#include "services/identity/private_file.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

#define NOBODY 65534

static struct scratch_folder folder;
static struct noise_key_pair pair;
static enum key_file_origin origin;
static char problem[TEXT_REASON_MAX + 1];

static int setup(void **state)
{
    scratch_make(&folder);
    memset(&pair, 0, sizeof(pair));
    problem[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    scratch_remove(&folder);
    return 0;
}

static int load(const char *binding)
{
    return key_file_load(folder.path, "key", binding, &pair, &origin, problem);
}

static void refuses(int status, const char *what)
{
    struct noise_key_pair before = pair;
    assert_int_equal(load("m"), status);
    assert_memory_equal(&pair, &before, sizeof(pair));
    if (strstr(problem, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", problem, what);
}

static void load_makes_a_key_once_and_reads_it_after(void **state)
{
    assert_int_equal(load("m"), 0);
    assert_int_equal(origin, KEY_FILE_MADE);
    struct noise_key_pair made = pair;
    memset(&pair, 0, sizeof(pair));
    assert_int_equal(load("m"), 0);
    assert_int_equal(origin, KEY_FILE_READ);
    assert_memory_equal(&pair, &made, sizeof(pair));
    assert_int_equal(scratch_mode(&folder, "key"), 0600);
    assert_false(scratch_has(&folder, ".key.new"));
}

static void load_makes_missing_folders_private(void **state)
{
    char path[SCRATCH_PATH_MAX];
    snprintf(path, sizeof(path), "%s/a/b", folder.path);
    assert_int_equal(key_file_load(path, "key", "", &pair, &origin, problem), 0);
    assert_int_equal(scratch_mode(&folder, "a"), 0700);
    assert_int_equal(scratch_mode(&folder, "a/b"), 0700);
    assert_true(scratch_has(&folder, "a/b/key"));
}

static void the_file_has_two_lines(void **state)
{
    char wanted[200], text[KEY_TEXT_SIZE];
    assert_int_equal(load("machine-id 7, generation 8"), 0);
    key_text_format(pair.private_key, text);
    snprintf(wanted, sizeof(wanted), "key %s\nbound machine-id 7, generation 8\n", text);
    assert_string_equal(scratch_read(&folder, "key"), wanted);
}

static void load_makes_another_key_for_another_binding(void **state)
{
    assert_int_equal(load("first"), 0);
    struct noise_key_pair first = pair;
    assert_int_equal(load("second"), 0);
    assert_int_equal(origin, KEY_FILE_MADE_FOR_ANOTHER_BINDING);
    assert_memory_not_equal(&pair, &first, sizeof(pair));
    struct noise_key_pair second = pair;
    assert_int_equal(load("second"), 0);
    assert_int_equal(origin, KEY_FILE_READ);
    assert_memory_equal(&pair, &second, sizeof(pair));
    assert_int_equal(load(""), 0);
    assert_int_equal(origin, KEY_FILE_MADE_FOR_ANOTHER_BINDING);
}

static void load_refuses_a_file_that_others_may_read(void **state)
{
    static const mode_t MODES[] = {0640, 0604, 0620, 0602, 0610, 0601, 0666};
    for (size_t i = 0; i < sizeof(MODES) / sizeof(MODES[0]); i++) {
        assert_int_equal(load("m"), 0);
        assert_int_equal(chmod(scratch_path(&folder, "key"), MODES[i]), 0);
        refuses(STATUS_NOT_ALLOWED, "chmod 0600");
        assert_int_equal(scratch_mode(&folder, "key"), MODES[i]); /* not repaired */
        assert_int_equal(chmod(scratch_path(&folder, "key"), 0600), 0);
    }
}

static void load_refuses_what_is_no_regular_file(void **state)
{
    assert_int_equal(load("m"), 0);
    assert_int_equal(rename(scratch_path(&folder, "key"), scratch_path(&folder, "elsewhere")), 0);
    assert_int_equal(symlink(scratch_path(&folder, "elsewhere"), scratch_path(&folder, "key")), 0);
    refuses(STATUS_NOT_ALLOWED, "regular file");
    assert_int_equal(unlink(scratch_path(&folder, "key")), 0);
    assert_int_equal(symlink("/nonexistent", scratch_path(&folder, "key")), 0);
    refuses(STATUS_NOT_ALLOWED, "regular file");
    assert_int_equal(unlink(scratch_path(&folder, "key")), 0);
    assert_int_equal(mkdir(scratch_path(&folder, "key"), 0700), 0);
    refuses(STATUS_NOT_ALLOWED, "regular file");
    assert_int_equal(rmdir(scratch_path(&folder, "key")), 0);
    assert_int_equal(mkfifo(scratch_path(&folder, "key"), 0600), 0);
    refuses(STATUS_NOT_ALLOWED, "regular file"); /* and does not hang */
}

static void load_refuses_another_users_file(void **state)
{
    assert_int_equal(load("m"), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(scratch_path(&folder, "key"), NOBODY, NOBODY), 0);
        refuses(STATUS_NOT_ALLOWED, "its owner");
    } else {
        assert_int_equal(load("m"), 0); /* only root can give a file away */
    }
}

static void load_refuses_a_folder_that_others_change(void **state)
{
    assert_int_equal(load("m"), 0);
    assert_int_equal(chmod(folder.path, 0777), 0);
    refuses(STATUS_NOT_ALLOWED, "folder");
    assert_int_equal(chmod(folder.path, 01777), 0); /* sticky, as /tmp: others can't replace our file */
    assert_int_equal(load("m"), 0);
    assert_int_equal(chmod(folder.path, 0755), 0);
    assert_int_equal(load("m"), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(folder.path, NOBODY, NOBODY), 0);
        refuses(STATUS_NOT_ALLOWED, "folder");
        assert_int_equal(chown(folder.path, 0, 0), 0);
    }
}

static void load_refuses_text_that_makes_no_sense(void **state)
{
    static const char KEY[] = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    static const char *const FORMS[] = {
        "",
        "%s\n",
        "key %s\n",
        "key %s\nbound",
        "key %s\nbound m",
        "KEY %s\nbound m\n",
        "key  %s\nbound m\n",
        "key %.43s\nbound m\n",
        "key %s\r\nbound m\n",
        "key %s\nbound m\n\n",
        "key %s\nbound m\nmore\n",
        "key %s\nbound m\x01\n",
        "bound m\nkey %s\n",
        "key %s\n\nbound m\n",
        "\nkey %s\nbound m\n",
        "key %s bound m\n",
        "key %.40s!AAA\nbound m\n",
    };
    for (size_t i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
        char text[300];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(text, sizeof(text), FORMS[i], KEY);
#pragma GCC diagnostic pop
        scratch_write_text(&folder, "key", text);
        refuses(STATUS_MALFORMED, "no key file");
        assert_string_equal(scratch_read(&folder, "key"), text); /* it is still there to be looked at */
    }
}

static void load_refuses_a_file_cut_at_each_byte_or_too_long(void **state)
{
    char text[1000], binding[KEY_FILE_BINDING_MAX + 1];
    memset(binding, 'b', KEY_FILE_BINDING_MAX);
    binding[KEY_FILE_BINDING_MAX] = '\0';
    assert_int_equal(load(binding), 0);
    snprintf(text, sizeof(text), "%s", scratch_read(&folder, "key"));
    size_t size = strlen(text);
    for (size_t cut = 0; cut < size; cut++) {
        scratch_write(&folder, "key", text, cut, 0600);
        assert_int_equal(key_file_load(folder.path, "key", binding, &pair, &origin, problem),
                         STATUS_MALFORMED);
    }
    memcpy(text + size - 1, "b\n", 3);
    scratch_write_text(&folder, "key", text);
    refuses(STATUS_MALFORMED, "no key file");
    text[0] = 'k';
    scratch_write(&folder, "key", text, sizeof(text), 0600);
    refuses(STATUS_MALFORMED, "no key file");
}

static void load_refuses_bindings_that_a_line_cannot_hold(void **state)
{
    char binding[KEY_FILE_BINDING_MAX + 2];
    memset(binding, 'b', sizeof(binding) - 1);
    binding[sizeof(binding) - 1] = '\0';
    assert_int_equal(load(binding), STATUS_INVALID);
    assert_int_equal(load("two\nlines"), STATUS_INVALID);
    assert_false(scratch_has(&folder, "key"));
}

static int load_unprivileged(void *ctx)
{
    int status = load("m");
    return status == UV_EACCES && origin == KEY_FILE_MADE && !sodium_is_zero(pair.private_key, NOISE_KEY_SIZE)
               ? 0
               : 1;
}

static void load_goes_on_with_a_key_that_cannot_be_kept(void **state)
{
    assert_int_equal(chmod(folder.path, 0555), 0);
    if (geteuid() == 0) {
        scratch_run_as(NOBODY, load_unprivileged, NULL);
    } else {
        scratch_run_as(0, load_unprivileged, NULL);
    }
    assert_int_equal(chmod(folder.path, 0700), 0);
    assert_false(scratch_has(&folder, "key"));
    /* A path through a file: no folder can be made. */
    scratch_write_text(&folder, "file", "");
    int status = key_file_load(scratch_path(&folder, "file/state"), "key", "m", &pair, &origin, problem);
    assert_int_equal(status, UV_ENOTDIR);
    assert_false(sodium_is_zero(pair.private_key, NOISE_KEY_SIZE));
    assert_non_null(strstr(problem, "can't be kept"));
}

static int read_another_users_key(void *ctx)
{
    return load("m") == STATUS_NOT_ALLOWED && sodium_is_zero(pair.private_key, NOISE_KEY_SIZE) ? 0 : 1;
}

static void load_takes_no_new_key_where_one_cannot_be_read(void **state)
{
    if (geteuid() != 0) /* only root can make files of root's */
        return;
    assert_int_equal(load("m"), 0);
    memset(&pair, 0, sizeof(pair));
    assert_int_equal(chmod(folder.path, 0755), 0);
    scratch_run_as(NOBODY, read_another_users_key, NULL);
}

#define PROCESSES 12
static void processes_that_start_at_once_agree_on_one_key(void **state)
{
    int start[2], results[2];
    assert_int_equal(pipe(start), 0);
    assert_int_equal(pipe(results), 0);
    pid_t children[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            char go;
            close(start[1]);
            if (read(start[0], &go, 1) != 0 || load("m") != 0 ||
                write(results[1], &pair, sizeof(pair)) != (ssize_t)sizeof(pair))
                _exit(1);
            _exit(0);
        }
    }
    close(start[0]);
    close(start[1]); /* all of them see the end at the same moment */
    struct noise_key_pair first, other;
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
        assert_int_equal(read(results[0], i == 0 ? &first : &other, sizeof(first)), sizeof(first));
        if (i > 0)
            assert_memory_equal(&first, &other, sizeof(first));
    }
    close(results[0]);
    close(results[1]);
}

static void the_remains_of_an_interrupted_write_do_no_harm(void **state)
{
    scratch_write(&folder, ".key.new", "half", 4, 0666);
    assert_int_equal(load("m"), 0);
    assert_int_equal(scratch_mode(&folder, "key"), 0600);
    assert_false(scratch_has(&folder, ".key.new"));
    assert_int_equal(unlink(scratch_path(&folder, "key")), 0);
    scratch_write_text(&folder, "victim", "precious");
    assert_int_equal(symlink(scratch_path(&folder, "victim"), scratch_path(&folder, ".key.new")), 0);
    assert_int_equal(load("m"), 0);
    assert_string_equal(scratch_read(&folder, "victim"), "precious");
}

static void rebind_keeps_the_key(void **state)
{
    char binding[KEY_FILE_BINDING_MAX + 1];
    uint8_t public_key[NOISE_KEY_SIZE];
    assert_int_equal(key_file_rebind(folder.path, "key", "x"), UV_ENOENT);
    assert_int_equal(key_file_public(folder.path, "key", public_key), UV_ENOENT);
    assert_false(key_file_binding(folder.path, "key", binding));
    assert_string_equal(binding, "");
    assert_int_equal(load("m"), 0);
    struct noise_key_pair made = pair;
    assert_int_equal(key_file_rebind(folder.path, "key", "m and more"), 0);
    assert_true(key_file_binding(folder.path, "key", binding));
    assert_string_equal(binding, "m and more");
    assert_int_equal(load("m and more"), 0);
    assert_int_equal(origin, KEY_FILE_READ);
    assert_memory_equal(&pair, &made, sizeof(pair));
    assert_int_equal(key_file_public(folder.path, "key", public_key), 0);
    assert_memory_equal(public_key, made.public_key, NOISE_KEY_SIZE);
}

static void the_lock_of_a_folder_is_no_other_users_to_hold(void **state)
{
    int fd, lock;
    assert_int_equal(private_folder_open(folder.path, false, &fd), 0);
    assert_int_equal(private_folder_lock(fd, &lock), 0);
    assert_int_equal(scratch_mode(&folder, ".lock"), 0600);
    close(lock);
    assert_int_equal(unlink(scratch_path(&folder, ".lock")), 0);
    assert_int_equal(symlink("/etc/passwd", scratch_path(&folder, ".lock")), 0);
    assert_int_equal(private_folder_lock(fd, &lock), UV_ELOOP);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(load_makes_a_key_once_and_reads_it_after, setup, teardown),
        cmocka_unit_test_setup_teardown(load_makes_missing_folders_private, setup, teardown),
        cmocka_unit_test_setup_teardown(the_file_has_two_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(load_makes_another_key_for_another_binding, setup, teardown),
        cmocka_unit_test_setup_teardown(load_refuses_a_file_that_others_may_read, setup, teardown),
        cmocka_unit_test_setup_teardown(load_refuses_what_is_no_regular_file, setup, teardown),
        cmocka_unit_test_setup_teardown(load_refuses_another_users_file, setup, teardown),
        cmocka_unit_test_setup_teardown(load_refuses_a_folder_that_others_change, setup, teardown),
        cmocka_unit_test_setup_teardown(load_refuses_text_that_makes_no_sense, setup, teardown),
        cmocka_unit_test_setup_teardown(load_refuses_a_file_cut_at_each_byte_or_too_long, setup, teardown),
        cmocka_unit_test_setup_teardown(load_refuses_bindings_that_a_line_cannot_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(load_goes_on_with_a_key_that_cannot_be_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(load_takes_no_new_key_where_one_cannot_be_read, setup, teardown),
        cmocka_unit_test_setup_teardown(processes_that_start_at_once_agree_on_one_key, setup, teardown),
        cmocka_unit_test_setup_teardown(the_remains_of_an_interrupted_write_do_no_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(rebind_keeps_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(the_lock_of_a_folder_is_no_other_users_to_hold, setup, teardown),
    };
    struct secret_pool *secrets = secret_pool_create(); /* initialises libsodium */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    secret_pool_destroy(secrets);
    return failed;
}
