/* SPDX-License-Identifier: MIT */
/* Chooses the user; taking that user's rights is fs_identity's. */
#include "agent/features/files/acting_user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "agent/platform/login_sessions.h"
#include "protocol/base/status.h"

static void make_home_usable(struct acting_user *user)
{
    if (user->home[0] != '/')
        memcpy(user->home, "/", 2);
}

/* The agent's own rights; a user without an entry has the home that the environment tells. */
static void be_oneself(struct acting_user *ret)
{
    char number[24];
    snprintf(number, sizeof(number), "%lu", (unsigned long)geteuid());
    if (fs_identity_of(number, &ret->identity, ret->home) < 0) {
        const char *home = getenv("HOME");
        ret->identity = fs_identity_own();
        snprintf(ret->home, sizeof(ret->home), "%s", home != NULL ? home : "");
    }
    make_home_usable(ret);
}

static int be_named(const char *name, struct acting_user *ret, char *ret_problem)
{
    int status = fs_identity_of(name, &ret->identity, ret->home);
    if (status == UV_EPERM)
        snprintf(ret_problem, TEXT_REASON_MAX + 1,
                 "the agent does not run as root: it can't act for user %s, only for its own", name);
    else if (status == UV_ENOENT)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "the guest has no user %s", name);
    else if (status < 0)
        snprintf(ret_problem, TEXT_REASON_MAX + 1, "looking up user %s: %s", name, status_text(status));
    else
        make_home_usable(ret);
    return status;
}

static bool be_who_is_logged_in(struct acting_user *ret)
{
    struct login_session *sessions = calloc(LOGIN_SESSIONS_MAX, sizeof(*sessions));
    if (sessions == NULL)
        return false;
    const struct login_session *chosen = login_sessions_choose(sessions, login_sessions_read(sessions));
    bool found = false;
    if (chosen != NULL) {
        char number[24];
        snprintf(number, sizeof(number), "%lu", (unsigned long)chosen->uid);
        found = fs_identity_of(number, &ret->identity, ret->home) == 0;
    }
    free(sessions);
    if (found)
        make_home_usable(ret);
    return found;
}

int acting_user_find(const char *asked, const char *configured, struct acting_user *ret,
                     char ret_problem[static TEXT_REASON_MAX + 1])
{
    memset(ret, 0, sizeof(*ret));
    if (asked[0] != '\0')
        return be_named(asked, ret, ret_problem);
    if (configured[0] != '\0')
        return be_named(configured, ret, ret_problem);
    if (geteuid() != 0 || !be_who_is_logged_in(ret))
        be_oneself(ret);
    return 0;
}
