/* SPDX-License-Identifier: MIT */
/* Names and texts of our codes; libuv's own for the rest. */
#include "protocol/base/status.h"

#include <stdio.h>
#include <uv.h>

struct status_entry {
    int status;
    const char *name;
    const char *text;
};

static const struct status_entry ENTRIES[] = {
    {STATUS_OK, "OK", "success"},
    {STATUS_MALFORMED, "MALFORMED", "the other side sent bytes that the protocol does not allow"},
    {STATUS_TOO_LARGE, "TOO_LARGE", "a length or count is above the protocol's maximum"},
    {STATUS_VERSION, "VERSION", "no protocol version in common; update the older side"},
    {STATUS_UNKNOWN_SESSION, "UNKNOWN_SESSION", "the session it belongs to is not there"},
    {STATUS_NOT_ALLOWED, "NOT_ALLOWED", "refused by policy or configuration"},
    {STATUS_NOT_SUPPORTED, "NOT_SUPPORTED", "the other side does not support this"},
    {STATUS_LIMIT, "LIMIT", "a limit is reached (connections, descriptors or requests)"},
    {STATUS_SILENT, "SILENT", "no heartbeat was answered in time"},
    {STATUS_NO_GREETING, "NO_GREETING", "connected, but nothing answered in time"},
    {STATUS_GREETING_REFUSED, "GREETING_REFUSED",
     "the VM manager closed the connection before OK: no agent listens there yet"},
    {STATUS_NO_SUCH_VM, "NO_SUCH_VM", "no running VM has this CID"},
    {STATUS_DRIVER_DOWN, "DRIVER_DOWN", "the VM runs, but its vsock driver does not answer yet"},
    {STATUS_NO_AGENT, "NO_AGENT", "the guest is up, but no agent listens there"},
    {STATUS_NEEDS_AUTHENTICATION, "NEEDS_AUTHENTICATION",
     "the connection did not prove that it belongs to an authenticated session"},
    {STATUS_UNEXPECTED, "UNEXPECTED", "a message came at a moment where it is not allowed"},
    {STATUS_GONE, "GONE", "ended by its owner"},
    {STATUS_CONFLICT, "CONFLICT", "exists already"},
    {STATUS_NOT_FOUND, "NOT_FOUND", "no such thing"},
    {STATUS_INVALID, "INVALID", "a value is outside what is allowed"},
    {STATUS_NOT_CONNECTED, "NOT_CONNECTED", "the guest is not connected"},
    {STATUS_COMMAND_ENDED, "COMMAND_ENDED", "the link's command ended"},
    {STATUS_NOT_PAIRED, "NOT_PAIRED", "the guest knows other hosts, and this one is none of them"},
    {STATUS_KEY_CHANGED, "KEY_CHANGED", "the guest's key is not the one it had when it was paired"},
    {STATUS_AUTHENTICATION_FAILED, "AUTHENTICATION_FAILED", "the other side could not prove who it is"},
    {STATUS_OTHER_KEY, "OTHER_KEY", "the handshake was made for another key"},
    {STATUS_CODE_NEEDED, "CODE_NEEDED", "this link pairs only by comparing a code"},
    {STATUS_DECLINED, "DECLINED", "the pairing was declined or not confirmed in time"},
    {STATUS_QUOTA, "QUOTA", "the user's disk quota is used up"},
    {STATUS_CHANGED, "CHANGED",
     "the file kept changing while it was read; try again when nothing writes to it"},
    /* libuv's, in words that help more */
    {UV_EAI_NONAME, "EAI_NONAME", "no machine of this name is known"},
    {UV_EAI_NODATA, "EAI_NODATA", "the name has no address"},
    {UV_EAI_AGAIN, "EAI_AGAIN", "no name server answers"},
    {UV_EAI_FAIL, "EAI_FAIL", "the name server could not look the name up"},
};

static const struct status_entry *find(int status)
{
    for (size_t i = 0; i < sizeof(ENTRIES) / sizeof(ENTRIES[0]); i++) {
        if (ENTRIES[i].status == status)
            return &ENTRIES[i];
    }
    return NULL;
}

const char *status_text(int status)
{
    static _Thread_local char text[96];
    const struct status_entry *entry = find(status);
    if (entry != NULL)
        return entry->text;
    return uv_strerror_r(status, text, sizeof(text));
}

const char *status_name(int status)
{
    static _Thread_local char name[48];
    const struct status_entry *entry = find(status);
    if (entry != NULL)
        return entry->name;
    return uv_err_name_r(status, name, sizeof(name));
}
