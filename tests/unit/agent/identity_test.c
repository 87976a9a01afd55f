/* SPDX-License-Identifier: MIT */
/* What a guest's key is bound to, and when a machine counts as a copy. */
#include "agent/trust/identity.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "agent/platform/firmware_config.h"
#include "protocol/base/status.h"
#include "protocol/wire/secret.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

#define ID         "0123456789abcdef0123456789abcdef"
#define OTHER_ID   "ffffffffffffffffffffffffffffffff"
#define GENERATION "sys/firmware/qemu_fw_cfg/by_name/etc/vmgenid_guid/raw"
#define GUID       "33221100-5544-7766-8899-aabbccddeeff"

static struct scratch_folder root;
static struct machine machine;

static int setup(void **state)
{
    scratch_make(&root);
    return 0;
}

static int teardown(void **state)
{
    scratch_remove(&root);
    return 0;
}

static void write_generation(uint8_t first)
{
    uint8_t page[4096] = {0};
    for (uint8_t i = 0; i < 16; i++)
        page[40 + i] = (uint8_t)(i * 0x11);
    page[40] = first;
    scratch_write(&root, GENERATION, page, sizeof(page), 0400);
}

static void machine_reads_id_and_generation(void **state)
{
    scratch_write_text(&root, "etc/machine-id", ID "\n");
    write_generation(0);
    machine_read(root.path, &machine);
    assert_string_equal(machine.id, ID);
    assert_string_equal(machine.generation, GUID);
}

static void machine_has_no_id_where_none_was_made(void **state)
{
    static const char *const TEXTS[] = {
        "",        "\n", "uninitialized\n", ID "0\n", ID " ", "0123\n", "0123456789ABCDEF0123456789ABCDEF\n",
        ID ID "\n"};
    machine_read(root.path, &machine);
    assert_string_equal(machine.id, "");
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        scratch_write_text(&root, "etc/machine-id", TEXTS[i]);
        machine_read(root.path, &machine);
        assert_string_equal(machine.id, "");
    }
    scratch_write_text(&root, "etc/machine-id", ID);
    machine_read(root.path, &machine);
    assert_string_equal(machine.id, ID);
}

static void machine_has_no_generation_in_a_short_or_empty_item(void **state)
{
    uint8_t page[5000] = {0};
    scratch_write(&root, GENERATION, page, 4096, 0400);
    machine_read(root.path, &machine);
    assert_string_equal(machine.generation, "");
    memset(page, 1, sizeof(page));
    scratch_write(&root, GENERATION, page, 55, 0400);
    machine_read(root.path, &machine);
    assert_string_equal(machine.generation, "");
    scratch_write(&root, GENERATION, page, sizeof(page), 0400); /* larger than it can be */
    machine_read(root.path, &machine);
    assert_string_equal(machine.generation, "");
    scratch_write(&root, GENERATION, page, 56, 0400);
    machine_read(root.path, &machine);
    assert_string_equal(machine.generation, "01010101-0101-0101-0101-010101010101");
}

static void firmware_items_are_read_bounded(void **state)
{
    char out[8];
    size_t size = 77;
    assert_int_equal(firmware_config_read(root.path, "opt/x", out, sizeof(out), &size), UV_ENOENT);
    scratch_write_text(&root, "sys/firmware/qemu_fw_cfg/by_name/opt/x/raw", "12345678");
    assert_int_equal(firmware_config_read(root.path, "opt/x", out, sizeof(out), &size), 0);
    assert_int_equal(size, 8);
    assert_memory_equal(out, "12345678", 8);
    scratch_write_text(&root, "sys/firmware/qemu_fw_cfg/by_name/opt/x/raw", "123456789");
    assert_int_equal(firmware_config_read(root.path, "opt/x", out, sizeof(out), &size), STATUS_TOO_LARGE);
}

static void binding_is_made_of_id_and_generation(void **state)
{
    char text[KEY_FILE_BINDING_MAX + 1];
    machine = (struct machine){.id = ID, .generation = GUID};
    agent_identity_binding(&machine, text);
    assert_string_equal(text, "machine-id " ID ", generation " GUID);
    machine.generation[0] = '\0';
    agent_identity_binding(&machine, text);
    assert_string_equal(text, "machine-id " ID);
    machine = (struct machine){.generation = GUID}; /* an initramfs */
    agent_identity_binding(&machine, text);
    assert_string_equal(text, "");
}

static bool fits(const char *stored, const char *id, const char *generation)
{
    machine = (struct machine){0};
    snprintf(machine.id, sizeof(machine.id), "%s", id);
    snprintf(machine.generation, sizeof(machine.generation), "%s", generation);
    return agent_identity_fits(stored, &machine);
}

