/* SPDX-License-Identifier: MIT */
/* The pool of locked memory. */
#include "protocol/wire/secret.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/base/testing.h"

static bool is_filled(const uint8_t *bytes, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

static size_t count_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "r");
    assert_non_null(file);
    size_t count = 0;
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        count += c == '\n';
    fclose(file);
    return count;
}

static void secrets_of_every_size_are_zero_and_aligned(void **state)
{
    struct secret_pool *pool = secret_pool_create();
    uint8_t *taken[SECRET_SIZE_MAX + 1];
    for (size_t size = 1; size <= SECRET_SIZE_MAX; size++) {
        taken[size] = secret_take(pool, size);
        assert_non_null(taken[size]);
        assert_true((uintptr_t)taken[size] % 16 == 0);
        assert_true(is_filled(taken[size], size, 0));
        memset(taken[size], 0xa5, size);
    }
    for (size_t size = 1; size <= SECRET_SIZE_MAX; size++)
        assert_true(is_filled(taken[size], size, 0xa5));
    for (size_t size = 1; size <= SECRET_SIZE_MAX; size++)
        secret_release(pool, taken[size], size);
    secret_pool_destroy(pool);
}

static void secrets_do_not_overlap_while_others_come_and_go(void **state)
{
    enum { COUNT = 400, ROUNDS = 20000 };
    static const size_t SIZES[] = {1, 32, 64, 65, 100, 192, 193, 592, 640, 641, 1024};
    struct secret_pool *pool = secret_pool_create();
    uint8_t *taken[COUNT] = {NULL};
    size_t sizes[COUNT];
    uint32_t seed = 1;
    for (size_t round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525u + 1013904223u;
        size_t i = (seed >> 8) % COUNT;
        if (taken[i] != NULL) {
            assert_true(is_filled(taken[i], sizes[i], (uint8_t)(i + 1)));
            secret_release(pool, taken[i], sizes[i]);
            taken[i] = NULL;
            continue;
        }
        sizes[i] = SIZES[(seed >> 20) % (sizeof(SIZES) / sizeof(SIZES[0]))];
        taken[i] = secret_take(pool, sizes[i]);
        assert_non_null(taken[i]);
        assert_true(is_filled(taken[i], sizes[i], 0));
        memset(taken[i], (int)(uint8_t)(i + 1), sizes[i]);
    }
    for (size_t i = 0; i < COUNT; i++)
        if (taken[i] != NULL)
            secret_release(pool, taken[i], sizes[i]);
    secret_pool_destroy(pool);
}

static void release_wipes(void **state)
{
    struct secret_pool *pool = secret_pool_create();
    uint8_t *stays = secret_take(pool, 64), *goes = secret_take(pool, 64);
    memset(stays, 1, 64);
    memset(goes, 2, 64);
    secret_release(pool, goes, 64);
    assert_true(is_filled(goes, 64, 0)); /* still mapped: the other one is in the same slab */
    assert_true(is_filled(stays, 64, 1));
    secret_release(pool, stays, 64);
    secret_pool_destroy(pool);
}

static void nothing_is_released_by_null(void **state)
{
    struct secret_pool *pool = secret_pool_create();
    secret_release(pool, NULL, 32);
    secret_pool_destroy(pool);
    secret_pool_destroy(NULL);
}

static void a_secret_that_comes_and_goes_maps_no_memory(void **state)
{
    struct secret_pool *pool = secret_pool_create();
    void *first = secret_take(pool, 592);
    secret_release(pool, first, 592);
    size_t mappings = count_mappings();
    for (size_t i = 0; i < 1000; i++) {
        void *again = secret_take(pool, 592);
        assert_ptr_equal(again, first);
        secret_release(pool, again, 592);
    }
    assert_int_equal(count_mappings(), mappings);
    secret_pool_destroy(pool);
}

static void empty_slabs_go_back_but_one(void **state)
{
    enum { COUNT = 3000 };
    static void *taken[COUNT];
    struct secret_pool *pool = secret_pool_create();
    size_t before = count_mappings();
    taken[0] = secret_take(pool, 1024);
    size_t one_slab = count_mappings() - before;
    for (size_t i = 1; i < COUNT; i++)
        taken[i] = secret_take(pool, 1024);
    assert_true(count_mappings() > before + 50 * one_slab);
    for (size_t i = 0; i < COUNT; i++)
        secret_release(pool, taken[i], 1024);
    assert_in_range(count_mappings(), before - 8,
                    before + one_slab + 8); /* neighbours may be split or joined */
    secret_pool_destroy(pool);
    assert_in_range(count_mappings(), before - 8, before + 8);
}

/* Exits 0 when the pool works without a limit that it would need, and says whether memory is locked. */
static void use_pool_without_locking(void)
{
    const struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
        _exit(2);
    if (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        (void)fputs("root's memory is not limited\n",
                    stderr); /* then it can be locked, and the pool must say that */
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool can_lock = page != MAP_FAILED && mlock(page, 4096) == 0; /* under a sanitizer always */
    struct secret_pool *pool = secret_pool_create();
    if (pool == NULL || !secret_pool_is_locked(pool))
        _exit(4);
    uint8_t *secret = secret_take(pool, 100);
    if (secret == NULL || !is_filled(secret, 100, 0))
        _exit(5);
    memset(secret, 1, 100);
    if (secret_pool_is_locked(pool) != can_lock)
        _exit(6);
    secret_release(pool, secret, 100);
    secret_pool_destroy(pool);
    _exit(0);
}

static void a_pool_that_may_not_lock_works_and_says_so(void **state)
{
    pid_t child = fork();
    if (child == 0)
        use_pool_without_locking();
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_of_every_size_are_zero_and_aligned),
        cmocka_unit_test(secrets_do_not_overlap_while_others_come_and_go),
        cmocka_unit_test(release_wipes),
        cmocka_unit_test(nothing_is_released_by_null),
        cmocka_unit_test(a_secret_that_comes_and_goes_maps_no_memory),
        cmocka_unit_test(empty_slabs_go_back_but_one),
        cmocka_unit_test(a_pool_that_may_not_lock_works_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
