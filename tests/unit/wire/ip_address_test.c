/* SPDX-License-Identifier: MIT */
/* protocol/wire/ip_address: text form and what kind of address it is. */
#include "protocol/wire/message.h"
#include "tests/unit/base/testing.h"

static struct ip_address parse(const char *text)
{
    struct ip_address address;
    assert_true(ip_address_parse(text, &address));
    return address;
}

static void text_form_round_trips(void **state)
{
    static const char *const TEXTS[] = {"0.0.0.0", "127.0.0.1", "255.255.255.255",   "::",
                                        "::1",     "fe80::1",   "2001:db8::1:0:0:7", "::ffff:10.0.0.1"};
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        struct ip_address address = parse(TEXTS[i]);
        char text[46];
        ip_address_format(&address, text);
        assert_string_equal(text, TEXTS[i]);
    }
}

static void parse_refuses_what_is_no_address_and_leaves_ret_alone(void **state)
{
    static const char *const TEXTS[] = {"",    "localhost", "1.2.3",       "1.2.3.256",
                                        "::g", "1.2.3.4 ",  "fe80::1%eth0"};
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        struct ip_address address = {.family = 77};
        assert_false(ip_address_parse(TEXTS[i], &address));
        assert_int_equal(address.family, 77);
    }
}

static void kinds_of_addresses_are_told_apart(void **state)
{
    static const struct {
        const char *text;
        bool any, loopback, link_local;
    } CASES[] = {
        {"0.0.0.0", true, false, false},
        {"::", true, false, false},
        {"127.0.0.1", false, true, false},
        {"127.9.9.9", false, true, false},
        {"::1", false, true, false},
        {"::ffff:127.0.0.1", false, true, false},
        {"::ffff:10.0.0.1", false, false, false},
        {"::2", false, false, false},
        {"10.0.0.1", false, false, false},
        {"169.254.3.4", false, false, true},
        {"169.253.3.4", false, false, false},
        {"fe80::1", false, false, true},
        {"febf::1", false, false, true},
        {"fec0::1", false, false, false},
        {"2001:db8::1", false, false, false},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct ip_address address = parse(CASES[i].text);
        assert_int_equal(ip_address_is_any(&address), CASES[i].any);
        assert_int_equal(ip_address_is_loopback(&address), CASES[i].loopback);
        assert_int_equal(ip_address_is_link_local(&address), CASES[i].link_local);
    }
}

static void equality_looks_at_family_and_used_bytes_only(void **state)
{
    struct ip_address a = parse("10.0.0.1"), b = a;
    b.bytes[15] = 1; /* unused by family 4 */
    assert_true(ip_address_equals(&a, &b));
    b = parse("10.0.0.2");
    assert_false(ip_address_equals(&a, &b));
    struct ip_address any4 = parse("0.0.0.0"), any6 = parse("::");
    assert_false(ip_address_equals(&any4, &any6));
    struct port_key key = {.protocol = PORT_TCP, .address = any4, .port = 80}, other = key;
    assert_true(port_key_equals(&key, &other));
    other.protocol = PORT_UDP;
    assert_false(port_key_equals(&key, &other));
    other = key;
    other.port = 81;
    assert_false(port_key_equals(&key, &other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_form_round_trips),
        cmocka_unit_test(parse_refuses_what_is_no_address_and_leaves_ret_alone),
        cmocka_unit_test(kinds_of_addresses_are_told_apart),
        cmocka_unit_test(equality_looks_at_family_and_used_bytes_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
