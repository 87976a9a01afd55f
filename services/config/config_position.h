/* SPDX-License-Identifier: MIT */
/* Where in a JSON text a value stands: jansson tells positions of syntax errors only. Pure. */
#ifndef HOSPES_CONFIG_POSITION_H
#define HOSPES_CONFIG_POSITION_H

#include <stdbool.h>

/* `path` is made of keys and indexes: "vms[1].link". Finds the key (or the element) in a text that jansson
 * has accepted. Lines and columns count from 1, columns in bytes. False when there is no such place; outputs
 * untouched. */
bool config_position_find(const char *text, const char *path, int *ret_line, int *ret_column);

#endif
