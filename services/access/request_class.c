/* SPDX-License-Identifier: MIT */
/* Names and bits of the classes of request. What is refused, and where, is each program's. */
#include "services/access/request_class.h"

#include <assert.h>
#include <string.h>

static const char *const NAMES[] = {"ports", "files", "clipboard", "exec",
                                    "admin", "open",  "apps",      "observe"};
static_assert(sizeof(NAMES) / sizeof(NAMES[0]) == REQUEST_CLASS_COUNT, "each class has a name");
static_assert(CLASS_OBSERVE == REQUEST_CLASS_COUNT, "classes are numbered from 1 without gaps");

static uint32_t bit_of(enum request_class request)
{
    assert(request >= 1 && request <= REQUEST_CLASS_COUNT);
    return UINT32_C(1) << (request - 1);
}

const char *request_class_name(enum request_class request)
{
    return request >= 1 && request <= REQUEST_CLASS_COUNT ? NAMES[request - 1] : "?";
}

bool request_class_parse(const char *text, enum request_class *ret)
{
    for (int i = 0; i < REQUEST_CLASS_COUNT; i++) {
        if (strcmp(text, NAMES[i]) == 0) {
            *ret = (enum request_class)(i + 1);
            return true;
        }
    }
    return false;
}

struct request_classes request_classes_all(void)
{
    return (struct request_classes){.bits = (UINT32_C(1) << REQUEST_CLASS_COUNT) - 1};
}

bool request_classes_has(struct request_classes classes, enum request_class request)
{
    return (classes.bits & bit_of(request)) != 0;
}

void request_classes_set(struct request_classes *classes, enum request_class request, bool on)
{
    if (on)
        classes->bits |= bit_of(request);
    else
        classes->bits &= ~bit_of(request);
}
