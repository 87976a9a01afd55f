/* SPDX-License-Identifier: MIT */
/* Which files are taken as a secret. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "host-bridge/pairing_secret.h"
#include "protocol/base/status.h"
#include "services/identity/key_text.h"

static char folder[64], path[96];
static uint8_t secret[NOISE_KEY_SIZE];
static char problem[TEXT_REASON_MAX + 1];

static int set_up(void **state)
{
    snprintf(folder, sizeof(folder), "/tmp/hospes-secret-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/psk", folder);
    memset(secret, 0xee, sizeof(secret));
    problem[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    unlink(path);
    return rmdir(folder);
}

static void write_file(const void *bytes, size_t size, mode_t mode)
{
    FILE *out = fopen(path, "we");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    fclose(out);
    assert_int_equal(chmod(path, mode), 0);
}

static void expect_refused(int status)
{
    uint8_t before[NOISE_KEY_SIZE];
    memset(before, 0xee, sizeof(before));
    assert_int_equal(pairing_secret_load(path, secret, problem), status);
    assert_non_null(strstr(problem, path));
    assert_memory_equal(secret, before, sizeof(before));
}

static const uint8_t KEY[NOISE_KEY_SIZE] = "thirty-two bytes of no one else.";

static void base64_is_taken_with_space_around_it(void **state)
{
    char text[KEY_TEXT_SIZE], line[KEY_TEXT_SIZE + 8];
    key_text_format(KEY, text);
    write_file(text, strlen(text), 0600);
    assert_int_equal(pairing_secret_load(path, secret, problem), 0);
    assert_memory_equal(secret, KEY, sizeof(KEY));
    memset(secret, 0, sizeof(secret));
    int size = snprintf(line, sizeof(line), " %s\r\n\n", text);
    write_file(line, (size_t)size, 0400);
    assert_int_equal(pairing_secret_load(path, secret, problem), 0);
    assert_memory_equal(secret, KEY, sizeof(KEY));
}

static void thirty_two_bytes_are_taken_as_they_are(void **state)
{
    write_file(KEY, sizeof(KEY), 0600);
    assert_int_equal(pairing_secret_load(path, secret, problem), 0);
    assert_memory_equal(secret, KEY, sizeof(KEY));
}

static void other_lengths_and_zeros_are_malformed(void **state)
{
    static const char ZEROS[4096] = {0};
    static const size_t SIZES[] = {0, 1, 31, 32, 33, 43, 44, 45, 127, 128, 129, 4096};
    for (size_t i = 0; i < sizeof(SIZES) / sizeof(SIZES[0]); i++) {
        write_file(ZEROS, SIZES[i], 0600);
        expect_refused(STATUS_MALFORMED);
    }
    const char *almost = "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28"; /* without its padding */
    write_file(almost, strlen(almost), 0600);
    expect_refused(STATUS_MALFORMED);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    static const mode_t MODES[] = {0640, 0604, 0644, 0620, 0602, 0610, 0601, 0777};
    for (size_t i = 0; i < sizeof(MODES) / sizeof(MODES[0]); i++) {
        write_file(KEY, sizeof(KEY), MODES[i]);
        expect_refused(STATUS_NOT_ALLOWED);
    }
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    assert_int_equal(mkfifo(path, 0600), 0);
    expect_refused(STATUS_NOT_ALLOWED);
    unlink(path);
    assert_int_equal(symlink("/dev/zero", path), 0);
    expect_refused(STATUS_NOT_ALLOWED);
    unlink(path);
    expect_refused(UV_ENOENT);
}

static void a_file_of_another_user_is_refused(void **state)
{
    if (geteuid() != 0) { /* only root can make one */
        assert_int_equal(pairing_secret_load("/proc/version", secret, problem), STATUS_NOT_ALLOWED);
        return;
    }
    write_file(KEY, sizeof(KEY), 0600);
    assert_int_equal(chown(path, 12345, 12345), 0);
    expect_refused(STATUS_NOT_ALLOWED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(base64_is_taken_with_space_around_it),
        TEST(thirty_two_bytes_are_taken_as_they_are),
        TEST(other_lengths_and_zeros_are_malformed),
        TEST(a_file_that_others_may_read_is_refused),
        TEST(what_is_no_regular_file_is_refused_without_waiting),
        TEST(a_file_of_another_user_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
