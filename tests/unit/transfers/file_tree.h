/* SPDX-License-Identifier: MIT */
/* Folders with something in them, and whether two are the same. */
#ifndef HOSPES_TEST_FILE_TREE_H
#define HOSPES_TEST_FILE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void put_file(const char *path, size_t size, uint32_t seed, unsigned mode);
void put_folder(const char *path);
/* Some folders, many small files, an empty one, a hidden one, and one of `large` bytes. */
void put_tree(const char *path, size_t large);
/* Names, contents, modes and times of modification, all the way down. */
bool trees_are_equal(const char *a, const char *b);
bool path_exists(const char *path);
/* How many entries lie in the folder; hidden ones, too. */
size_t entries_in(const char *folder);
void remove_tree(const char *path);

#endif
