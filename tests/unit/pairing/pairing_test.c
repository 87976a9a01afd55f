/* SPDX-License-Identifier: MIT */
/* Who a guest may be: the verdict for every state, kind of link and proof, and the state file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/pairing.h"
#include "protocol/base/status.h"

#define NOW 1769860800123

static const uint8_t OLD[NOISE_KEY_SIZE] = "the key that the guest had first";
static const uint8_t NEW[NOISE_KEY_SIZE] = "the key after it was reinstalled";

static int judge(struct guest_pairing *pairing, const uint8_t *key, bool private_link, bool psk_proved,
                 bool expect_changed)
{
    bool changed = !expect_changed;
    int status = guest_pairing_judge(pairing, key, private_link, psk_proved, NOW, &changed);
    assert_int_equal(changed, expect_changed);
    return status;
}

static struct guest_pairing pinned_pairing(void)
{
    struct guest_pairing pairing = {0};
    guest_pairing_pin(&pairing, OLD, PAIRED_FIRST_CONTACT, 1000);
    return pairing;
}

static void first_contact_pins_on_a_private_link(void **state)
{
    struct guest_pairing pairing = {0};
    assert_int_equal(guest_pairing_state(&pairing), PAIRING_NONE);
    assert_int_equal(judge(&pairing, OLD, true, false, true), 0);
    assert_int_equal(guest_pairing_state(&pairing), PAIRING_PAIRED);
    assert_int_equal(pairing.way, PAIRED_FIRST_CONTACT);
    assert_true(pairing.since_ms == NOW);
    assert_memory_equal(pairing.key, OLD, NOISE_KEY_SIZE);
    assert_int_equal(judge(&pairing, OLD, true, false, false), 0);
}

static void first_contact_elsewhere_needs_a_code_and_pins_nothing(void **state)
{
    struct guest_pairing pairing = {0};
    assert_int_equal(judge(&pairing, OLD, false, false, false), STATUS_CODE_NEEDED);
    assert_false(pairing.pinned);
    assert_true(pairing.has_offered);
    assert_memory_equal(pairing.offered, OLD, NOISE_KEY_SIZE);
    assert_int_equal(guest_pairing_state(&pairing), PAIRING_NONE);
    snprintf(pairing.code, sizeof(pairing.code), "123456");
    assert_int_equal(guest_pairing_state(&pairing), PAIRING_COMPARING);
    guest_pairing_pin(&pairing, pairing.offered, PAIRED_CODE, NOW);
    assert_int_equal(guest_pairing_state(&pairing), PAIRING_PAIRED);
    assert_memory_equal(pairing.key, OLD, NOISE_KEY_SIZE);
    assert_string_equal(pairing.code, "");
    assert_int_equal(judge(&pairing, OLD, false, false, false), 0);
}

static void a_changed_key_is_refused_on_every_link(void **state)
{
    for (int private_link = 0; private_link <= 1; private_link++) {
        struct guest_pairing pairing = pinned_pairing();
        assert_int_equal(judge(&pairing, NEW, private_link, false, false), STATUS_KEY_CHANGED);
        assert_int_equal(guest_pairing_state(&pairing), PAIRING_KEY_CHANGED);
        assert_memory_equal(pairing.key, OLD, NOISE_KEY_SIZE);
        assert_memory_equal(pairing.offered, NEW, NOISE_KEY_SIZE);
        assert_int_equal(judge(&pairing, NEW, private_link, false, false), STATUS_KEY_CHANGED);
        assert_int_equal(judge(&pairing, OLD, private_link, false, false), 0); /* the right one is back */
        assert_int_equal(guest_pairing_state(&pairing), PAIRING_PAIRED);
    }
}

