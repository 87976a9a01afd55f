/* SPDX-License-Identifier: MIT */
/* The classes of request that the owner of either side can switch off. Pure. */
#ifndef HOSPES_REQUEST_CLASS_H
#define HOSPES_REQUEST_CLASS_H

#include <stdbool.h>
#include <stdint.h>

enum request_class {
    CLASS_PORTS = 1, /* see listeners, connect to them */
    CLASS_FILES,
    CLASS_CLIPBOARD,
    CLASS_EXEC,
    CLASS_ADMIN,   /* power, time, configuration, pairing */
    CLASS_OPEN,    /* URLs and files opened on the other side */
    CLASS_APPS,    /* desktop applications: windows, notifications */
    CLASS_OBSERVE, /* health, state, events, metrics */
};
#define REQUEST_CLASS_COUNT 8

/* As in configuration files: "ports", "files" …. "?" for a number that is no class. */
const char *request_class_name(enum request_class request);
/* False: no such name; *ret untouched. */
bool request_class_parse(const char *text, enum request_class *ret);

struct request_classes {
    uint32_t bits;
};
struct request_classes request_classes_all(void);
bool request_classes_has(struct request_classes classes, enum request_class request);
void request_classes_set(struct request_classes *classes, enum request_class request, bool on);

#endif
