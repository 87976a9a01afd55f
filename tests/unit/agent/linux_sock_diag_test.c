/* SPDX-License-Identifier: MIT */
/* agent/platform/linux_sock_diag: netlink answers, whole, cut and wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <uv.h>

#include "agent/platform/linux_sock_diag.h"

#define SEQUENCE 7

struct answer {
    uint8_t bytes[1024];
    size_t size;
};

static struct nlmsghdr *begin(struct answer *answer, uint16_t type)
{
    struct nlmsghdr *header = (struct nlmsghdr *)(void *)(answer->bytes + answer->size);
    *header = (struct nlmsghdr){.nlmsg_type = type, .nlmsg_seq = SEQUENCE, .nlmsg_len = NLMSG_HDRLEN};
    answer->size += NLMSG_HDRLEN;
    return header;
}

static void append(struct answer *answer, struct nlmsghdr *header, const void *bytes, size_t size)
{
    memcpy(answer->bytes + answer->size, bytes, size);
    memset(answer->bytes + answer->size + size, 0, NLMSG_ALIGN(size) - size);
    header->nlmsg_len += (uint32_t)NLMSG_ALIGN(size);
    answer->size += NLMSG_ALIGN(size);
}

static void append_attribute(struct answer *answer, struct nlmsghdr *header, uint16_t type, const void *value,
                             uint16_t size)
{
    struct nlattr attribute = {.nla_type = type, .nla_len = (uint16_t)(NLA_HDRLEN + size)};
    append(answer, header, &attribute, sizeof(attribute));
    append(answer, header, value, size);
}

static void append_socket(struct answer *answer, uint8_t family, uint8_t socket_state, uint16_t port)
{
    struct inet_diag_msg message = {
        .idiag_family = family,
        .idiag_state = socket_state,
        .idiag_uid = 1000,
        .idiag_inode = 4711,
        .id = {.idiag_sport = htons(port), .idiag_cookie = {5, 1}},
    };
    uint8_t v6only = 1;
    uint64_t cgroup = 99;
    struct nlmsghdr *header = begin(answer, SOCK_DIAG_BY_FAMILY);
    append(answer, header, &message, sizeof(message));
    if (family == AF_INET6)
        append_attribute(answer, header, INET_DIAG_SKV6ONLY, &v6only, 1);
    append_attribute(answer, header, 21, &cgroup, 8);
}

static int parse(const void *bytes, size_t size, uint8_t protocol, struct socket_list *list, bool *ret_done)
{
    return sock_diag_parse(bytes, size, protocol, SEQUENCE, list, ret_done);
}

static void parse_reads_sockets_and_their_attributes(void **state)
{
    _Alignas(8) struct answer answer = {.size = 0};
    struct socket_list list;
    bool done;
    socket_list_init(&list);
    append_socket(&answer, AF_INET, 10, 80);
    append_socket(&answer, AF_INET6, 10, 81);
    begin(&answer, NLMSG_DONE);
    assert_int_equal(parse(answer.bytes, answer.size, PORT_TCP, &list, &done), 0);
    assert_true(done);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].key.port, 80);
    assert_int_equal(list.items[0].key.address.family, 4);
    assert_int_equal(list.items[0].uid, 1000);
    assert_int_equal(list.items[0].inode, 4711);
    assert_int_equal(list.items[0].cookie, ((uint64_t)1 << 32) + 5);
    assert_int_equal(list.items[0].cgroup_id, 99);
    assert_true(list.items[1].v6only_known);
    assert_true(list.items[1].v6only);
    socket_list_finish(&list);
}

static void parse_skips_other_states_families_sequences_and_port_zero(void **state)
{
    _Alignas(8) struct answer answer = {.size = 0};
    struct socket_list list;
    bool done;
    socket_list_init(&list);
    append_socket(&answer, AF_INET, 1, 80);
    append_socket(&answer, AF_UNIX, 10, 80);
    append_socket(&answer, AF_INET, 10, 0);
    size_t before = answer.size;
    append_socket(&answer, AF_INET, 10, 82);
    ((struct nlmsghdr *)(void *)(answer.bytes + before))->nlmsg_seq = SEQUENCE - 1;
    assert_int_equal(parse(answer.bytes, answer.size, PORT_TCP, &list, &done), 0);
    assert_false(done);
    assert_int_equal(list.count, 0);
    append_socket(&answer, AF_INET, 7, 53); /* CLOSE: UDP's unconnected state */
    assert_int_equal(parse(answer.bytes, answer.size, PORT_UDP, &list, &done), 0);
    assert_int_equal(list.count, 1);
    socket_list_finish(&list);
}

