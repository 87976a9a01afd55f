/* SPDX-License-Identifier: MIT */
/* Ranges of files, attributes that may be given, and the space of a disk. */
#include "services/transfer/platform/file_range.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/transfer/platform/attributes_write.h"
#include "services/transfer/platform/file_system.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

struct files {
    struct scratch_folder folder;
    int from, to;
};

static int setup(void **state)
{
    static struct files files;
    scratch_make(&files.folder);
    files.from = open(scratch_path(&files.folder, "from"), O_RDWR | O_CREAT, 0600);
    files.to = open(scratch_path(&files.folder, "to"), O_RDWR | O_CREAT, 0600);
    *state = &files;
    return 0;
}

static int teardown(void **state)
{
    struct files *files = *state;
    close(files->from);
    close(files->to);
    scratch_remove(&files->folder);
    return 0;
}

static void a_range_is_copied_to_its_place(void **state)
{
    struct files *files = *state;
    char bytes[8] = {0};
    assert_int_equal(file_range_write(files->from, (const uint8_t *)"0123456789", 10, 0), 0);
    assert_int_equal(file_range_copy(files->from, files->to, 3, 5, NULL), 0);
    assert_int_equal(pread(files->to, bytes, 8, 0), 8);
    assert_memory_equal(bytes,
                        "\0\0\0"
                        "34567",
                        8);
    assert_int_equal(file_range_copy(files->from, files->to, 8, 5, NULL), UV_EOF);
}

static void copying_and_zeroing_hear_a_stop(void **state)
{
    struct files *files = *state;
    atomic_bool stop;
    atomic_init(&stop, true);
    assert_int_equal(file_range_write(files->from, (const uint8_t *)"0123456789", 10, 0), 0);
    assert_int_equal(file_range_copy(files->from, files->to, 0, 10, &stop), UV_ECANCELED);
}

static void a_zeroed_range_is_a_hole_and_the_file_keeps_its_size(void **state)
{
    struct files *files = *state;
    static uint8_t bytes[1 << 20];
    struct stat look;
    memset(bytes, 1, sizeof(bytes));
    assert_int_equal(file_range_write(files->to, bytes, sizeof(bytes), 0), 0);
    assert_int_equal(file_range_zero(files->to, 10, INT64_MAX - 10, NULL), 0);
    assert_int_equal(fstat(files->to, &look), 0);
    assert_int_equal(look.st_size, sizeof(bytes));
    assert_true(look.st_blocks * 512 < 64 * 1024);
    assert_int_equal(pread(files->to, bytes, 12, 0), 12);
    assert_memory_equal(bytes, "\1\1\1\1\1\1\1\1\1\1\0\0", 12);
    assert_int_equal(file_range_zero(files->to, 1 << 21, 5, NULL), 0);
}

static void only_attributes_of_people_may_be_given(void **state)
{
    (void)state;
    assert_true(attribute_may_be_given("user.mark"));
    assert_false(attribute_may_be_given("user."));
    assert_false(attribute_may_be_given("security.capability"));
    assert_false(attribute_may_be_given("trusted.overlay.opaque"));
    assert_false(attribute_may_be_given("system.posix_acl_access"));
    assert_false(attribute_may_be_given(""));
}

static void a_disk_tells_its_space_and_syncs(void **state)
{
    struct files *files = *state;
    uint64_t available = 0, total = 0;
    int folder = open(files->folder.path, O_RDONLY | O_DIRECTORY);
    assert_int_equal(file_system_space(folder, &available, &total), 0);
    assert_true(total > 0 && available <= total);
    assert_int_equal(file_system_sync(folder), 0);
    close(folder);
    assert_int_equal(file_system_space(-1, &available, &total), UV_EBADF);
    assert_int_equal(file_status(EDQUOT), STATUS_QUOTA);
    assert_int_equal(file_status(ENOSPC), UV_ENOSPC);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_range_is_copied_to_its_place),
        T(copying_and_zeroing_hear_a_stop),
        T(a_zeroed_range_is_a_hole_and_the_file_keeps_its_size),
        T(only_attributes_of_people_may_be_given),
        T(a_disk_tells_its_space_and_syncs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
