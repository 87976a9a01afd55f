/* SPDX-License-Identifier: MIT */
/* Writes the text to a file of its own and reads that. */
#include "tests/unit/bridge/config_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

int config_text_load(const char *text, struct bridge_config *ret, char ret_problem[static CONFIG_PROBLEM_MAX])
{
    char path[] = "/tmp/hospes-config-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    bridge_config_init(ret);
    ret_problem[0] = '\0';
    int status = bridge_config_load(ret, path, true, ret_problem);
    unlink(path);
    return status;
}
