/* SPDX-License-Identifier: MIT */
/* Offers from the first look at the files to their end, what is kept of them over a restart, and the outbox.
 */
#include "agent/features/offers/offers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/features/offers/outbox.h"
#include "protocol/base/clock.h"
#include "protocol/base/log.h"
#include "protocol/base/status.h"
#include "tests/unit/base/testing.h"
#include "tests/unit/identity/scratch_folder.h"

#define PATIENCE_MS 20000

static uv_loop_t loop;
static uv_timer_t tick;
static struct scratch_folder folder;
static struct offers *offers;
static struct outbox *outbox;
static char state_dir[128], said[1024], problem[TEXT_REASON_MAX + 1];
static int added_status;
static bool added;
static uint64_t added_id;

static void write_down(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void write_down(const char *format, ...)
{
    size_t size = strlen(said);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(said + size, sizeof(said) - size, format, arguments);
    va_end(arguments);
}

static void handle_delta(void *ctx, const struct offers_message *delta)
{
    for (size_t i = 0; i < delta->offer_count; i++)
        write_down("+%s:%d:%d:%d ", delta->offers[i].name, (int)delta->offers[i].roots,
                   (int)delta->offers[i].files, (int)delta->offers[i].bytes);
    for (size_t i = 0; i < delta->gone_count; i++)
        write_down("-%d ", (int)(delta->gone[i].id - added_id));
}

static void handle_news(void *ctx, uint64_t id, enum offer_news news, uint64_t bytes, const char *why)
{
    static const char *const NAMES[] = {"", "moving", "waits", "taken", "declined", "withdrawn"};
    write_down("%s ", NAMES[news]);
    outbox_take_news(outbox, id, news);
}

static void handle_added(void *ctx, int status, const struct offer_record *record, const char *why)
{
    added = true;
    added_status = status;
    snprintf(problem, sizeof(problem), "%s", why);
    if (record != NULL)
        added_id = record->facts.id;
}

static void handle_tick(uv_timer_t *timer)
{
    /* Wakes the loop, so that conditions are looked at. */
}

static bool has_added(void)
{
    return added;
}

static void wait_until(bool (*is_so)(void), const char *what)
{
    uint64_t end_ms = clock_monotonic_ms() + PATIENCE_MS;
    while (!is_so()) {
        if (clock_monotonic_ms() > end_ms)
            fail_msg("not within %d ms: %s; said: %s", PATIENCE_MS, what, said);
        uv_run(&loop, UV_RUN_ONCE);
    }
}

static void begin(void)
{
    struct offers_options options = {
        .uv = &loop, .state_dir = state_dir, .on_delta = handle_delta, .on_news = handle_news};
    assert_int_equal(offers_create(&options, &offers), 0);
}

static void handle_line(void *ctx, enum log_level level, const char *line)
{
    /* The tests provoke them. */
}

static int setup(void **state)
{
    log_set_sink(handle_line, NULL);
    scratch_make(&folder);
    snprintf(state_dir, sizeof(state_dir), "%s/state", folder.path);
    mkdir(state_dir, 0700);
    said[0] = '\0';
    outbox = NULL;
    uv_loop_init(&loop);
    uv_timer_init(&loop, &tick);
    uv_timer_start(&tick, handle_tick, 10, 10);
    begin();
    return 0;
}

static int teardown(void **state)
{
    outbox_close(outbox);
    offers_close(offers);
    uv_close((uv_handle_t *)&tick, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    scratch_remove(&folder);
    log_set_sink(NULL, NULL);
    return 0;
}

static int offer_as(uid_t uid, const char *first, const char *second)
{
    const char *paths[] = {first, second};
    added = false;
    int status = offers_add(offers, uid, paths, second == NULL ? 1 : 2, handle_added, NULL, problem);
    if (status == 0) {
        assert_false(added);
        wait_until(has_added, "added");
        status = added_status;
    }
    return status;
}

static int offer(const char *first, const char *second)
{
    return offer_as(geteuid(), first, second);
}

static void an_offer_tells_what_is_in_it(void **state)
{
    scratch_write_text(&folder, "a.txt", "hello");
    scratch_write_text(&folder, "in/b", "12345678");
    scratch_write_text(&folder, "in/deep/c", "1");
    assert_int_equal(offer(scratch_path(&folder, "a.txt"), scratch_path(&folder, "in/")), 0);
    assert_string_equal(said, "+a.txt:2:3:14 ");
    assert_int_equal(scratch_mode(&folder, "state/offers.json"), 0600);
}

static void it_ends_when_it_is_taken_declined_or_withdrawn(void **state)
{
    const struct offer_record *record;
    scratch_write_text(&folder, "a", "hello");
    assert_int_equal(offer(scratch_path(&folder, "a"), NULL), 0);
    uint64_t first = added_id;
    assert_int_equal(offers_begin(offers, first, &record), 0);
    assert_string_equal(record->paths[0], scratch_path(&folder, "a"));
    offers_end(offers, first, UV_ECONNRESET);
    offers_end(offers, first, 0);
    assert_string_equal(said, "+a:1:1:5 moving waits -0 taken ");
    assert_int_equal(offers_begin(offers, first, &record), STATUS_NOT_FOUND);
    said[0] = '\0';
    assert_int_equal(offer(scratch_path(&folder, "a"), NULL), 0);
    assert_true(added_id > first);
    assert_int_equal(offers_decline(offers, added_id), 0);
    assert_int_equal(offers_decline(offers, added_id), STATUS_NOT_FOUND);
    assert_int_equal(offer(scratch_path(&folder, "a"), NULL), 0);
    assert_int_equal(offers_withdraw(offers, geteuid() + 1, added_id), STATUS_NOT_FOUND);
    assert_int_equal(offers_withdraw(offers, geteuid(), added_id), 0);
    assert_string_equal(said, "+a:1:1:5 -0 declined +a:1:1:5 -0 withdrawn ");
}

static void bad_paths_are_refused_with_a_sentence(void **state)
{
    static const struct {
        const char *path, *what;
    } CASES[] = {{"a", "not absolute"}, {"", "not absolute"},   {"/tmp/a\nb", "control characters"},
                 {"/", "no name"},      {"/tmp/..", "no name"}, {"/tmp/\xff", "UTF-8"}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(offer(CASES[i].path, NULL), STATUS_INVALID);
        if (strstr(problem, CASES[i].what) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", problem, CASES[i].what);
    }
    assert_int_equal(offer("/nowhere/at/all", NULL), UV_ENOENT);
    assert_non_null(strstr(problem, "/nowhere/at/all"));
    assert_string_equal(said, "");
}

static void others_files_cannot_be_offered(void **state)
{
    scratch_write(&folder, "secret", "x", 1, 0600);
    if (geteuid() == 0) {
        chmod(folder.path, 0755);
        assert_int_equal(offer_as(65534, scratch_path(&folder, "secret"), NULL), UV_EACCES);
        scratch_write(&folder, "open", "x", 1, 0644);
        chmod(scratch_path(&folder, "open"), 0644);
        assert_int_equal(offer_as(65534, scratch_path(&folder, "open"), NULL), 0);
    } else {
        assert_int_equal(offer_as(0, scratch_path(&folder, "secret"), NULL), UV_EPERM);
    }
}

static void a_user_has_not_more_than_the_limit(void **state)
{
    scratch_write_text(&folder, "a", "hello");
    for (int i = 0; i < OFFERS_OF_A_USER_MAX; i++)
        assert_int_equal(offer(scratch_path(&folder, "a"), NULL), 0);
    assert_int_equal(offer(scratch_path(&folder, "a"), NULL), STATUS_LIMIT);
}

static size_t parts, part_offers;

static void emit(void *ctx, const struct offers_message *part)
{
    assert_true(part->snapshot && part->more);
    parts++;
    part_offers += part->offer_count;
}

static void offers_are_kept_over_a_restart(void **state)
{
    scratch_write_text(&folder, "a", "hello");
    assert_int_equal(offer(scratch_path(&folder, "a"), NULL), 0);
    uint64_t kept = added_id;
    assert_int_equal(offer(scratch_path(&folder, "a"), NULL), 0);
    assert_int_equal(offers_withdraw(offers, geteuid(), added_id), 0);
    uint64_t last = added_id;
    offers_close(offers);
    begin();
    const struct offer_record *record = offer_table_find(offers_table(offers), kept);
    assert_non_null(record);
    assert_int_equal(record->facts.bytes, 5);
    assert_string_equal(record->paths[0], scratch_path(&folder, "a"));
    assert_int_equal(offer(scratch_path(&folder, "a"), NULL), 0);
    assert_true(added_id > last);
    parts = part_offers = 0;
    offers_snapshot(offers, emit, NULL);
    assert_int_equal(parts, 1);
    assert_int_equal(part_offers, 2);
}

static void a_broken_file_is_set_aside(void **state)
{
    static const char *const TEXTS[] = {
        "",
        "[]",
        "{\"next\":5}",
        "{\"next\":0,\"offers\":[]}",
        "{\"next\":5,\"offers\":[{}]}",
        "{\"next\":5,\"offers\":[],\"more\":1}",
        "{\"next\":5,\"offers\":[{\"id\":5,\"uid\":0,\"user\":\"u\",\"paths\":[\"/"
        "a\"],\"files\":1,\"bytes\":1,\"created\":1}]}",
        "{\"next\":5,\"offers\":[{\"id\":1,\"uid\":0,\"user\":\"u\",\"paths\":[\"a\"],\"files\":1,\"bytes\":"
        "1,\"created\":1}]}",
        "{\"next\":5,\"offers\":[{\"id\":1,\"uid\":-1,\"user\":\"u\",\"paths\":[\"/"
        "a\"],\"files\":1,\"bytes\":1,\"created\":1}]}",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        offers_close(offers);
        unlink(scratch_path(&folder, "state/offers.json.broken"));
        scratch_write(&folder, "state/offers.json", TEXTS[i], strlen(TEXTS[i]), 0600);
        begin();
        assert_int_equal(offers_table(offers)->count, 0);
        assert_true(scratch_has(&folder, "state/offers.json.broken"));
        assert_false(scratch_has(&folder, "state/offers.json"));
    }
}

/* ---- outbox ---- */

static int find_user(void *ctx, struct fs_identity *ret, char *ret_home)
{
    *ret = fs_identity_own();
    strcpy(ret_home, folder.path);
    return 0;
}

static void begin_outbox(void)
{
    struct outbox_options options = {.uv = &loop, .offers = offers, .path = "out", .find_user = find_user};
    assert_int_equal(outbox_create(&options, &outbox), 0);
}

static bool is_made(void)
{
    return scratch_has(&folder, "out");
}

static bool is_offered(void)
{
    return offers_table(offers)->count == 1;
}

static bool is_offered_no_more(void)
{
    return offers_table(offers)->count == 0;
}

static bool is_sent(void)
{
    return scratch_has(&folder, "out/Sent/a.txt") && !scratch_has(&folder, "out/a.txt");
}

static void what_is_put_into_the_outbox_is_offered_and_put_away_when_taken(void **state)
{
    begin_outbox();
    wait_until(is_made, "the folder is made");
    scratch_write_text(&folder, "out/a.txt", "hello");
    scratch_write_text(&folder, "out/.hidden", "hello");
    wait_until(is_offered, "offered");
    assert_string_equal(said, "+a.txt:1:1:5 ");
    offers_end(offers, offers_table(offers)->records[0]->facts.id, 0);
    wait_until(is_sent, "put away");
    assert_string_equal(scratch_read(&folder, "out/Sent/a.txt"), "hello");
    assert_true(scratch_has(&folder, "out/.hidden"));
}

static void what_was_declined_stays_until_it_changes(void **state)
{
    begin_outbox();
    wait_until(is_made, "the folder is made");
    scratch_write_text(&folder, "out/a.txt", "hello");
    wait_until(is_offered, "offered");
    assert_int_equal(offers_decline(offers, offers_table(offers)->records[0]->facts.id), 0);
    said[0] = '\0';
    scratch_write_text(&folder, "out/b.txt", "another");
    wait_until(is_offered, "the other one is offered");
    assert_string_equal(said, "+b.txt:1:1:7 ");
    assert_int_equal(unlink(scratch_path(&folder, "out/b.txt")), 0);
    wait_until(is_offered_no_more, "withdrawn");
    said[0] = '\0';
    scratch_write_text(&folder, "out/a.txt", "hello again");
    wait_until(is_offered, "offered again");
    assert_string_equal(said, "+a.txt:1:1:11 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_offer_tells_what_is_in_it, setup, teardown),
        cmocka_unit_test_setup_teardown(it_ends_when_it_is_taken_declined_or_withdrawn, setup, teardown),
        cmocka_unit_test_setup_teardown(bad_paths_are_refused_with_a_sentence, setup, teardown),
        cmocka_unit_test_setup_teardown(others_files_cannot_be_offered, setup, teardown),
        cmocka_unit_test_setup_teardown(a_user_has_not_more_than_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(offers_are_kept_over_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(a_broken_file_is_set_aside, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_put_into_the_outbox_is_offered_and_put_away_when_taken, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_was_declined_stays_until_it_changes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
