/* SPDX-License-Identifier: MIT */
/* agent/platform/linux_process on this machine's own /proc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "agent/platform/linux_process.h"
#include "agent/platform/linux_procfs.h"

#define BUDGET_US 2000000

struct fixture {
    struct process_finder *finder;
    struct socket_list tcp;
    struct socket_list udp;
    int fd;
    uint64_t inode;
};

static uint64_t inode_of(int fd)
{
    struct stat attributes;
    assert_int_equal(fstat(fd, &attributes), 0);
    return attributes.st_ino;
}

static void add(struct fixture *fixture, uint64_t inode, uint16_t port)
{
    struct listening_socket socket = {.key = {.protocol = PORT_TCP, .port = port, .address = {.family = 4}},
                                      .uid = getuid(),
                                      .inode = inode};
    assert_int_equal(socket_list_add(&fixture->tcp, &socket), 0);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    assert_int_equal(process_finder_create(&fixture->finder), 0);
    socket_list_init(&fixture->tcp);
    socket_list_init(&fixture->udp);
    fixture->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fixture->fd >= 0);
    fixture->inode = inode_of(fixture->fd);
    add(fixture, fixture->inode, 80);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    process_finder_destroy(fixture->finder);
    socket_list_finish(&fixture->tcp);
    close(fixture->fd);
    free(fixture);
    return 0;
}

static void track(struct fixture *fixture)
{
    assert_int_equal(process_finder_track(fixture->finder, &fixture->tcp, &fixture->udp), 0);
}

static int32_t owner_pid(const struct fixture *fixture, uint64_t inode)
{
    const struct socket_owner *owner = process_finder_owner(fixture->finder, inode);
    assert_non_null(owner);
    return owner->pid;
}

/* A child that does nothing until it is told to end; it holds what this process held. */
static pid_t start_child(int *ret_end)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char byte;
        close(ends[1]);
        (void)!read(ends[0], &byte, 1);
        _exit(0);
    }
    close(ends[0]);
    *ret_end = ends[1];
    return child;
}

static void end_child(pid_t child, int end)
{
    close(end);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void walk_finds_the_holder(void **state)
{
    struct fixture *fixture = *state;
    track(fixture);
    assert_true(process_finder_is_due(fixture->finder, 0));
    assert_true(process_finder_search(fixture->finder, BUDGET_US, 0));
    assert_int_equal(owner_pid(fixture, fixture->inode), getpid());
    assert_false(process_finder_is_due(fixture->finder, UINT64_MAX));
}

static void search_without_time_goes_on_where_it_stopped(void **state)
{
    struct fixture *fixture = *state;
    track(fixture);
    int slices = 1;
    while (!process_finder_search(fixture->finder, 1, 0))
        assert_true(slices++ < 1000000);
    assert_true(slices > 1);
    assert_int_equal(owner_pid(fixture, fixture->inode), getpid());
}

static void hint_finds_the_holder_without_a_walk(void **state)
{
    struct fixture *fixture = *state;
    process_finder_hint(fixture->finder, 999999999);
    process_finder_hint(fixture->finder, getpid());
    track(fixture);
    assert_true(process_finder_search(fixture->finder, 20000, 0));
    assert_int_equal(owner_pid(fixture, fixture->inode), getpid());
}

static void parent_of_those_that_share_a_socket_is_taken(void **state)
{
    struct fixture *fixture = *state;
    int end;
    pid_t child = start_child(&end);
    process_finder_hint(fixture->finder, child);
    track(fixture);
    assert_true(process_finder_search(fixture->finder, BUDGET_US, 0));
    assert_int_equal(owner_pid(fixture, fixture->inode), getpid());
    end_child(child, end);
}

static void dead_owner_is_replaced_by_who_holds_the_socket_now(void **state)
{
    struct fixture *fixture = *state;
    int end;
    pid_t child = start_child(&end);
    close(fixture->fd); /* the child alone holds it */
    track(fixture);
    assert_true(process_finder_search(fixture->finder, BUDGET_US, 0));
    assert_int_equal(owner_pid(fixture, fixture->inode), child);
    uint64_t version = process_finder_owner(fixture->finder, fixture->inode)->version;
    assert_false(process_finder_validate(fixture->finder, 10));
    end_child(child, end);
    assert_true(process_finder_validate(fixture->finder, 10));
    assert_true(process_finder_owner(fixture->finder, fixture->inode)->version != version);
    assert_int_equal(owner_pid(fixture, fixture->inode), 0);
    fixture->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fixture->fd >= 0);
}

