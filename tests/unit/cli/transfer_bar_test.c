/* SPDX-License-Identifier: MIT */
/* What the progress of a transfer looks like, to the letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/transfer_bar.h"
#include "host-bridge/cli/transfer_words.h"

#define ENDS                                                                                                 \
    "\"from\":{\"vm\":null,\"user\":null,\"paths\":[\"/home/ann/a\",\"/b\"]},"                               \
    "\"to\":{\"vm\":\"web\",\"user\":null,\"path\":\"/srv\"}"
#define RUNNING(phase, rest) "{" ENDS ",\"state\":\"running\",\"phase\":\"" phase "\"," rest "}"
#define HALF                                                                                                 \
    "\"files\":{\"total\":40,\"done\":10,\"skipped\":2,\"failed\":0},"                                       \
    "\"bytes\":{\"total\":2147483648,\"done\":1073741824,\"moved\":1},\"rate\":104857600,\"leftSec\":10,"

static void expect(const char *text, size_t columns, size_t lines, const char *bar)
{
    json_t *transfer = json_loads(text, 0, NULL);
    size_t got_lines = 0;
    assert_non_null(transfer);
    char *got = transfer_bar_text(transfer, columns, &got_lines);
    assert_non_null(got);
    assert_string_equal(got, bar);
    assert_int_equal(got_lines, lines);
    free(got);
    json_decref(transfer);
}

static void the_whole_shows_bar_bytes_rate_time_and_files(void **state)
{
    expect(RUNNING("send", HALF "\"current\":null"), 100, 1,
           "sending  ████████████░░░░░░░░░░░░  50 %  1.0 GiB of 2.0 GiB  100 MiB/s  10 s left  12 of 40 "
           "files\n");
}

static void the_current_file_has_a_line_of_its_own(void **state)
{
    expect(RUNNING("send", HALF "\"current\":{\"path\":\"a/small\",\"size\":4096,\"done\":0}"), 100, 2,
           "a/small\n"
           "sending  ████████████░░░░░░░░░░░░  50 %  1.0 GiB of 2.0 GiB  100 MiB/s  10 s left  12 of 40 "
           "files\n");
    expect(RUNNING("send", HALF "\"current\":{\"path\":\"a/large\",\"size\":4194304,\"done\":1048576}"), 100,
           2,
           "a/large  25 %  1.0 MiB of 4.0 MiB\n"
           "sending  ████████████░░░░░░░░░░░░  50 %  1.0 GiB of 2.0 GiB  100 MiB/s  10 s left  12 of 40 "
           "files\n");
}

static void what_has_no_room_is_left_out_the_least_important_first(void **state)
{
    const char *text = RUNNING("send", HALF "\"current\":null");
    expect(text, 75, 1, "sending  50 %  1.0 GiB of 2.0 GiB  100 MiB/s  10 s left  12 of 40 files\n");
    expect(text, 60, 1, "sending  50 %  1.0 GiB of 2.0 GiB  100 MiB/s  10 s left\n");
    expect(text, 50, 1, "sending  ██████░░░░░░░  50 %  100 MiB/s  10 s left\n");
    expect(text, 20, 1, "sending  50 %\n");
    expect(text, 5, 1, "send…\n");
}

static void the_whole_counts_the_part_of_the_current_file(void **state)
{
    expect(RUNNING("send", "\"files\":{\"total\":1,\"done\":0,\"skipped\":0},\"bytes\":{\"total\":4194304,"
                           "\"done\":0},\"current\":{\"path\":\"a\",\"size\":4194304,\"done\":1048576}"),
           80, 2,
           "a  25 %  1.0 MiB of 4.0 MiB\nsending  ██████░░░░░░░░░░░░░░░░░░  25 %  1.0 MiB of 4.0 MiB\n");
}

static void phases_have_names(void **state)
{
    expect(
        RUNNING("scan",
                "\"files\":{\"total\":null,\"done\":0,\"skipped\":0},\"bytes\":{\"total\":null,\"done\":0}"),
        80, 1, "looking\n");
    expect(RUNNING("scan", "\"files\":{\"total\":null,\"done\":5,\"skipped\":1},\"bytes\":{\"total\":null,"
                           "\"done\":4096},\"rate\":4096,\"leftSec\":null"),
           80, 1, "looking  4.0 KiB  4.0 KiB/s  6 files\n");
    expect(RUNNING("verify",
                   "\"files\":{\"total\":1,\"done\":1,\"skipped\":0},\"bytes\":{\"total\":10,\"done\":10}"),
           80, 1, "finishing  ████████████████████████  100 %  10 B of 10 B\n");
    expect("{" ENDS ",\"state\":\"running\",\"phase\":null}", 80, 1, "starting\n");
}

static void files_without_bytes_are_counted_by_number(void **state)
{
    expect(RUNNING("send",
                   "\"files\":{\"total\":4,\"done\":1,\"skipped\":0},\"bytes\":{\"total\":0,\"done\":0}"),
           80, 1, "sending  ██████░░░░░░░░░░░░░░░░░░  25 %  0 B of 0 B  1 of 4 files\n");
}

static void waiting_and_pauses_say_why(void **state)
{
    expect("{" ENDS ",\"state\":\"waiting\",\"error\":{\"code\":\"NOT_CONNECTED\",\"message\":\"x\"}}", 80, 1,
           "waiting for web: not connected\n");
    expect("{" ENDS ",\"state\":\"waiting\",\"error\":null}", 80, 1, "waiting for its turn\n");
    expect("{" ENDS ",\"state\":\"paused\",\"error\":{\"code\":\"ENOSPC\",\"message\":\"x\"}}", 80, 1,
           "paused: no space left in the guest\n");
    expect("{\"to\":{\"vm\":null,\"path\":\"/x\"},\"state\":\"paused\",\"error\":{\"code\":\"QUOTA\"}}", 80,
           1, "paused: the user's quota on this host is used up\n");
    expect("{" ENDS ",\"state\":\"paused\",\"error\":{\"code\":\"EIO\",\"message\":\"a\\u001b[2Jb\"}}", 80, 1,
           "paused: a\\x1b[2Jb\n");
}

static void long_paths_lose_their_beginning_and_are_escaped(void **state)
{
    expect(RUNNING("send", "\"current\":{\"path\":\"one/two/three/four.txt\",\"size\":1,\"done\":0}"), 15, 2,
           "…three/four.txt\nsending\n");
    expect(RUNNING("send", "\"current\":{\"path\":\"a\\u001b]0;\\u202ex\\nb\",\"size\":1,\"done\":0}"), 80, 2,
           "a\\x1b]0;\\u202ex\\x0ab\nsending\n");
    expect(RUNNING("send", "\"current\":{\"path\":\"日本日本日本日本日\",\"size\":1,\"done\":0}"), 15, 2,
           "…日本日本日本日\nsending\n");
}

static void nonsense_draws_something_and_no_more_than_two_lines(void **state)
{
    expect("{}", 80, 1, "?\n");
    expect(RUNNING("send", "\"files\":7,\"bytes\":[],\"rate\":\"x\",\"leftSec\":-5,\"current\":{}"), 80, 2,
           "?\nsending\n");
    expect(RUNNING("send",
                   "\"bytes\":{\"total\":10,\"done\":1e300},\"current\":{\"path\":\"a\",\"size\":1e300,"
                   "\"done\":1e299}"),
           80, 2, "a  10 %  – of –\nsending  ████████████████████████  100 %  10 B of 10 B\n");
}

static void places_are_named_shortly(void **state)
{
    json_t *transfer = json_loads("{" ENDS ",\"state\":\"done\",\"files\":{\"done\":2,\"failed\":1},"
                                  "\"bytes\":{\"done\":2048}}",
                                  0, NULL);
    assert_string_equal(transfer_words_place(transfer, "from").text, "/home/ann/a and 1 more");
    assert_string_equal(transfer_words_place(transfer, "to").text, "web:/srv");
    assert_string_equal(transfer_words_guest(transfer), "web");
    assert_string_equal(transfer_words_line(transfer).text,
                        "/home/ann/a and 1 more → web:/srv, done, 1 failed, 2 files, 2.0 KiB");
    json_decref(transfer);
    transfer = json_loads("{\"kind\":\"drop\",\"from\":{\"vm\":\"db\",\"paths\":[]},\"to\":{\"vm\":\"web\"}}",
                          0, NULL);
    assert_string_equal(transfer_words_place(transfer, "from").text, "an offer of db");
    assert_string_equal(transfer_words_place(transfer, "to").text, "web's drop folder");
    json_decref(transfer);
}

static int set_locale(void **state)
{
    escape_init_locale();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_whole_shows_bar_bytes_rate_time_and_files),
        cmocka_unit_test(the_current_file_has_a_line_of_its_own),
        cmocka_unit_test(what_has_no_room_is_left_out_the_least_important_first),
        cmocka_unit_test(the_whole_counts_the_part_of_the_current_file),
        cmocka_unit_test(phases_have_names),
        cmocka_unit_test(files_without_bytes_are_counted_by_number),
        cmocka_unit_test(waiting_and_pauses_say_why),
        cmocka_unit_test(long_paths_lose_their_beginning_and_are_escaped),
        cmocka_unit_test(nonsense_draws_something_and_no_more_than_two_lines),
        cmocka_unit_test(places_are_named_shortly),
    };
    return cmocka_run_group_tests(tests, set_locale, NULL);
}
