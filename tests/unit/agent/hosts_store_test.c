/* SPDX-License-Identifier: MIT */
/* The list of known hosts and its file: strict, atomic, shared by processes, and never open when it is
 * broken. */
#include "agent/trust/hosts_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

#define NOBODY 65534
#define KEY    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define HOST   "{\"key\":\"" KEY "\",\"way\":\"code\",\"since\":5,\"link\":\"tcp\",\"name\":\"\"}"

static struct scratch_folder folder;
static struct hosts_store store;
static char logged[4096];

static void keep_log(void *ctx, enum log_level level, const char *line)
{
    strncat(logged, line, sizeof(logged) - strlen(logged) - 1);
}

static const uint8_t *key_of(uint8_t byte)
{
    static uint8_t keys[4][NOISE_KEY_SIZE];
    static unsigned next;
    uint8_t *key = keys[next++ % 4];
    memset(key, byte, NOISE_KEY_SIZE);
    return key;
}

static void open_store(void)
{
    hosts_store_init(&store, folder.path, key_of(0xee), false);
}

static int setup(void **state)
{
    scratch_make(&folder);
    logged[0] = '\0';
    log_set_sink(keep_log, NULL);
    open_store();
    return 0;
}

static int teardown(void **state)
{
    log_set_sink(NULL, NULL);
    scratch_remove(&folder);
    return 0;
}

static int put(struct hosts_store *into, uint8_t byte, bool *ret_saved)
{
    struct known_host host = {.way = HOST_CODE, .since_ms = 1000, .link = "tcp", .name = "dolly"};
    memcpy(host.key, key_of(byte), NOISE_KEY_SIZE);
    return hosts_store_put(into, &host, ret_saved);
}

static bool knows(uint8_t byte)
{
    return known_hosts_find(&store.known, key_of(byte)) != NULL;
}

static void hosts_are_read_back_as_they_were_written(void **state)
{
    bool saved = false;
    struct known_host host = {
        .way = HOST_FIRST_CONTACT, .since_ms = 1234567890123, .link = "vsock", .name = "a \"b\"\n\xc3\xa9"};
    memcpy(host.key, key_of(1), NOISE_KEY_SIZE);
    assert_int_equal(hosts_store_put(&store, &host, &saved), 0);
    assert_true(saved);
    assert_int_equal(scratch_mode(&folder, "hosts.json"), 0600);
    open_store();
    assert_int_equal(store.known.count, 1);
    assert_memory_equal(&store.known.hosts[0], &host, sizeof(host));
    host.way = HOST_CODE;
    assert_int_equal(hosts_store_put(&store, &host, &saved), 0); /* the same key again is the same host */
    open_store();
    assert_int_equal(store.known.count, 1);
    assert_int_equal(store.known.hosts[0].way, HOST_CODE);
}

static void hosts_are_removed_one_by_one_or_all(void **state)
{
    bool saved;
    for (uint8_t i = 1; i <= 4; i++)
        assert_int_equal(put(&store, i, NULL), 0);
    assert_int_equal(hosts_store_remove(&store, key_of(2), &saved), 0);
    assert_int_equal(hosts_store_remove(&store, key_of(2), &saved), STATUS_NOT_FOUND);
    open_store();
    assert_true(knows(1) && !knows(2) && knows(3) && knows(4));
    assert_int_equal(hosts_store_clear(&store, &saved), 0);
    open_store();
    assert_int_equal(store.known.count, 0);
    assert_false(store.broken);
}

static void no_more_hosts_than_the_limit(void **state)
{
    for (uint8_t i = 0; i < PAIRINGS_MAX; i++)
        assert_int_equal(put(&store, i, NULL), 0);
    assert_int_equal(put(&store, 200, NULL), STATUS_LIMIT);
    assert_int_equal(put(&store, 3, NULL), 0);
    open_store();
    assert_int_equal(store.known.count, PAIRINGS_MAX);
}

/* Whatever it is: nobody is known, it is set aside, and a new start does not forget that. */
static void is_broken(const char *what)
{
    open_store();
    if (!store.broken || store.known.count != 0 || scratch_has(&folder, "hosts.json") ||
        !scratch_has(&folder, "hosts.json.broken"))
        fail_msg("taken: %s", what);
    open_store();
    assert_true(store.broken);
    assert_int_equal(store.known.count, 0);
}