static void renamed_owner_gets_another_version(void **state)
{
    struct fixture *fixture = *state;
    track(fixture);
    assert_true(process_finder_search(fixture->finder, BUDGET_US, 0));
    uint64_t version = process_finder_owner(fixture->finder, fixture->inode)->version;
    char before[16];
    assert_int_equal(prctl(PR_GET_NAME, before), 0);
    assert_int_equal(prctl(PR_SET_NAME, "renamed"), 0);
    assert_true(process_finder_validate(fixture->finder, 1));
    assert_true(process_finder_owner(fixture->finder, fixture->inode)->version != version);
    assert_int_equal(owner_pid(fixture, fixture->inode), getpid());
    assert_int_equal(prctl(PR_SET_NAME, before), 0);
}

static void socket_that_nobody_holds_is_retried_ever_later_and_then_left(void **state)
{
    struct fixture *fixture = *state;
    add(fixture, 1, 81); /* no socket has inode 1 */
    track(fixture);
    uint64_t now = 0;
    int searches = 0;
    for (; now < 3600000; now += 1000) {
        if (!process_finder_is_due(fixture->finder, now))
            continue;
        searches++;
        while (!process_finder_search(fixture->finder, BUDGET_US, now))
            continue;
    }
    assert_int_equal(searches, 4);
    assert_int_equal(owner_pid(fixture, 1), 0);
    assert_int_equal(owner_pid(fixture, fixture->inode), getpid());
}

static void what_is_known_of_a_socket_is_kept(void **state)
{
    struct fixture *fixture = *state;
    track(fixture);
    assert_true(process_finder_search(fixture->finder, BUDGET_US, 0));
    uint64_t version = process_finder_owner(fixture->finder, fixture->inode)->version;
    add(fixture, 1, 81);
    track(fixture);
    assert_int_equal(process_finder_owner(fixture->finder, fixture->inode)->version, version);
    assert_int_equal(owner_pid(fixture, fixture->inode), getpid());
    fixture->tcp.items[0].cookie = 77; /* the inode's number serves another socket now */
    track(fixture);
    assert_int_equal(owner_pid(fixture, fixture->inode), 0);
    socket_list_clear(&fixture->tcp);
    track(fixture);
    assert_null(process_finder_owner(fixture->finder, fixture->inode));
}

static void description_says_what_proc_says(void **state)
{
    struct fixture *fixture = *state;
    struct port_fact fact;
    memset(&fact, 'x', sizeof(fact));
    track(fixture);
    assert_true(process_finder_search(fixture->finder, BUDGET_US, 0));
    process_describe(process_finder_owner(fixture->finder, fixture->inode), &fact);
    assert_int_equal(fact.pid, getpid());
    assert_string_equal(fact.name, "agent_process_test");
    assert_non_null(strstr(fact.command, "agent_process_test"));
    process_describe(NULL, &fact);
    assert_int_equal(fact.pid, 0);
    assert_string_equal(fact.name, "");
    assert_string_equal(fact.unit, "");
}

static void stat_is_parsed_whatever_the_name_holds(void **state)
{
    static const char TEXT[] = "42 (a) b(c) ) S 7 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 1 2 3\n";
    struct process_stat stat;
    assert_int_equal(procfs_parse_stat(TEXT, sizeof(TEXT) - 1, &stat), 0);
    assert_int_equal(stat.parent, 7);
    assert_int_equal(stat.start, 98765);
    assert_string_equal(stat.comm, "a) b(c) ");
    for (size_t cut = 0; cut < sizeof(TEXT) - 14; cut++) {
        char *text = malloc(cut + 1);
        assert_non_null(text);
        memcpy(text, TEXT, cut);
        char *exact = realloc(text, cut > 0 ? cut : 1);
        assert_non_null(exact);
        assert_int_equal(procfs_parse_stat(exact, cut, &stat), UV_EPROTO);
        free(exact);
    }
}

#define finder_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        finder_test(walk_finds_the_holder),
        finder_test(search_without_time_goes_on_where_it_stopped),
        finder_test(hint_finds_the_holder_without_a_walk),
        finder_test(parent_of_those_that_share_a_socket_is_taken),
        finder_test(dead_owner_is_replaced_by_who_holds_the_socket_now),
        finder_test(renamed_owner_gets_another_version),
        finder_test(socket_that_nobody_holds_is_retried_ever_later_and_then_left),
        finder_test(what_is_known_of_a_socket_is_kept),
        finder_test(description_says_what_proc_says),
        cmocka_unit_test(stat_is_parsed_whatever_the_name_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
