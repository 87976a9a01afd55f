#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# kill -9 of either daemon, at any moment, ends in `connected` with what is true by then.
source "$(dirname "$0")/harness.sh"
start_bridge
start_guest g1
serve g1 8080
serve g1 8081
cli forward g1 9000:9100
equal "$(host_port_of g1 8080)" 8080 'before'
equal "$(host_port_of g1 8081)" 8081 'before'

kill_hard agent-g1
eventually 'the loss is noticed' is_not_connected g1
matches "$(vm_error g1)" '.+' 'the reason why'
kill_hard http-g1-8081
serve g1 8082
start_agent g1
eventually 'connected again' is_connected g1
eventually 'what opened meanwhile is there' fetches 8082 'g1 says hello'
eventually 'what stayed is there' fetches 8080 'g1 says hello'
eventually 'what closed meanwhile is gone' is_refused 8081

kill_hard bridge
start_bridge
eventually 'connected again' is_connected g1
eventually 'the same forward' fetches 8080 'g1 says hello'
eventually 'the static one too' forward_is_active g1 9000
equal "$(host_port_of g1 9000)" 9100 'its port'

for _ in {1..5}; do
    kill_hard agent-g1
    start_agent g1
    eventually 'connected again' is_connected g1
done
eventually 'the forward still works' fetches 8080 'g1 says hello'

# An orderly end of the agent is no different.
stop agent-g1
eventually 'the loss is noticed' is_not_connected g1
start_agent g1
eventually 'connected again' is_connected g1
eventually 'the forward works again' fetches 8080 'g1 says hello'
