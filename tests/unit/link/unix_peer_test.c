/* SPDX-License-Identifier: MIT */
/* What the kernel says of the other end of a Unix socket. */
#include "protocol/link/unix_peer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "tests/unit/link/link_fixture.h"

static void both_ends_know_each_other(void **state)
{
    char path[96];
    make_path(path, sizeof(path), "socket");
    int listener = listen_unix(path), client = connect_unix(path);
    int accepted = accept(listener, NULL, NULL);
    const int ends[] = {client, accepted};
    for (size_t i = 0; i < 2; i++) {
        struct unix_peer peer;
        assert_int_equal(unix_peer_of(ends[i], &peer), 0);
        assert_int_equal(peer.uid, geteuid());
        assert_int_equal(peer.pid, getpid());
        assert_true(unix_peer_is_own(&peer));
        close(ends[i]);
    }
    close(listener);
}

static void only_our_user_and_root_are_ours(void **state)
{
    assert_true(unix_peer_is_own(&(struct unix_peer){.uid = geteuid()}));
    assert_true(unix_peer_is_own(&(struct unix_peer){.uid = 0}));
    assert_false(unix_peer_is_own(&(struct unix_peer){.uid = geteuid() + 1}));
    assert_false(unix_peer_is_own(&(struct unix_peer){.uid = (uid_t)-1}));
}

static void what_is_no_connected_unix_socket_has_no_peer(void **state)
{
    struct unix_peer peer = {.uid = 77, .pid = 78};
    int tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int alone = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int pipes[2];
    assert_int_equal(pipe(pipes), 0);
    assert_true(unix_peer_of(tcp, &peer) < 0);
    assert_true(unix_peer_of(alone, &peer) < 0);
    assert_int_equal(unix_peer_of(pipes[0], &peer), UV_ENOTSOCK);
    assert_int_equal(unix_peer_of(-1, &peer), UV_EBADF);
    assert_int_equal(peer.uid, 77);
    assert_int_equal(peer.pid, 78);
    close(tcp);
    close(alone);
    close(pipes[0]);
    close(pipes[1]);
}

static void peers_are_written_in_words(void **state)
{
    char out[64];
    unix_peer_format(&(struct unix_peer){.uid = 1000, .pid = 12}, out, sizeof(out));
    assert_string_equal(out, "uid 1000 (pid 12)");
    unix_peer_format(&(struct unix_peer){.uid = 1000}, out, sizeof(out));
    assert_string_equal(out, "uid 1000");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, link_fixture_setup, link_fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_ends_know_each_other),
        TEST(only_our_user_and_root_are_ours),
        TEST(what_is_no_connected_unix_socket_has_no_peer),
        TEST(peers_are_written_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
