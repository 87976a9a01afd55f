/* SPDX-License-Identifier: MIT */
/* agent/platform/linux_procnet: the kernel's tables as text, as they are and as nobody hopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/platform/linux_procnet.h"

static const char TCP[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 23456 1 "
    "0000000000000000 100 0 0 10 0\n"
    "   1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 999 1 0 100 "
    "0\n"
    "   2: 0100007F:1538 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 777 1 0 20 "
    "4\n";

static const char TCP6[] =
    "  sl  local_address                         remote_address                        st tx_queue rx_queue\n"
    "   0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000 33 0 4242 1 0 100 0 0 10 0\n"
    "   1: 0000000000000000FFFF00000100007F:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000 33 0 4243 1 0 100 0 0 10 0\n"
    "   2: 00000000000000000000000001000000:1F92 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000 33 0 4244 1 0 100 0 0 10 0\n";

static const char UDP[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref "
    "pointer\n"
    "  10: 00000000:14E9 00000000:0000 07 00000000:00000000 00:00000000 00000000   110        0 555 2 0 0\n"
    "  11: 0100007F:AAAA 0100007F:0035 01 00000000:00000000 00:00000000 00000000   110        0 556 2 0 0\n";

static size_t parse(struct socket_list *list, uint8_t protocol, uint8_t family, const char *text, size_t size)
{
    size_t consumed = 0;
    assert_int_equal(procnet_parse(protocol, family, text, size, list, &consumed), 0);
    return consumed;
}

static void assert_socket(const struct listening_socket *socket, const char *address, uint16_t port,
                          uint32_t uid, uint64_t inode)
{
    char text[46];
    ip_address_format(&socket->key.address, text);
    assert_string_equal(text, address);
    assert_int_equal(socket->key.port, port);
    assert_int_equal(socket->uid, uid);
    assert_int_equal(socket->inode, inode);
}

static void parse_lists_listeners_and_nothing_else(void **state)
{
    struct socket_list list;
    socket_list_init(&list);
    assert_int_equal(parse(&list, PORT_TCP, 4, TCP, sizeof(TCP) - 1), sizeof(TCP) - 1);
    assert_int_equal(list.count, 2);
    assert_socket(&list.items[0], "127.0.0.1", 5432, 1000, 23456);
    assert_socket(&list.items[1], "0.0.0.0", 22, 0, 999);
    assert_true(list.items[0].v6only_known);
    socket_list_clear(&list);
    parse(&list, PORT_UDP, 4, UDP, sizeof(UDP) - 1);
    assert_int_equal(list.count, 1);
    assert_socket(&list.items[0], "0.0.0.0", 5353, 110, 555);
    socket_list_finish(&list);
}

static void parse_reads_ipv6_and_unmaps_mapped_addresses(void **state)
{
    struct socket_list list;
    socket_list_init(&list);
    parse(&list, PORT_TCP, 6, TCP6, sizeof(TCP6) - 1);
    assert_int_equal(list.count, 3);
    assert_socket(&list.items[0], "::", 8080, 33, 4242);
    assert_false(list.items[0].v6only_known);
    assert_socket(&list.items[1], "127.0.0.1", 8081, 33, 4243);
    assert_true(list.items[1].v6only_known);
    assert_socket(&list.items[2], "::1", 8082, 33, 4244);
    socket_list_finish(&list);
}

static void parse_split_at_each_byte_gives_the_same(void **state)
{
    size_t size = sizeof(TCP) - 1;
    for (size_t cut = 0; cut <= size; cut++) {
        struct socket_list list;
        socket_list_init(&list);
        char *head = malloc(cut + 1);
        assert_non_null(head);
        memcpy(head, TCP, cut);
        size_t consumed = parse(&list, PORT_TCP, 4, head, cut);
        free(head);
        assert_true(consumed <= cut);
        parse(&list, PORT_TCP, 4, TCP + consumed, size - consumed);
        assert_int_equal(list.count, 2);
        socket_list_finish(&list);
    }
}

static void parse_skips_what_is_no_socket(void **state)
{
    static const char *const LINES[] = {
        "\n",
        "\n\n   \n",
        "0: 0100007F:1538\n",
        "0: 0100007F1538 00000000:0000 0A 0:0 0:0 0 0 0 1\n",
        "0: 0100007F:153 00000000:0000 0A 0:0 0:0 0 0 0 1\n",
        "0: 0100007F:1538 00000000:0000 0X 0:0 0:0 0 0 0 1\n",
        "0: 0100007F:1538 00000000:0000 0A 0:0 0:0 0 -1 0 1\n",
        "0: 0100007F:1538 00000000:0000 0A 0:0 0:0 0 99999999999 0 1\n",
        "0: 0100007F:1538 00000000:0000 0A 0:0 0:0 0 0 0 99999999999999999999999999\n",
        "0: 0100007F:1538 00000000:0000 0A 0:0 0:0 0 0 0 12x\n",
        "0: 0100007F:0000 00000000:0000 0A 0:0 0:0 0 0 0 1\n",
        "0: 0100007F:1538 00000000:0001 0A 0:0 0:0 0 0 0 1\n",
        "0: 00000000000000000000000000000000:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 1\n",
    };
    for (size_t i = 0; i < sizeof(LINES) / sizeof(LINES[0]); i++) {
        struct socket_list list;
        socket_list_init(&list);
        assert_int_equal(parse(&list, PORT_TCP, 4, LINES[i], strlen(LINES[i])), strlen(LINES[i]));
        assert_int_equal(list.count, 0);
        socket_list_finish(&list);
    }
}

static void list_is_bounded_and_counts_what_it_left_out(void **state)
{
    struct socket_list list;
    struct listening_socket socket = {.key = {.protocol = PORT_TCP, .port = 1, .address = {.family = 4}}};
    socket_list_init(&list);
    for (unsigned i = 0; i < SOCKET_LIST_MAX + 7; i++) {
        memcpy(socket.key.address.bytes, &i, 4);
        assert_int_equal(socket_list_add(&list, &socket), 0);
    }
    assert_int_equal(list.count, SOCKET_LIST_MAX);
    assert_int_equal(list.left_out, 7);
    socket_list_finish(&list);
}

static void settle_sorts_and_keeps_the_oldest_of_a_key(void **state)
{
    struct socket_list list;
    struct listening_socket socket = {.key = {.protocol = PORT_TCP, .port = 80, .address = {.family = 4}}};
    socket_list_init(&list);
    static const uint64_t INODES[] = {30, 10, 20};
    for (size_t i = 0; i < 3; i++) {
        socket.inode = INODES[i];
        assert_int_equal(socket_list_add(&list, &socket), 0);
    }
    socket.key.port = 79;
    assert_int_equal(socket_list_add(&list, &socket), 0);
    socket_list_settle(&list);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.items[0].key.port, 79);
    assert_int_equal(list.items[1].inode, 10);
    socket_list_finish(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_lists_listeners_and_nothing_else),
        cmocka_unit_test(parse_reads_ipv6_and_unmaps_mapped_addresses),
        cmocka_unit_test(parse_split_at_each_byte_gives_the_same),
        cmocka_unit_test(parse_skips_what_is_no_socket),
        cmocka_unit_test(list_is_bounded_and_counts_what_it_left_out),
        cmocka_unit_test(settle_sorts_and_keeps_the_oldest_of_a_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
