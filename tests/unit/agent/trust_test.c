/* SPDX-License-Identifier: MIT */
/* Whom a guest lets in: each rule of trust_judge, what is provisioned, and what a clone and a broken file
 * change. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol/base/status.h"
#include "tests/unit/agent/trust_fixture.h"
#include "tests/unit/base/testing.h"

#define NOBODY 65534

static struct trust_fixture *f;

static int setup(void **state)
{
    trust_fixture_setup(state);
    f = *state;
    return 0;
}

static void start(void)
{
    if (trust_fixture_start(f) != 0)
        fail_msg("%s", f->problem);
}

static int judge(uint8_t host, int flags)
{
    return trust_fixture_judge(f, host, flags);
}

static enum host_way way_of(uint8_t host)
{
    const struct known_host *known = known_hosts_find(&f->trust->hosts.known, fixture_key(host));
    return known == NULL ? 0 : known->way;
}

static void says(const char *text, const char *what)
{
    if (strstr(text, what) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", text, what);
}

static void the_first_host_on_a_private_link_is_pinned(void **state)
{
    start();
    assert_int_equal(judge(1, PRIVATE), 0);
    assert_int_equal(way_of(1), HOST_FIRST_CONTACT);
    trust_fixture_restart(f);
    assert_int_equal(way_of(1), HOST_FIRST_CONTACT);
    assert_int_equal(judge(1, PRIVATE), 0);
    assert_int_equal(judge(1, 0), 0); /* known is known, over any link */
}

static void a_second_host_is_refused_with_the_command_that_accepts_it(void **state)
{
    char command[100];
    start();
    assert_int_equal(judge(1, PRIVATE), 0);
    assert_int_equal(judge(2, PRIVATE), STATUS_NOT_PAIRED);
    snprintf(command, sizeof(command), "hospes-agent trust %s", fixture_key_text(2));
    says(f->text, command);
    assert_int_equal(way_of(2), 0);
}

static void nobody_is_taken_unseen_on_other_links(void **state)
{
    start();
    assert_int_equal(judge(1, 0), STATUS_CODE_NEEDED);
    says(f->text, "hospes-agent pair");
    assert_int_equal(f->trust->hosts.known.count, 0);
    assert_int_equal(judge(1, PRIVATE), 0);
    assert_int_equal(judge(2, 0), STATUS_CODE_NEEDED);
}

static void who_wants_to_compare_always_needs_a_code(void **state)
{
    start();
    assert_int_equal(judge(1, PRIVATE | COMPARE), STATUS_CODE_NEEDED);
    assert_int_equal(f->trust->hosts.known.count, 0);
    assert_int_equal(judge(1, PRIVATE), 0);
    assert_int_equal(judge(1, PRIVATE | COMPARE), STATUS_CODE_NEEDED);
    assert_int_equal(judge(2, PRIVATE | COMPARE), STATUS_CODE_NEEDED);
}

static void a_proved_secret_lets_in_and_pins(void **state)
{
    start();
    assert_int_equal(judge(1, PRIVATE), 0);
    assert_int_equal(judge(2, PSK), 0);
    assert_int_equal(way_of(2), HOST_SECRET);
    assert_int_equal(judge(3, PRIVATE | PSK), 0);
    assert_int_equal(judge(1, PSK), 0); /* known already: as it was */
    assert_int_equal(way_of(1), HOST_FIRST_CONTACT);
}

static void a_proved_secret_lets_in_when_no_more_can_be_pinned(void **state)
{
    start();
    for (uint8_t i = 0; i < PAIRINGS_MAX; i++)
        assert_int_equal(judge(i, PSK), 0);
    assert_int_equal(judge(200, PSK), 0);
    assert_int_equal(way_of(200), 0);
    says(f->log, "hospes-agent forget");
    struct trust_claim claim = {.key = fixture_key(201), .link = "tcp"};
    struct pairing *pairing;
    assert_int_equal(trust_begin_pairing(f->trust, &claim, "123456", NULL, NULL, &pairing), STATUS_LIMIT);
}

