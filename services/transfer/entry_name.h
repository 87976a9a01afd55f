/* SPDX-License-Identifier: MIT */
/* What may be a name, and where a link may point, as the other side says them. Pure. */
#ifndef HOSPES_ENTRY_NAME_H
#define HOSPES_ENTRY_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* One component: 1 to FILES_NAME_MAX bytes of valid UTF-8, no slash, no control characters, not "." or "..",
 * not PARTIAL_FOLDER. */
bool entry_name_is_valid(const char *name);
/* Relative, not empty, ".." only at its beginning and at most `depth` of them: the number of folders between
 * the link and its root, the root itself not counted (0: the link lies in the root's own folder; a root that
 * is a link: 0, too). Then it stays inside even where a part of it is a link that obeys the same rule. */
bool entry_link_stays_inside(const char *target, size_t depth);
/* The last component of a path as people give it: "a/b/" is "b", "/" is "". Points into `path`; *ret_size
 * bytes. */
const char *entry_name_of_path(const char *path, size_t *ret_size);

#endif
