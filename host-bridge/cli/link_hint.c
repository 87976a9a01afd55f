/* SPDX-License-Identifier: MIT */
/* Advice about link specifications. protocol/link parses them for real, in the bridge. */
#include "host-bridge/cli/link_hint.h"

#include <stddef.h>
#include <string.h>

#include "host-bridge/cli/quantity.h"

bool link_hint_is(const char *spec, const char *kind)
{
    size_t size = strlen(kind);
    return strncmp(spec, kind, size) == 0 && spec[size] == ':';
}

static const char *vsock_problem(const char *rest)
{
    char number[16];
    size_t size = strcspn(rest, ":");
    uint64_t cid = 0;
    if (size == 0 || size >= sizeof(number))
        return "vsock: needs the guest's CID, as in vsock:3";
    memcpy(number, rest, size);
    number[size] = '\0';
    if (!quantity_parse_u64(number, &cid))
        return "vsock: needs the guest's CID as a number, as in vsock:3";
    if (cid == 2 || cid == 0)
        return "CID 2 is this host and CID 0 the hypervisor; guests have 3 and above (vsock:3)";
    if (cid > 0xfffffffe)
        return "a CID is at most 4294967294";
    return NULL;
}

const char *link_hint_problem(const char *spec)
{
    static const char *const KINDS[] = {"vsock", "hybrid", "unix", "serial", "exec", "tcp"};
    const char *rest = strchr(spec, ':');
    bool known = false;
    for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++)
        known = known || link_hint_is(spec, KINDS[i]);
    if (spec[0] == '/')
        return "a path needs the kind of link before it: hybrid:, unix: or serial:";
    if (!known)
        return "a link starts with vsock:, hybrid:, unix:, serial:, exec: or tcp:";
    if (rest[1] == '\0')
        return "the link says nothing behind its colon";
    if (link_hint_is(spec, "vsock"))
        return vsock_problem(rest + 1);
    if ((link_hint_is(spec, "hybrid") || link_hint_is(spec, "unix") || link_hint_is(spec, "serial")) &&
        rest[1] != '/')
        return "give the path from the root on: the bridge has another working folder";
    return NULL;
}

const char *const *link_hint_next_steps(const char *spec)
{
    static const char *const VSOCK[] = {
        "In the guest: install the hospes-agent package and start it (systemctl enable --now hospes-agent).",
        "The VM needs a vsock device with this CID; hospes doctor shows how each VM manager is told.", NULL};
    static const char *const SOCKET[] = {
        "In the guest: install the hospes-agent package and start it (systemctl enable --now hospes-agent).",
        "The VM needs a vsock device behind this socket; hospes doctor shows how each VM manager is told.",
        NULL};
    static const char *const SERIAL[] = {
        "In the guest: install the hospes-agent package and start it (systemctl enable --now hospes-agent);",
        "it uses /dev/virtio-ports/org.hospes.0 by itself. Another device: hospes-agent --listen "
        "serial:/dev/…",
        "The VM needs a virtserialport named org.hospes.0; hospes doctor shows how.", NULL};
    static const char *const EXEC[] = {
        "The command must run \"hospes-agent --stdio\" in the guest; the agent's program must be there.",
        NULL};
    static const char *const TCP[] = {
        "In the guest: hospes-agent must listen there (--listen tcp:ADDR:PORT), then: sudo hospes-agent pair",
        "Here: hospes pair with the guest's name, and compare the code of both.", NULL};
    if (link_hint_is(spec, "serial"))
        return SERIAL;
    if (link_hint_is(spec, "exec"))
        return EXEC;
    if (link_hint_is(spec, "hybrid") || link_hint_is(spec, "unix"))
        return SOCKET;
    return link_hint_is(spec, "tcp") ? TCP : VSOCK;
}
