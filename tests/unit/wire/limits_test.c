/* SPDX-License-Identifier: MIT */
/* The limits table and the status numbers of docs/protocol.md are those of the code. */
#include "protocol/base/status.h"
#include "protocol/wire/limits.h"
#include "protocol/wire/wire_status.h"
#include "tests/unit/base/testing.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT(name)                                                                                          \
    {                                                                                                        \
#name, name                                                                                          \
    }

static const struct {
    const char *name;
    long value;
} LIMITS[] = {
    LIMIT(PROTOCOL_VERSION),
    LIMIT(PROTOCOL_VERSION_MIN),
    LIMIT(PORT_CONTROL_DEFAULT),
    LIMIT(PORT_EVENTS_DEFAULT),
    LIMIT(FRAME_HEADER_SIZE),
    LIMIT(FRAME_MESSAGE_MAX),
    LIMIT(FRAME_DATA_MAX),
    LIMIT(FRAME_DATAGRAM_MAX),
    LIMIT(FRAME_RST_MAX),
    LIMIT(FRAME_MUX_PAYLOAD_MAX),
    LIMIT(MSGPACK_DEPTH_MAX),
    LIMIT(MSGPACK_OBJECTS_MAX),
    LIMIT(TEXT_NAME_MAX),
    LIMIT(TEXT_COMMAND_MAX),
    LIMIT(TEXT_UNIT_MAX),
    LIMIT(TEXT_CONTAINER_MAX),
    LIMIT(TEXT_REASON_MAX),
    LIMIT(CAPABILITIES_MAX),
    LIMIT(SESSION_ID_SIZE),
    LIMIT(MUX_CHANNELS_MAX),
    LIMIT(MUX_WINDOW),
    LIMIT(MUX_MESSAGE_MAX),
    LIMIT(MUX_QUEUE_MAX),
    LIMIT(STREAM_QUEUE_MAX),
    LIMIT(AGENT_CONNECTIONS_MAX),
    LIMIT(AGENT_SESSIONS_MAX),
    LIMIT(PENDING_HELLO_MAX),
    LIMIT(REQUESTS_MAX),
    LIMIT(DIAL_ADDRESSES_MAX),
    LIMIT(PORTS_MAX),
    LIMIT(PORTS_A_MESSAGE_MAX),
    LIMIT(HEALTH_DISKS_MAX),
    LIMIT(HEALTH_ADDRESSES_MAX),
    LIMIT(HEALTH_USERS_MAX),
    LIMIT(FILES_PATHS_MAX),
    LIMIT(FILES_PATH_MAX),
    LIMIT(FILES_NAME_MAX),
    LIMIT(FILES_LINK_MAX),
    LIMIT(FILES_ENTRIES_A_MESSAGE_MAX),
    LIMIT(FILES_FAILURES_A_MESSAGE_MAX),
    LIMIT(FILES_CHUNK_SIZE),
    LIMIT(FILES_WINDOW),
    LIMIT(FILES_DEPTH_MAX),
    LIMIT(FILES_CHECK_SIZE),
    LIMIT(FILES_DIGEST_SIZE),
    LIMIT(FILES_DIGESTS_BYTES_MAX),
    LIMIT(FILES_ATTRIBUTE_MAX),
    LIMIT(FILES_CHANGES_A_MESSAGE_MAX),
    LIMIT(FILES_OPERATIONS_MAX),
    LIMIT(OFFERS_MAX),
    LIMIT(OFFERS_A_MESSAGE_MAX),
    LIMIT(OFFERS_GONE_A_MESSAGE_MAX),
    LIMIT(EVENT_RING_COUNT_MAX),
    LIMIT(EVENT_RING_BYTES_MAX),
    LIMIT(HELLO_TIMEOUT_MS),
    LIMIT(GREETING_TIMEOUT_MS),
    LIMIT(SYNC_INTERVAL_MS),
    LIMIT(HEARTBEAT_INTERVAL_MS),
    LIMIT(HEARTBEAT_TIMEOUT_MS),
    LIMIT(HEARTBEAT_CHECK_TIMEOUT_MS),
    LIMIT(HEARTBEAT_WATCHDOG_MS),
    LIMIT(REDIAL_MIN_MS),
    LIMIT(REDIAL_MAX_MS),
    LIMIT(REQUEST_TIMEOUT_MS),
    LIMIT(CHANNEL_OPEN_TIMEOUT_MS),
    LIMIT(UDP_FLOW_IDLE_MS),
    LIMIT(AUTH_MESSAGE_MAX),
    LIMIT(PROOF_SIZE),
    LIMIT(CONNECTION_WINDOW),
    LIMIT(RECORD_PLAIN_MAX),
    LIMIT(RECORDS_A_KEY),
    LIMIT(PAIRINGS_MAX),
    LIMIT(PAIRING_ATTEMPTS_MAX),
    LIMIT(PAIRING_TIMEOUT_MS),
    LIMIT(PAIRING_WINDOW_MS),
    LIMIT(REDIAL_UNTRUSTED_MS),
};

