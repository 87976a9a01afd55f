/* SPDX-License-Identifier: MIT */
/* Parses link specifications. Says what is wrong in words; opens nothing. */
#include "protocol/link/spec.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "protocol/base/status.h"

static const char *const KIND_NAMES[] = {
    [LINK_VSOCK] = "vsock", [LINK_HYBRID] = "hybrid", [LINK_UNIX] = "unix",   [LINK_SERIAL] = "serial",
    [LINK_TCP] = "tcp",     [LINK_EXEC] = "exec",     [LINK_STDIO] = "stdio",
};

#define HOST_NAME_SIZE_MAX 253 /* RFC 1035's 255 bytes, written with dots */
#define SUN_PATH_MAX       (sizeof(((struct sockaddr_un *)0)->sun_path) - 1)

const char *link_kind_name(enum link_kind kind)
{
    return KIND_NAMES[kind];
}

__attribute__((format(printf, 2, 3))) static int problem(char *ret_problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(ret_problem, TEXT_REASON_MAX + 1, format, arguments);
    va_end(arguments);
    return STATUS_INVALID;
}

/* Digits up to `max`, the whole of text[0..size). */
static bool parse_number(const char *text, size_t size, uint32_t max, uint32_t *ret)
{
    if (size == 0 || size > 10)
        return false;
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    if (value > max)
        return false;
    *ret = (uint32_t)value;
    return true;
}

/* "[:CONTROL[:EVENTS]]" with a leading separator, or nothing. */
static bool parse_ports(const char *text, char separator, struct link_spec *spec)
{
    spec->control_port = PORT_CONTROL_DEFAULT;
    spec->events_port = PORT_EVENTS_DEFAULT;
    if (*text == '\0')
        return true;
    if (*text != separator)
        return false;
    const char *control = text + 1;
    const char *second = strchr(control, separator);
    size_t size = second == NULL ? strlen(control) : (size_t)(second - control);
    if (!parse_number(control, size, UINT32_MAX - 1, &spec->control_port) || spec->control_port == 0)
        return false;
    if (second == NULL) {
        if (spec->control_port == UINT32_MAX - 1)
            return false;
        spec->events_port = spec->control_port + 1;
        return true;
    }
    return parse_number(second + 1, strlen(second + 1), UINT32_MAX - 1, &spec->events_port) &&
           spec->events_port != 0;
}

static int parse_vsock_dial(const char *rest, struct link_spec *spec, char *ret_problem)
{
    size_t size = strcspn(rest, ":");
    if (!parse_number(rest, size, UINT32_MAX - 1, &spec->cid) || !parse_ports(rest + size, ':', spec))
        return problem(ret_problem, "vsock link \"%s\": expected vsock:CID[:CONTROL[:EVENTS]]", rest);
    if (spec->cid == 0 || spec->cid == 2)
        return problem(
            ret_problem,
            "vsock CID %s names no guest: a guest's CID is 3 or more (1 is this machine's loopback)",
            spec->cid == 0 ? "0" : "2");
    return 0;
}

static int copy_path(const char *text, size_t size, size_t max, char *out, char *ret_problem)
{
    if (size == 0)
        return problem(ret_problem, "the link's path is empty%s", "");
    if (size > max) {
        char limit[32];
        snprintf(limit, sizeof(limit), "%zu", max);
        return problem(ret_problem, "the link's path is longer than %s bytes, the system's maximum for it",
                       limit);
    }
    memcpy(out, text, size);
    out[size] = '\0';
    return 0;
}

static int parse_unix(const char *rest, struct link_spec *spec, char *ret_problem)
{
    const char *comma = strchr(rest, ',');
    size_t size = comma == NULL ? strlen(rest) : (size_t)(comma - rest);
    int status = copy_path(rest, size, SUN_PATH_MAX, spec->path, ret_problem);
    if (status < 0 || comma == NULL)
        return status;
    return copy_path(comma + 1, strlen(comma + 1), SUN_PATH_MAX, spec->events_path, ret_problem);
}

