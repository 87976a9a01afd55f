/* SPDX-License-Identifier: MIT */
/* GhostVM's portForwards list: TCP, exactly the host port that is named, both loopbacks. Reading the file is
 * the bridge's. */
#include "host-bridge/features/forwards/forwards_private.h"
#include "protocol/base/status.h"
#include "services/config/json_fields.h"
#include "services/config/reason.h"

#include <stdio.h>
#include <stdlib.h>

static int read_item(const json_t *item, size_t index, struct forward_request *ret, char *problem)
{
    char place[40];
    long long host_port = 0, guest_port = 0;
    bool enabled = true;
    snprintf(place, sizeof(place), "portForwards[%zu]", index);
    struct json_reader reader = {place, item, problem};
    if (!json_is_object(item))
        return json_reader_expected(&reader, NULL, "an object");
    int status = json_read_integer(&reader, "hostPort", 1, 65535, &host_port);
    if (status == 0)
        status = json_read_integer(&reader, "guestPort", 1, 65535, &guest_port);
    if (status == 0)
        status = json_read_optional_bool(&reader, "enabled", &enabled);
    if (status == 0)
        *ret = (struct forward_request){
            .protocol = PORT_TCP,
            .guest_port = (uint16_t)guest_port,
            .host_port = (uint16_t)host_port,
            .enabled = enabled,
        };
    return status;
}

static int read_list(const json_t *list, struct forward_request **ret, size_t *ret_count, char *problem)
{
    size_t count = json_array_size(list);
    if (!json_is_array(list)) {
        reason_format(problem, "portForwards: expected a list");
        return STATUS_MALFORMED;
    }
    if (count > FORWARDS_STATIC_MAX) {
        reason_format(problem, "portForwards: %zu entries, at most %d are allowed", count,
                      FORWARDS_STATIC_MAX);
        return STATUS_LIMIT;
    }
    struct forward_request *requests = calloc(count + 1, sizeof(*requests));
    int status = requests == NULL ? UV_ENOMEM : 0;
    for (size_t i = 0; i < count && status == 0; i++)
        status = read_item(json_array_get(list, i), i, &requests[i], problem);
    if (status < 0) {
        if (status == UV_ENOMEM)
            reason_format(problem, "%s", status_text(status));
        free(requests);
        return status;
    }
    *ret = requests;
    *ret_count = count;
    return 0;
}

/* An entry that is listed as it stands is kept, connections and all. A static forward of the user's own that
 * says the same wins. */
static void keep_listed(struct forwards *forwards, const struct forward_request *requests, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct forward_entry *entry = forwards_static_find(forwards, &requests[i]);
        if (entry != NULL && entry->from_ghostvm && entry->enabled == requests[i].enabled)
            entry->kept = true;
    }
}

static void retire_unlisted(struct forwards *forwards)
{
    for (size_t i = forwards->count; i > 0; i--) {
        struct forward_entry *entry = forwards->entries[i - 1];
        if (entry->from_ghostvm && !entry->kept)
            forward_table_retire(entry, true);
        else
            entry->kept = false;
    }
}

static int insert_new(struct forwards *forwards, const struct forward_request *requests, size_t count,
                      char *problem)
{
    for (size_t i = 0; i < count; i++) {
        struct forward_entry *entry;
        if (forwards_static_find(forwards, &requests[i]) != NULL)
            continue;
        int status = forwards_static_insert(forwards, &requests[i], 0, &entry, problem);
        if (status < 0)
            return status;
        entry->from_ghostvm = true;
        if (!entry->enabled)
            forward_tell(entry);
    }
    return 0;
}

int forwards_load_ghostvm(struct forwards *forwards, const json_t *list,
                          char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct forward_request *requests;
    size_t count;
    int status = read_list(list, &requests, &count, ret_problem);
    if (status < 0)
        return status;
    keep_listed(forwards, requests, count);
    retire_unlisted(forwards);
    status = insert_new(forwards, requests, count, ret_problem);
    free(requests);
    forwards_settle(forwards);
    return status;
}
