/* SPDX-License-Identifier: MIT */
/* Provisioned keys: where they come from, and that a broken one is never taken for none. */
#include "agent/trust/provision.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/identity/key_text.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

#define FIRMWARE "sys/firmware/qemu_fw_cfg/by_name/opt/org.hospes/"

static struct scratch_folder folder;
static struct provision_sources sources;
static struct provisioned_keys keys;
static uint8_t psk[NOISE_KEY_SIZE];
static bool found;
static char problem[TEXT_REASON_MAX + 1];
static char key_path[SCRATCH_PATH_MAX], psk_path[SCRATCH_PATH_MAX], credentials[SCRATCH_PATH_MAX];

static int setup(void **state)
{
    scratch_make(&folder);
    snprintf(key_path, sizeof(key_path), "%s/keys", folder.path);
    snprintf(psk_path, sizeof(psk_path), "%s/psk", folder.path);
    snprintf(credentials, sizeof(credentials), "%s/credentials", folder.path);
    mkdir(credentials, 0700);
    sources = (struct provision_sources){.system_root = folder.path};
    keys = (struct provisioned_keys){0};
    memset(psk, 0, sizeof(psk));
    found = false;
    problem[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    scratch_remove(&folder);
    return 0;
}

static const uint8_t *key_of(uint8_t byte)
{
    static uint8_t key[NOISE_KEY_SIZE];
    memset(key, byte, sizeof(key));
    return key;
}

static const char *text_of(uint8_t byte)
{
    static char texts[4][KEY_TEXT_SIZE + 1];
    static unsigned next;
    char *text = texts[next++ % 4];
    key_text_format(key_of(byte), text);
    strcat(text, "\n");
    return text;
}

static int read_keys(void)
{
    return provision_host_keys(&sources, &keys, problem);
}

static int read_psk(void)
{
    return provision_psk(&sources, psk, &found, problem);
}

static void says(const char *what)
{
    if (strstr(problem, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", problem, what);
}

static void nothing_provisioned_is_no_error(void **state)
{
    assert_int_equal(read_keys(), 0);
    assert_int_equal(keys.count, 0);
    assert_int_equal(read_psk(), 0);
    assert_false(found);
    sources.credentials_folder = credentials; /* systemd gives one as soon as there is any credential */
    assert_int_equal(read_keys(), 0);
    assert_int_equal(read_psk(), 0);
    assert_false(found);
}

static void host_keys_of_all_sources_are_united(void **state)
{
    sources.host_key_file = key_path;
    sources.credentials_folder = credentials;
    scratch_write_text(&folder, "keys", text_of(1));
    scratch_write_text(&folder, "credentials/hospes.host-key", text_of(2));
    scratch_write_text(&folder, FIRMWARE "host-key/raw", text_of(3));
    assert_int_equal(read_keys(), 0);
    assert_int_equal(keys.count, 3);
    for (uint8_t i = 1; i <= 3; i++)
        assert_true(provisioned_keys_has(&keys, key_of(i)));
    assert_false(provisioned_keys_has(&keys, key_of(4)));
    scratch_write_text(&folder, "credentials/hospes.host-key", text_of(1)); /* the same twice is one */
    assert_int_equal(read_keys(), 0);
    assert_int_equal(keys.count, 2);
}

static void host_key_files_have_comments_and_empty_lines(void **state)
{
    char text[400];
    size_t line;
    snprintf(text, sizeof(text), "# of the office\n\n%s  # indented\n\t\n%.44s\r\n#end", text_of(1),
             text_of(2));
    assert_int_equal(provision_parse_keys(text, strlen(text), &keys, &line), 0);
    assert_int_equal(keys.count, 2);
    snprintf(text, sizeof(text), "# one\n%s%.44s # not here\n", text_of(1), text_of(2));
    assert_int_equal(provision_parse_keys(text, strlen(text), &keys, &line), STATUS_MALFORMED);
    assert_int_equal(line, 3);
}

static void a_broken_host_key_is_never_taken_for_none(void **state)
{
    static const char *const TEXTS[] = {"",      "\n",     "# nothing but a comment\n",
                                        "key\n", "AAAA\n", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n"};
    sources.host_key_file = key_path;
    sources.credentials_folder = credentials;
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        scratch_write_text(&folder, "keys", TEXTS[i]);
        assert_int_equal(read_keys(), STATUS_MALFORMED);
        says("/keys:");
        scratch_write_text(&folder, "keys", text_of(1));
        scratch_write_text(&folder, "credentials/hospes.host-key", TEXTS[i]);
        assert_int_equal(read_keys(), STATUS_MALFORMED);
        says("/credentials/hospes.host-key:");
        scratch_write_text(&folder, "credentials/hospes.host-key", text_of(2));
        scratch_write_text(&folder, FIRMWARE "host-key/raw", TEXTS[i]);
        assert_int_equal(read_keys(), STATUS_MALFORMED);
        says("opt/org.hospes/host-key:");
        scratch_write_text(&folder, FIRMWARE "host-key/raw", text_of(3));
    }
    assert_int_equal(keys.count, 0); /* nothing of the failures was kept */
}

static void a_configured_file_must_be_there(void **state)
{
    sources.host_key_file = key_path;
    assert_int_equal(read_keys(), STATUS_NOT_FOUND);
    says("no such file");
    sources.psk_file = psk_path;
    assert_int_equal(read_psk(), STATUS_NOT_FOUND);
    says("no such file");
}

static void a_host_key_file_that_others_change_is_refused(void **state)
{
    sources.host_key_file = key_path;
    scratch_write(&folder, "keys", text_of(1), strlen(text_of(1)), 0644);
    assert_int_equal(read_keys(), 0);
    assert_int_equal(chmod(key_path, 0646), 0);
    assert_int_equal(read_keys(), STATUS_NOT_ALLOWED);
    assert_int_equal(unlink(key_path), 0);
    assert_int_equal(mkfifo(key_path, 0600), 0);
    assert_int_equal(read_keys(), STATUS_NOT_ALLOWED); /* and does not hang */
}

static void more_keys_than_pairings_are_refused(void **state)
{
    char text[(PAIRINGS_MAX + 1) * (KEY_TEXT_SIZE + 1)] = "";
    size_t line;
    for (uint8_t i = 0; i < PAIRINGS_MAX; i++)
        strcat(text, text_of(i));
    assert_int_equal(provision_parse_keys(text, strlen(text), &keys, &line), 0);
    assert_int_equal(keys.count, PAIRINGS_MAX);
    strcat(text, text_of(200));
    keys = (struct provisioned_keys){0};
    assert_int_equal(provision_parse_keys(text, strlen(text), &keys, &line), STATUS_TOO_LARGE);
    assert_int_equal(line, PAIRINGS_MAX + 1);
    static char endless[20000];
    memset(endless, '\n', sizeof(endless));
    sources.host_key_file = key_path;
    scratch_write(&folder, "keys", endless, sizeof(endless), 0600);
    assert_int_equal(read_keys(), STATUS_TOO_LARGE);
    scratch_write(&folder, FIRMWARE "host-key/raw", endless, sizeof(endless), 0600);
    sources.host_key_file = NULL;
    assert_int_equal(read_keys(), STATUS_TOO_LARGE);
}

static void the_secret_is_base64_or_plain_bytes(void **state)
{
    sources.psk_file = psk_path;
    scratch_write_text(&folder, "psk", text_of(7));
    assert_int_equal(read_psk(), 0);
    assert_true(found);
    assert_memory_equal(psk, key_of(7), NOISE_KEY_SIZE);
    scratch_write(&folder, "psk", key_of(8), NOISE_KEY_SIZE, 0600);
    assert_int_equal(read_psk(), 0);
    assert_memory_equal(psk, key_of(8), NOISE_KEY_SIZE);
    uint8_t bytes[200] = {1};
    for (size_t size = 0; size < sizeof(bytes); size++) {
        scratch_write(&folder, "psk", bytes, size, 0600);
        assert_int_equal(read_psk(), size == NOISE_KEY_SIZE ? 0 : STATUS_MALFORMED);
    }
}

static void the_secret_comes_from_the_first_source_that_is_there(void **state)
{
    sources.credentials_folder = credentials;
    scratch_write_text(&folder, FIRMWARE "psk/raw", text_of(3));
    assert_int_equal(read_psk(), 0);
    assert_memory_equal(psk, key_of(3), NOISE_KEY_SIZE);
    scratch_write_text(&folder, "credentials/hospes.psk", text_of(2));
    assert_int_equal(read_psk(), 0);
    assert_memory_equal(psk, key_of(2), NOISE_KEY_SIZE);
    sources.psk_file = psk_path;
    scratch_write_text(&folder, "psk", text_of(1));
    assert_int_equal(read_psk(), 0);
    assert_memory_equal(psk, key_of(1), NOISE_KEY_SIZE);
    scratch_write_text(&folder, "psk", "broken"); /* the next source does not stand in for it */
    assert_int_equal(read_psk(), STATUS_MALFORMED);
    says("/psk:");
}

static void a_secret_that_others_may_read_is_refused(void **state)
{
    static const mode_t MODES[] = {0604, 0602, 0640, 0644, 0660};
    sources.psk_file = psk_path;
    scratch_write_text(&folder, "psk", text_of(1));
    for (size_t i = 0; i < sizeof(MODES) / sizeof(MODES[0]); i++) {
        assert_int_equal(chmod(psk_path, MODES[i]), 0);
        assert_int_equal(read_psk(), STATUS_NOT_ALLOWED);
        says("chmod 0600");
    }
    assert_int_equal(chmod(psk_path, 0400), 0);
    assert_int_equal(read_psk(), 0);
    sources.psk_file = NULL;
    sources.credentials_folder = credentials;
    scratch_write(&folder, "credentials/hospes.psk", key_of(1), NOISE_KEY_SIZE, 0440); /* as an ACL shows */
    assert_int_equal(read_psk(), 0);
    assert_true(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_provisioned_is_no_error, setup, teardown),
        cmocka_unit_test_setup_teardown(host_keys_of_all_sources_are_united, setup, teardown),
        cmocka_unit_test_setup_teardown(host_key_files_have_comments_and_empty_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broken_host_key_is_never_taken_for_none, setup, teardown),
        cmocka_unit_test_setup_teardown(a_configured_file_must_be_there, setup, teardown),
        cmocka_unit_test_setup_teardown(a_host_key_file_that_others_change_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(more_keys_than_pairings_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_secret_is_base64_or_plain_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(the_secret_comes_from_the_first_source_that_is_there, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_secret_that_others_may_read_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
