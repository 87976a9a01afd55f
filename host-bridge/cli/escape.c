/* SPDX-License-Identifier: MIT */
/* Escapes text for a terminal and measures it in columns. Decodes UTF-8 itself, so that the result does not
 * depend on the locale; only the width of a character comes from wcwidth(3). Leaves layout to table.c. */
#include "host-bridge/cli/escape.h"

#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

struct code_range {
    uint32_t low, high;
};

/* Printable for wcwidth(3), yet able to reorder or hide what stands beside them. */
static const struct code_range HIDDEN[] = {
    {0x00ad, 0x00ad},   /* soft hyphen */
    {0x061c, 0x061c},   /* Arabic letter mark */
    {0x180e, 0x180e},   /* Mongolian vowel separator */
    {0x200b, 0x200b},   /* zero-width space */
    {0x200e, 0x200f},   /* left-to-right and right-to-left marks */
    {0x2028, 0x202e},   /* line and paragraph separators, embeddings and overrides */
    {0x2060, 0x206f},   /* word joiner, invisible operators, isolates, deprecated format characters */
    {0xfeff, 0xfeff},   /* byte order mark */
    {0xfff9, 0xfffb},   /* interlinear annotation */
    {0xe0000, 0xe0fff}, /* tags and variation selectors supplement */
};

void escape_init_locale(void)
{
    if (setlocale(LC_CTYPE, "") != NULL && strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
        return;
    setlocale(LC_CTYPE, "C.UTF-8");
}

static bool is_hidden(uint32_t code)
{
    for (size_t i = 0; i < sizeof(HIDDEN) / sizeof(HIDDEN[0]); i++) {
        if (code >= HIDDEN[i].low && code <= HIDDEN[i].high)
            return true;
    }
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

/* The length of the UTF-8 sequence at `bytes`, 0 when it is not valid (overlong, surrogate, cut short). */
static size_t decode(const unsigned char *bytes, uint32_t *ret_code)
{
    static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = bytes[0] < 0x80                       ? 1
                    : bytes[0] >= 0xc2 && bytes[0] < 0xe0 ? 2
                    : bytes[0] >= 0xe0 && bytes[0] < 0xf0 ? 3
                    : bytes[0] >= 0xf0 && bytes[0] < 0xf5 ? 4
                                                          : 0;
    if (length == 0)
        return 0;
    uint32_t code = length == 1 ? bytes[0] : bytes[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80) /* the terminator included */
            return 0;
        code = code << 6 | (bytes[i] & 0x3f);
    }
    if (code < SMALLEST[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    *ret_code = code;
    return length;
}

static void set_escape(struct escape_unit *unit, char kind, unsigned value)
{
    int size = 0;
    if (kind == 'x')
        size = snprintf(unit->text, sizeof(unit->text), "\\x%02x", value & 0xff);
    else if (kind == 'u')
        size = snprintf(unit->text, sizeof(unit->text), "\\u%04x", value & 0xffff);
    else
        size = snprintf(unit->text, sizeof(unit->text), "\\U%08x", value);
    unit->size = (size_t)size;
    unit->columns = (size_t)size;
}

bool escape_next(const char **cursor, struct escape_unit *ret)
{
    const unsigned char *bytes = (const unsigned char *)*cursor;
    if (bytes[0] == '\0')
        return false;
    uint32_t code = 0;
    size_t length = decode(bytes, &code);
    if (length == 0) {
        set_escape(ret, 'x', bytes[0]);
        *cursor += 1;
        return true;
    }
    *cursor += length;
    int columns = code < 0x7f ? 1 : wcwidth((wchar_t)code);
    if (is_hidden(code)) {
        set_escape(ret, code < 0x80 ? 'x' : code < 0x10000 ? 'u' : 'U', code);
        return true;
    }
    memcpy(ret->text, bytes, length);
    ret->text[length] = '\0';
    ret->size = length;
    ret->columns = columns < 0 ? 1 : (size_t)columns;
    return true;
}

size_t escape_width(const char *text)
{
    size_t columns = 0;
    struct escape_unit unit;
    while (escape_next(&text, &unit))
        columns += unit.columns;
    return columns;
}

size_t escape_print(FILE *out, const char *text, size_t max_columns)
{
    struct escape_unit unit;
    bool cut = max_columns > 0 && escape_width(text) > max_columns;
    size_t room = cut ? max_columns - 1 : SIZE_MAX;
    size_t columns = 0;
    while (escape_next(&text, &unit)) {
        if (unit.columns > room - columns)
            break;
        fwrite(unit.text, 1, unit.size, out);
        columns += unit.columns;
    }
    if (cut) {
        fputs("…", out);
        columns++;
    }
    return columns;
}

void escape_print_line(FILE *out, const char *format, ...)
{
    char *line = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (size >= 0) {
        escape_print(out, line, 0);
        free(line);
    }
    fputc('\n', out);
}
