/* SPDX-License-Identifier: MIT */
/* cmocka with what it needs before it. */
#ifndef HOSPES_TESTING_H
#define HOSPES_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
