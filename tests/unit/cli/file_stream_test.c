/* SPDX-License-Identifier: MIT */
/* Files between a guest and standard input or output: hospes cp with -, and hospes cat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/cli/fake_api.h"
#include "tests/unit/cli/fixtures.h"

static struct fake_api api;
static struct run run;

#define START(...)                                                                                           \
    static const struct fake_route ROUTES[] = {__VA_ARGS__};                                                 \
    fake_api_start(&api, ROUTES, COUNT_OF(ROUTES))
#define RUN(...) run_hospes(&run, api.socket, (const char *const[]){__VA_ARGS__, NULL})

static int stop(void **state)
{
    run_finish(&run);
    fake_api_stop(&api);
    return 0;
}

static void expect(int status, const char *out, const char *err)
{
    run_expect(&run, status, out, err);
}

static int input_of(const char *bytes, size_t size)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    assert_int_equal(write(fd, bytes, size), size);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void standard_input_is_streamed_into_a_file(void **state)
{
    START({"PUT", "/api/v1/vms/web/files?path=dir%2Fa%20b&user=ann", 201,
           "{\"path\":\"/home/ann/dir/a b\",\"size\":5,\"digest\":\"x\"}", FAKE_ANSWER},
          {"PUT", "/api/v1/vms/web/files?path=full", 507, PROBLEM("ENOSPC", "no space left", "null"),
           FAKE_ANSWER});
    int fd = input_of("hello", 5);
    run_hospes_with(&run, api.socket, (const char *const[]){"cp", "-", "web:dir/a b", "--user", "ann", NULL},
                    fd);
    expect(0, "", "");
    assert_true(fake_api_was_asked(&api, "PUT /api/v1/vms/web/files?path=dir%2Fa%20b&user=ann hello"));
    run_finish(&run);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    run_hospes_with(&run, api.socket, (const char *const[]){"cp", "-", "web:full", NULL}, fd);
    expect(1, "", "hospes: no space left\n");
    close(fd);
}

static void a_large_or_slow_input_is_sent_whole(void **state)
{
    START({"PUT", "/api/v1/vms/web/files?path=large", 201, "{\"size\":1}", FAKE_ANSWER});
    int pipe_ends[2];
    static char block[65536];
    memset(block, 'x', sizeof(block));
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t writer = fork();
    if (writer == 0) {
        for (int i = 0; i < 80; i++) {
            if (write(pipe_ends[1], block, sizeof(block)) != sizeof(block))
                _exit(1);
        }
        _exit(0);
    }
    close(pipe_ends[1]);
    run_hospes_with(&run, api.socket, (const char *const[]){"cp", "-", "web:large", "--json", NULL},
                    pipe_ends[0]);
    expect(0, "\"size\": 1", "");
    assert_true(fake_api_was_asked(&api, "PUT /api/v1/vms/web/files?path=large 5242880 bytes"));
    assert_int_equal(run_wait(writer), 0);
    close(pipe_ends[0]);
}

static void an_input_that_can_not_be_read_is_said_so(void **state)
{
    START({"PUT", "/api/v1/vms/web/files?path=a", 201, "{}", FAKE_ANSWER});
    FILE *root = fopen("/", "re"); /* a folder opens, but can't be read */
    assert_non_null(root);
    run_hospes_with(&run, api.socket, (const char *const[]){"cp", "-", "web:a", NULL}, fileno(root));
    expect(1, "", "hospes: can't read standard input: Is a directory\n");
    fclose(root);
}

static void a_file_is_streamed_to_standard_output(void **state)
{
    START({"GET", "/api/v1/vms/web/files?path=%2Fetc%2Fhosts", 200, "line\n\x1b[2J", FAKE_ANSWER},
          {"GET", "/api/v1/vms/web/files?path=cut", 200, NULL, FAKE_CUT},
          {"GET", "/api/v1/vms/web/files?path=empty", 200, NULL, FAKE_ANSWER},
          {"GET", "/api/v1/vms/web/files?path=dir", 422,
           PROBLEM("EISDIR", "it is a folder", "\"hospes cp -r\""), FAKE_ANSWER});
    RUN("cp", "web:/etc/hosts", "-");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "line\n\x1b[2J"); /* as it stands: this is data */
    run_finish(&run);
    RUN("cat", "web:empty");
    assert_int_equal(run.status, 0);
    assert_string_equal(run.out, "");
    run_finish(&run);
    RUN("cat", "web:cut");
    expect(3, "{\"vms\":[",
           "the connection ended before the file did\n  hint: what was printed is not the whole");
    run_finish(&run);
    RUN("cat", "web:dir");
    expect(1, "", "hospes: it is a folder\n  hint: hospes cp -r\n");
    assert_string_equal(run.out, "");
}

static void a_reader_that_leaves_is_no_failure(void **state)
{
    START({"GET", "/api/v1/vms/web/files?path=huge", 200, NULL, FAKE_HUGE});
    char command[512], out[64] = "";
    snprintf(command, sizeof(command),
             "HOSPES_SOCKET=%s %s cat web:huge | head -c 3 | wc -c; "
             "HOSPES_SOCKET=%s %s cat web:huge | wc -c",
             api.socket, HOSPES_PROGRAM, api.socket, HOSPES_PROGRAM);
    FILE *shell = popen(command, "re");
    assert_non_null(shell);
    out[fread(out, 1, sizeof(out) - 1, shell)] = '\0';
    assert_int_equal(pclose(shell), 0);
    assert_string_equal(out, "3\n104857600\n");
}

#define TEST(name) cmocka_unit_test_teardown(name, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(standard_input_is_streamed_into_a_file),   TEST(a_large_or_slow_input_is_sent_whole),
        TEST(an_input_that_can_not_be_read_is_said_so), TEST(a_file_is_streamed_to_standard_output),
        TEST(a_reader_that_leaves_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