static void a_provisioned_host_is_let_in_and_makes_first_contact_impossible(void **state)
{
    scratch_write_text(&f->folder, "keys", fixture_key_text(5));
    f->options.host_key_file = scratch_path(&f->folder, "keys");
    start();
    assert_int_equal(judge(1, PRIVATE), STATUS_NOT_PAIRED);
    assert_int_equal(judge(5, 0), 0);
    assert_int_equal(judge(5, PRIVATE), 0);
    assert_int_equal(judge(5, COMPARE), STATUS_CODE_NEEDED);
    assert_false(scratch_has(&f->folder, "state/hosts.json")); /* it is not learned */
}

static void credentials_of_systemd_are_read(void **state)
{
    char secret[NOISE_KEY_SIZE];
    memset(secret, 9, sizeof(secret));
    scratch_write_text(&f->folder, "credentials/hospes.host-key", fixture_key_text(5));
    scratch_write(&f->folder, "credentials/hospes.psk", secret, sizeof(secret), 0400);
    setenv("CREDENTIALS_DIRECTORY", scratch_path(&f->folder, "credentials"), 1);
    f->options.host_key_file = f->options.psk_file = ""; /* as an empty configuration has them */
    start();
    assert_int_equal(judge(5, 0), 0);
    assert_memory_equal(trust_psk(f->trust), secret, sizeof(secret));
    unsetenv("CREDENTIALS_DIRECTORY");
    trust_fixture_restart(f);
    assert_null(trust_psk(f->trust));
    assert_int_equal(judge(5, 0), STATUS_CODE_NEEDED);
}

static void a_broken_provisioned_file_keeps_the_agent_from_starting(void **state)
{
    scratch_write_text(&f->folder, "keys", "");
    f->options.host_key_file = scratch_path(&f->folder, "keys");
    assert_int_equal(trust_fixture_start(f), STATUS_MALFORMED);
    says(f->problem, "/keys");
    f->options.host_key_file = NULL;
    scratch_write_text(&f->folder, "psk", "secret");
    f->options.psk_file = scratch_path(&f->folder, "psk");
    assert_int_equal(trust_fixture_start(f), STATUS_MALFORMED);
    says(f->problem, "/psk");
    if (strstr(f->problem, "secret of 32 bytes") == NULL)
        fail();
}

static void a_bad_key_file_keeps_the_agent_from_starting(void **state)
{
    start();
    trust_fixture_stop(f);
    assert_int_equal(chmod(scratch_path(&f->folder, "state/identity"), 0644), 0);
    assert_int_equal(trust_fixture_start(f), STATUS_NOT_ALLOWED);
    says(f->problem, "chmod 0600");
}

static void a_broken_list_of_hosts_trusts_nobody_until_the_owner_acts(void **state)
{
    bool saved;
    scratch_write_text(&f->folder, "state/hosts.json", "{\"hosts\": [");
    start();
    assert_int_equal(judge(1, PRIVATE), STATUS_NOT_PAIRED);
    says(f->text, "broken");
    says(f->text, fixture_key_text(1));
    assert_int_equal(judge(1, 0), STATUS_NOT_PAIRED);
    assert_int_equal(judge(1, COMPARE), STATUS_CODE_NEEDED);
    trust_fixture_restart(f);
    assert_int_equal(judge(1, PRIVATE), STATUS_NOT_PAIRED);
    assert_int_equal(trust_accept(f->trust, fixture_key(1), "", &saved), 0);
    assert_int_equal(judge(1, PRIVATE), 0);
    assert_int_equal(judge(2, PRIVATE), STATUS_NOT_PAIRED);
    trust_fixture_restart(f);
    assert_int_equal(judge(1, PRIVATE), 0);
    assert_int_equal(trust_forget_all(f->trust, &saved), 0);
    assert_int_equal(judge(2, PRIVATE), 0); /* as new */
}

