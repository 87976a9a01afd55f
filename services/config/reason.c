/* SPDX-License-Identifier: MIT */
/* Formats a reason and cuts it without splitting a character. What it says is the caller's business. */
#include "services/config/reason.h"

#include "protocol/wire/utf8.h"

#include <stdarg.h>
#include <stdio.h>

void reason_format(char out[static TEXT_REASON_MAX + 1], const char *format, ...)
{
    char text[2 * TEXT_REASON_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    utf8_copy(out, TEXT_REASON_MAX + 1, length < 0 ? span_of(NULL, 0) : span_of_text(text));
}
