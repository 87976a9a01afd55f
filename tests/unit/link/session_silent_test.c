/* SPDX-License-Identifier: MIT */
/* The one test that waits for HEARTBEAT_TIMEOUT_MS in real time: an agent that stays connected and answers
 * nothing any more. */
#include "protocol/base/status.h"
#include "tests/unit/link/session_fixture.h"

static void an_agent_that_stops_answering_is_silent_and_dialled_again(void **state)
{
    start_agent(true);
    start_unix_session(true);
    RUN_AGENT_UNTIL(told.events == 1 && session_rtt_us(told.session) > 0);
    agent.deaf = true;
    uint64_t started = uv_hrtime();
    RUN_UNTIL_WITHIN(HEARTBEAT_TIMEOUT_MS + 3000, fake_agent_step(&agent) && told.downs == 1);
    uint64_t waited_ms = (uv_hrtime() - started) / 1000000;
    assert_in_range(waited_ms, HEARTBEAT_TIMEOUT_MS - 500, HEARTBEAT_TIMEOUT_MS + 1000);
    assert_int_equal(told.status, STATUS_SILENT);
    assert_true(agent.pings >= 3);
    agent.deaf = false;
    agent.resumes = true;
    RUN_AGENT_UNTIL(told.ups == 2);
    assert_true(told.resumed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_agent_that_stops_answering_is_silent_and_dialled_again,
                                        session_fixture_setup, session_fixture_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
