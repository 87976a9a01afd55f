/* SPDX-License-Identifier: MIT */
/* Reads and replaces the file, which only the agent's user may read: it names other people's files. */
#include "agent/features/offers/offers_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "protocol/base/status.h"
#include "services/identity/private_file.h"

static int read_table(int folder, struct offer_table *table)
{
    size_t size = 0;
    char *text = malloc(OFFERS_FILE_MAX);
    int status =
        text == NULL ? UV_ENOMEM : private_file_read(folder, OFFERS_FILE_NAME, text, OFFERS_FILE_MAX, &size);
    if (status == 0) {
        json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
        status = offer_table_load(table, root);
        json_decref(root);
    }
    free(text);
    return status == STATUS_TOO_LARGE ? STATUS_MALFORMED : status;
}

int offers_file_load(const char *state_dir, struct offer_table *table)
{
    int folder;
    int status = private_folder_open(state_dir, false, &folder);
    if (status < 0)
        return status;
    status = read_table(folder, table);
    if (status == STATUS_MALFORMED)
        renameat(folder, OFFERS_FILE_NAME, folder, OFFERS_FILE_NAME ".broken");
    close(folder);
    return status;
}

int offers_file_save(const char *state_dir, const struct offer_table *table)
{
    int folder;
    json_t *root = offer_table_save(table);
    char *text = root == NULL ? NULL : json_dumps(root, JSON_INDENT(2));
    json_decref(root);
    int status = text == NULL ? UV_ENOMEM : private_folder_open(state_dir, true, &folder);
    if (status == 0) {
        status = private_file_replace(folder, OFFERS_FILE_NAME, text, strlen(text));
        close(folder);
    }
    free(text);
    return status;
}