static void every_bit_of_the_key_counts(void **state)
{
    for (size_t bit = 0; bit < NOISE_KEY_SIZE * 8; bit++) {
        struct guest_pairing pairing = pinned_pairing();
        uint8_t key[NOISE_KEY_SIZE];
        memcpy(key, OLD, sizeof(key));
        key[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(judge(&pairing, key, true, false, false), STATUS_KEY_CHANGED);
    }
}

static void a_provisioned_secret_is_the_stronger_proof(void **state)
{
    struct guest_pairing pairing = pinned_pairing();
    assert_int_equal(judge(&pairing, NEW, false, true, true), 0);
    assert_int_equal(pairing.way, PAIRED_SECRET);
    assert_memory_equal(pairing.key, NEW, NOISE_KEY_SIZE);
    pairing = (struct guest_pairing){0};
    assert_int_equal(judge(&pairing, OLD, false, true, true), 0);
    assert_int_equal(pairing.way, PAIRED_SECRET);
}

static void an_unpaired_guest_is_refused_whatever_it_proves(void **state)
{
    for (int proof = 0; proof < 4; proof++) {
        struct guest_pairing pairing = pinned_pairing();
        guest_pairing_forget(&pairing, true);
        assert_int_equal(guest_pairing_state(&pairing), PAIRING_UNPAIRED);
        assert_int_equal(judge(&pairing, OLD, proof & 1, proof & 2, false), STATUS_NOT_PAIRED);
        assert_false(pairing.pinned);
    }
}

static void forgetting_keeps_nothing_but_that_it_is_ephemeral(void **state)
{
    struct guest_pairing pairing = pinned_pairing(), empty = {0};
    judge(&pairing, NEW, true, false, false);
    guest_pairing_forget(&pairing, false);
    assert_memory_equal(&pairing, &empty, sizeof(pairing));
    pairing.ephemeral = true;
    guest_pairing_forget(&pairing, true);
    assert_true(pairing.ephemeral && pairing.unpaired);
    guest_pairing_pin(&pairing, OLD, PAIRED_CODE, NOW);
    assert_int_equal(guest_pairing_state(&pairing), PAIRING_NONE); /* pair was said, but nothing is pinned */
}

static void an_ephemeral_guest_is_never_pinned(void **state)
{
    struct guest_pairing pairing = {.ephemeral = true};
    assert_int_equal(judge(&pairing, OLD, true, false, false), 0);
    assert_int_equal(judge(&pairing, NEW, true, false, false), 0);
    assert_int_equal(judge(&pairing, NEW, false, true, false), 0);
    assert_int_equal(judge(&pairing, NEW, false, false, false), STATUS_CODE_NEEDED);
    assert_false(pairing.pinned);
    assert_null(guest_pairing_save(&pairing));
}

static void a_provisioned_key_goes_before_what_was_remembered(void **state)
{
    struct guest_pairing pairing = pinned_pairing();
    guest_pairing_provision(&pairing, OLD, NOW);
    assert_int_equal(pairing.way, PAIRED_FIRST_CONTACT); /* the same key: nothing new */
    guest_pairing_provision(&pairing, NEW, NOW);
    assert_int_equal(pairing.way, PAIRED_PROVISIONED);
    assert_int_equal(judge(&pairing, OLD, true, false, false), STATUS_KEY_CHANGED);
    guest_pairing_forget(&pairing, true);
    guest_pairing_provision(&pairing, NEW, NOW);
    assert_int_equal(guest_pairing_state(&pairing), PAIRING_UNPAIRED);
}

static void names_are_those_of_the_api(void **state)
{
    static const char *const STATES[] = {"none", "paired", "keyChanged", "comparing", "unpaired"};
    static const char *const WAYS[] = {"firstContact", "code", "secret", "accepted", "provisioned"};
    for (int i = 0; i < 5; i++) {
        assert_string_equal(pairing_state_name((enum pairing_state)(PAIRING_NONE + i)), STATES[i]);
        assert_string_equal(pairing_way_name((enum pairing_way)(PAIRED_FIRST_CONTACT + i)), WAYS[i]);
    }
}

/* State file */

static void what_is_saved_is_loaded(void **state)
{
    char problem[TEXT_REASON_MAX + 1];
    for (int way = PAIRED_FIRST_CONTACT; way <= PAIRED_PROVISIONED; way++) {
        struct guest_pairing pairing = {0}, loaded = {0};
        guest_pairing_pin(&pairing, OLD, (enum pairing_way)way, NOW);
        json_t *json = guest_pairing_save(&pairing);
        assert_int_equal(guest_pairing_load(&loaded, json, problem), 0);
        assert_memory_equal(&loaded, &pairing, sizeof(pairing));
        json_decref(json);
    }
    struct guest_pairing unpaired = {.unpaired = true}, loaded = pinned_pairing();
    json_t *json = guest_pairing_save(&unpaired);
    assert_int_equal(guest_pairing_load(&loaded, json, problem), 0);
    assert_memory_equal(&loaded, &unpaired, sizeof(unpaired));
    json_decref(json);
    assert_null(guest_pairing_save(&(struct guest_pairing){0}));
}

static void what_was_refused_is_not_saved(void **state)
{
    struct guest_pairing pairing = pinned_pairing();
    judge(&pairing, NEW, true, false, false);
    json_t *json = guest_pairing_save(&pairing);
    assert_int_equal(json_object_size(json), 3);
    json_decref(json);
}

#define KEY "b29vb29vb29vb29vb29vb29vb29vb29vb29vb29vb28="

static void a_damaged_state_is_malformed_and_changes_nothing(void **state)
{
    static const char *const BAD[] = {
        "[]",
        "null",
        "7",
        "{}",
        "{\"unpaired\":false}",
        "{\"unpaired\":1}",
        "{\"unpaired\":true,\"key\":\"" KEY "\"}",
        "{\"unpaired\":true,\"other\":1}",
        "{\"key\":\"" KEY "\"}",
        "{\"key\":\"" KEY "\",\"way\":\"code\"}",
        "{\"key\":\"" KEY "\",\"way\":\"code\",\"since\":1,\"unpaired\":false}",
        "{\"key\":\"" KEY "\",\"way\":\"code\",\"since\":-1}",
        "{\"key\":\"" KEY "\",\"way\":\"code\",\"since\":\"now\"}",
        "{\"key\":\"" KEY "\",\"way\":\"magic\",\"since\":1}",
        "{\"key\":\"" KEY "\",\"way\":3,\"since\":1}",
        "{\"key\":\"short\",\"way\":\"code\",\"since\":1}",
        "{\"key\":5,\"way\":\"code\",\"since\":1}",
        "{\"key\":null,\"way\":\"code\",\"since\":1}",
        "{\"kee\":\"" KEY "\",\"way\":\"code\",\"since\":1}",
    };
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        struct guest_pairing pairing = pinned_pairing(), before = pinned_pairing();
        char problem[TEXT_REASON_MAX + 1] = "";
        json_t *json = json_loads(BAD[i], JSON_DECODE_ANY, NULL);
        assert_non_null(json);
        assert_int_equal(guest_pairing_load(&pairing, json, problem), STATUS_MALFORMED);
        assert_string_not_equal(problem, "");
        assert_memory_equal(&pairing, &before, sizeof(pairing));
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_contact_pins_on_a_private_link),
        cmocka_unit_test(first_contact_elsewhere_needs_a_code_and_pins_nothing),
        cmocka_unit_test(a_changed_key_is_refused_on_every_link),
        cmocka_unit_test(every_bit_of_the_key_counts),
        cmocka_unit_test(a_provisioned_secret_is_the_stronger_proof),
        cmocka_unit_test(an_unpaired_guest_is_refused_whatever_it_proves),
        cmocka_unit_test(forgetting_keeps_nothing_but_that_it_is_ephemeral),
        cmocka_unit_test(an_ephemeral_guest_is_never_pinned),
        cmocka_unit_test(a_provisioned_key_goes_before_what_was_remembered),
        cmocka_unit_test(names_are_those_of_the_api),
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(what_was_refused_is_not_saved),
        cmocka_unit_test(a_damaged_state_is_malformed_and_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