#define LIMIT_COUNT (sizeof(LIMITS) / sizeof(LIMITS[0]))

static FILE *open_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot read %s", path);
    return file;
}

static void the_page_has_the_codes_limits_and_no_other(void **state)
{
    FILE *file = open_text(PROTOCOL_MD);
    char line[1024], name[64];
    long value;
    bool in_table = false;
    size_t found = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "| limit | value |", 17) == 0)
            in_table = true;
        if (!in_table || sscanf(line, "| %63[A-Z_] | %ld |", name, &value) != 2)
            continue;
        size_t i = 0;
        while (i < LIMIT_COUNT && strcmp(LIMITS[i].name, name) != 0)
            i++;
        if (i == LIMIT_COUNT)
            fail_msg("the page's %s is no limit of the code", name);
        if (LIMITS[i].value != value)
            fail_msg("%s is %ld in the page and %ld in the code", name, value, LIMITS[i].value);
        found++;
    }
    fclose(file);
    assert_int_equal(found, LIMIT_COUNT);
}

/* So that a new limit can't be forgotten here. */
static void every_define_of_limits_h_is_compared(void **state)
{
    FILE *file = open_text(LIMITS_H);
    char line[1024], name[64];
    size_t found = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "#define %63[A-Z_]", name) != 1 || strcmp(name, "HOSPES_LIMITS_H") == 0)
            continue;
        size_t i = 0;
        while (i < LIMIT_COUNT && strcmp(LIMITS[i].name, name) != 0)
            i++;
        if (i == LIMIT_COUNT)
            fail_msg("%s is missing in this test and in docs/protocol.md", name);
        found++;
    }
    fclose(file);
    assert_int_equal(found, LIMIT_COUNT);
}

/* "| number | name | | number | name |" */
static size_t check_numbers(const char *line)
{
    size_t checked = 0;
    const char *at = line;
    int number, used;
    char name[64];
    while ((at = strstr(at, "| -1")) != NULL &&
           sscanf(at, "| %d | %63[A-Z_] |%n", &number, name, &used) == 2) {
        assert_string_equal(status_name(wire_status_decode(number)), name);
        assert_int_equal(wire_status_encode(wire_status_decode(number)), number);
        at += used - 1;
        checked++;
    }
    return checked;
}

static void the_page_has_the_codes_status_numbers(void **state)
{
    FILE *file = open_text(PROTOCOL_MD);
    char line[1024];
    size_t checked = 0;
    while (fgets(line, sizeof(line), file) != NULL)
        checked += check_numbers(line);
    fclose(file);
    assert_int_equal(checked, 29 + 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_the_codes_limits_and_no_other),
        cmocka_unit_test(every_define_of_limits_h_is_compared),
        cmocka_unit_test(the_page_has_the_codes_status_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