static void a_broken_file_is_set_aside_and_stays_broken(void **state)
{
    static const char *const TEXTS[] = {
        "",
        "{",
        "[]",
        "{}",
        "null",
        "{\"version\":1}",
        "{\"version\":1,\"hosts\":{}}",
        "{\"version\":2,\"hosts\":[]}",
        "{\"version\":\"1\",\"hosts\":[]}",
        "{\"version\":1,\"hosts\":[],\"more\":1}",
        "{\"version\":1,\"hosts\":[],\"identity\":\"no key\"}",
        "{\"version\":1,\"hosts\":[],\"hosts\":[]}",
        "{\"version\":1,\"hosts\":[" HOST "," HOST "]}",
        "{\"version\":1,\"hosts\":[7]}",
        "{\"version\":1,\"hosts\":[{\"key\":\"" KEY "\"}]}",
        "{\"version\":1,\"hosts\":[{\"key\":\"AAAA\",\"way\":\"code\",\"since\":5,\"link\":\"\",\"name\":"
        "\"\"}]}",
        "{\"version\":1,\"hosts\":[{\"key\":\"" KEY
        "\",\"way\":\"magic\",\"since\":5,\"link\":\"\",\"name\":\"\"}]}",
        "{\"version\":1,\"hosts\":[{\"key\":\"" KEY
        "\",\"way\":\"code\",\"since\":-5,\"link\":\"\",\"name\":\"\"}]}",
        "{\"version\":1,\"hosts\":[{\"key\":\"" KEY
        "\",\"way\":\"code\",\"since\":5,\"link\":7,\"name\":\"\"}]}",
        "{\"version\":1,\"hosts\":[]} trailing",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        scratch_write_text(&folder, "hosts.json", TEXTS[i]);
        is_broken(TEXTS[i]);
        assert_string_equal(scratch_read(&folder, "hosts.json.broken"), TEXTS[i]);
        assert_int_equal(unlink(scratch_path(&folder, "hosts.json.broken")), 0);
    }
    assert_non_null(strstr(logged, "hospes-agent trust"));
    scratch_write_text(&folder, "hosts.json", "{\"version\":1,\"hosts\":[" HOST "]}");
    open_store();
    assert_false(store.broken);
    assert_true(knows(1));
}

static void a_file_cut_at_each_byte_is_broken(void **state)
{
    char text[2000];
    assert_int_equal(put(&store, 1, NULL), 0);
    snprintf(text, sizeof(text), "%s", scratch_read(&folder, "hosts.json"));
    for (size_t cut = 0; cut < strlen(text); cut++) {
        scratch_write(&folder, "hosts.json", text, cut, 0600);
        is_broken("a cut file");
    }
}

static void too_many_hosts_or_too_large_a_file_is_broken(void **state)
{
    size_t size = KNOWN_HOSTS_TEXT_MAX + 1;
    char *text = malloc(size);
    assert_non_null(text);
    memset(text, ' ', size);
    memcpy(text, "{\"version\":1,\"hosts\":[]}", 24);
    scratch_write(&folder, "hosts.json", text, size, 0600);
    is_broken("a large file");
    struct known_hosts many = {0};
    for (uint8_t i = 0; i < PAIRINGS_MAX; i++) {
        struct known_host host = {.way = HOST_CODE};
        memset(host.key, i, NOISE_KEY_SIZE);
        memset(host.name, 1, TEXT_NAME_MAX); /* the longest when escaped */
        memset(host.link, 1, TEXT_NAME_MAX);
        assert_int_equal(known_hosts_put(&many, &host), 0);
    }
    free(text);
    text = known_hosts_format(&many, key_of(0xee));
    assert_non_null(text);
    assert_true(strlen(text) <= KNOWN_HOSTS_TEXT_MAX);
    scratch_write_text(&folder, "hosts.json", text);
    open_store();
    assert_int_equal(store.known.count, PAIRINGS_MAX);
    char *bracket = strchr(text, '[');
    char *longer = malloc(strlen(text) + sizeof(HOST) + 1);
    assert_non_null(longer);
    sprintf(longer, "%.*s%s,%s", (int)(bracket - text + 1), text, HOST, bracket + 1);
    char *other = strstr(longer, KEY);
    memcpy(other, "yMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMg=", 44); /* one of its own */
    scratch_write_text(&folder, "hosts.json", longer);
    is_broken("one host too many");
    free(longer);
    free(text);
}

static void a_file_of_others_or_a_link_is_broken(void **state)
{
    assert_int_equal(put(&store, 1, NULL), 0);
    assert_int_equal(chmod(scratch_path(&folder, "hosts.json"), 0666), 0);
    is_broken("writable by all");
    assert_int_equal(put(&store, 1, NULL), 0);
    assert_int_equal(rename(scratch_path(&folder, "hosts.json"), scratch_path(&folder, "elsewhere")), 0);
    assert_int_equal(symlink(scratch_path(&folder, "elsewhere"), scratch_path(&folder, "hosts.json")), 0);
    is_broken("a symbolic link");
    assert_int_equal(unlink(scratch_path(&folder, "hosts.json.broken")), 0);
    assert_int_equal(mkfifo(scratch_path(&folder, "hosts.json"), 0600), 0);
    is_broken("a pipe");
}

static void the_owner_ends_the_broken_state(void **state)
{
    scratch_write_text(&folder, "hosts.json", "broken");
    open_store();
    assert_true(store.broken);
    assert_int_equal(put(&store, 9, NULL), 0); /* trust KEY */
    assert_false(store.broken);
    open_store();
    assert_false(store.broken);
    assert_true(knows(9));
    scratch_write_text(&folder, "hosts.json", "broken");
    open_store();
    assert_true(store.broken);
    assert_int_equal(hosts_store_clear(&store, NULL), 0); /* forget --all */
    open_store();
    assert_false(store.broken);
    assert_int_equal(store.known.count, 0);
}