static int parse_hybrid(const char *rest, struct link_spec *spec, char *ret_problem)
{
    size_t size = strcspn(rest, ",");
    if (!parse_ports(rest + size, ',', spec))
        return problem(ret_problem, "hybrid link \"%s\": expected hybrid:PATH[,CONTROL[,EVENTS]]", rest);
    return copy_path(rest, size, SUN_PATH_MAX, spec->path, ret_problem);
}

/* ---- tcp ---- */

static bool is_v6(const char *text, size_t size)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    const char *scope = memchr(text, '%', size);
    if (scope != NULL) { /* "%interface", which link-local addresses need */
        size_t scope_size = size - (size_t)(scope + 1 - text);
        if (scope_size == 0 || scope_size >= IF_NAMESIZE)
            return false;
        size = (size_t)(scope - text);
    }
    if (size >= sizeof(address))
        return false;
    memcpy(address, text, size);
    address[size] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1;
}

/* A name as resolvers take it, international ones in UTF-8 included, or an IPv4 address. */
static bool is_host_name(const char *text, size_t size)
{
    if (size == 0 || size > HOST_NAME_SIZE_MAX || text[0] == '-' || text[0] == '.')
        return false;
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!isalnum(c) && c != '.' && c != '-' && c != '_' && c < 0x80)
            return false;
    }
    return true;
}

/* "[:CONTROL[:EVENTS]]" */
static bool parse_tcp_ports(const char *text, struct link_spec *spec)
{
    spec->control_port = PORT_CONTROL_DEFAULT;
    if (*text != '\0') {
        size_t size = strcspn(text + 1, ":");
        if (!parse_number(text + 1, size, UINT16_MAX, &spec->control_port) || spec->control_port == 0)
            return false;
        text += 1 + size;
    }
    spec->events_port = spec->control_port;
    if (*text == '\0')
        return true;
    return parse_number(text + 1, strlen(text + 1), UINT16_MAX, &spec->events_port) && spec->events_port != 0;
}

/* The host without its brackets in spec->path; *ret_ports points behind it. */
static int parse_tcp_host(const char *rest, struct link_spec *spec, const char **ret_ports, char *ret_problem)
{
    bool bracket = rest[0] == '[';
    const char *host = bracket ? rest + 1 : rest;
    size_t size = strcspn(host, bracket ? "]" : ":");
    const char *ports = host + size + (bracket && host[size] == ']' ? 1 : 0);
    if (!bracket && is_v6(rest, strlen(rest)))
        return problem(ret_problem,
                       "tcp \"%.128s\": an IPv6 address stands in brackets, as in tcp:[::1]:5002", rest);
    if (bracket && (host[size] != ']' || !is_v6(host, size)))
        return problem(ret_problem, "tcp \"%.128s\": no IPv6 address stands in the brackets", rest);
    if (!bracket && size > 0 && !is_host_name(host, size))
        return problem(ret_problem, "tcp \"%.128s\": the host is neither a name nor an address", rest);
    if (size == 0 || (*ports != '\0' && *ports != ':'))
        return problem(ret_problem, "tcp \"%.128s\": expected %s", rest,
                       "tcp:HOST[:CONTROL[:EVENTS]], an IPv6 address in brackets");
    *ret_ports = ports;
    return copy_path(host, size, LINK_TEXT_MAX, spec->path, ret_problem);
}

static int parse_tcp(const char *rest, struct link_spec *spec, char *ret_problem)
{
    const char *ports;
    int status = parse_tcp_host(rest, spec, &ports, ret_problem);
    if (status == 0 && !parse_tcp_ports(ports, spec))
        return problem(ret_problem, "tcp \"%.128s\": a port must be 1 to 65535", rest);
    return status;
}

