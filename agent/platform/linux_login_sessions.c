/* SPDX-License-Identifier: MIT */
/* Reads logind's session files (KEY=value lines) directly, so that nothing but a file system is needed. Their
 * writer is the system; names in them are taken as bytes. */
#include "agent/platform/login_sessions.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "agent/platform/linux_logind.h"
#include "agent/platform/linux_users.h"
#include "agent/platform/text.h"

#define NORMAL_UID_MIN  1000
#define NOBODY_UID      65534
#define PASSWD_ROOM     16384
#define FIELD_VALUE_MAX 127

/* One line's value when it is that of `key`. */
static bool take_value(const char *line, size_t size, const char *key, char out[static FIELD_VALUE_MAX + 1])
{
    size_t key_size = strlen(key);
    if (size <= key_size || memcmp(line, key, key_size) != 0 || line[key_size] != '=')
        return false;
    size_t value_size = size - key_size - 1;
    if (value_size > FIELD_VALUE_MAX)
        value_size = FIELD_VALUE_MAX;
    memcpy(out, line + key_size + 1, value_size);
    out[value_size] = '\0';
    return true;
}

struct fields {
    char uid[FIELD_VALUE_MAX + 1], user[FIELD_VALUE_MAX + 1], active[FIELD_VALUE_MAX + 1];
    char type[FIELD_VALUE_MAX + 1], class[FIELD_VALUE_MAX + 1], state[FIELD_VALUE_MAX + 1];
    char since[FIELD_VALUE_MAX + 1];
};

static void split(const char *text, size_t size, struct fields *ret)
{
    const struct {
        const char *key;
        char *out;
    } known[] = {{"UID", ret->uid},     {"USER", ret->user},   {"ACTIVE", ret->active}, {"TYPE", ret->type},
                 {"CLASS", ret->class}, {"STATE", ret->state}, {"REALTIME", ret->since}};
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        size_t length = newline != NULL ? (size_t)(newline - (text + at)) : size - at;
        for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
            if (take_value(text + at, length, known[i].key, known[i].out))
                break;
        }
        at += length + 1;
    }
}

bool login_session_parse(const char *text, size_t size, struct login_session *ret)
{
    struct fields fields = {.uid = ""};
    split(text, size, &fields);
    char *end;
    unsigned long uid = strtoul(fields.uid, &end, 10);
    bool is_number = fields.uid[0] >= '0' && fields.uid[0] <= '9' && *end == '\0' && uid < UINT32_MAX;
    if (strcmp(fields.class, "user") != 0 || strcmp(fields.state, "closing") == 0 || !is_number)
        return false;
    *ret = (struct login_session){.uid = (uint32_t)uid,
                                  .active = strcmp(fields.active, "1") == 0,
                                  .graphical =
                                      strcmp(fields.type, "x11") == 0 || strcmp(fields.type, "wayland") == 0,
                                  .since_us = strtoull(fields.since, NULL, 10)};
    text_copy(ret->user, sizeof(ret->user), fields.user, strlen(fields.user));
    return true;
}

struct session_list {
    struct login_session *items; /* LOGIN_SESSIONS_MAX */
    size_t count;
};

static bool take_session(void *ctx, const char *text, size_t size)
{
    struct session_list *list = ctx;
    if (login_session_parse(text, size, &list->items[list->count]))
        list->count++;
    return list->count < LOGIN_SESSIONS_MAX;
}

static size_t read_logind(struct login_session ret[static LOGIN_SESSIONS_MAX])
{
    struct session_list list = {.items = ret};
    logind_each_session(take_session, &list);
    return list.count;
}

/* Without logind: a line such as ":0" is a display's. */
static size_t read_utmp(struct login_session ret[static LOGIN_SESSIONS_MAX])
{
    struct health_user *users = calloc(HEALTH_USERS_MAX, sizeof(*users));
    size_t user_count = users != NULL ? users_read(users) : 0, count = 0;
    for (size_t i = 0; i < user_count && count < LOGIN_SESSIONS_MAX; i++) {
        struct passwd record, *found = NULL;
        char room[PASSWD_ROOM];
        if (getpwnam_r(users[i].name, &record, room, sizeof(room), &found) != 0 || found == NULL)
            continue;
        struct login_session *session = &ret[count++];
        *session = (struct login_session){.uid = (uint32_t)found->pw_uid,
                                          .active = true,
                                          .graphical = users[i].seat[0] == ':',
                                          .since_us = users[i].since_ms * 1000};
        memcpy(session->user, users[i].name, sizeof(session->user));
    }
    free(users);
    return count;
}

size_t login_sessions_read(struct login_session ret[static LOGIN_SESSIONS_MAX])
{
    size_t count = read_logind(ret);
    return count > 0 ? count : read_utmp(ret);
}

static bool is_normal(const struct login_session *session)
{
    return session->uid >= NORMAL_UID_MIN && session->uid != NOBODY_UID;
}

const struct login_session *login_sessions_choose(const struct login_session *sessions, size_t count)
{
    const struct login_session *oldest = NULL;
    for (size_t i = 0; i < count; i++) {
        if (sessions[i].active && sessions[i].graphical)
            return &sessions[i];
        if (is_normal(&sessions[i]) && (oldest == NULL || sessions[i].since_us < oldest->since_us))
            oldest = &sessions[i];
    }
    return oldest;
}
