/* SPDX-License-Identifier: MIT */
/* Reads login records. Both sources are written by the system, but name and terminal come from elsewhere and
 * are taken as bytes. */
#include "agent/platform/linux_users.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utmp.h>

#include "agent/platform/linux_logind.h"
#include "agent/platform/text.h"

#define UTMP_PATH        "/run/utmp"
#define UTMP_RECORDS_MAX 1024

size_t users_parse_utmp(const void *bytes, size_t size, struct health_user users[static HEALTH_USERS_MAX])
{
    size_t count = 0;
    for (size_t at = 0; size - at >= sizeof(struct utmp) && count < HEALTH_USERS_MAX;
         at += sizeof(struct utmp)) {
        struct utmp record;
        memcpy(&record, (const char *)bytes + at, sizeof(record));
        if (record.ut_type != USER_PROCESS || record.ut_user[0] == '\0')
            continue;
        struct health_user *user = &users[count++];
        text_copy(user->name, sizeof(user->name), record.ut_user,
                  strnlen(record.ut_user, sizeof(record.ut_user)));
        text_copy(user->seat, sizeof(user->seat), record.ut_line,
                  strnlen(record.ut_line, sizeof(record.ut_line)));
        /* 32 bits, unsigned: good until 2106 */
        user->since_ms = (uint64_t)(uint32_t)record.ut_tv.tv_sec * 1000;
    }
    return count;
}

/* The value of KEY in KEY=value lines; 0 when it is missing. */
static size_t find_value(const char *text, size_t size, const char *key, const char **ret)
{
    size_t key_size = strlen(key);
    for (size_t at = 0; at < size;) {
        const char *line = text + at;
        const char *newline = memchr(line, '\n', size - at);
        size_t length = newline != NULL ? (size_t)(newline - line) : size - at;
        if (length > key_size && memcmp(line, key, key_size) == 0 && line[key_size] == '=') {
            *ret = line + key_size + 1;
            return length - key_size - 1;
        }
        at += length + 1;
    }
    return 0;
}

static bool value_is(const char *text, size_t size, const char *key, const char *wanted)
{
    const char *value;
    size_t length = find_value(text, size, key, &value);
    return length == strlen(wanted) && memcmp(value, wanted, length) == 0;
}

bool users_parse_session(const char *text, size_t size, struct health_user *ret)
{
    static const char *const SEAT_KEYS[] = {"TTY", "DISPLAY", "SEAT"};
    const char *value;
    if (!value_is(text, size, "CLASS", "user") || value_is(text, size, "STATE", "closing"))
        return false;
    size_t length = find_value(text, size, "USER", &value);
    if (length == 0)
        return false;
    memset(ret, 0, sizeof(*ret));
    text_copy(ret->name, sizeof(ret->name), value, length);
    for (size_t i = 0; i < sizeof(SEAT_KEYS) / sizeof(SEAT_KEYS[0]) && ret->seat[0] == '\0'; i++) {
        length = find_value(text, size, SEAT_KEYS[i], &value);
        text_copy(ret->seat, sizeof(ret->seat), length > 0 ? value : "", length);
    }
    char number[24] = "";
    length = find_value(text, size, "REALTIME", &value);
    if (length > 0)
        text_copy(number, sizeof(number), value, length);
    ret->since_ms = strtoull(number, NULL, 10) / 1000;
    return true;
}

struct session_list {
    struct health_user *items; /* HEALTH_USERS_MAX */
    size_t count;
};

static bool take_session(void *ctx, const char *text, size_t size)
{
    struct session_list *list = ctx;
    if (users_parse_session(text, size, &list->items[list->count]))
        list->count++;
    return list->count < HEALTH_USERS_MAX;
}

static size_t read_sessions(struct health_user users[static HEALTH_USERS_MAX])
{
    struct session_list list = {.items = users};
    logind_each_session(take_session, &list);
    return list.count;
}

size_t users_read(struct health_user users[static HEALTH_USERS_MAX])
{
    int fd = open(UTMP_PATH, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return read_sessions(users);
    size_t size = 0;
    size_t capacity = UTMP_RECORDS_MAX * sizeof(struct utmp);
    uint8_t *bytes = malloc(capacity);
    ssize_t got = 0;
    while (bytes != NULL && size < capacity && (got = read(fd, bytes + size, capacity - size)) > 0)
        size += (size_t)got;
    close(fd);
    size_t count = bytes != NULL ? users_parse_utmp(bytes, size, users) : 0;
    free(bytes);
    return size > 0 ? count : read_sessions(users);
}