static void a_key_fits_its_machine_and_no_copy_of_it(void **state)
{
    assert_true(fits("machine-id " ID, ID, ""));
    assert_true(fits("machine-id " ID ", generation " GUID, ID, GUID));
    assert_true(fits("", "", ""));
    assert_false(fits("machine-id " ID, OTHER_ID, ""));
    assert_false(fits("machine-id " ID ", generation " GUID, OTHER_ID, GUID));
    assert_false(fits("machine-id " ID ", generation " GUID, ID, "33221100-5544-7766-8899-aabbccddee00"));
    assert_false(fits("", ID, ""));
    assert_false(fits("machine-id " ID, "", ""));
    assert_false(fits("machine-id " ID ", generation " GUID, "", ""));
    assert_false(fits("something else", ID, ""));
}

static void a_generation_that_is_seen_in_some_boots_only_changes_nothing(void **state)
{
    assert_true(fits("machine-id " ID ", generation " GUID, ID, ""));
    assert_true(fits("machine-id " ID, ID, GUID));
    assert_false(fits("machine-id " ID ", generation " GUID, OTHER_ID, ""));
    assert_false(fits("machine-id " ID, OTHER_ID, GUID));
}

static struct noise_key_pair pair;
static enum key_file_origin origin;

static void load(const char *id, const char *generation)
{
    char problem[TEXT_REASON_MAX + 1];
    machine = (struct machine){0};
    snprintf(machine.id, sizeof(machine.id), "%s", id);
    snprintf(machine.generation, sizeof(machine.generation), "%s", generation);
    assert_int_equal(agent_identity_load(root.path, &machine, &pair, &origin, problem), 0);
}

static void load_makes_a_new_key_in_a_clone(void **state)
{
    load(ID, GUID);
    assert_int_equal(origin, KEY_FILE_MADE);
    struct noise_key_pair first = pair;
    load(ID, GUID);
    assert_int_equal(origin, KEY_FILE_READ);
    assert_memory_equal(&pair, &first, sizeof(pair));
    load(ID, "33221100-5544-7766-8899-aabbccddee00");
    assert_int_equal(origin, KEY_FILE_MADE_FOR_ANOTHER_BINDING);
    assert_memory_not_equal(&pair, &first, sizeof(pair));
    load(OTHER_ID, GUID);
    assert_int_equal(origin, KEY_FILE_MADE_FOR_ANOTHER_BINDING);
}

static void load_learns_a_generation_that_appears_later(void **state)
{
    char binding[KEY_FILE_BINDING_MAX + 1];
    load(ID, "");
    struct noise_key_pair first = pair;
    load(ID, GUID);
    assert_int_equal(origin, KEY_FILE_READ);
    assert_memory_equal(&pair, &first, sizeof(pair));
    assert_true(key_file_binding(root.path, AGENT_IDENTITY_FILE, binding));
    assert_string_equal(binding, "machine-id " ID ", generation " GUID);
    load(ID, ""); /* and does not forget it when it is hidden again */
    assert_int_equal(origin, KEY_FILE_READ);
    assert_true(key_file_binding(root.path, AGENT_IDENTITY_FILE, binding));
    assert_string_equal(binding, "machine-id " ID ", generation " GUID);
    load(ID, "33221100-5544-7766-8899-aabbccddee00");
    assert_int_equal(origin, KEY_FILE_MADE_FOR_ANOTHER_BINDING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(machine_reads_id_and_generation, setup, teardown),
        cmocka_unit_test_setup_teardown(machine_has_no_id_where_none_was_made, setup, teardown),
        cmocka_unit_test_setup_teardown(machine_has_no_generation_in_a_short_or_empty_item, setup, teardown),
        cmocka_unit_test_setup_teardown(firmware_items_are_read_bounded, setup, teardown),
        cmocka_unit_test(binding_is_made_of_id_and_generation),
        cmocka_unit_test(a_key_fits_its_machine_and_no_copy_of_it),
        cmocka_unit_test(a_generation_that_is_seen_in_some_boots_only_changes_nothing),
        cmocka_unit_test_setup_teardown(load_makes_a_new_key_in_a_clone, setup, teardown),
        cmocka_unit_test_setup_teardown(load_learns_a_generation_that_appears_later, setup, teardown),
    };
    struct secret_pool *secrets = secret_pool_create(); /* initialises libsodium */
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    secret_pool_destroy(secrets);
    return failed;
}
