/* SPDX-License-Identifier: MIT */
/* The name by which people know a process: "vite", not "node". Pure. */
#ifndef HOSPES_PROCESS_NAME_H
#define HOSPES_PROCESS_NAME_H

#include <stddef.h>

#include "protocol/wire/limits.h"

/* `arguments`: NUL-separated as in /proc/PID/cmdline, the last one may be cut and unterminated; `size` 0 =
 * none, then `comm` (the kernel's short name) is used. The result is valid UTF-8, empty when both are. */
void process_name(const char *comm, const char *arguments, size_t size,
                  char ret_name[static TEXT_NAME_MAX + 1]);

/* The arguments joined by spaces: valid UTF-8, cut to fit. */
void process_command(const char *arguments, size_t size, char ret_command[static TEXT_COMMAND_MAX + 1]);

#endif