static void a_change_by_another_process_is_seen(void **state)
{
    struct hosts_store other;
    hosts_store_init(&other, folder.path, key_of(0xee), false);
    assert_int_equal(put(&other, 5, NULL), 0);
    assert_false(knows(5));
    hosts_store_refresh(&store);
    assert_true(knows(5));
    assert_int_equal(put(&store, 6, NULL), 0);
    assert_int_equal(hosts_store_remove(&other, key_of(6), NULL), 0); /* made on what is in the file now */
    hosts_store_refresh(&store);
    assert_true(knows(5) && !knows(6));
    scratch_write_text(&folder, "hosts.json", "broken");
    hosts_store_refresh(&store);
    assert_true(store.broken);
    assert_int_equal(store.known.count, 0);
}

#define PROCESSES 8
static void processes_that_write_at_once_lose_nothing(void **state)
{
    pid_t children[PROCESSES];
    for (uint8_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            struct hosts_store own;
            hosts_store_init(&own, folder.path, key_of(0xee), false);
            for (uint8_t j = 0; j < 4; j++) {
                if (put(&own, (uint8_t)(i * 4 + j), NULL) != 0)
                    _exit(1);
            }
            _exit(0);
        }
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    open_store();
    for (uint8_t i = 0; i < PROCESSES * 4; i++)
        assert_true(knows(i));
}

static void hosts_of_another_identity_are_dropped(void **state)
{
    assert_int_equal(put(&store, 1, NULL), 0);
    hosts_store_init(&store, folder.path, key_of(0xdd), true);
    assert_int_equal(store.known.count, 0);
    assert_non_null(strstr(logged, "new key"));
    open_store(); /* and are gone for the first identity as well */
    assert_int_equal(store.known.count, 0);
    assert_false(store.broken);
}

static void hosts_of_an_unnamed_identity_come_with_the_image(void **state)
{
    scratch_write_text(&folder, "hosts.json", "{\"version\":1,\"hosts\":[" HOST "]}");
    open_store(); /* adopted */
    assert_true(knows(1));
    hosts_store_init(&store, folder.path, key_of(0xdd), true); /* and now a clone of that */
    assert_false(knows(1));
    scratch_write_text(&folder, "hosts.json", "{\"version\":1,\"hosts\":[" HOST "]}");
    hosts_store_init(&store, folder.path, key_of(0xdd),
                     true); /* the clone of a machine whose agent never wrote */
    assert_false(knows(1));
}

static void without_an_identity_nothing_is_dropped_or_claimed(void **state)
{
    assert_int_equal(put(&store, 1, NULL), 0);
    hosts_store_init(&store, folder.path, NULL, false);
    assert_true(knows(1));
    assert_int_equal(put(&store, 2, NULL), 0);
    open_store();
    assert_true(knows(1) && knows(2));
    hosts_store_init(&store, folder.path, key_of(0xdd), true);
    assert_false(knows(1) || knows(2));
}

static int change_unprivileged(void *ctx)
{
    bool saved = true;
    open_store();
    if (put(&store, 1, &saved) != 0 || saved || !knows(1))
        return 1;
    hosts_store_refresh(&store);
    if (!knows(1) || hosts_store_remove(&store, key_of(1), &saved) != 0 || saved || knows(1))
        return 2;
    if (put(&store, 2, NULL) != 0 || hosts_store_clear(&store, &saved) != 0 || saved || knows(2))
        return 3;
    return strstr(logged, "can't be written to") != NULL ? 0 : 4;
}

static void a_folder_that_cannot_be_written_keeps_hosts_in_memory(void **state)
{
    assert_int_equal(chmod(folder.path, 0555), 0);
    scratch_run_as(geteuid() == 0 ? NOBODY : 0, change_unprivileged, NULL);
    assert_int_equal(chmod(folder.path, 0700), 0);
    assert_false(scratch_has(&folder, "hosts.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hosts_are_read_back_as_they_were_written, setup, teardown),
        cmocka_unit_test_setup_teardown(hosts_are_removed_one_by_one_or_all, setup, teardown),
        cmocka_unit_test_setup_teardown(no_more_hosts_than_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broken_file_is_set_aside_and_stays_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_cut_at_each_byte_is_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(too_many_hosts_or_too_large_a_file_is_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_of_others_or_a_link_is_broken, setup, teardown),
        cmocka_unit_test_setup_teardown(the_owner_ends_the_broken_state, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_by_another_process_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(processes_that_write_at_once_lose_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(hosts_of_another_identity_are_dropped, setup, teardown),
        cmocka_unit_test_setup_teardown(hosts_of_an_unnamed_identity_come_with_the_image, setup, teardown),
        cmocka_unit_test_setup_teardown(without_an_identity_nothing_is_dropped_or_claimed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_written_keeps_hosts_in_memory, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
