/* SPDX-License-Identifier: MIT */
/* One line of text for people, as reasons and complaints hold it. */
#ifndef HOSPES_REASON_H
#define HOSPES_REASON_H

#include "protocol/wire/limits.h"

/* As printf, cut at TEXT_REASON_MAX bytes on a whole UTF-8 character, so that it stays valid JSON text. */
void reason_format(char out[static TEXT_REASON_MAX + 1], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