static void parse_refuses_every_cut(void **state)
{
    _Alignas(8) struct answer answer = {.size = 0};
    append_socket(&answer, AF_INET6, 10, 81);
    size_t boundary = answer.size;
    append_socket(&answer, AF_INET, 10, 80);
    for (size_t cut = 1; cut < answer.size; cut++) {
        struct socket_list list;
        bool done;
        uint8_t *bytes = malloc(cut); /* exact, so that the sanitizer sees reads behind it */
        assert_non_null(bytes);
        memcpy(bytes, answer.bytes, cut);
        socket_list_init(&list);
        int status = parse(bytes, cut, PORT_TCP, &list, &done);
        assert_int_equal(status, cut == boundary ? 0 : UV_EPROTO);
        assert_int_equal(list.count, cut >= boundary ? 1 : 0);
        socket_list_finish(&list);
        free(bytes);
    }
}

static void parse_refuses_lengths_that_lie(void **state)
{
    static const uint32_t LENGTHS[] = {0, 1, 15, 17, 16 + 20, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof(LENGTHS) / sizeof(LENGTHS[0]); i++) {
        _Alignas(8) struct answer answer = {.size = 0};
        struct socket_list list;
        bool done;
        socket_list_init(&list);
        append_socket(&answer, AF_INET, 10, 80);
        ((struct nlmsghdr *)(void *)answer.bytes)->nlmsg_len = LENGTHS[i];
        assert_int_equal(parse(answer.bytes, answer.size, PORT_TCP, &list, &done), UV_EPROTO);
        assert_int_equal(list.count, 0);
        socket_list_finish(&list);
    }
}

static void parse_ignores_attributes_with_lengths_that_lie(void **state)
{
    static const uint16_t LENGTHS[] = {0, 1, 3, 4, 200, 0xffff};
    for (size_t i = 0; i < sizeof(LENGTHS) / sizeof(LENGTHS[0]); i++) {
        _Alignas(8) struct answer answer = {.size = 0};
        struct socket_list list;
        bool done;
        socket_list_init(&list);
        append_socket(&answer, AF_INET6, 10, 80);
        size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct inet_diag_msg));
        memcpy(answer.bytes + at, &LENGTHS[i], sizeof(LENGTHS[i]));
        uint8_t *bytes = malloc(answer.size);
        assert_non_null(bytes);
        memcpy(bytes, answer.bytes, answer.size);
        assert_int_equal(parse(bytes, answer.size, PORT_TCP, &list, &done), 0);
        assert_int_equal(list.count, 1);
        assert_false(list.items[0].v6only_known);
        socket_list_finish(&list);
        free(bytes);
    }
}

static void parse_passes_on_the_kernels_errors(void **state)
{
    static const struct {
        int32_t code;
        int status;
    } CASES[] = {{-2, UV_ENOENT}, {0, UV_EPROTO}, {5, UV_EPROTO}, {INT32_MIN, UV_EPROTO}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        _Alignas(8) struct answer answer = {.size = 0};
        struct socket_list list;
        bool done;
        socket_list_init(&list);
        struct nlmsghdr *header = begin(&answer, NLMSG_ERROR);
        append(&answer, header, &CASES[i].code, 4);
        assert_int_equal(parse(answer.bytes, answer.size, PORT_TCP, &list, &done), CASES[i].status);
        header->nlmsg_len = NLMSG_HDRLEN + 2;
        assert_int_equal(parse(answer.bytes, NLMSG_HDRLEN + 2, PORT_TCP, &list, &done), UV_EPROTO);
        socket_list_finish(&list);
    }
}

static void parse_says_that_a_dump_was_disturbed(void **state)
{
    _Alignas(8) struct answer answer = {.size = 0};
    struct socket_list list;
    bool done;
    socket_list_init(&list);
    begin(&answer, NLMSG_DONE)->nlmsg_flags = NLM_F_DUMP_INTR;
    assert_int_equal(parse(answer.bytes, answer.size, PORT_TCP, &list, &done), UV_EAGAIN);
    socket_list_finish(&list);
}

static void parse_survives_arbitrary_bytes(void **state)
{
    uint32_t random = 1;
    for (int round = 0; round < 20000; round++) {
        _Alignas(8) struct answer answer = {.size = 0};
        struct socket_list list;
        bool done;
        append_socket(&answer, AF_INET6, 10, 81);
        append_socket(&answer, AF_INET, 10, 80);
        for (int change = 0; change < 4; change++) {
            random = random * 1664525 + 1013904223;
            answer.bytes[(random >> 8) % answer.size] = (uint8_t)(random >> 24);
        }
        socket_list_init(&list);
        int status = parse(answer.bytes, answer.size, PORT_TCP, &list, &done);
        assert_true(status <= 0);
        assert_true(list.count <= 2);
        socket_list_finish(&list);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_reads_sockets_and_their_attributes),
        cmocka_unit_test(parse_skips_other_states_families_sequences_and_port_zero),
        cmocka_unit_test(parse_refuses_every_cut),
        cmocka_unit_test(parse_refuses_lengths_that_lie),
        cmocka_unit_test(parse_ignores_attributes_with_lengths_that_lie),
        cmocka_unit_test(parse_passes_on_the_kernels_errors),
        cmocka_unit_test(parse_says_that_a_dump_was_disturbed),
        cmocka_unit_test(parse_survives_arbitrary_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