static void a_clone_has_a_new_key_and_forgets_what_it_learned(void **state)
{
    uint8_t key[NOISE_KEY_SIZE];
    bool saved;
    scratch_write_text(&f->folder, "keys", fixture_key_text(5));
    start();
    memcpy(key, trust_key(f->trust)->public_key, sizeof(key));
    assert_int_equal(judge(1, PRIVATE), 0);
    assert_int_equal(trust_accept(f->trust, fixture_key(2), "", &saved), 0);
    trust_fixture_stop(f);
    f->options.host_key_file = scratch_path(&f->folder, "keys");
    scratch_write_text(&f->folder, "root/etc/machine-id", "ffffffffffffffffffffffffffffffff\n");
    start();
    assert_memory_not_equal(trust_key(f->trust)->public_key, key, sizeof(key));
    says(f->log, "made on another machine");
    assert_int_equal(judge(1, 0), STATUS_CODE_NEEDED);
    assert_int_equal(judge(2, 0), STATUS_CODE_NEEDED);
    assert_int_equal(judge(5, 0), 0); /* provisioned ones stay */
    memcpy(key, trust_key(f->trust)->public_key, sizeof(key));
    f->log[0] = '\0';
    trust_fixture_restart(f); /* it is its own machine from now on */
    assert_memory_equal(trust_key(f->trust)->public_key, key, sizeof(key));
    assert_null(strstr(f->log, "another machine"));
}

static void a_new_generation_of_the_same_machine_is_a_clone(void **state)
{
    uint8_t page[64] = {0}, key[NOISE_KEY_SIZE];
    page[40] = 1;
    scratch_write(&f->folder, "root/sys/firmware/qemu_fw_cfg/by_name/etc/vmgenid_guid/raw", page,
                  sizeof(page), 0400);
    start();
    memcpy(key, trust_key(f->trust)->public_key, sizeof(key));
    assert_int_equal(judge(1, PRIVATE), 0);
    trust_fixture_restart(f);
    assert_memory_equal(trust_key(f->trust)->public_key, key, sizeof(key));
    page[40] = 2;
    scratch_write(&f->folder, "root/sys/firmware/qemu_fw_cfg/by_name/etc/vmgenid_guid/raw", page,
                  sizeof(page), 0400);
    trust_fixture_restart(f);
    assert_memory_not_equal(trust_key(f->trust)->public_key, key, sizeof(key));
    assert_int_equal(f->trust->hosts.known.count, 0);
}

static void without_a_machine_id_the_key_is_bound_to_nothing(void **state)
{
    uint8_t key[NOISE_KEY_SIZE];
    assert_int_equal(unlink(scratch_path(&f->folder, "root/etc/machine-id")), 0);
    start();
    memcpy(key, trust_key(f->trust)->public_key, sizeof(key));
    says(scratch_read(&f->folder, "state/identity"), "\nbound \n");
    trust_fixture_restart(f);
    assert_memory_equal(trust_key(f->trust)->public_key, key, sizeof(key));
}

static int run_read_only(void *ctx)
{
    uv_loop_init(&f->loop);
    if (trust_fixture_start(f) != 0 || judge(1, PRIVATE) != 0 || judge(1, PRIVATE) != 0)
        return 1;
    if (judge(2, PRIVATE) != STATUS_NOT_PAIRED)
        return 2;
    return strstr(f->log, "as long as this program") != NULL &&
                   strstr(f->log, "until this program ends") != NULL
               ? 0
               : 3;
}

static void a_read_only_system_keeps_key_and_hosts_in_memory(void **state)
{
    assert_int_equal(mkdir(f->state_dir, 0555), 0);
    assert_int_equal(chmod(f->state_dir, 0555), 0);
    assert_int_equal(chmod(f->folder.path, 0755), 0);
    assert_int_equal(chmod(f->root, 0755), 0);
    scratch_run_as(geteuid() == 0 ? NOBODY : 0, run_read_only, NULL);
    assert_false(scratch_has(&f->folder, "state/identity"));
    assert_false(scratch_has(&f->folder, "state/hosts.json"));
}

