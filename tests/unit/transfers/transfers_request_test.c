/* SPDX-License-Identifier: MIT */
/* What may be asked for, and which requests are the same. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/transfers/transfers_fixture.h"

static const struct transfer *made;

static void expect_invalid(struct transfer_request *request, const char *words)
{
    assert_int_equal(transfers_add(transfers, request, &made, problem), STATUS_INVALID);
    if (strstr(problem, words) == NULL)
        fail_msg("%s", problem);
    assert_int_equal(transfers_count(transfers), 0);
}

/* Two paths on the host to the guest "one". */
static struct transfer_request two_paths(char *first, char *second)
{
    static char here[] = ".", *from[2], *to[1] = {here};
    from[0] = first;
    from[1] = second;
    return (struct transfer_request){
        .kind = TRANSFER_COPY,
        .from = {.path_count = second == NULL ? 1 : 2, .paths = from},
        .to = {.vm = "one", .path_count = 1, .paths = to},
    };
}

static void what_makes_no_sense_is_refused_with_a_sentence(void **state)
{
    struct transfer_request request = two_paths((char[]){"/a"}, NULL);
    request.to.vm[0] = '\0';
    expect_invalid(&request, "one side must be a guest");
    request = two_paths((char[]){"a"}, NULL);
    expect_invalid(&request, "must be absolute");
    request = two_paths((char[]){""}, NULL);
    expect_invalid(&request, "empty");
    request = two_paths((char[]){"/a\xff"}, NULL);
    expect_invalid(&request, "UTF-8");
    request = two_paths((char[]){"/a"}, (char[]){"/b/a/"});
    expect_invalid(&request, "two sources are called \"a\"");
    request = two_paths((char[]){"/.."}, NULL);
    expect_invalid(&request, "names no file or folder");
    request = two_paths((char[]){"/"}, NULL);
    expect_invalid(&request, "names no file or folder");
    request = two_paths((char[]){"/a"}, NULL);
    request.from.path_count = 0;
    expect_invalid(&request, "1 to 64");
    request = two_paths((char[]){"/a"}, NULL);
    request.to.path_count = 0;
    expect_invalid(&request, "one target");
    request.kind = TRANSFER_DROP;
    request.to.path_count = 1;
    expect_invalid(&request, "drop folder");
    request.kind = TRANSFER_TAKE;
    expect_invalid(&request, "an offer is taken");
    request = two_paths((char[]){"/a"}, NULL);
    request.flags = FILES_DROP;
    expect_invalid(&request, "flag");
    request = two_paths((char[]){"/a"}, NULL);
    request.conflict = FILES_FAIL + 1;
    expect_invalid(&request, "flag");
}

static void paths_above_the_limit_are_refused(void **state)
{
    static char path[FILES_PATH_MAX + 2];
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    struct transfer_request request = two_paths(path, NULL);
    expect_invalid(&request, "too long");
}

static const char *id_of(struct transfer_request *request)
{
    static char ids[2][33];
    static size_t next;
    char *id = ids[next++ % 2];
    assert_int_equal(transfers_add(transfers, request, &made, problem), 0);
    memcpy(id, made->id, 33);
    assert_int_equal(transfers_cancel(transfers, id, false), 0);
    assert_int_equal(transfers_cancel(transfers, id, false), 0);
    return id;
}

static void the_id_of_a_copy_follows_from_what_is_copied_where(void **state)
{
    struct transfer_request a = two_paths((char[]){"/a"}, NULL), b = a;
    assert_string_equal(id_of(&a), id_of(&b));
    b.flags = FILES_RESUME | FILES_UPDATE | FILES_CHECKSUM; /* ways to the same end */
    assert_string_equal(id_of(&a), id_of(&b));
    b.flags = FILES_RECURSIVE;
    assert_string_not_equal(id_of(&a), id_of(&b));
    b = a;
    snprintf(b.to.vm, sizeof(b.to.vm), "two");
    assert_string_not_equal(id_of(&a), id_of(&b));
    b = a;
    snprintf(b.to.user, sizeof(b.to.user), "lui");
    assert_string_not_equal(id_of(&a), id_of(&b));
    b = a;
    b.conflict = FILES_RENAME;
    assert_string_not_equal(id_of(&a), id_of(&b));
    a = two_paths((char[]){"/a/b"}, (char[]){"/c"});
    const char *id = id_of(&a);
    b = two_paths((char[]){"/a"}, (char[]){"/b/c"});
    assert_string_not_equal(id, id_of(&b));
}

static void drops_have_random_ids(void **state)
{
    const struct transfer *one, *other;
    guests[0].up = false;
    assert_int_equal(add_drop("/a", "one", &one), 0);
    assert_int_equal(add_drop("/a", "one", &other), 0);
    assert_string_not_equal(one->id, other->id);
    assert_int_equal(strlen(one->id), 32);
}

static void the_very_same_copy_is_joined_by_a_resume_and_else_refused(void **state)
{
    guests[0].up = false;
    assert_int_equal(add_copy("", "/a", "one", ".", 0, &made), 0);
    const struct transfer *again;
    assert_int_equal(add_copy("", "/a", "one", ".", 0, &again), STATUS_CONFLICT);
    assert_non_null(strstr(problem, "under way"));
    assert_int_equal(add_copy("", "/a", "one", ".", FILES_RESUME, &again), TRANSFERS_JOINED);
    assert_ptr_equal(again, made);
    assert_int_equal(transfers_count(transfers), 1);
    assert_ptr_equal(transfers_find(transfers, made->id), made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TRANSFERS_TEST(what_makes_no_sense_is_refused_with_a_sentence),
        TRANSFERS_TEST(paths_above_the_limit_are_refused),
        TRANSFERS_TEST(the_id_of_a_copy_follows_from_what_is_copied_where),
        TRANSFERS_TEST(drops_have_random_ids),
        TRANSFERS_TEST(the_very_same_copy_is_joined_by_a_resume_and_else_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
