/* SPDX-License-Identifier: MIT */
/* XDG_DOWNLOAD_DIR as desktops write it, and as they should not. */
#include "services/config/user_dirs.h"

#include <string.h>

#include "tests/unit/base/testing.h"

static char folder[FILES_PATH_MAX + 1];

static void expect(const char *text, const char *wanted)
{
    assert_true(user_dirs_download(text, "/home/me", folder));
    assert_string_equal(folder, wanted);
}

static void the_folder_is_found_among_the_others(void **state)
{
    expect("# made by a "
           "program\nXDG_DESKTOP_DIR=\"$HOME/Desktop\"\nXDG_DOWNLOAD_DIR=\"$HOME/Téléchargements\"\n",
           "/home/me/Téléchargements");
    expect("XDG_DOWNLOAD_DIR=\"/srv/in/\"", "/srv/in");
    expect("  XDG_DOWNLOAD_DIR=\"$HOME/a \\\"b\\\" c\"\n", "/home/me/a \"b\" c");
}

static void what_names_no_folder_of_its_own_is_none(void **state)
{
    static const char *const TEXTS[] = {
        "",
        "XDG_DESKTOP_DIR=\"$HOME/Desktop\"\n",
        "#XDG_DOWNLOAD_DIR=\"/in\"\n",
        "XDG_DOWNLOAD_DIR=\"$HOME\"\n",
        "XDG_DOWNLOAD_DIR=\"$HOME/\"\n",
        "XDG_DOWNLOAD_DIR=\"/home/me\"\n",
        "XDG_DOWNLOAD_DIR=\"$HOME/a\n\"",
        "XDG_DOWNLOAD_DIR=\"in\"\n",
        "XDG_DOWNLOAD_DIR=\"$HOMER/in\"\n",
        "XDG_DOWNLOAD_DIR=/in\n",
        "XDG_DOWNLOAD_DIR=\"/in\n",
        "XDG_DOWNLOAD_DIR=\"/in\\",
    };
    for (size_t i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++)
        assert_false(user_dirs_download(TEXTS[i], "/home/me", folder));
}

static void a_path_that_is_too_long_is_none(void **state)
{
    static char text[FILES_PATH_MAX + 64] = "XDG_DOWNLOAD_DIR=\"$HOME/";
    size_t size = strlen(text);
    memset(text + size, 'a', FILES_PATH_MAX);
    strcpy(text + size + FILES_PATH_MAX, "\"");
    assert_false(user_dirs_download(text, "/home/me", folder));
    strcpy(text + size + FILES_PATH_MAX - 9, "\"");
    assert_true(user_dirs_download(text, "/home/me", folder));
    assert_int_equal(strlen(folder), FILES_PATH_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_folder_is_found_among_the_others),
        cmocka_unit_test(what_names_no_folder_of_its_own_is_none),
        cmocka_unit_test(a_path_that_is_too_long_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