static void forgetting_tells_whose_sessions_should_end(void **state)
{
    bool saved;
    scratch_write_text(&f->folder, "keys", fixture_key_text(5));
    f->options.host_key_file = scratch_path(&f->folder, "keys");
    start();
    assert_int_equal(trust_accept(f->trust, fixture_key(1), "one", &saved), 0);
    assert_true(saved);
    assert_int_equal(trust_accept(f->trust, fixture_key(2), "two", &saved), 0);
    assert_int_equal(trust_accept(f->trust, fixture_key(5), "also provisioned", &saved), 0);
    assert_int_equal(trust_forget(f->trust, fixture_key(1), &saved), 0);
    assert_int_equal(f->forgotten, 1);
    assert_int_equal(trust_forget(f->trust, fixture_key(1), &saved), STATUS_NOT_FOUND);
    assert_int_equal(judge(1, PRIVATE), STATUS_NOT_PAIRED);
    assert_int_equal(trust_forget_all(f->trust, &saved), 0);
    assert_int_equal(f->forgotten, 2); /* the provisioned one is still let in */
    assert_int_equal(judge(5, 0), 0);
    assert_int_equal(trust_forget(f->trust, fixture_key(5), &saved), STATUS_NOT_ALLOWED);
}

static char answer;
static void hear(void *ctx, bool same)
{
    answer = same ? 'y' : 'n';
}

static void ignore_news(void *ctx, enum window_news news) {}

static void a_compared_code_pins_the_host(void **state)
{
    struct pairing *pairing;
    struct trust_claim claim = {.key = fixture_key(3), .link = "tcp"};
    start();
    assert_int_equal(trust_begin_pairing(f->trust, &claim, "123456", hear, NULL, &pairing),
                     STATUS_CODE_NEEDED);
    assert_int_equal(pairing_window_open(&f->trust->window, ignore_news, NULL), 0);
    assert_int_equal(trust_begin_pairing(f->trust, &claim, "123456", hear, NULL, &pairing), 0);
    pairing_window_answer(&f->trust->window, true);
    assert_int_equal(answer, 'y');
    pairing_pin(pairing);
    pairing_end(pairing);
    assert_int_equal(way_of(3), HOST_CODE);
    trust_fixture_restart(f);
    assert_int_equal(judge(3, 0), 0);
}

static void closing_declines_a_pairing_before_it_returns(void **state)
{
    struct pairing *pairing;
    struct trust_claim claim = {.key = fixture_key(3), .link = "tcp"};
    start();
    assert_int_equal(pairing_window_open(&f->trust->window, ignore_news, NULL), 0);
    answer = ' ';
    assert_int_equal(trust_begin_pairing(f->trust, &claim, "123456", hear, NULL, &pairing), 0);
    trust_close(f->trust, NULL, NULL);
    assert_int_equal(answer, 'n');
    pairing_end(pairing);
    assert_int_equal(uv_run(&f->loop, UV_RUN_DEFAULT), 0);
    trust_destroy(f->trust);
    f->trust = NULL;
}

int main(void)
{
#define WITH_TRUST(test) cmocka_unit_test_setup_teardown(test, setup, trust_fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_TRUST(the_first_host_on_a_private_link_is_pinned),
        WITH_TRUST(a_second_host_is_refused_with_the_command_that_accepts_it),
        WITH_TRUST(nobody_is_taken_unseen_on_other_links),
        WITH_TRUST(who_wants_to_compare_always_needs_a_code),
        WITH_TRUST(a_proved_secret_lets_in_and_pins),
        WITH_TRUST(a_proved_secret_lets_in_when_no_more_can_be_pinned),
        WITH_TRUST(a_provisioned_host_is_let_in_and_makes_first_contact_impossible),
        WITH_TRUST(credentials_of_systemd_are_read),
        WITH_TRUST(a_broken_provisioned_file_keeps_the_agent_from_starting),
        WITH_TRUST(a_bad_key_file_keeps_the_agent_from_starting),
        WITH_TRUST(a_broken_list_of_hosts_trusts_nobody_until_the_owner_acts),
        WITH_TRUST(a_clone_has_a_new_key_and_forgets_what_it_learned),
        WITH_TRUST(a_new_generation_of_the_same_machine_is_a_clone),
        WITH_TRUST(without_a_machine_id_the_key_is_bound_to_nothing),
        WITH_TRUST(a_read_only_system_keeps_key_and_hosts_in_memory),
        WITH_TRUST(forgetting_tells_whose_sessions_should_end),
        WITH_TRUST(a_compared_code_pins_the_host),
        WITH_TRUST(closing_declines_a_pairing_before_it_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