static int parse_tcp_listen(const char *rest, struct link_spec *spec, char *ret_problem)
{
    const char *ports = "";
    struct in_addr v4;
    struct link_spec parsed = *spec;
    int status = parse_tcp_host(rest, &parsed, &ports, ret_problem);
    bool numeric = status == 0 && (rest[0] == '[' || inet_pton(AF_INET, parsed.path, &v4) == 1);
    if (!numeric || *ports == '\0')
        return problem(ret_problem,
                       "tcp listener \"%.128s\": expected tcp:ADDR:PORT[:EVENTS] with a numeric address "
                       "(0.0.0.0 or [::] for all)",
                       rest);
    *spec = parsed;
    if (!parse_tcp_ports(ports, spec))
        return problem(ret_problem, "tcp listener \"%.128s\": a port must be 1 to 65535", rest);
    return 0;
}

static const char *after_prefix(const char *text, const char *prefix)
{
    size_t size = strlen(prefix);
    return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

int link_spec_parse_dial(const char *text, struct link_spec *ret,
                         char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct link_spec spec = {0};
    const char *rest;
    int status;
    if ((rest = after_prefix(text, "vsock:")) != NULL) {
        spec.kind = LINK_VSOCK;
        status = parse_vsock_dial(rest, &spec, ret_problem);
    } else if ((rest = after_prefix(text, "hybrid:")) != NULL) {
        spec.kind = LINK_HYBRID;
        status = parse_hybrid(rest, &spec, ret_problem);
    } else if ((rest = after_prefix(text, "unix:")) != NULL) {
        spec.kind = LINK_UNIX;
        status = parse_unix(rest, &spec, ret_problem);
    } else if ((rest = after_prefix(text, "serial:")) != NULL) {
        spec.kind = LINK_SERIAL;
        status = copy_path(rest, strlen(rest), LINK_TEXT_MAX, spec.path, ret_problem);
    } else if ((rest = after_prefix(text, "tcp:")) != NULL) {
        spec.kind = LINK_TCP;
        status = parse_tcp(rest, &spec, ret_problem);
    } else if ((rest = after_prefix(text, "exec:")) != NULL) {
        spec.kind = LINK_EXEC;
        status = copy_path(rest, strlen(rest), LINK_TEXT_MAX, spec.path, ret_problem);
    } else {
        return problem(ret_problem,
                       "\"%s\" is no link: expected vsock:CID, hybrid:PATH, unix:PATH[,PATH], serial:PATH, "
                       "tcp:HOST[:CONTROL[:EVENTS]] or exec:COMMAND",
                       text);
    }
    if (status == 0)
        *ret = spec;
    return status;
}

int link_spec_parse_listen(const char *text, struct link_spec *ret,
                           char ret_problem[static TEXT_REASON_MAX + 1])
{
    struct link_spec spec = {0};
    const char *rest;
    int status = 0;
    if ((rest = after_prefix(text, "vsock")) != NULL) {
        spec.kind = LINK_VSOCK;
        if (!parse_ports(rest, ':', &spec))
            status = problem(ret_problem, "listener \"%s\": expected vsock[:CONTROL[:EVENTS]]", text);
    } else if ((rest = after_prefix(text, "unix:")) != NULL) {
        spec.kind = LINK_UNIX;
        status = parse_unix(rest, &spec, ret_problem);
    } else if ((rest = after_prefix(text, "serial:")) != NULL) {
        spec.kind = LINK_SERIAL;
        status = copy_path(rest, strlen(rest), LINK_TEXT_MAX, spec.path, ret_problem);
    } else if ((rest = after_prefix(text, "tcp:")) != NULL) {
        spec.kind = LINK_TCP;
        status = parse_tcp_listen(rest, &spec, ret_problem);
    } else {
        status = problem(ret_problem,
                         "\"%s\" is no listener: expected vsock[:CONTROL[:EVENTS]], unix:PATH[,PATH], "
                         "serial:PATH or tcp:ADDR:PORT[:EVENTS]",
                         text);
    }
    if (status == 0)
        *ret = spec;
    return status;
}
