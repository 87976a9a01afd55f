/* SPDX-License-Identifier: MIT */
/* Man page and completions name every command and every option of the table, and no others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host-bridge/cli/command.h"

static char *read_packaging(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", HOSPES_PACKAGING, name);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    char *text = NULL;
    size_t size = 0;
    ssize_t got = getdelim(&text, &size, '\0', in);
    assert_true(got > 0);
    fclose(in);
    return text;
}

static void expect(const char *file, const char *text, const char *word)
{
    if (strstr(text, word) == NULL)
        print_error("%s lacks \"%s\"\n", file, word);
    assert_non_null(strstr(text, word));
}

/* The part of the text between two marks, terminated; the caller frees it. */
static char *between(const char *text, const char *from, const char *to)
{
    const char *start = strstr(text, from);
    assert_non_null(start);
    const char *end = strstr(start + strlen(from), to);
    return strndup(start, end != NULL ? (size_t)(end - start) : strlen(start));
}

static void entry_mark(const struct command *command, char *out, size_t size)
{
    snprintf(out, size, "\n.It Cm %s%s", command->name, command->operands[0] != '\0' ? " " : "\n");
}

/* The entries stand in the table's order, so that one ends where the next begins. mdoc writes --udp as Fl
 * -udp. */
static void the_man_page_explains_every_command_with_its_options(void **state)
{
    char *page = read_packaging("man/hospes.1"), from[64], to[64] = "\n.Sh LINKS", option[64];
    for (size_t i = COMMANDS_COUNT; i-- > 0;) {
        entry_mark(&COMMANDS[i], from, sizeof(from));
        char *entry = between(page, from, to);
        for (int j = OPTION_GLOBAL_COUNT; j < OPTION_COUNT; j++) {
            snprintf(option, sizeof(option), "Fl %s", COMMAND_OPTIONS[j].name + 1);
            assert_true((strstr(entry, option) != NULL) == command_takes(&COMMANDS[i], (enum option_id)j));
        }
        free(entry);
        strcpy(to, from);
    }
    free(page);
}

static void the_man_page_explains_every_option(void **state)
{
    char *page = read_packaging("man/hospes.1"), mark[64];
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (i == OPTION_REMOVE || i == OPTION_UDP)
            snprintf(mark, sizeof(mark), "Fl %s", COMMAND_OPTIONS[i].name + 1);
        else if (COMMAND_OPTIONS[i].value != NULL)
            snprintf(mark, sizeof(mark), "\n.It Fl %s Ar %s\n", COMMAND_OPTIONS[i].name + 1,
                     COMMAND_OPTIONS[i].value);
        else
            snprintf(mark, sizeof(mark),
                     COMMAND_OPTION_LETTERS[i] != '\0' ? "\n.It Fl %s , Fl %c\n" : "\n.It Fl %s\n",
                     COMMAND_OPTIONS[i].name + 1, COMMAND_OPTION_LETTERS[i]);
        expect("hospes.1", page, mark);
    }
    free(page);
}

/* Every "--word" of the text is an option of the table. */
static void expect_no_other_options(const char *file, const char *text)
{
    for (const char *at = text; (at = strstr(at, "--")) != NULL;) {
        size_t size = 2 + strspn(at + 2, "abcdefghijklmnopqrstuvwxyz-");
        bool known = size == 2;
        for (int i = 0; i < OPTION_COUNT && !known; i++)
            known = strlen(COMMAND_OPTIONS[i].name) == size && memcmp(at, COMMAND_OPTIONS[i].name, size) == 0;
        if (!known)
            print_error("%s knows %.*s, which the program does not\n", file, (int)size, at);
        assert_true(known);
        at += size;
    }
}

/* The line of the bash and zsh completions that stands for a command's options. */
static void bash_completes_every_command_and_option(void **state)
{
    char *text = read_packaging("completions/hospes.bash"), mark[64];
    char *options = between(text, "_hospes_options()", "\n}");
    char *everywhere = between(options, "esac", "\n}");
    char *commands = between(text, "_hospes_commands=(", ")");
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        expect("hospes.bash", commands, COMMANDS[i].name);
        if (COMMANDS[i].options == 0)
            continue;
        snprintf(mark, sizeof(mark), "    %s)", COMMANDS[i].name);
        char *line = between(options, mark, "\n");
        for (int j = OPTION_GLOBAL_COUNT; j < OPTION_COUNT; j++) {
            bool has = strstr(line, COMMAND_OPTIONS[j].name) != NULL;
            assert_true(has == command_takes(&COMMANDS[i], (enum option_id)j));
        }
        free(line);
    }
    for (int i = 0; i < OPTION_GLOBAL_COUNT; i++)
        expect("hospes.bash", everywhere, COMMAND_OPTIONS[i].name);
    expect_no_other_options("hospes.bash", text);
    free(commands);
    free(everywhere);
    free(options);
    free(text);
}

static void zsh_completes_every_command_and_option(void **state)
{
    char *text = read_packaging("completions/_hospes"), mark[64];
    char *everywhere = between(text, "everywhere=(", "\n    )");
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        snprintf(mark, sizeof(mark), "'%s:", COMMANDS[i].name);
        expect("_hospes", text, mark);
        if (COMMANDS[i].options == 0)
            continue;
        snprintf(mark, sizeof(mark), "\n    %s)", COMMANDS[i].name);
        char *part = between(text, mark, ";;");
        for (int j = OPTION_GLOBAL_COUNT; j < OPTION_COUNT; j++) {
            snprintf(mark, sizeof(mark), "'%s[", COMMAND_OPTIONS[j].name);
            assert_true((strstr(part, mark) != NULL) == command_takes(&COMMANDS[i], (enum option_id)j));
        }
        free(part);
    }
    for (int i = 0; i < OPTION_GLOBAL_COUNT; i++)
        expect("_hospes", everywhere, COMMAND_OPTIONS[i].name);
    free(everywhere);
    free(text);
}

static void fish_completes_every_command_and_option(void **state)
{
    char *text = read_packaging("completions/hospes.fish"), mark[96];
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        snprintf(mark, sizeof(mark), "-n __hospes_needs_command -a %s -d", COMMANDS[i].name);
        expect("hospes.fish", text, mark);
    }
    for (int i = 0; i < OPTION_COUNT; i++) {
        snprintf(mark, sizeof(mark), " -l %s ", COMMAND_OPTIONS[i].name + 2);
        expect("hospes.fish", text, mark);
    }
    expect_no_other_options("hospes.fish", text);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_man_page_explains_every_command_with_its_options),
        cmocka_unit_test(the_man_page_explains_every_option),
        cmocka_unit_test(bash_completes_every_command_and_option),
        cmocka_unit_test(zsh_completes_every_command_and_option),
        cmocka_unit_test(fish_completes_every_command_and_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
