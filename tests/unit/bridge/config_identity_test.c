/* SPDX-License-Identifier: MIT */
/* The configuration file's keys about identities, and where a mistake in them is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/base/status.h"
#include "services/identity/key_text.h"
#include "tests/unit/bridge/config_text.h"

#define KEY "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="

static struct bridge_config config;
static char problem[CONFIG_PROBLEM_MAX];

static int load(const char *text)
{
    return config_text_load(text, &config, problem);
}

static void what_is_said_of_an_identity_is_taken(void **state)
{
    uint8_t key[NOISE_KEY_SIZE];
    assert_int_equal(load("{\"vms\":[{\"name\":\"a\",\"link\":\"tcp:10.0.0.2\",\"key\":\"" KEY
                          "\",\"pskFile\":\"/etc/psk\",\"encryption\":\"always\"},"
                          "{\"name\":\"b\",\"link\":\"vsock:3\",\"ephemeral\":true,\"encryption\":\"never\"},"
                          "{\"name\":\"c\",\"link\":\"vsock:4\"}]}"),
                     0);
    const struct configured_guest *a = &config.guests[0], *b = &config.guests[1], *c = &config.guests[2];
    assert_true(key_text_parse(KEY, strlen(KEY), key));
    assert_true(a->has_key);
    assert_memory_equal(a->key, key, sizeof(key));
    assert_string_equal(a->psk_file, "/etc/psk");
    assert_int_equal(a->sealing, SEALING_ALWAYS);
    assert_true(b->ephemeral);
    assert_int_equal(b->sealing, SEALING_NEVER);
    assert_false(c->has_key || c->ephemeral);
    assert_int_equal(c->sealing, SEALING_AUTO);
    assert_null(c->psk_file);
    struct guest_identity_options options = configured_guest_identity(a);
    assert_true(options.has_key && options.sealing == SEALING_ALWAYS && !options.ephemeral);
    assert_memory_equal(options.key, key, sizeof(key));
    assert_ptr_equal(options.psk_file, a->psk_file);
    bridge_config_finish(&config);
}

static void a_mistake_is_shown_with_line_and_column(void **state)
{
    static const char *const BAD[][2] = {
        {"{\"vms\":[\n {\"name\":\"a\",\"link\":\"tcp:h\",\n  \"encryption\":\"never\"}]}", ":3:"},
        {"{\"vms\":[\n {\"name\":\"a\",\"link\":\"vsock:3\",\n\n  \"encryption\":\"x\"}]}", ":4:"},
        {"{\"vms\":[\n {\"name\":\"a\",\"link\":\"vsock:3\",\"key\":\n\"x\"}]}", ":"},
        {"{\"vms\":[{\"name\":\"a\",\"link\":\"vsock:3\",\"pskFile\":\"psk\"}]}", ":1:"},
        {"{\"vms\":[{\"name\":\"a\",\"link\":\"vsock:3\",\"ephemeral\":1}]}", ":1:"},
        {"{\"vms\":[{\"name\":\"a\",\"link\":\"vsock:3\",\"ephemeral\":true,\"key\":\"" KEY "\"}]}", ":1:"},
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        assert_int_equal(load(BAD[i][0]), STATUS_MALFORMED);
        if (strstr(problem, BAD[i][1]) == NULL)
            fail_msg("no \"%s\" in %s", BAD[i][1], problem);
        bridge_config_finish(&config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_of_an_identity_is_taken),
        cmocka_unit_test(a_mistake_is_shown_with_line_and_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
