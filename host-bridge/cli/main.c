/* SPDX-License-Identifier: MIT */
/* The program `hospes`. All of it is in the library beside, so that tests can run it. */
#include <curl/curl.h>
#include <stdio.h>

#include "host-bridge/cli/cli.h"
#include "host-bridge/cli/escape.h"
#include "host-bridge/cli/interrupt.h"

int main(int argc, char **argv)
{
    escape_init_locale();
    interrupt_install();
    curl_global_init(CURL_GLOBAL_DEFAULT);
    int status = cli_run(argc, argv, stdout, stderr);
    curl_global_cleanup();
    if (status == CLI_INTERRUPTED)
        interrupt_end_process();
    return status;
}
